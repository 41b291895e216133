"""Traces over the admin API: live of one connector, and of one message as far as memory goes back."""

import asyncio
import time
from typing import Final

import msgspec
import structlog
from aiohttp import web

from gateway.dispatch.errors import TooManyWatches
from gateway.dispatch.trace_desk import LiveTrace, TraceDesk
from gateway.store.database import Database
from gateway.store.messages import get_message, read_parts
from gateway.web.admin_access import Caller
from gateway.web.admin_handlers import find_message_shop
from gateway.web.bodies import Query
from gateway.web.message_handlers import answer_json, not_found, read_public_id
from gateway.web.problems import ProblemRaised
from gateway.web.trace_view import seek_message, show_message_trace, show_pdu

log = structlog.get_logger("web")

_LOOK_SECONDS: Final = 1.0
"""How soon a caller who left is noticed when nothing passes."""
_WRITE_SECONDS: Final = 30.0
"""For a caller who stopped reading; what comes meanwhile is left out beyond a bound."""
_LONGEST_SECONDS: Final = 86_400
_HEADERS: Final = {"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}


class TraceAdmin:
    """Who may call is checked before; what of a text is shown is decided here, by caller and message."""

    def __init__(self, database: Database, desk: TraceDesk) -> None:
        self._database = database
        self._desk = desk

    async def stream(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """PDUs of one connector, a JSON document a line, until its time is over, the caller leaves or the
        server stops."""
        name = request.match_info["name"]
        connector_id = self._desk.find_connector(name)
        if connector_id is None:
            raise ProblemRaised(
                "not_found", f"There is no connector {name[:64]}.", "See estafette connector list."
            )
        query = Query(request, ("number", "for_seconds"))
        number = self._read_number(query, connector_id)
        seconds = query.integer("for_seconds", default=_LONGEST_SECONDS, low=1, high=_LONGEST_SECONDS)
        try:
            with self._desk.watch(connector_id, number=number, shows_text=caller.sees_texts) as live:
                log.info("trace.started", connector=name, uid=caller.uid)
                try:
                    return await _write_lines(request, live, seconds)
                finally:
                    log.info("trace.ended", connector=name, uid=caller.uid)
        except TooManyWatches as exc:
            raise ProblemRaised(
                "too_many_traces", f"{exc.most} traces run already.", "End one of them first."
            ) from exc

    async def show_message(self, request: web.Request, caller: Caller) -> web.Response:
        message_id = read_public_id(request, "msg")
        shop = await find_message_shop(self._database, message_id, caller)
        record = await get_message(self._database, shop.id, message_id)
        if record is None:
            raise not_found()
        parts = await read_parts(self._database, shop.id, [message_id])
        sought = seek_message(record, parts.get(message_id, ()), self._desk.find_connector)
        told = []
        if sought is not None:
            shows_text = caller.sees_texts and not record.is_sensitive
            told = await self._desk.find(sought, shows_text=shows_text)
        kept_since = self._desk.book.kept_since
        return answer_json(show_message_trace(request.match_info["id"], told, kept_since=kept_since))

    def _read_number(self, query: Query, connector_id: int) -> str | None:
        text = query.text("number")
        if text is None:
            return None
        number = self._desk.read_number(text, connector_id)
        if number is None:
            raise ProblemRaised(
                "invalid_parameter",
                "The parameter number is a phone number or a short code.",
                "Write it with its country code, such as +33639981234.",
            )
        return number


async def _write_lines(request: web.Request, live: LiveTrace, seconds: float) -> web.StreamResponse:
    ends_at = time.monotonic() + seconds
    response = web.StreamResponse(headers=_HEADERS)
    try:
        await response.prepare(request)
        while not live.is_over and not _has_left(request) and (left := ends_at - time.monotonic()) > 0:
            lines = [
                msgspec.json.encode(show_pdu(told)) + b"\n"
                for told in await live.take(timeout_seconds=min(_LOOK_SECONDS, left))
            ]
            if lines:
                async with asyncio.timeout(_WRITE_SECONDS):
                    await response.write(b"".join(lines))
    except (ConnectionError, TimeoutError):
        response.force_close()  # the caller left, which is how a trace ends
    return response


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
