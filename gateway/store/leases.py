"""Who may do what, and until when: the node's lease and the leases that hang on it.

Owns taking, renewing and releasing. Times are the database's; locally only a monotonic deadline is kept,
counted from before the statement was sent, so that it can only be early. Decides nothing about work.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog

from gateway.domain.identifiers import NODE_COUNT, IdSource
from gateway.store.database import Connection, Database
from gateway.store.errors import LeaseLost, StoreError, StoreUnavailable
from gateway.store.writer import Fence

log = structlog.get_logger("store")

TTL_SECONDS = 10.0
RENEW_SECONDS = 3.0
SHARD_COUNT = 16
_TTL = timedelta(seconds=TTL_SECONDS)
_TRIES = 5


class NoFreeNode(StoreError):
    """All node numbers are held by living nodes."""

    def __init__(self) -> None:
        super().__init__(
            f"all {NODE_COUNT} node numbers are held by running nodes; stop one, or wait {TTL_SECONDS:.0f} s "
            "after one has died"
        )


@dataclass(frozen=True, slots=True)
class BindShare:
    """One bind of a connector and the speed that its holder may use."""

    connector_id: int
    bind_no: int
    parts_per_second: float


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node as its lease row describes it."""

    node_no: int
    epoch: int
    host: str
    pid: int
    version: str
    started_at: datetime
    expires_at: datetime
    is_alive: bool


async def list_nodes(database: Database) -> list[NodeRecord]:
    """Every node number that was ever leased."""
    return [NodeRecord(**row) for row in await database.fetch("list_nodes")]


class Node:
    """This process's lease: its number, epoch, id source and the moment it must stop submitting."""

    def __init__(
        self, database: Database, *, node_no: int, epoch: int, ids: IdSource, deadline: float
    ) -> None:
        self._database = database
        self.node_no = node_no
        self.epoch = epoch
        self.ids = ids
        self.fence = Fence(node_no, epoch)
        self.is_new_epoch = epoch > 1
        self._deadline = deadline

    @classmethod
    async def take(cls, database: Database, *, node_key: str, host: str, pid: int, version: str) -> "Node":
        """Lease a node number: the one this state folder had before, at once, else the lowest free one.

        Raises `NoFreeNode`, `StoreUnavailable`.
        """
        for _ in range(_TRIES):
            asked_at = time.monotonic()
            try:
                async with database.transaction() as connection:
                    node_no, row = await _take_number(connection, node_key, host, pid, version)
            except asyncpg.UniqueViolationError:
                continue  # another node took this number in the same instant
            if row is not None:
                # Counted from the answer: ids may lie behind the database's clock, never ahead of it.
                database_ms = int(row["started_at"].timestamp() * 1000)
                clock = _Clock(database_ms - time.monotonic_ns() // 1_000_000)
                ids = IdSource(node_no, clock, high_water=row["id_high_water"])
                return cls(
                    database, node_no=node_no, epoch=row["epoch"], ids=ids, deadline=asked_at + TTL_SECONDS
                )
        raise NoFreeNode

    def may_submit(self) -> bool:
        """Whether the lease surely still holds: asked before every write that carries a submit_sm."""
        return time.monotonic() < self._deadline

    async def keep(self) -> None:
        """Renew until cancelled. Raises `LeaseLost` when another node took over.

        While Postgres is away the deadline simply passes; renewal is tried again until it is back.
        """
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self.renew()

    async def renew(self) -> None:
        asked_at = time.monotonic()
        try:
            expires_at = await self._database.fetch_value(
                "renew_node", self.node_no, self.epoch, _TTL, self.ids.high_water
            )
        except StoreUnavailable as exc:
            log.warning("lease.not_renewed", node=self.node_no, fault=str(exc))
            return
        if expires_at is None:
            raise LeaseLost(self.node_no, self.epoch)
        self._deadline = asked_at + TTL_SECONDS

    async def release(self) -> None:
        """Give the lease back at an orderly stop; a database that is away makes no difference."""
        self._deadline = 0.0
        try:
            await self._database.execute("release_node", self.node_no, self.epoch, self.ids.high_water)
        except StoreUnavailable as exc:
            log.warning("lease.not_released", node=self.node_no, fault=str(exc))

    async def take_binds(self, wanted: Sequence[BindShare]) -> set[tuple[int, int]]:
        """Hold the binds that nobody alive holds; returns all that are ours now, (connector_id, bind_no)."""
        async with self._fenced() as connection:
            rows = await connection.fetch(
                "take_bind_leases",
                self.node_no,
                self.epoch,
                [share.connector_id for share in wanted],
                [share.bind_no for share in wanted],
                [share.parts_per_second for share in wanted],
            )
        return {(row["connector_id"], row["bind_no"]) for row in rows}

    async def take_shards(self, connector_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Hold the dispatch shards of these connectors; returns the shards that are ours, by connector."""
        async with self._fenced() as connection:
            rows = await connection.fetch(
                "take_dispatch_leases", self.node_no, self.epoch, list(connector_ids)
            )
        held: dict[int, list[int]] = {}
        for row in rows:
            held.setdefault(row["connector_id"], []).append(row["shard"])
        return {connector_id: tuple(sorted(shards)) for connector_id, shards in held.items()}

    async def take_slots(self) -> tuple[int, ...]:
        """Hold the slots that nobody alive holds; returns all that are ours now."""
        async with self._fenced() as connection:
            rows = await connection.fetch("take_slot_leases", self.node_no, self.epoch)
        return tuple(sorted(row["slot"] for row in rows))

    @asynccontextmanager
    async def _fenced(self) -> AsyncIterator[Connection]:
        """A pooled transaction that begins with the fence."""
        async with self._database.transaction() as connection:
            if await connection.fetch_row("check_fence", self.node_no, self.epoch) is None:
                raise LeaseLost(self.node_no, self.epoch)
            yield connection


async def _take_number(
    connection: Connection, node_key: str, host: str, pid: int, version: str
) -> tuple[int, asyncpg.Record | None]:
    """A number and its lease; None in its place where another node was faster."""
    known = await connection.fetch_row("find_node_of_key", node_key)
    node_no = known["node_no"] if known else await connection.fetch_value("find_free_node", NODE_COUNT)
    if node_no is None:
        raise NoFreeNode
    return node_no, await connection.fetch_row("take_node", node_no, node_key, host, pid, version, _TTL)


class _Clock:
    """Unix milliseconds: the database's at lease time plus local monotonic time since."""

    __slots__ = ("_offset_ms",)

    def __init__(self, offset_ms: int) -> None:
        self._offset_ms = offset_ms

    def __call__(self) -> int:
        return self._offset_ms + time.monotonic_ns() // 1_000_000
