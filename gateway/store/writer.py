"""Group commit: one writer, one connection, one batch at a time, committed when the last commit returns.

Owns the fence, retries, the halving of a batch that holds a bad row, and what a lost connection means.
Knows nothing of what is written: that is the `BatchWork` it is given.

A timer in place of self-clocking was measured: 10/30/100 ms gave 35 k/23 k/8.9 k messages a second.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar, cast

import asyncpg
import structlog

from gateway.store.availability import Availability
from gateway.store.connecting import Dialler
from gateway.store.database import UNREACHABLE, Connection
from gateway.store.errors import LeaseLost, PartsMoved, RowRefused, StoreUnavailable
from gateway.store.queries import Query

Item = TypeVar("Item")
Result = TypeVar("Result")
ItemContra = TypeVar("ItemContra", contravariant=True)
ResultBoth = TypeVar("ResultBoth")

log = structlog.get_logger("store")

_TRY_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, PartsMoved)
_DATA_AT_FAULT = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    # What the driver says of a value that it cannot write in a COPY.
    OverflowError,
    UnicodeEncodeError,
)
_STATEMENT_TIMEOUT_SECONDS = 30.0
_RECONNECT_SECONDS = 0.25
_CONFLICT_PAUSE_SECONDS = 0.01


class BatchWork(Protocol[ItemContra, ResultBoth]):
    """What a writer does with a batch."""

    async def write(self, connection: Connection, items: Sequence[ItemContra]) -> ResultBoth:
        """Run the statements, inside the open transaction. May be called again with the same items."""

    def committed(self, items: Sequence[ItemContra], result: ResultBoth) -> None:
        """The transaction is durable. Must not raise or block."""

    def refused(self, item: ItemContra, error: Exception) -> None:
        """This one item was refused for its data; the rest of its batch was stored."""


class Fence:
    """The node lease that every batch of this process checks as its first statement.

    `may_write` says by the local monotonic clock whether it surely still holds; it is asked again
    right before each COMMIT, for a process may stand still between two statements.
    """

    def __init__(
        self,
        node_no: int,
        epoch: int,
        may_write: Callable[[], bool] = lambda: True,
        availability: Availability | None = None,
    ) -> None:
        self.node_no = node_no
        self.epoch = epoch
        self.may_write = may_write
        self.availability = availability or Availability()
        """Whether the server of the lease answers: while it does not, no batch can pass."""


class Joins(Enum):
    """How statements of a connection join a batch with a table. Fresh partitions have no statistics, and the
    planner takes them for tiny: left alone it chose a nested loop of the whole range against the whole
    batch, quadratic, at 180 µs a message, and kept it."""

    BY_PROBE = "by_probe"
    """An index probe for each row of the batch."""
    BY_ARRAY = "by_array"
    """One sweep of the index with `= ANY (ids)`, hashed against the batch."""


_PLANNER = {
    # Without a sort the claim reads its stream in key order and stops at its limit; with one it read the
    # whole stream each time, for a stream that it took to be tiny.
    Joins.BY_PROBE: {"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_sort": "off"},
    Joins.BY_ARRAY: {"enable_nestloop": "off", "enable_mergejoin": "off"},
}


class _LeaseStale(Exception):
    """Ours, but past its expiry: the renewal has yet to come through after an outage."""


class GroupWriter(Generic[Item, Result]):
    """Gathers items while a batch commits, then commits what gathered.

    `weigh` says how many rows an item stands for, one where it is missing; a batch takes items until
    `batch_rows` is reached (at least one item), so that one huge item cannot be cut. `put` never blocks:
    callers look at `backlog_rows` and refuse new work beyond their own cap.
    """

    def __init__(
        self,
        dsn: str,
        queries: dict[str, Query],
        fence: Fence,
        work: BatchWork[Item, Result],
        *,
        name: str,
        batch_rows: int,
        weigh: Callable[[Item], int] | None = None,
        joins: Joins = Joins.BY_PROBE,
    ) -> None:
        self._dsn = dsn
        self._queries = queries
        self._fence = fence
        self._work = work
        self._name = name
        self._batch_rows = batch_rows
        self._weigh = weigh
        self._joins = joins
        self._batch_no = 0
        self._items: deque[Item] = deque()
        self._arrived = asyncio.Event()
        self._put_items = 0
        self._settled_items = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._connection: Connection | None = None
        self.backlog_rows = 0
        self.commits = 0
        self.is_away = False
        """The database did not answer when this writer last tried."""

    def put(self, item: Item) -> None:
        self._items.append(item)
        self._put_items += 1
        self.backlog_rows += 1 if self._weigh is None else self._weigh(item)
        self._arrived.set()

    def put_many(self, items: Sequence[Item]) -> None:
        """As `put` for items of weight one."""
        self._items.extend(items)
        self._put_items += len(items)
        self.backlog_rows += len(items)
        self._arrived.set()

    async def drained(self) -> None:
        """Returns when everything put so far is durable or refused; later items do not prolong it."""
        if self._settled_items >= self._put_items:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._put_items, done))
        await done

    async def run(self) -> None:
        """Write until cancelled. Raises `LeaseLost`, or whatever a programming fault raises: both stop the
        process, for a writer that dies silently would leave everything behind it waiting."""
        try:
            while True:
                await self._arrived.wait()
                batch = self._take()
                if not batch:
                    self._arrived.clear()
                    continue
                await self._store(batch)
                self._settle(len(batch))
        finally:
            await self._disconnect()

    def _take(self) -> list[Item]:
        items, weigh = self._items, self._weigh
        if weigh is None:  # 0.3 µs less for each item than to weigh it
            rows = min(len(items), self._batch_rows)
            self.backlog_rows -= rows
            return [items.popleft() for _ in range(rows)]
        batch: list[Item] = []
        rows = 0
        while items and (not batch or rows + weigh(items[0]) <= self._batch_rows):
            item = items.popleft()
            rows += weigh(item)
            batch.append(item)
        self.backlog_rows -= rows
        return batch

    def _settle(self, items: int) -> None:
        self._settled_items += items
        while self._waiters and self._waiters[0][0] <= self._settled_items:
            _, done = self._waiters.popleft()
            if not done.done():
                done.set_result(None)

    async def _store(self, batch: list[Item]) -> None:
        """See one batch through: stored, or halved until the bad row stands alone."""
        while True:
            try:
                result = await self._attempt(batch)
            except _TRY_AGAIN as exc:
                log.warning("batch.conflict", writer=self._name, rows=len(batch), fault=str(exc))
                await asyncio.sleep(_CONFLICT_PAUSE_SECONDS)
                continue
            except _DATA_AT_FAULT as exc:
                await self._halve(batch, exc)
                return
            self.commits += 1
            self._work.committed(batch, result)
            return

    async def _halve(self, batch: list[Item], fault: Exception) -> None:
        if len(batch) == 1:
            log.error("row.refused", writer=self._name, fault=str(fault))
            refusal = RowRefused(str(fault))
            refusal.__cause__ = fault
            self._work.refused(batch[0], refusal)
            return
        middle = len(batch) // 2
        await self._store(batch[:middle])
        await self._store(batch[middle:])

    async def _attempt(self, batch: list[Item]) -> Result:
        """One transaction, repeated across lost connections until its outcome is known.

        A connection that dies during COMMIT leaves the outcome open; the mark that the batch left with the
        fence is looked for afterwards, so that nothing is stored twice or forgotten.
        """
        while True:
            result: Result | None = None
            is_in_doubt = False
            try:
                connection = await self._connect()
                await connection.raw.execute("BEGIN")
                await self._pass_fence(connection)
                result = await self._work.write(connection, batch)
                if not self._fence.may_write():
                    raise _LeaseStale
                is_in_doubt = True
                await connection.raw.execute("COMMIT")
            except _LeaseStale:
                await self._roll_back()
                await asyncio.sleep(_RECONNECT_SECONDS)
            except (*UNREACHABLE, StoreUnavailable) as exc:
                if isinstance(exc, asyncpg.InterfaceError) and not self._is_disconnected:
                    await self._roll_back()
                    raise  # the driver was called wrongly; the connection is well
                self.is_away = True
                log.warning("writer.disconnected", writer=self._name, rows=len(batch), fault=repr(exc))
                await self._disconnect()
                if is_in_doubt and await self._was_committed():
                    return cast(Result, result)
                await asyncio.sleep(_RECONNECT_SECONDS)
            except BaseException:
                await self._roll_back()
                raise
            else:
                return result

    async def _pass_fence(self, connection: Connection) -> None:
        fence = self._fence
        self._batch_no += 1
        is_live = await connection.fetch_value(
            "begin_batch", fence.node_no, fence.epoch, self._name, self._batch_no
        )
        if is_live is None:
            raise LeaseLost(fence.node_no, fence.epoch)
        if not is_live:
            raise _LeaseStale

    async def _was_committed(self) -> bool:
        """Wait for the server to come back and say whether the batch that came last was committed."""
        while True:
            try:
                connection = await self._connect()
                mark = await connection.fetch_row("find_mark", self._fence.node_no, self._name)
            except UNREACHABLE:
                await self._disconnect()
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            is_committed = mark is not None and tuple(mark) == (self._fence.epoch, self._batch_no)
            log.info("commit.resolved", writer=self._name, is_committed=is_committed)
            return is_committed

    async def _connect(self) -> Connection:
        while self._connection is None:
            try:
                raw = await open_writer_connection(self._dsn, name=self._name, joins=self._joins)
                self._connection = Connection(raw, self._queries)
                await self._connection.execute("make_mark", self._fence.node_no, self._name)
            except UNREACHABLE as exc:
                self.is_away = True
                log.debug("writer.waiting", writer=self._name, fault=repr(exc))
                await self._disconnect()
                await asyncio.sleep(_RECONNECT_SECONDS)
            else:
                self.is_away = False
        return self._connection

    async def _roll_back(self) -> None:
        """Leave the transaction; a connection that cannot is dropped, which leaves it too."""
        connection = self._connection
        if connection is None:
            return
        try:
            await asyncio.wait_for(connection.raw.execute("ROLLBACK"), 5.0)
        except (*UNREACHABLE, asyncpg.PostgresError):
            await self._disconnect()

    @property
    def _is_disconnected(self) -> bool:
        return self._connection is None or self._connection.raw.is_closed()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.raw.terminate()


async def open_writer_connection(dsn: str, *, name: str, joins: Joins) -> Any:
    """A dedicated connection for batches, with plans that are made once and do not depend on statistics."""
    return await Dialler(dsn).dial(
        name=f"estafette-{name}",
        timeout_seconds=5.0,
        statement_seconds=_STATEMENT_TIMEOUT_SECONDS,
        settings={
            "plan_cache_mode": "force_generic_plan",
            "enable_seqscan": "off",
            "enable_bitmapscan": "off",
            "jit": "off",
            **_PLANNER[joins],
        },
    )


def unavailable(writer: GroupWriter[Any, Any]) -> StoreUnavailable:
    """The error for a caller whose work this writer cannot take just now."""
    what = "it does not answer" if writer.is_away else "too much is waiting to be stored"
    return StoreUnavailable(what)
