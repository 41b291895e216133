"""Connections: a pool for reads and short writes, dedicated connections for writers, and the statements.

Owns how statements reach Postgres and how its absence is told. Knows no table. jsonb travels as text.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, cast

import asyncpg

from gateway.store.availability import Availability, Probe
from gateway.store.connecting import Dialler, ServerConnection
from gateway.store.errors import OutcomeUnknown, StoreUnavailable
from gateway.store.pool import ConnectionPool
from gateway.store.queries import Query

UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # stopping, starting, recovering; a statement that a person cancelled
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresIOError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a primary that became a standby under us
    asyncpg.InternalClientError,  # a backend ended between two statements: the driver finds itself confused
    asyncio.TimeoutError,
)
"""What asyncpg raises when the server is away, stopping, recovering, full (of connections, of data) or no
longer the one that takes writes, rather than refusing a row."""

_LINE_LOST = (
    OSError,  # time limits too
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Those that leave open what became of a statement. With the others the server has said that it undid it."""

_ACQUIRE_TIMEOUT_SECONDS: Final = 2.0
_CLOSE_SECONDS: Final = 5.0
_PATIENT_CLOSE_SECONDS: Final = 1.0
_STATEMENT_TIMEOUT_SECONDS: Final = 30.0
_LEASE_STATEMENT_SECONDS: Final = 2.0
"""A renewal that takes longer is tried again: the lease lasts 10 s."""
_WAITING_CALLERS: Final = 256
"""Callers that may wait for a free connection: each costs memory, and any behind them would wait in vain."""

T = TypeVar("T")


class Connection:
    """One Postgres connection that knows the statements by name."""

    __slots__ = ("__weakref__", "_queries", "asked_at", "raw")

    def __init__(self, raw: Any, queries: dict[str, Query]) -> None:
        self.raw: asyncpg.Connection[asyncpg.Record] = raw
        self._queries = queries
        self.asked_at: float | None = None
        """Since when a statement is without an answer, in monotonic seconds; None while none is."""

    @property
    def backend_pid(self) -> int:
        return cast(ServerConnection, self.raw).backend_pid

    def cut(self) -> None:
        """End it at once; a statement under way fails with one of `UNREACHABLE`."""
        self.raw.terminate()

    def expect_answer(self) -> None:
        """Note that the driver is about to say something by itself."""
        self.asked_at = time.monotonic()

    async def _ask(self, answer: Awaitable[T]) -> T:
        self.asked_at = time.monotonic()
        try:
            return await answer
        finally:
            self.asked_at = None

    async def fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        return await self._ask(self.raw.fetch(self._queries[name].sql, *arguments))

    async def fetch_row(self, name: str, *arguments: object) -> asyncpg.Record | None:
        return await self._ask(self.raw.fetchrow(self._queries[name].sql, *arguments))

    async def fetch_value(self, name: str, *arguments: object) -> Any:
        return await self._ask(self.raw.fetchval(self._queries[name].sql, *arguments))

    async def execute(self, name: str, *arguments: object) -> str:
        """Run a statement for its effect; the command tag comes back ("UPDATE 3")."""
        return await self._ask(self.raw.execute(self._queries[name].sql, *arguments))

    async def prepare(self, name: str) -> None:
        """Have the server and the driver learn a statement before it is needed."""
        await self._ask(self.raw.prepare(self._queries[name].sql))

    async def command(self, word: str) -> None:
        """Say BEGIN, COMMIT or ROLLBACK."""
        await self._ask(self.raw.execute(word))

    async def copy(self, table: str, columns: Sequence[str], records: Sequence[tuple[object, ...]]) -> None:
        """COPY rows in binary form: the cheapest way to insert more than a few."""
        await self._ask(self.raw.copy_records_to_table(table, records=records, columns=columns))


class OwnConnection:
    """One connection beside the pool, for one caller at a time; opened when needed, and again once lost."""

    def __init__(self, dialler: Dialler, queries: dict[str, Query], *, name: str, seconds: float) -> None:
        """`seconds` bounds the wait for the caller before, the opening, and each statement."""
        self._dialler = dialler
        self._queries = queries
        self._name = name
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._raw: Any = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection]:
        """Raises `StoreUnavailable`. What is raised inside ends the connection and its transaction."""
        try:
            await asyncio.wait_for(self._turn.acquire(), self._seconds)
        except TimeoutError as exc:
            raise StoreUnavailable(f"the connection {self._name} is busy") from exc
        try:
            if self._raw is None or self._raw.is_closed():
                self._raw = await self._dialler.dial(
                    name=self._name, timeout_seconds=self._seconds, statement_seconds=self._seconds
                )
            yield Connection(self._raw, self._queries)
        except BaseException as exc:
            self.drop()
            if isinstance(exc, UNREACHABLE):
                raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
            raise
        finally:
            self._turn.release()

    def drop(self) -> None:
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.terminate()


