"""The frame of public pages: languages, limits, visitors' addresses, and what every answer says."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from gateway.store.errors import StoreUnavailable
from gateway.web.pages.app import PagesDeps, make_pages_app
from gateway.web.pages.languages import LANGUAGES, choose_language, load_words
from gateway.web.pages.limits import MissLimiter
from gateway.web.pages.rendering import Pages, button_form, paragraph
from gateway.web.pages.visitors import Visitors


def test_every_language_has_the_same_texts_with_the_same_values() -> None:
    words = load_words()
    english = words["en"].texts
    fields = {key: sorted(re.findall(r"{(\w*)}", text)) for key, text in english.items()}
    for language, catalogue in words.items():
        found = {key: sorted(re.findall(r"{(\w*)}", text)) for key, text in catalogue.texts.items()}
        assert found == fields, language
        assert all(text.strip() for text in catalogue.texts.values()), language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "fr"),
        ("de-DE,de;q=0.9,it;q=0.5,en;q=0.4", "it"),
        ("de", "en"),
        ("en;q=0.2, RO ; q=0.9", "ro"),
        ("fr;q=0, it;q=0.1", "it"),
        ("*", "en"),
        (";;;q=;,,=" * 500, "en"),
        ("wo-SN, fr-SN;q=0.8", "fr"),
    ],
)
def test_the_most_wanted_language_that_we_have_is_chosen(header: str, language: str) -> None:
    assert choose_language(header) == language
    assert choose_language(header, "ro") == "ro"
    assert choose_language(header, "xx") == language


class _Tags(HTMLParser):
    """Tags that are open, to see that a page closes what it opens."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_loads_nothing_and_escapes_what_it_shows() -> None:
    request = make_mocked_request("GET", "/x?lang=it", headers={"Accept-Language": "fr"})
    pages = Pages()
    words = pages.words_for(request)
    body = paragraph("<b>&") + button_form("Vai", path="/x?lang=it", fields={"a": '"><script>'})
    answer = pages.answer(request, words, title="<script>alert(1)</script>", body=body)
    assert answer.text is not None
    tags = _Tags()
    tags.feed(answer.text)
    assert tags.open == []
    names = {name for name, _ in tags.seen}
    assert not names & {"script", "img", "link", "iframe", "svg"}
    assert not [attributes for _, attributes in tags.seen if "src" in attributes or "style" in attributes]
    assert answer.headers["Content-Language"] == "it"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    switch = [a["href"] for name, a in tags.seen if name == "a"]
    assert switch == [f"/x?lang={code}" for code in LANGUAGES if code != "it"]


@pytest.mark.parametrize(
    ("remote", "forwarded", "address", "kept"),
    [
        ("198.51.100.7", None, "198.51.100.7", "198.51.100.0"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7", "198.51.100.0"),  # no proxy of ours: not believed
        ("10.0.0.1", "203.0.113.9", "203.0.113.9", "203.0.113.0"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9", "203.0.113.0"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9", "203.0.113.0"),
        ("10.0.0.1", "[2001:db8:1:2::3]:80", "2001:db8:1:2::3", "2001:db8:1::"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9", "203.0.113.0"),
        ("10.0.0.1", "unknown", "10.0.0.1", "10.0.0.0"),
        ("10.0.0.1", "<script>", "10.0.0.1", "10.0.0.0"),
        ("", None, "", None),
        ("10.0.0.1", "203.0.113.256", "10.0.0.1", "10.0.0.0"),
        ("2001:db8:1:2::3", None, "2001:db8:1:2::3", "2001:db8:1::"),
    ],
)
def test_an_address_is_believed_from_our_proxies_only_and_kept_in_part(
    remote: str, forwarded: str | None, address: str, kept: str | None
) -> None:
    visitors = Visitors()
    visitors.configure([ip_network("10.0.0.0/8")], keep_whole=False)
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    visitor = visitors.look_at(request.clone(remote=remote))
    assert visitor.address == address
    assert visitors.keep(visitor) == kept


def test_the_whole_address_is_kept_only_where_that_is_asked_for() -> None:
    request = make_mocked_request("GET", "/").clone(remote="198.51.100.7")
    visitors = Visitors()
    visitors.configure([], keep_whole=True)
    assert visitors.keep(visitors.look_at(request)) == "198.51.100.7"


def test_who_misses_too_often_waits_until_the_window_ends() -> None:
    now = [100.0]
    limiter = MissLimiter(allowed=3, window_seconds=60, monotonic=lambda: now[0])
    for _ in range(3):
        assert limiter.refuses("198.51.100.0/24") == 0
        limiter.note_miss("198.51.100.0/24")
    assert limiter.refuses("198.51.100.0/24") == 61
    assert limiter.refuses("203.0.113.0/24") == 0
    now[0] += 59.5
    assert limiter.refuses("198.51.100.0/24") == 1
    now[0] += 1
    assert limiter.refuses("198.51.100.0/24") == 0
    limiter.note_miss("198.51.100.0/24")
    assert limiter.refuses("198.51.100.0/24") == 0
    assert limiter.refused == 2


def test_the_table_of_misses_stays_small() -> None:
    limiter = MissLimiter(allowed=1, window_seconds=60, monotonic=lambda: 0.0)
    for number in range(10_050):
        limiter.note_miss(f"group {number}")
    assert limiter.refuses("group 10") == 0
    assert limiter.refuses("group 10049") == 61


async def test_what_goes_wrong_is_a_page_in_the_visitors_language() -> None:
    async def away(request: web.Request) -> web.Response:
        raise StoreUnavailable("gone")

    async def broken(request: web.Request) -> web.Response:
        raise ZeroDivisionError

    app = make_pages_app(PagesDeps(Pages(), [web.get("/away", away), web.get("/broken", broken)]))
    async with TestClient(TestServer(app)) as client:
        for method, path, status, title in (
            ("GET", "/away", 503, "Un momento"),
            ("GET", "/broken", 500, "Non ha funzionato"),
            ("GET", "/nowhere/at/all", 404, "Questo indirizzo"),
            ("POST", "/away", 405, "Non ha funzionato"),
            ("GET", "/%00", 404, "Questo indirizzo"),
        ):
            async with client.request(method, path, headers={"Accept-Language": "it"}) as answer:
                assert answer.status == status
                text = await answer.text()
                assert title in text
                assert "Traceback" not in text
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with client.get("/robots.txt") as answer:
            assert await answer.text() == "User-agent: *\nDisallow: /\n"


def _luminance(colour: str) -> float:
    full = colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])
    parts = [int(full[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_by_day_and_by_night() -> None:
    style = (files("gateway.web.pages") / "page.css").read_text("utf-8")
    schemes = [
        dict(re.findall(r"--([\w-]+):(#\w+)", block)) for block in re.findall(r":root{([^}]*)}", style)
    ]
    assert len(schemes) == 2
    for colours in schemes:
        assert _contrast(colours["text"], colours["ground"]) > 14
        assert _contrast(colours["hint"], colours["ground"]) > 7
        assert _contrast(colours["on-act"], colours["act"]) > 7
        assert _contrast(colours["act"], colours["ground"]) > 7
