"""A node's own lease: its number, its epoch, until when it may act, and how a dead node's epoch is ended.

Owns taking, renewing, releasing and deposing; what hangs on the lease is `work_leases.py`'s. Times are the
database's; locally only a monotonic deadline is kept, counted from before the statement was sent, so that it
can only be early. Decides nothing about work.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import msgspec
import structlog

from gateway.domain.identifiers import NODE_COUNT, IdSource
from gateway.store.database import Connection, Database
from gateway.store.errors import LeaseLost, StoreError, StoreUnavailable
from gateway.store.fence import Fence
from gateway.store.outage_line import OutageLine

log = structlog.get_logger("store")

TTL_SECONDS = 10.0
RENEW_SECONDS = 3.0
RETRY_SECONDS = 0.5
"""After a renewal that failed: of two nodes the one that comes back first must not depose the other."""
_TTL = timedelta(seconds=TTL_SECONDS)
_LONGEST = 2 * _TTL
"""No lease lasts longer from now on, unless the database's clock was put back since it was given."""
_TRIES = 5
_WAIT_FOR_LOCK = "SET LOCAL lock_timeout = '1s'"
_SILENT = timedelta(seconds=5)
"""As `idle_in_transaction_session_timeout` of our connections, which does not count in the middle of a COPY:
of five workers frozen under load one kept its lease until it woke, and its queue with it."""


def _awake_or_not() -> float:
    """Seconds that go on while the machine is suspended: it may have slept past the end of its lease."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class IdentityInUse(StoreError):
    """Another living process has this node's identity: its state folder was copied."""

    def __init__(self, host: str, pid: int) -> None:
        super().__init__(
            f"a running node on {host} (process {pid}) has the same identity: this state folder is a copy of "
            "its own. Delete the file node-identity in this one and start again"
        )


class NoFreeNode(StoreError):
    """All node numbers are held by living nodes."""

    def __init__(self) -> None:
        super().__init__(
            f"all {NODE_COUNT} node numbers are held by running nodes; stop one, or wait {TTL_SECONDS:.0f} s "
            "after one has died"
        )


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
    """Its lease has not run out."""
    overdue_seconds: float
    """Since its lease ran out, by the clock of the database; below 0 while it has not."""
    is_held: bool
    """It neither released its lease nor was deposed."""
    is_stopping: bool
    connector_ids: frozenset[int]
    """What it is able to bind."""
    figures: Mapping[str, float]
    """How far behind it was at its last renewal."""


async def list_nodes(database: Database) -> list[NodeRecord]:
    """Every node number that was ever leased."""
    return [_read_node(row) for row in await database.fetch("list_nodes", _LONGEST)]


def _read_node(row: asyncpg.Record) -> NodeRecord:
    values = dict(row)
    values["connector_ids"] = frozenset(row["connector_ids"])
    values["figures"] = msgspec.json.decode(row["figures"], type=dict[str, float])
    return NodeRecord(**values)


