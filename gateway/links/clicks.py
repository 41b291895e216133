"""A visit of a link, from the request to the row: judged, handed to the writer, waited for, never for long.

Owns how long a redirect waits, how many clicks may wait for Postgres, and what is counted as late or lost.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from gateway.domain.clicks import Device, Verdict, judge_visit
from gateway.domain.identifiers import IdSource
from gateway.links.agents import AGENT_OCTETS, Agents
from gateway.links.bursts import BurstWatch
from gateway.store.clicks import Click
from gateway.store.links import Link

CLICKS_WAITING: Final = 10_000
"""Clicks held in memory while Postgres is away, 5 MB; what comes beyond them leads on and is lost."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request says of its visitor. `address` is whole, for bursts; `kept_address` is stored."""

    agent: str
    address: str
    kept_address: str | None
    is_head: bool
    is_prefetch: bool


class ClickSink(Protocol):
    """Where clicks become durable: the store's writer, or a test's."""

    @property
    def is_away(self) -> bool: ...

    def put(self, click: Click) -> None: ...


@dataclass(frozen=True, slots=True)
class ClickCounts:
    """How clicks fared since the start of the process."""

    noted: int
    waiting: int
    late: int
    """Led on before they were stored."""
    lost: int
    """Led on without being stored, for too many waited."""


class ClickDesk:
    """Takes visits. `wait_seconds`, how long a redirect waits for its click to be durable, may be changed."""

    def __init__(
        self,
        sink: ClickSink,
        agents: Agents,
        bursts: BurstWatch,
        *,
        ids: IdSource,
        clock: Callable[[], datetime],
        wait_seconds: float = 0.05,
    ) -> None:
        self._sink = sink
        self._agents = agents
        self._bursts = bursts
        self._ids = ids
        self._clock = clock
        self.wait_seconds = wait_seconds
        self._noted = 0
        self._waiting = 0
        self._late = 0
        self._lost = 0

    def counts(self) -> ClickCounts:
        return ClickCounts(self._noted, self._waiting, self._late, self._lost)

    async def note(self, link: Link, visit: Visit) -> None:
        """Returns when the click is durable, after `wait_seconds`, or at once where hope is vain."""
        if self._waiting >= CLICKS_WAITING:
            self._lost += 1
            return
        loop = asyncio.get_running_loop()
        landing = _Landing(self, loop.create_future())
        self._noted += 1
        self._waiting += 1
        self._sink.put(self._make_click(link, visit, landing, loop.time()))
        if self._sink.is_away:
            self._late += 1
            return
        # A timer and a future cost 4 µs a click; asyncio.wait_for took 25.
        timer = loop.call_later(self.wait_seconds, landing.lead_on, False)
        if not await landing.released:
            self._late += 1
        timer.cancel()

    def on_stored(self) -> None:
        """One of those that waited is durable, or refused."""
        self._waiting -= 1

    def _make_click(self, link: Link, visit: Visit, landing: "_Landing", now: float) -> Click:
        # What Postgres cannot store as text would refuse the row.
        agent = visit.agent[:AGENT_OCTETS].replace("\0", "").encode("utf-8", "replace").decode()
        if self._bursts.note(visit.address, agent, link.seq, now):
            verdict, device = Verdict.BURST, Device.UNKNOWN  # not looked at further: that could be its aim
        else:
            facts = self._agents.read(agent)
            verdict = judge_visit(facts, is_head=visit.is_head, is_prefetch=visit.is_prefetch)
            device = facts.device
        click_id = self._ids.next_id(link.slot)
        return Click(
            click_id, link, self._clock(), verdict, device, visit.kept_address, agent, landing.on_stored
        )


class _Landing:
    """A visitor who waits for the click to be stored."""

    __slots__ = ("_desk", "released")

    def __init__(self, desk: ClickDesk, released: "asyncio.Future[bool]") -> None:
        self._desk = desk
        self.released = released

    def on_stored(self) -> None:
        self._desk.on_stored()
        self.lead_on(True)

    def lead_on(self, is_in_time: bool) -> None:
        if not self.released.done():
            self.released.set_result(is_in_time)
