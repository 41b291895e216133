"""A carrier floods us while the database is away: all is refused for now, nothing piles up or is lost."""

import asyncio
import resource
from collections import Counter
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from e2e.running import until

from gateway.simulator.errors import CommandRefused
from gateway.simulator.mo import MoRequest
from gateway.simulator.smsc import Simulator
from gateway.smpp.statuses import CommandStatus

from .test_outages import Scene, scene

pytestmark = pytest.mark.integration

AT_ONCE = 200
MOST_OCTETS = 64 << 20
"""Texts of one second, kept for a minute, would be several times as much."""


class Flood:
    """Texts from handsets, each once; the carrier repeats what was refused for now."""

    def __init__(self, carrier: Simulator) -> None:
        self.sent = 0
        self.statuses: Counter[int | None] = Counter()
        self._carrier = carrier
        self._numbers = count()

    async def burst(self) -> None:
        await asyncio.gather(*(self._send(next(self._numbers)) for _ in range(AT_ONCE)))

    async def _send(self, number: int) -> None:
        text = MoRequest(
            sender=f"+3361{number:07}", recipient="38000", text=f"text {number}", system_id="one"
        )
        try:
            outcome = await self._carrier.deliver_mo(text, timeout_seconds=1.0)
        except CommandRefused:  # it has as many under way as it keeps
            return
        self.sent += 1
        self.statuses.update(outcome.statuses)


async def test_texts_that_come_while_the_database_is_away_wait_with_the_carrier(open_folder: Path) -> None:
    async with scene(open_folder) as at:
        flood = Flood(at.carrier)
        with at.postgres.frozen():
            await until(lambda: at.running.gateway.rooms.traffic.outcomes.is_away)
            await flood.burst()
            assert at.running.gateway.rooms.traffic.outcomes.backlog == 0
        assert flood.statuses.keys() <= {CommandStatus.ESME_RX_T_APPN.value, None}
        await assert_all_stored(at, flood)


@pytest.mark.slow
async def test_a_minute_of_flood_takes_no_more_memory_than_a_moment(open_folder: Path) -> None:
    async with scene(open_folder) as at:
        flood = Flood(at.carrier)
        with at.postgres.frozen():
            await until(lambda: at.running.gateway.rooms.traffic.outcomes.is_away)
            for _ in range(5):
                await flood.burst()
            before = most_octets()
            for _ in range(60):
                await flood.burst()
                assert at.running.gateway.rooms.traffic.outcomes.backlog == 0
            assert most_octets() - before < MOST_OCTETS
        await assert_all_stored(at, flood)


def most_octets() -> int:
    """The most memory that this process, the carrier's side included, has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def assert_all_stored(at: Scene, flood: Flood) -> None:
    """Every text that the carrier took from a handset is there, once."""
    assert flood.sent >= AT_ONCE
    connection = await asyncpg.connect(at.postgres.dsn)
    try:
        stored = 0
        async with asyncio.timeout(60):
            while stored < flood.sent:
                await asyncio.sleep(0.1)
                stored = await connection.fetchval("SELECT count(*) FROM inbound")
        assert stored == flood.sent
    finally:
        await connection.close()
    await at.running.assert_balanced()
