"""One small HTML page: legible on any phone, by day and night, without scripts and without anything loaded.

Owns the frame, its style and the headers that hold a browser to it. Knows no page's text.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Final

from aiohttp import web

from gateway.web.pages.languages import LANGUAGES, Words, choose_language, load_words

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""What every answer of this application says to a browser."""


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is ready to be put on a page; plain text becomes one by `text_of`."""

    markup: str

    def __add__(self, other: "Html") -> "Html":
        return Html(self.markup + other.markup)


def text_of(text: str) -> Html:
    return Html(escape(text))


def paragraph(text: str, *, kind: str = "") -> Html:
    """`kind`: `hint` for what matters less, `notice` for what just happened."""
    return Html(f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>")


def button_form(label: str, *, path: str, fields: Mapping[str, str], is_quiet: bool = False) -> Html:
    """One button that posts `fields` to `path`."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    kind = ' class="quiet"' if is_quiet else ""
    return Html(
        f'<form method="post" action="{escape(path)}">{hidden}'
        f'<button type="submit"{kind}>{escape(label)}</button></form>'
    )


class Pages:
    """Renders pages in the visitor's language, which `?lang=` overrides."""

    def __init__(self) -> None:
        self._words = load_words()
        self._style = (files("gateway.web.pages") / "page.css").read_text("utf-8")
        style_hash = b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._headers = {
            **HEADERS,
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{style_hash}'; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
        }

    def words_for(self, request: web.Request) -> Words:
        header = request.headers.get("Accept-Language", "")
        return self._words[choose_language(header, request.query.get("lang"))]

    def answer(
        self,
        request: web.Request,
        words: Words,
        *,
        title: str,
        body: Html,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        """The page as an answer. Its switch leads to the same path in another language, by GET."""
        document = (
            f'<!DOCTYPE html><html lang="{words.language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(title)}</title><style>{self._style}</style></head>"
            f"<body><main><h1>{escape(title)}</h1>{body.markup}</main>"
            f"{_render_switch(words, request.path)}</body></html>"
        )
        return web.Response(
            text=document,
            status=status,
            content_type="text/html",
            charset="utf-8",
            headers={**self._headers, "Content-Language": words.language, **(headers or {})},
        )

    def refuse(
        self, request: web.Request, section: str, *, status: int, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        """A page of one title and one sentence: `title` and `body` of a section of the catalogue."""
        words = self.words_for(request)
        body = paragraph(words.say(f"{section}.body"))
        return self.answer(
            request, words, title=words.say(f"{section}.title"), body=body, status=status, headers=headers
        )


def _render_switch(words: Words, path: str) -> str:
    entries = [
        f'<span aria-current="true">{name}</span>'
        if code == words.language
        else f'<a href="{escape(path)}?lang={code}" lang="{code}" hreflang="{code}" rel="nofollow">{name}</a>'
        for code, name in LANGUAGES.items()
    ]
    return f'<nav aria-label="{escape(words.say("frame.languages"))}">{"".join(entries)}</nav>'
