"""One connection that reads queues for all connectors of this node: all that are hungry are fed together.

Owns that connection and the order. What a connector wants next is its claims' (`claims.py`) to say; that a
claim takes no lock is the leases' doing, and who gets a message that two have claimed is decided by its
intent.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog

from gateway.dispatch.claims import CLAIM_BATCH, HELD_ROWS_A_LOOK, ClaimedStream
from gateway.dispatch.connector import ConnectorRun
from gateway.dispatch.holds import HeldInStream
from gateway.dispatch.ordering import Holds
from gateway.store.database import UNREACHABLE, Connection
from gateway.store.flights import Flight
from gateway.store.queries import Query
from gateway.store.queue import Claimed, Wish, claim_around_holds, claim_from_streams
from gateway.store.writer_connection import open_claim_connection

log = structlog.get_logger("dispatch")

_RECONNECT_SECONDS: Final = 0.25


class _Reading(NamedTuple):
    """A stream to be read for a connector, up to so many messages."""

    run: ConnectorRun
    stream: ClaimedStream
    asked: int


class Claimer:
    """Reads the queues. `may_claim` says whether this node may take anything on now."""

    def __init__(
        self, dsn: str, queries: dict[str, Query], *, holds: Holds, may_claim: Callable[[], bool]
    ) -> None:
        self._dsn = dsn
        self._queries = queries
        self._holds = holds
        self._may_claim = may_claim
        self._hungry: OrderedDict[ConnectorRun, None] = OrderedDict()
        self._wanted = asyncio.Event()

    def ask(self, run: ConnectorRun) -> None:
        """Read more of this connector's queue as soon as the connection is free."""
        self._hungry[run] = None
        self._wanted.set()

    async def run(self) -> None:
        """Claim until cancelled."""
        connection: Connection | None = None
        try:
            while True:
                await self._wanted.wait()
                readings = self._take_hungry()
                if not readings:
                    self._wanted.clear()
                    continue
                try:
                    if connection is None:
                        raw = await open_claim_connection(self._dsn)
                        connection = Connection(raw, self._queries)
                    await self._feed(connection, readings)
                except UNREACHABLE as exc:
                    for reading in readings:
                        self.ask(reading.run)
                    log.warning("claims.disconnected", fault=repr(exc))
                    if connection is not None:
                        connection.raw.terminate()
                        connection = None
                    await asyncio.sleep(_RECONNECT_SECONDS)
        finally:
            if connection is not None:
                connection.raw.terminate()

    def _take_hungry(self) -> list[_Reading]:
        """One stream of each hungry connector, the longest hungry first, and no more than one statement
        should read. A connector's better lanes are read before the others, and apart from them: what is
        urgent does not wait for what is much."""
        readings: list[_Reading] = []
        rows = 0
        while self._hungry and rows < CLAIM_BATCH:
            run, _ = self._hungry.popitem(last=False)
            if not run.is_up or not run.shards or not self._may_claim():
                continue
            most = run.most_claimed
            stream = run.claims.next_to_claim(most=most, is_held=self._holds.stops_category)
            if stream is not None:
                reading = _Reading(run, stream, min(CLAIM_BATCH, most - len(stream.flights)))
                readings.append(reading)
                rows += reading.asked
        return readings

    async def _feed(self, connection: Connection, readings: Sequence[_Reading]) -> None:
        """Read all of them, then the connectors go on by themselves."""
        whole: list[_Reading] = []
        for reading in readings:
            held = self._holds.held_in(*reading.stream.stream[1:])
            if held.shops or held.campaigns:
                await _claim_around_holds(connection, reading, held)
            else:
                whole.append(reading)
        if whole:
            await _claim_all(connection, whole)
        for run, stream, _ in readings:
            if stream.flights:
                run.pump()
            else:
                self.ask(run)  # another of its streams may be next


async def _claim_all(connection: Connection, readings: Sequence[_Reading]) -> None:
    wanted = [Wish(stream.stream, stream.begin_claim(), run.shards, asked) for run, stream, asked in readings]
    found: Sequence[list[Flight] | None] = [None] * len(readings)
    try:
        found = await claim_from_streams(connection, wanted)
    finally:
        for reading, flights in zip(readings, found, strict=True):
            reading.stream.end_claim(flights, asked=reading.asked)


async def _claim_around_holds(connection: Connection, reading: _Reading, held: HeldInStream) -> None:
    """Some of the stream is held: read on past it, a bounded number of rows at a time."""
    run, stream, asked = reading
    after_id = stream.begin_claim()
    claimed: Claimed | None = None
    try:
        claimed = await claim_around_holds(
            connection,
            stream.stream,
            after_id=after_id,
            shards=run.shards,
            limit=asked,
            held_shops=held.shops,
            held_campaigns=held.campaigns,
            rows_to_read=HELD_ROWS_A_LOOK,
        )
    finally:
        stream.end_claim_around_holds(claimed)
