"""Group commit: one writer, one connection, one batch at a time, committed when the last commit returns.

Owns retries, the halving of a batch that holds a bad row, and what a lost connection means. Knows nothing of
what is written: that is the `BatchWork` it is given.

A timer in place of self-clocking was measured: 10/30/100 ms gave 35 k/23 k/8.9 k messages a second. Where few
items come at a time a batch may gather more of them for a moment first, as long as more do come.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import asyncpg
import structlog

from gateway.store.batch_work import AtOnce, BatchWork
from gateway.store.database import UNREACHABLE, Connection
from gateway.store.errors import (
    PartsMoved,
    ReceiptsMoved,
    RecipientsMoved,
    RowRefused,
    StoreUnavailable,
)
from gateway.store.fence import Fence, LeaseStale, Mark
from gateway.store.gathering import Gathering
from gateway.store.queries import Query
from gateway.store.writer_connection import Joins, open_writer_connection

Item = TypeVar("Item")
Result = TypeVar("Result")

log = structlog.get_logger("store")

_TRY_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, PartsMoved, ReceiptsMoved)
_DATA_AT_FAULT = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    # What the driver says of a value that it cannot write in a COPY.
    OverflowError,
    UnicodeEncodeError,
)
_RECONNECT_SECONDS = 0.25
_FAULT_SECONDS = 1.0
"""For how long a failed batch speaks against the next, where items are not kept: then one is tried again."""
_FAULT_TOLD_SECONDS = 10.0
_LONG_BATCH_SECONDS = 5.0
"""Batches of thousands of rows take a tenth of it on a slow disk; whoever came behind would wait in vain."""
_THAW_SECONDS = 2.0
"""What a server that stood still may take, once it answers again, to finish what it was asked before."""
_CONFLICT_PAUSE_SECONDS = 0.01


class GroupWriter(Generic[Item, Result]):
    """Gathers items while a batch commits, then commits what gathered.

    `weigh` says how many rows an item stands for, one where it is missing; a batch takes items until
    `batch_rows` is reached (at least one item), so that one huge item cannot be cut. `put` never blocks:
    callers look at `backlog_rows` and `is_away` and refuse new work themselves.

    Items wait for a server that is away. With `keeps_items` False somebody waits for each of them, so they
    are refused instead with `StoreUnavailable`: all that are certainly not stored, at once; those whose
    COMMIT has no answer, once that is known of them.
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
        keeps_items: bool = True,
        at_once: AtOnce[Item, Result] | None = None,
        gathers: bool = False,
    ) -> None:
        """`name` is this writer's alone among those of its node: its marks in the database go by it.
        `gathers` is for items that nobody waits for: small batches are let grow for some milliseconds."""
        self._dsn = dsn
        self._queries = queries
        self._fence = fence
        self._work = work
        self._name = name
        self._batch_rows = batch_rows
        self._weigh = weigh
        self._joins = joins
        self._keeps_items = keeps_items
        self._at_once = at_once
        self._gathering = Gathering() if gathers else None
        self._batch_no = 0
        self._began_at: float | None = None
        self._is_in_doubt = False
        self._failed_at: float | None = None
        self._fault: str | None = None
        self._items: deque[Item] = deque()
        self._arrived = asyncio.Event()
        self._put_items = 0
        self._settled_items = 0
        self._withdrawn_items = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._connection: Connection | None = None
        self.backlog_rows = 0
        self.commits = 0

    @property
    def is_away(self) -> bool:
        """Nothing can be stored now: the server does not answer, its last answer was that it cannot, or the
        batch under way takes longer than any does that will come to an end."""
        if self._fence.availability.is_away:
            return True
        now = time.monotonic()
        if self._failed_at is not None and (self._keeps_items or now - self._failed_at < _FAULT_SECONDS):
            return True
        return self._began_at is not None and now - self._began_at > _LONG_BATCH_SECONDS

    @property
    def fault(self) -> str | None:
        """Why the server refused or lost the last batch, for people: told until one passes, or, where items
        are not kept, for a while, since none may come as long as it is told."""
        if self._fault is None or self._failed_at is None:
            return None
        is_recent = time.monotonic() - self._failed_at < _FAULT_TOLD_SECONDS
        return self._fault if self._keeps_items or is_recent else None

    @property
    def unsettled(self) -> int:
        """Items that wait or are being stored."""
        return self._put_items - self._settled_items

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
            with self._fence.availability.heeded_by(self):
                await self._meet_server()
                while True:
                    if not self._items:
                        self._arrived.clear()
                        await self._arrived.wait()
                    if self._gathering is not None:
                        await self._gathering.wait(self._count_gathered)
                    batch = self._take()
                    if not batch:
                        continue  # withdrawn meanwhile
                    self._began_at = time.monotonic()
                    await self._store(batch)
                    self._began_at = None
                    self._settle(len(batch))
        finally:
            self._began_at = None
            await self._disconnect()

    def _count_gathered(self) -> int | None:
        """Rows that wait to be stored; None where somebody waits for them to be durable."""
        return None if self._waiters else self.backlog_rows

    # What the server's absence means for the work under way.

    def on_away(self) -> None:
        """Let go of what is certainly not stored, if that is our way."""
        if self._keeps_items:
            return
        self._withdraw()
        if self._connection is not None and self._began_at is not None and not self._is_in_doubt:
            self._connection.raw.terminate()

    def on_back(self) -> None:
        """A line that stays silent although the server answers others is dead: a machine that was replaced
        never says so. The batch then goes on over a new one."""
        if self._began_at is None:
            self._failed_at = None  # the absence explains it
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(_THAW_SECONDS, self._drop_silent_line, self._batch_no, self._connection)

    def _drop_silent_line(self, batch_no: int, connection: Connection | None) -> None:
        is_under_way = self._began_at is not None and self._batch_no == batch_no
        if is_under_way and connection is not None and connection is self._connection:
            log.warning("writer.silent_line", writer=self._name)
            connection.raw.terminate()

    def _withdraw(self) -> None:
        """Refuse what waits behind the batch under way."""
        items, self._items = self._items, deque()
        self.backlog_rows = 0
        self._withdrawn_items += len(items)
        for item in items:
            self._work.refused(item, StoreUnavailable(self._fence.availability.fault))
        if self._began_at is None:
            self._settle(0)

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
        self._settled_items += items + self._withdrawn_items
        self._withdrawn_items = 0
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
            except (StoreUnavailable, RecipientsMoved) as exc:
                for item in batch:
                    self._work.refused(item, exc)
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
        fence is looked for afterwards, so that nothing is stored twice or forgotten. Raises
        `StoreUnavailable` where items are not kept, and then none of them is stored.
        """
        failures = 0
        while True:
            result = None if self._at_once is None else self._at_once.foresee(batch)
            try:
                connection = await self._connect()
                if result is None or not await self._is_stored_at_once(connection, batch):
                    await connection.command("BEGIN")
                    await self._pass_fence(connection)
                    result = await self._work.write(connection, batch)
                    self._fence.require_own()
                    self._is_in_doubt = True
                    await connection.command("COMMIT")
            except LeaseStale as exc:
                await self._roll_back()
                if not self._keeps_items:
                    raise StoreUnavailable("this node's lease is not renewed yet") from exc
                await asyncio.sleep(_RECONNECT_SECONDS)
            except (*UNREACHABLE, StoreUnavailable) as exc:
                if isinstance(exc, asyncpg.InterfaceError) and not self._is_disconnected:
                    await self._roll_back()
                    raise  # the driver was called wrongly; the connection is well
                self._note_failure(exc, len(batch))
                await self._disconnect()
                if self._is_in_doubt and await self._was_committed():
                    return self._succeed(cast(Result, result))
                failures += 1
                if not self._keeps_items and (failures > 1 or self._fence.availability.is_away):
                    raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
                if failures > 1:
                    await asyncio.sleep(_RECONNECT_SECONDS)
            except BaseException:
                self._failed_at = None  # whatever it refused, it answers
                await self._roll_back()
                raise
            else:
                return self._succeed(result)
            finally:
                self._is_in_doubt = False

    def _succeed(self, result: Result) -> Result:
        self._failed_at = None
        self._fence.availability.heard += 1
        return result

    def _note_failure(self, fault: Exception, rows: int) -> None:
        self._fence.availability.suspect()
        if self._failed_at is None:  # once: an outage of an hour would say it thousands of times
            log.warning("writer.disconnected", writer=self._name, rows=rows, fault=repr(fault))
        self._failed_at, self._fault = time.monotonic(), str(fault) or type(fault).__name__

    async def _is_stored_at_once(self, connection: Connection, batch: list[Item]) -> bool:
        """Store a small batch with one statement; False when it needs a transaction after all. From the
        first octet to the answer its outcome is in doubt, as it is during a COMMIT."""
        assert self._at_once is not None
        self._fence.require_own()
        self._is_in_doubt = True
        try:
            answer = await self._at_once.store(connection, self._next_mark(), batch)
        except asyncpg.UniqueViolationError:
            self._is_in_doubt = False
            return False  # by a row that another node stored meanwhile; a transaction finds out which
        self._is_in_doubt = False
        self._fence.require_live(None if answer is None else answer[0])
        return answer is not None and answer[1]

    async def _pass_fence(self, connection: Connection) -> None:
        self._fence.require_live(await connection.fetch_value("begin_batch", *self._next_mark()))

    def _next_mark(self) -> Mark:
        self._batch_no += 1
        return self._fence.make_mark(self._name, self._batch_no)

    async def _was_committed(self) -> bool:
        """Wait for the server to come back and say whether the batch that came last was committed. One of a
        single statement that is still on its way to the server finds itself overtaken there."""
        epoch, batch_no = self._fence.epoch, self._batch_no
        self._batch_no += 1  # what the server has then
        while True:
            try:
                connection = await self._connect()
                mark = await connection.fetch_row(
                    "overtake_mark", self._fence.node_no, epoch, self._name, batch_no
                )
            except UNREACHABLE:
                await self._disconnect()
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            is_committed = mark is not None and tuple(mark) == (epoch, batch_no)
            log.info("commit.resolved", writer=self._name, is_committed=is_committed)
            return is_committed

    async def _meet_server(self) -> None:
        """Connect before somebody waits: the first password took 0.1 s longer. A server that is away now is
        met with the first batch."""
        if self._at_once is not None:
            try:
                await self._connect()
            except UNREACHABLE:
                await self._disconnect()

    async def _connect(self) -> Connection:
        """The connection of this writer, opened if need be. Raises one of `UNREACHABLE`."""
        if self._connection is None:
            raw = await open_writer_connection(self._dsn, name=self._name, joins=self._joins)
            self._connection = Connection(raw, self._queries)
            self._fence.availability.lines.add(self._connection)
            await self._connection.execute("make_mark", self._fence.node_no, self._name)
            if self._at_once is not None:
                await self._connection.prepare(self._at_once.statement)
        return self._connection

    async def _roll_back(self) -> None:
        """Leave the transaction; a connection that cannot is dropped, which leaves it too."""
        connection = self._connection
        if connection is None:
            return
        try:
            await asyncio.wait_for(connection.command("ROLLBACK"), 5.0)
        except (*UNREACHABLE, asyncpg.PostgresError):
            await self._disconnect()

    @property
    def _is_disconnected(self) -> bool:
        return self._connection is None or self._connection.raw.is_closed()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._fence.availability.lines.discard(connection)
            connection.raw.terminate()


def unavailable(writer: GroupWriter[Any, Any]) -> StoreUnavailable:
    """The error for a caller whose work this writer cannot take just now."""
    what = "it stores nothing just now" if writer.is_away else "too much is waiting to be stored"
    return StoreUnavailable(what)
