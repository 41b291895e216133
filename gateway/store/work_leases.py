"""What hangs on a node's lease: binds with their speed, shards of connectors' queues, slots.

A row is held as long as its holder's epoch lasts, whatever the clock says: taking over begins with ending
that epoch (`Node.depose`). Each call is one fenced transaction. Who should hold what is `domain.sharing`'s.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gateway.domain.sharing import BindKey, HeldBind, grant_speed
from gateway.store.database import Database
from gateway.store.leases import Node, NodeRecord, list_nodes


@dataclass(frozen=True, slots=True)
class LeaseLook:
    """Who is there and which binds are held, as the rows say."""

    nodes: list[NodeRecord]
    binds: list[HeldBind]


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
    """The leases of one node. Every call raises `LeaseLost` and `StoreUnavailable`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._own = (node.node_no, node.epoch)

    async def take_binds(self, wanted: Collection[BindKey]) -> set[BindKey]:
        """Hold those that nobody holds; returns what was taken."""
        async with self._node.fenced() as connection:
            rows = await connection.fetch("take_bind_leases", *self._own, *_columns(wanted))
        return {BindKey(row["connector_id"], row["bind_no"]) for row in rows}

    async def release_binds(self, gone: Collection[BindKey]) -> None:
        """Give back binds whose sessions have ended."""
        async with self._node.fenced() as connection:
            await connection.execute("release_bind_leases", *self._own, *_columns(gone))

    async def mark_binds(self, is_up: Mapping[BindKey, bool]) -> None:
        """Tell the other nodes which binds the SMSC has accepted."""
        async with self._node.fenced() as connection:
            await connection.execute("mark_binds", *self._own, *_columns(is_up), list(is_up.values()))

    async def share_speed(self, connector_id: int, wanted: float, *, limit: float) -> float:
        """Take `wanted` of a connector's speed, or what the other nodes leave of its `limit`; returns how
        much that is, in parts a second."""
        async with self._node.fenced() as connection:
            rows = await connection.fetch("lock_bind_speeds", connector_id)
            others = sum(
                row["parts_per_second"]
                for row in rows
                if row["is_held"] and row["node_no"] != self._node.node_no
            )
            granted = grant_speed(wanted, limit, others)
            await connection.execute("set_bind_speed", *self._own, connector_id, granted)
        return granted

    async def take_shards(self, wanted: Mapping[int, Iterable[int]]) -> dict[int, set[int]]:
        """Hold those shards, by connector, that nobody holds; returns what was taken."""
        pairs = _pairs(wanted)
        async with self._node.fenced() as connection:
            rows = await connection.fetch("take_dispatch_leases", *self._own, *_columns(pairs))
        taken: dict[int, set[int]] = {}
        for row in rows:
            taken.setdefault(row["connector_id"], set()).add(row["shard"])
        return taken

    async def release_shards(self, gone: Mapping[int, Iterable[int]]) -> None:
        async with self._node.fenced() as connection:
            await connection.execute("release_dispatch_leases", *self._own, *_columns(_pairs(gone)))

    async def take_slots(self, wanted: Collection[int]) -> set[int]:
        """Hold those slots that nobody holds; returns what was taken."""
        async with self._node.fenced() as connection:
            rows = await connection.fetch("take_slot_leases", *self._own, sorted(wanted))
        return {row["slot"] for row in rows}

    async def release_slots(self, gone: Collection[int]) -> None:
        async with self._node.fenced() as connection:
            await connection.execute("release_slot_leases", *self._own, sorted(gone))


def _pairs(by_connector: Mapping[int, Iterable[int]]) -> list[tuple[int, int]]:
    return [(connector_id, shard) for connector_id, shards in by_connector.items() for shard in shards]


def _columns(pairs: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Connector numbers, and the numbers of their binds or shards."""
    rows = list(pairs)
    return [first for first, _ in rows], [second for _, second in rows]
