"""Binds that come up and go down, as rows of `event`: what a person looks for the morning after.

Owns which changes are worth a row (bound, and no longer bound) and their bounded wait for the database.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from gateway.domain.printable import make_printable
from gateway.session.bind import BindMode, BindPhase, BindState
from gateway.store.campaigns import add_event
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.outage_line import OutageLine

log = structlog.get_logger("oncall")

BIND_UP: Final = "bind.up"
BIND_DOWN: Final = "bind.down"
_MOST_WAITING: Final = 1_000
"""While the database is away; the oldest make room."""
_PAUSE_SECONDS: Final = 2.0
_OF_NO_SHOP: Final = 0


@dataclass(frozen=True, slots=True)
class _Change:
    kind: str
    connector: str
    at: datetime
    data: dict[str, Any]


class BindDiary:
    """Hears every change of every bind and writes those that matter. `note` never waits."""

    def __init__(self, database: Database, *, next_id: Callable[[], int]) -> None:
        self._database = database
        self._next_id = next_id
        self._up: set[tuple[str, int, BindMode]] = set()
        self._waiting: deque[_Change] = deque(maxlen=_MOST_WAITING)
        self._has_news = asyncio.Event()

    def note(self, connector: str, bind_no: int, mode: BindMode, state: BindState) -> None:
        """A bind changed its state."""
        key = (connector, bind_no, mode)
        is_up = state.phase is BindPhase.BOUND
        if is_up is (key in self._up):
            return
        if is_up:
            self._up.add(key)
        else:
            self._up.discard(key)
        data = {
            "bind": bind_no,
            "mode": mode.value,
            "endpoint": str(state.endpoint),
            "error": None if state.last_error is None else make_printable(state.last_error),
            "failure": None if is_up or state.last_failure is None else state.last_failure.value,
        }
        self._waiting.append(_Change(BIND_UP if is_up else BIND_DOWN, connector, state.since, data))
        self._has_news.set()

    async def run(self) -> None:
        """Write until cancelled."""
        line = OutageLine(log, "bind_events.not_written")
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            try:
                await self.write()
            except StoreUnavailable as exc:
                line.failed(exc, waiting=len(self._waiting))
                await asyncio.sleep(_PAUSE_SECONDS)
                self._has_news.set()
            else:
                line.worked()

    async def write(self) -> None:
        """Write what waits. Raises `StoreUnavailable`; then it waits on."""
        while self._waiting:
            changes = list(self._waiting)
            async with self._database.transaction() as connection:
                for change in changes:
                    await add_event(
                        connection,
                        event_id=self._next_id(),
                        shop_id=_OF_NO_SHOP,
                        now=change.at,
                        kind=change.kind,
                        subject=change.connector,
                        data=change.data,
                    )
            written = set(map(id, changes))
            self._waiting = deque(
                (change for change in self._waiting if id(change) not in written), maxlen=_MOST_WAITING
            )