class Database:
    """The pool, and the same verbs as `Connection` on whichever pooled connection is free.

    While `watch` runs, a server that does not answer is noticed within two seconds: whoever uses a connection
    then hears `StoreUnavailable`, and so does, at once, everyone who asks for one.
    """

    def __init__(
        self, dsn: str, queries: dict[str, Query], *, dialler: Dialler, pool: ConnectionPool
    ) -> None:
        self.dsn = dsn
        self.queries = queries
        self.availability = Availability()
        self.may_write: Callable[[], bool] | None = None
        """Whether this process's lease surely holds; set by a node that took one. Once it does not,
        transactions and statements that change rows are refused: another node may be at work on them."""
        self._pool = pool
        self._dialler = dialler
        self._leases = OwnConnection(
            self._dialler, queries, name="estafette-lease", seconds=_LEASE_STATEMENT_SECONDS
        )
        self._patient: set[Any] = set()
        """Connections beside the pool that are in use."""
        self._waiting = 0

    @classmethod
    async def open(cls, dsn: str, queries: dict[str, Query], *, pool_size: int = 8) -> "Database":
        """Raises `StoreUnavailable` when the server does not answer."""
        dialler = Dialler(dsn)

        async def dial() -> Any:
            return await dialler.dial(
                name="estafette",
                timeout_seconds=_ACQUIRE_TIMEOUT_SECONDS,
                statement_seconds=_STATEMENT_TIMEOUT_SECONDS,
            )

        pool = ConnectionPool(dial, size=pool_size)
        try:
            pool.release(await pool.acquire(_ACQUIRE_TIMEOUT_SECONDS), is_fit=True)
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        return cls(dsn, queries, dialler=dialler, pool=pool)

    async def aclose(self) -> None:
        """Close the pool; connections still busy after 5 s are cut."""
        self._leases.drop()
        await self._pool.aclose(_CLOSE_SECONDS)

    async def watch(self) -> None:
        """Keep `availability` true until cancelled, and leave nobody waiting for a server that is away."""
        probe = Probe(self._dialler, self.availability, self.queries)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(probe.run())
            tasks.create_task(self._cut_when_away())

    async def _cut_when_away(self) -> None:
        while True:
            await self.availability.wait_away()
            for raw in self._patient:
                raw.terminate()
            self._pool.cut()
            await self.availability.wait_up()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A pooled connection. Raises `StoreUnavailable` when none is to be had within 2 s, and at once while
        the server is away."""
        self._require_server()
        raw = await self._acquire()
        connection = Connection(raw, self.queries)
        self.availability.lines.add(connection)
        is_fit = True
        try:
            yield connection
        except UNREACHABLE as exc:
            is_fit = False
            self.availability.suspect()
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        except asyncio.CancelledError:
            is_fit = False
            raise
        finally:
            self.availability.lines.discard(connection)
            self._pool.release(raw, is_fit=is_fit)

    async def _acquire(self) -> Any:
        if self._waiting >= _WAITING_CALLERS:
            raise StoreUnavailable("no free connection, and many wait for one")
        self._waiting += 1
        try:
            return await self._pool.acquire(_ACQUIRE_TIMEOUT_SECONDS)
        except UNREACHABLE as exc:
            self.availability.suspect()
            raise StoreUnavailable(str(exc) or "no free connection") from exc
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def patient_connection(self) -> AsyncIterator[Connection]:
        """A connection of its own without a time limit on statements, for what reads whole days."""
        self._require_server()
        try:
            raw = await self._dialler.dial(
                name="estafette-ledger",
                timeout_seconds=_ACQUIRE_TIMEOUT_SECONDS,
                statement_seconds=None,
                settings={"idle_in_transaction_session_timeout": "0"},
            )
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        self._patient.add(raw)
        try:
            yield Connection(raw, self.queries)
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        finally:
            self._patient.discard(raw)
            await _close(raw)

    @asynccontextmanager
    async def lease_connection(self) -> AsyncIterator[Connection]:
        """The connection of the leases: beside the pool, which may be exhausted, and without asking
        `may_write`, which they decide. One caller at a time, statements of at most 2 s each. Raises
        `StoreUnavailable`."""
        async with self._leases.use() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A pooled connection inside one transaction. Raises `OutcomeUnknown` when the answer to its COMMIT
        was lost, and `StoreUnavailable` when it is certainly not stored."""
        self._require_lease()
        is_committing = False
        try:
            async with self.connection() as connection:
                connection.expect_answer()
                async with connection.raw.transaction():
                    yield connection
                    self._require_lease()  # a process that stood still must not commit when it wakes
                    is_committing = True
                    connection.expect_answer()
        except StoreUnavailable as exc:
            if is_committing:
                _tell_open(exc)
            raise

    async def fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        async with self._statement(name) as connection:
            return await connection.fetch(name, *arguments)

    async def fetch_row(self, name: str, *arguments: object) -> asyncpg.Record | None:
        async with self._statement(name) as connection:
            return await connection.fetch_row(name, *arguments)

    async def fetch_value(self, name: str, *arguments: object) -> Any:
        async with self._statement(name) as connection:
            return await connection.fetch_value(name, *arguments)

    async def execute(self, name: str, *arguments: object) -> str:
        async with self._statement(name) as connection:
            return await connection.execute(name, *arguments)

    @asynccontextmanager
    async def _statement(self, name: str) -> AsyncIterator[Connection]:
        """A pooled connection for this one statement, which is a transaction of its own: raises as
        `transaction` does where it changes rows."""
        if not self.queries[name].changes_rows:
            async with self.connection() as connection:
                yield connection
            return
        self._require_lease()
        is_asked = False
        try:
            async with self.connection() as connection:
                is_asked = True
                yield connection
        except StoreUnavailable as exc:
            if is_asked:
                _tell_open(exc)
            raise

    def _require_server(self) -> None:
        if self.availability.is_away:
            raise StoreUnavailable(self.availability.fault)

    def _require_lease(self) -> None:
        if self.may_write is not None and not self.may_write():
            raise StoreUnavailable("this node's lease is not renewed yet")


def _tell_open(fault: StoreUnavailable) -> None:
    """Raise `OutcomeUnknown` unless the server itself said that it has not done what it was asked."""
    if isinstance(fault.__cause__, _LINE_LOST):
        raise OutcomeUnknown("it went away during the commit") from fault


async def _close(raw: Any) -> None:
    try:
        await raw.close(timeout=_PATIENT_CLOSE_SECONDS)
    except UNREACHABLE:
        raw.terminate()