class Node:
    """This process's lease: its number, epoch, id source and the moment it must stop submitting."""

    def __init__(
        self, database: Database, *, node_no: int, epoch: int, ids: IdSource, deadline: float
    ) -> None:
        self._database = database
        self.node_no = node_no
        self.epoch = epoch
        self.ids = ids
        self.fence = Fence(node_no, epoch, self.may_submit, database.availability)
        self.is_new_epoch = epoch > 1
        self._deadline = deadline
        self._renewal = OutageLine(log, "lease.not_renewed", node=node_no)
        self.figures: Callable[[], Mapping[str, float]] = dict
        """Asked at each renewal: how far behind this node is, for the others to show."""

    @classmethod
    async def take(cls, database: Database, *, node_key: str, host: str, pid: int, version: str) -> "Node":
        """Lease a node number: the one this state folder had before, at once, else the lowest free one.

        Where that number seems to be held elsewhere, by a process on another host, waits until its lease is
        over: it may be a container that was replaced. Raises `IdentityInUse` when it is renewed,
        `NoFreeNode`, `StoreUnavailable`.
        """
        await _wait_for_own_number(database, node_key, host)
        for _ in range(_TRIES):
            asked_at = _awake_or_not()
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
        return _awake_or_not() < self._deadline

    async def keep(self) -> None:
        """Renew until cancelled. Raises `LeaseLost` when another node took over.

        While Postgres is away the deadline simply passes; renewal is tried again until it is back.
        """
        pause_seconds = RENEW_SECONDS
        while True:
            await asyncio.sleep(pause_seconds)
            pause_seconds = RENEW_SECONDS if await self.renew() else min(RENEW_SECONDS, RETRY_SECONDS)

    async def renew(self) -> bool:
        """Prolong the lease once; False while the database is away. Raises `LeaseLost`."""
        asked_at = _awake_or_not()
        try:
            async with self._database.lease_connection() as connection:
                expires_at = await connection.fetch_value(
                    "renew_node", self.node_no, self.epoch, _TTL, self.ids.high_water, self._write_figures()
                )
        except StoreUnavailable as exc:
            self._renewal.failed(exc)
            return False
        self._renewal.worked()
        if expires_at is None:
            raise LeaseLost(self.node_no, self.epoch)
        self._deadline = asked_at + TTL_SECONDS
        return True

    def _write_figures(self) -> str:
        return msgspec.json.encode(self.figures()).decode()

    @property
    def overdue_seconds(self) -> float:
        """For how long the lease has been over, by the clock of this process; 0 while it holds."""
        return max(0.0, _awake_or_not() - self._deadline)

    async def release(self) -> None:
        """Give the lease back at an orderly stop; a database that is away makes no difference."""
        self._deadline = 0.0
        try:
            async with self._database.lease_connection() as connection:
                await connection.execute("release_node", self.node_no, self.epoch, self.ids.high_water)
        except StoreUnavailable as exc:
            log.warning("lease.not_released", node=self.node_no, fault=str(exc))

    async def announce(self, connector_ids: Collection[int], *, is_stopping: bool) -> None:
        """Tell the other nodes what this one is able to bind, and whether it is about to stop."""
        async with self.fenced() as connection:
            await connection.execute(
                "announce_node", self.node_no, self.epoch, sorted(connector_ids), is_stopping
            )

    async def depose(self, other: NodeRecord) -> bool:
        """End the epoch of a node whose lease ran out; all its leases are free then. False when it renewed,
        was deposed by somebody else, or has a batch under way that keeps it for another moment. Where it
        stands still in the midst of that batch, the next try succeeds."""
        try:
            async with self.fenced() as connection:
                await connection.raw.execute(_WAIT_FOR_LOCK)
                ended = await connection.fetch_row("depose_node", other.node_no, other.epoch, _LONGEST)
                return ended is not None
        except asyncpg.LockNotAvailableError:
            await self._database.execute("end_silent_holders", _SILENT)
            return False

    @asynccontextmanager
    async def fenced(self) -> AsyncIterator[Connection]:
        """A pooled transaction that begins with the fence. Raises `LeaseLost`, `StoreUnavailable`."""
        async with self._database.transaction() as connection:
            if await connection.fetch_row("check_fence", self.node_no, self.epoch) is None:
                raise LeaseLost(self.node_no, self.epoch)
            yield connection


async def _wait_for_own_number(database: Database, node_key: str, host: str) -> None:
    """A restart on the same host takes its number at once: the lock on the state folder proves that the last
    process is gone. On another host only time can tell."""
    seen: asyncpg.Record | None = None
    while True:
        async with database.transaction() as connection:
            known = await connection.fetch_row("find_node_of_key", node_key)
        if known is None or not known["is_alive"] or not known["pid"] or known["host"] == host:
            return
        if seen is not None and known["expires_at"] > seen["expires_at"]:
            raise IdentityInUse(known["host"], known["pid"])
        log.warning("lease.held_elsewhere", host=known["host"], pid=known["pid"])
        seen = known
        await asyncio.sleep(RENEW_SECONDS + RETRY_SECONDS)


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
