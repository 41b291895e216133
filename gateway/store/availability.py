"""Whether Postgres answers: asked twice a second on a connection of its own, told to whoever waits for it.

Owns the verdict "away" and since when. Without it each caller finds out by a deadline of its own, and
thousands of requests hang until theirs has passed: a server that stands still accepts connections and answers
nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import asyncpg
import structlog

from gateway.store.connecting import Dialler
from gateway.store.queries import Query
from gateway.store.silent_lines import SilentLines

log = structlog.get_logger("store")

_ASK_EACH_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 1.2
"""A backend answers this question from memory, within milliseconds even where the disk is busy."""
_NO_ANSWER: Final = f"no answer within {_PATIENCE_SECONDS} s"
_SECOND_LOOK_SECONDS: Final = 0.05
"""A process that stood still itself finds the answer waiting, if it gives its loop one more turn."""


def now_utc() -> datetime:
    return datetime.now(UTC)


class Heeding(Protocol):
    """Somebody who has work under way. Neither call may block or raise."""

    def on_away(self) -> None: ...

    def on_back(self) -> None: ...


class Availability:
    """The verdict. Up until somebody says otherwise, for whoever runs without a `Probe`."""

    def __init__(self, *, clock: Callable[[], datetime] = now_utc) -> None:
        self._clock = clock
        self.away_since: datetime | None = None
        """For people; nothing is decided by it."""
        self.fault = ""
        """What the server, or its absence, said last."""
        self.lines = SilentLines()
        """Connections whose silence is noticed while a `Probe` runs."""
        self.heard = 0
        """How often a statement of anybody's was answered; grows with each batch."""
        self._is_away = asyncio.Event()
        self._is_up = asyncio.Event()
        self._is_up.set()
        self._suspicion = asyncio.Event()
        self._heeding: list[Heeding] = []

    @property
    def is_away(self) -> bool:
        return self.away_since is not None

    def tell_away(self, fault: str) -> None:
        self.fault = fault
        if self.away_since is None:
            self.away_since = self._clock()
            self._is_up.clear()
            self._is_away.set()
            log.error("database.away", fault=fault)
            for each in self._heeding:
                each.on_away()

    def tell_up(self) -> None:
        if self.away_since is not None:
            log.info("database.back", away_since=self.away_since.isoformat())
            self.away_since = None
            self._is_away.clear()
            self._is_up.set()
            for each in self._heeding:
                each.on_back()

    def suspect(self) -> None:
        """Somebody lost a connection: ask now rather than at the next turn."""
        self._suspicion.set()

    async def wait_suspected(self, seconds: float) -> None:
        """Returns at the next suspicion, or after `seconds`."""
        self._suspicion.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._suspicion.wait()
        except TimeoutError:
            pass

    @contextmanager
    def heeded_by(self, heeding: Heeding) -> Iterator[None]:
        """Tell this one too, while the context is entered."""
        self._heeding.append(heeding)
        try:
            yield
        finally:
            self._heeding.remove(heeding)

    async def wait_away(self) -> None:
        await self._is_away.wait()

    async def wait_up(self) -> None:
        await self._is_up.wait()


class Probe:
    """Asks the server again and again whether it takes writes, and about lines whose answer is overdue."""

    def __init__(self, dialler: Dialler, availability: Availability, queries: Mapping[str, Query]) -> None:
        self._dialler = dialler
        self._availability = availability
        self._queries = queries
        self._raw: Any = None

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                fault = await self._find_fault()
                if fault is None:
                    self._availability.tell_up()
                else:
                    self._drop()
                    self._availability.tell_away(fault)
                await self._availability.wait_suspected(_ASK_EACH_SECONDS)
        finally:
            self._drop()

    async def _find_fault(self) -> str | None:
        """What keeps the server from taking writes; None when nothing does. A machine that is short of time
        may let the question wait: while batches are committed the server is there."""
        heard = self._availability.heard
        asking = asyncio.create_task(self._ask())
        try:
            done, _ = await asyncio.wait((asking,), timeout=_PATIENCE_SECONDS)
            if not done:
                await asyncio.sleep(_SECOND_LOOK_SECONDS)
            if not asking.done():
                return None if self._availability.heard > heard else _NO_ANSWER
            return asking.result()
        finally:
            if not asking.done():
                asking.cancel()
                self._drop()  # else the driver waits for the server to take note of the cancel
                await asyncio.wait((asking,))

    async def _ask(self) -> str | None:
        if self._raw is not None:
            try:
                return await self._ask_once()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                self._drop()  # one connection may end for reasons of its own: only a second fault counts
        try:
            self._raw = await self._dialler.dial(
                name="estafette-probe", timeout_seconds=_PATIENCE_SECONDS, statement_seconds=None
            )
            return await self._ask_once()
        except asyncpg.TooManyConnectionsError:
            return None  # it answers: whoever has a connection can work
        except TimeoutError:
            return _NO_ANSWER
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as exc:
            return str(exc) or type(exc).__name__

    async def _ask_once(self) -> str | None:
        if not await self._raw.fetchval(self._queries["takes_writes"].sql):
            return "it takes no writes: a standby, or set read-only"
        lines = self._availability.lines
        if overdue := lines.list_overdue():
            waiting = await self._raw.fetch(self._queries["find_waiting_backends"].sql, overdue)
            if silent := lines.cut_silent({row["pid"]: row["mark"] for row in waiting}):
                await self._raw.fetch(self._queries["end_waiting_backends"].sql, silent)
        return None

    def _drop(self) -> None:
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.terminate()
