"""Messages that wait for a connector which is down: handed to another, by the same routes, before any intent.

Owns when a connector counts as down and the move of its queue rows. The choice of the other connector is
the routes' and comes in as a function.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from gateway.domain.sharing import SHARD_COUNT
from gateway.store.database import Database
from gateway.store.flights import Flight
from gateway.store.intake import Stream
from gateway.store.outage_line import OutageLine
from gateway.store.queue import claim_due_messages, count_waiting, move_queued

log = structlog.get_logger("dispatch")

DOWN_AFTER_SECONDS = 15.0
"""Long enough for a reconnect after a carrier's restart, short enough for a one-time password."""

_LOOK_SECONDS = 3.0
_BATCH = 1_000
_BATCHES_A_LOOK = 10
"""Of one stream; where nothing in them may go elsewhere the next look reads on behind them."""
_ALL_SHARDS = tuple(range(SHARD_COUNT))

ChooseConnector = Callable[[Flight], int | None]
"""The connector that the routes would give this message now; None where none is up."""


class ConnectorWatch(Protocol):
    """What is known of connectors over all nodes."""

    @property
    def decides(self) -> bool:
        """Whether this node does what one node does for all."""

    def down_seconds(self, connector_id: int) -> float:
        """For how long no bind of a connector has been up, on any node."""


class Failover:
    """The regular look for messages that wait in vain."""

    def __init__(
        self,
        database: Database,
        watch: ConnectorWatch,
        *,
        on_queued: Callable[[dict[Stream, int]], None],
        connector_names: Callable[[], Mapping[int, str]],
        choose: ChooseConnector,
    ) -> None:
        self._database = database
        self._watch = watch
        self._on_queued = on_queued
        self._connector_names = connector_names
        self._choose = choose
        self._read_up_to: dict[Stream, int] = {}

    async def run(self) -> None:
        line = OutageLine(log, "failover.failed")
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._watch.decides:
                continue
            with line.absorbing():
                await self.look()

    async def look(self) -> None:
        """Move what waits for connectors that are down, or that are no longer configured."""
        names = self._connector_names()
        down = [
            connector_id
            for connector_id in names
            if self._watch.down_seconds(connector_id) >= DOWN_AFTER_SECONDS
        ]
        if not down:
            return
        for waiting in await count_waiting(self._database, down, cap=1):
            stream = (waiting.connector_id, waiting.lane, waiting.category)
            moved = await self._move_stream(stream)
            if moved:
                log.warning("messages.rerouted", connector=names[waiting.connector_id], messages=moved)

    async def _move_stream(self, stream: Stream) -> int:
        """Some batches of a stream; the next look goes on. Messages that may not go elsewhere are passed
        over, so that they hold up nobody behind them."""
        moved = 0
        for _ in range(_BATCHES_A_LOOK):
            moved += await self._move_batch(stream)
            if not self._read_up_to[stream]:
                break
        return moved

    async def _move_batch(self, stream: Stream) -> int:
        """One batch, read on from the last. Test messages never leave their connector."""
        async with self._database.transaction() as connection:
            flights = await claim_due_messages(
                connection,
                stream,
                after_id=self._read_up_to.get(stream, 0),
                shards=_ALL_SHARDS,
                limit=_BATCH,
            )
            self._read_up_to[stream] = flights[-1].id if len(flights) == _BATCH else 0
            by_target: dict[int, list[int]] = {}
            for flight in flights:
                target = None if flight.is_test else self._choose(flight)
                if target is not None and target != stream[0]:
                    by_target.setdefault(target, []).append(flight.id)
            moved = {
                target: await move_queued(connection, stream, target, ids)
                for target, ids in sorted(by_target.items())
            }
        for target, ids in moved.items():
            if ids:
                self._on_queued({(target, stream[1], stream[2]): min(ids)})
        return sum(len(ids) for ids in moved.values())
