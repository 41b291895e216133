"""Admin handlers for the full verification: of the rows, and of a carrier's own log beside them.

Both read every row of many days, so there is one at a time on each node.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from gateway.ledger.carrier_account import compare_with_carrier
from gateway.ledger.carrier_log import BadCarrierLog
from gateway.ledger.verification import verify_ledger
from gateway.store.database import Database
from gateway.web.admin_access import Caller
from gateway.web.bodies import Query
from gateway.web.message_handlers import answer_json
from gateway.web.problems import ProblemRaised

_LINES_AT_ONCE: Final = 500
"""Lines of a log that are read before others have their turn: about 3 ms."""


class LedgerAdmin:
    """`lookup_days` is how long carriers' ids are kept, as configured now."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], lookup_days: Callable[[], int]
    ) -> None:
        self._database = database
        self._clock = clock
        self._lookup_days = lookup_days
        self._is_running = False

    async def verify(self, request: web.Request, caller: Caller) -> web.Response:
        query = Query(request, ("from", "to"))
        first, last = _read_day(query, "from"), _read_day(query, "to")
        if first is not None and last is not None and first > last:
            raise ProblemRaised("invalid_parameter", "The day from is after the day to.", "Turn them round.")
        with self._alone():
            found = await verify_ledger(
                self._database, now=self._clock(), lookup_days=self._lookup_days(), first=first, last=last
            )
        return answer_json(found.as_json())

    async def compare_carrier_log(self, request: web.Request, caller: Caller) -> web.Response:
        """The body is the log itself, of any length."""
        named = Query(request, ("connectors",)).text("connectors")
        with self._alone():
            try:
                account = await compare_with_carrier(
                    self._database,
                    _read_lines(request),
                    connectors=named.split(",") if named else (),
                    clock=self._clock,
                )
            except BadCarrierLog as exc:
                raise ProblemRaised("file_refused", str(exc), "See docs/operations.md.") from exc
            except KeyError as exc:
                raise ProblemRaised(
                    "not_found", f"There is no connector {exc}.", "See estafette connector list."
                ) from exc
        return answer_json(account.as_json())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._is_running:
            raise ProblemRaised(
                "verification_running", "A verification is under way already.", "Wait until it is done."
            )
        self._is_running = True
        try:
            yield
        finally:
            self._is_running = False


def _read_day(query: Query, name: str) -> date | None:
    value = query.text(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as exc:
        raise ProblemRaised(
            "invalid_parameter", f"The parameter {name} is a day such as 2026-11-22.", "Correct it."
        ) from exc


async def _read_lines(request: web.Request) -> AsyncIterator[Sequence[bytes]]:
    lines: list[bytes] = []
    try:
        async for line in request.content:
            lines.append(line)
            if len(lines) >= _LINES_AT_ONCE:
                yield lines
                lines = []
                await asyncio.sleep(0)
    except (ValueError, LineTooLong) as exc:  # longer than aiohttp's buffer of 64 KiB; by its version
        raise BadCarrierLog(len(lines), b"(a very long line)") from exc
    yield lines
