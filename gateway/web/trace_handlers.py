"""Traces over the admin API: live of one connector, and of one message as far as memory goes back.

A server of several workers answers as one: the worker that is asked adds what its siblings have.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Final, Self

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
from gateway.web.siblings import Siblings
from gateway.web.trace_view import join_message_traces, seek_message, show_message_trace, show_pdu

log = structlog.get_logger("web")

_LOOK_SECONDS: Final = 1.0
"""How soon a caller who left is noticed when nothing passes."""
_WRITE_SECONDS: Final = 30.0
"""For a caller who stopped reading; what comes meanwhile is left out beyond a bound."""
_LONGEST_SECONDS: Final = 86_400
_HIDDEN: Final = "hidden"
"""`texts=hidden` in the query of a message's trace."""
_HEADERS: Final = {"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}


class TraceAdmin:
    """Who may call is checked before; what of a text is shown is decided here, by caller and message. To
    siblings every caller is an operator: for a caller who sees less than those, they are asked to hide
    texts."""

    def __init__(self, database: Database, desk: TraceDesk, siblings: Siblings) -> None:
        self._database = database
        self._desk = desk
        self._siblings = siblings

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
                    return await _write_lines(request, live, seconds, self._siblings)
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
        shows_text = caller.sees_texts and not record.is_sensitive and request.query.get("texts") != _HIDDEN
        if sought is not None:
            told = await self._desk.find(sought, shows_text=shows_text)
        kept_since = self._desk.book.kept_since
        answer = show_message_trace(request.match_info["id"], told, kept_since=kept_since)
        if self._siblings:
            answer = await self._add_siblings(request.path, answer, shows_text=shows_text)
        return answer_json(answer)

    async def _add_siblings(
        self, path: str, answer: dict[str, object], *, shows_text: bool
    ) -> dict[str, object]:
        query = {} if shows_text else {"texts": _HIDDEN}
        bodies = (await self._siblings.ask(path, query)).values()
        own: dict[str, object] = msgspec.json.decode(msgspec.json.encode(answer))
        return join_message_traces(own, [msgspec.json.decode(body) for body in bodies if body is not None])

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


async def _write_lines(
    request: web.Request, live: LiveTrace, seconds: float, siblings: Siblings
) -> web.StreamResponse:
    ends_at = time.monotonic() + seconds
    response = web.StreamResponse(headers=_HEADERS)

    async def write(lines: bytes) -> None:
        async with asyncio.timeout(_WRITE_SECONDS):
            await response.write(lines)

    try:
        await response.prepare(request)
        async with _Relay(siblings.relay(request.path, request.query, write)) as relay:
            while not live.is_over and not _has_left(request) and (left := ends_at - time.monotonic()) > 0:
                told = await live.take(timeout_seconds=min(_LOOK_SECONDS, left))
                if told:
                    await write(b"".join(msgspec.json.encode(show_pdu(pdu)) + b"\n" for pdu in told))
                relay.check()
    except (ConnectionError, TimeoutError):
        response.force_close()  # the caller left, which is how a trace ends
    return response


class _Relay:
    """What siblings tell meanwhile, written beside what is told here."""

    def __init__(self, work: Coroutine[object, object, None]) -> None:
        self._task = asyncio.create_task(work)

    def check(self) -> None:
        """Raises what ended it: the caller takes nothing more."""
        if self._task.done():
            self._task.result()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
