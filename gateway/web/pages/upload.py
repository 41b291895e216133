"""The one-time upload page: one file for one shop, from a phone or a desk that has no way to the console.

Owns the page and the reading of its form. The token in the address is the permission: it is good once, for a
quarter of an hour. What the file holds is looked at elsewhere, and shown only to who made the page.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import structlog
from aiohttp import BodyPartReader, web

from gateway.audience.importing.errors import ImportRefused
from gateway.audience.importing.service import Imports
from gateway.web.pages.limits import MissLimiter
from gateway.web.pages.rendering import Html, Pages, paragraph, text_of
from gateway.web.pages.visitors import Visitors

log = structlog.get_logger("web")

_PATH: Final = r"/upload/{token:[0-9A-Za-z_-]{24}}"
_FIELD: Final = "file"
_CHUNK_OCTETS: Final = 262_144
_SILENCE_SECONDS: Final = 30.0
_FORM_OCTETS: Final = 65_536
"""What a form adds around its file, generously."""
_KINDS: Final = ".csv,.txt,.tsv,.xlsx,.xls,.ods,text/csv"


class UploadPageHandlers:
    """Shows the form and takes the file."""

    def __init__(self, pages: Pages, visitors: Visitors, limiter: MissLimiter, imports: Imports) -> None:
        self._pages = pages
        self._visitors = visitors
        self._limiter = limiter
        self._imports = imports

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_PATH, self.show), web.post(_PATH, self.take)]

    async def show(self, request: web.Request) -> web.Response:
        found = await self._imports.find_ticket(request.match_info["token"])
        return self._miss(request) if found is None else self._ask(request, found[1].name)

    async def take(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        found = await self._imports.find_ticket(token)
        if found is None:
            return self._miss(request)
        if (request.content_length or 0) > self._imports.config.max_file_octets + _FORM_OCTETS:
            return self._ask(request, found[1].name, fault="upload.too_large", status=413)
        part = await _find_file(request)
        if part is None:
            return self._ask(request, found[1].name, fault="upload.no_file", status=400)
        try:
            job = await self._imports.upload_by_ticket(token, part.filename or "", _read_part(part))
        except TimeoutError:
            return self._ask(request, found[1].name, fault="upload.stalled", status=408)
        except ImportRefused as refusal:
            detail = text_of(refusal.detail)
            return self._ask(request, found[1].name, fault="upload.refused", detail=detail, status=422)
        if job is None:
            return self._miss(request)
        words = self._pages.words_for(request)
        body = paragraph(words.say("upload.done_body", file=job.file_name, shop=found[1].name))
        return self._pages.answer(request, words, title=words.say("upload.done_title"), body=body)

    def _miss(self, request: web.Request) -> web.Response:
        """An unknown, used or expired token; who guesses many is made to wait."""
        group = self._visitors.look_at(request).group
        wait_seconds = self._limiter.refuses(group)
        if wait_seconds:
            headers = {"Retry-After": str(wait_seconds)}
            return self._pages.refuse(request, "too_many", status=429, headers=headers)
        self._limiter.note_miss(group)
        return self._pages.refuse(request, "upload_gone", status=404)

    def _ask(
        self,
        request: web.Request,
        shop: str,
        *,
        fault: str | None = None,
        detail: Html | None = None,
        status: int = 200,
    ) -> web.Response:
        words = self._pages.words_for(request)
        notice = Html("") if fault is None else paragraph(words.say(fault), kind="notice")
        if detail is not None:
            notice += Html(f'<p class="hint" lang="en">{detail.markup}</p>')
        label, button = text_of(words.say("upload.choose")), text_of(words.say("upload.send"))
        form = Html(
            f'<form method="post" enctype="multipart/form-data">'
            f'<p><label for="{_FIELD}">{label.markup}</label></p>'
            f'<p><input type="file" id="{_FIELD}" name="{_FIELD}" accept="{_KINDS}" required></p>'
            f'<button type="submit">{button.markup}</button></form>'
        )
        body = notice + paragraph(words.say("upload.ask_body", shop=shop)) + form
        body += paragraph(words.say("upload.hint"), kind="hint")
        title = words.say("upload.ask_title", shop=shop)
        return self._pages.answer(request, words, title=title, body=body, status=status)


async def _find_file(request: web.Request) -> BodyPartReader | None:
    """The part of the form that is the file; None when there is none, or no form at all."""
    if not request.content_type.startswith("multipart/"):
        return None
    try:
        async with asyncio.timeout(_SILENCE_SECONDS):
            reader = await request.multipart()
            for _ in range(4):
                part = await reader.next()
                if part is None:
                    return None
                if isinstance(part, BodyPartReader) and part.name == _FIELD and part.filename:
                    return part
    except (ValueError, TimeoutError) as exc:
        log.info("upload.not_understood", fault=type(exc).__name__)
    return None


async def _read_part(part: BodyPartReader) -> AsyncIterator[bytes]:
    """The file as it arrives. Raises `TimeoutError` when nothing comes for half a minute."""
    while True:
        async with asyncio.timeout(_SILENCE_SECONDS):
            chunk = await part.read_chunk(_CHUNK_OCTETS)
        if not chunk:
            return
        yield chunk
