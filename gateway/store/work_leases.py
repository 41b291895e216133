"""What hangs on a node's lease: binds with their speed, shards of connectors' queues, slots.

A row is held as long as its holder's epoch lasts, whatever the clock says: taking over begins with ending
that epoch (`Node.depose`). Each change is one fenced transaction, of one node at a time. Who should hold what
is `domain.sharing`'s.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from gateway.domain.sharing import BindKey, HeldBind, grant_speed
from gateway.store.database import Connection, Database
from gateway.store.leases import Node, NodeRecord, list_nodes

_SHARE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class LeaseLook:
    """Who is there and which binds are held, as the rows say."""

    nodes: list[NodeRecord]
    binds: list[HeldBind]


@dataclass(frozen=True, slots=True)
class Share:
    """What one node holds beside its binds: shards by connector, and slots."""

    shards: Mapping[int, frozenset[int]]
    slots: frozenset[int]


@dataclass(frozen=True, slots=True)
class LeaseCount:
    """How many shards and slots a living node holds."""

    shards: int
    slots: int


async def look_at_leases(database: Database) -> LeaseLook:
    """Raises `StoreUnavailable`."""
    binds = [HeldBind(**row) for row in await database.fetch("list_bind_leases")]
    return LeaseLook(await list_nodes(database), binds)


async def count_leases(database: Database) -> dict[int, LeaseCount]:
    """By the number of the node."""
    rows = await database.fetch("count_leases")
    return {row["node_no"]: LeaseCount(row["shards"], row["slots"]) for row in rows}


class WorkLeases:
    """The leases of one node. Every call raises `StoreUnavailable`, and every change `LeaseLost`.

    Whether a change was made may stay open (`OutcomeUnknown`), so whoever makes it goes by what `read_share`
    and `look_at_leases` say afterwards, not by what it remembers.
    """

    def __init__(
        self, database: Database, node: Node, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._node = node
        self._own = (node.node_no, node.epoch)
        self._monotonic = monotonic
        self._share: Share | None = None
        """As read last; None once this node has tried to change it. While its epoch lasts nobody else can."""
        self._share_read_at = 0.0

    async def read_share(self) -> Share:
        """The shards and slots that the rows say are this node's: read after each try to change them, and
        else every few seconds, for a change whose answer was lost may be made late."""
        now = self._monotonic()
        if self._share is None or now - self._share_read_at >= _SHARE_SECONDS:
            rows = await self._database.fetch("list_own_shards", *self._own)
            slots = await self._database.fetch_value("list_own_slots", *self._own)
            shards = {row["connector_id"]: frozenset(row["shards"]) for row in rows}
            self._share = Share(shards, frozenset(slots or ()))
            self._share_read_at = now
        return self._share

    async def take_binds(self, wanted: Collection[BindKey]) -> set[BindKey]:
        """Hold those that nobody holds; returns what was taken."""
        async with self._change() as connection:
            rows = await connection.fetch("take_bind_leases", *self._own, *_columns(wanted))
        return {BindKey(row["connector_id"], row["bind_no"]) for row in rows}

    async def release_binds(self, gone: Collection[BindKey]) -> None:
        """Give back binds whose sessions have ended. Their speed stays with this node's other binds of the
        connector: it is still used until `share_speed` says less."""
        async with self._change() as connection:
            speeds = {
                connector_id: await self._sum_speeds(connection, connector_id)
                for connector_id in sorted({key.connector_id for key in gone})
            }
            await connection.execute("release_bind_leases", *self._own, *_columns(gone))
            for connector_id, (own, _) in speeds.items():
                await connection.execute("set_bind_speed", *self._own, connector_id, own)

    async def mark_binds(self, is_up: Mapping[BindKey, bool]) -> None:
        """Tell the other nodes which binds the SMSC has accepted."""
        async with self._change() as connection:
            await connection.execute("mark_binds", *self._own, *_columns(is_up), list(is_up.values()))

    async def share_speed(self, connector_id: int, wanted: float, *, limit: float) -> float:
        """Take `wanted` of a connector's speed, or what the other nodes leave of its `limit`; returns how
        much that is, in parts a second."""
        async with self._change() as connection:
            _, others = await self._sum_speeds(connection, connector_id)
            granted = grant_speed(wanted, limit, others)
            await connection.execute("set_bind_speed", *self._own, connector_id, granted)
        return granted

    async def _sum_speeds(self, connection: Connection, connector_id: int) -> tuple[float, float]:
        """A connector's speed that is ours, and the other nodes'."""
        own = others = 0.0
        for row in await connection.fetch("list_bind_speeds", connector_id):
            if row["is_held"] and row["node_no"] == self._node.node_no:
                own += row["parts_per_second"]
            elif row["is_held"]:
                others += row["parts_per_second"]
        return own, others

    async def take_shards(self, wanted: Mapping[int, Iterable[int]]) -> dict[int, set[int]]:
        """Hold those shards, by connector, that nobody holds; returns what was taken."""
        pairs = _pairs(wanted)
        async with self._change_share() as connection:
            rows = await connection.fetch("take_dispatch_leases", *self._own, *_columns(pairs))
        taken: dict[int, set[int]] = {}
        for row in rows:
            taken.setdefault(row["connector_id"], set()).add(row["shard"])
        return taken

    async def release_shards(self, gone: Mapping[int, Iterable[int]]) -> None:
        async with self._change_share() as connection:
            await connection.execute("release_dispatch_leases", *self._own, *_columns(_pairs(gone)))

    async def take_slots(self, wanted: Collection[int]) -> set[int]:
        """Hold those slots that nobody holds; returns what was taken."""
        async with self._change_share() as connection:
            rows = await connection.fetch("take_slot_leases", *self._own, sorted(wanted))
        return {row["slot"] for row in rows}

    async def release_slots(self, gone: Collection[int]) -> None:
        async with self._change_share() as connection:
            await connection.execute("release_slot_leases", *self._own, sorted(gone))

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[Connection]:
        """A fenced transaction in which no other node changes leases of work."""
        async with self._node.fenced() as connection:
            await connection.execute("lock_work_leases")
            yield connection

    @asynccontextmanager
    async def _change_share(self) -> AsyncIterator[Connection]:
        """A change of shards or slots: whatever becomes of it, `read_share` reads the rows afterwards."""
        try:
            async with self._change() as connection:
                yield connection
        finally:
            self._share = None


def _pairs(by_connector: Mapping[int, Iterable[int]]) -> list[tuple[int, int]]:
    return [(connector_id, shard) for connector_id, shards in by_connector.items() for shard in shards]


def _columns(pairs: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Connector numbers, and the numbers of their binds or shards."""
    rows = list(pairs)
    return [first for first, _ in rows], [second for _, second in rows]
