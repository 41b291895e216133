"""One connection that reads queues for all connectors of this node: whoever is hungry is fed in turn.

Owns that connection and the order. What a connector wants next is its claims' (`claims.py`) to say; that a
claim takes no lock is the leases' doing, and who gets a message that two have claimed is decided by its
intent.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from gateway.dispatch.claims import CLAIM_BATCH, HELD_ROWS_A_LOOK, ClaimedStream
from gateway.dispatch.connector import ConnectorRun, Holds
from gateway.dispatch.holds import HeldInStream
from gateway.store.database import UNREACHABLE, Connection
from gateway.store.flights import Flight
from gateway.store.queries import Query
from gateway.store.queue import Claimed, claim_around_holds, claim_due_messages
from gateway.store.writer_connection import open_claim_connection

log = structlog.get_logger("dispatch")

_RECONNECT_SECONDS: Final = 0.25


class Claimer:
    """Reads the queues. `may_claim` says whether this node may take anything on now."""

    def __init__(
        self, dsn: str, queries: dict[str, Query], *, holds: Holds, may_claim: Callable[[], bool]
    ) -> None:
        self._dsn = dsn
        self._queries = queries
        self._holds = holds
        self._may_claim = may_claim
        self._hungry: deque[ConnectorRun] = deque()
        self._wanted = asyncio.Event()

    def ask(self, run: ConnectorRun) -> None:
        """Read more of this connector's queue as soon as the connection is free."""
        if run not in self._hungry:
            self._hungry.append(run)
            self._wanted.set()

    async def run(self) -> None:
        """Claim until cancelled."""
        connection: Connection | None = None
        try:
            while True:
                await self._wanted.wait()
                if not self._hungry:
                    self._wanted.clear()
                    continue
                try:
                    if connection is None:
                        raw = await open_claim_connection(self._dsn)
                        connection = Connection(raw, self._queries)
                    await self._feed(connection, self._hungry.popleft())
                except UNREACHABLE as exc:
                    log.warning("claims.disconnected", fault=repr(exc))
                    if connection is not None:
                        connection.raw.terminate()
                        connection = None
                    await asyncio.sleep(_RECONNECT_SECONDS)
        finally:
            if connection is not None:
                connection.raw.terminate()

    async def _feed(self, connection: Connection, run: ConnectorRun) -> None:
        """One statement for one stream, then the connector goes on by itself."""
        if not run.is_up or not run.shards or not self._may_claim():
            return
        most = run.most_claimed
        stream = run.claims.next_to_claim(most=most, is_held=self._holds.stops_category)
        if stream is None:
            return
        asked = min(CLAIM_BATCH, most - len(stream.flights))
        held = self._holds.held_in(*stream.stream[1:])
        try:
            if held.shops or held.campaigns:
                await self._claim_around_holds(connection, run, stream, held, asked)
            else:
                await self._claim_all(connection, run, stream, asked)
        except UNREACHABLE:
            self.ask(run)
            raise
        run.pump()

    async def _claim_all(
        self, connection: Connection, run: ConnectorRun, stream: ClaimedStream, asked: int
    ) -> None:
        after_id = stream.begin_claim()
        flights: list[Flight] | None = None
        try:
            flights = await claim_due_messages(
                connection, stream.stream, after_id=after_id, shards=run.shards, limit=asked
            )
        finally:
            stream.end_claim(flights, asked=asked)

    async def _claim_around_holds(
        self, connection: Connection, run: ConnectorRun, stream: ClaimedStream, held: HeldInStream, asked: int
    ) -> None:
        """Some of the stream is held: read on past it, a bounded number of rows at a time."""
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
