"""Connections: a pool for reads and short writes, dedicated connections for writers, and the statements.

Owns how statements reach Postgres and how its absence is told. Knows no table. jsonb travels as text.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from gateway.store.errors import StoreUnavailable
from gateway.store.queries import Query

UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # a backend ended between two statements: the driver finds itself confused
    asyncio.TimeoutError,
)
"""What asyncpg raises when the server is away, stopping, recovering or full (of connections, of data), rather
than refusing a row."""

_ACQUIRE_TIMEOUT_SECONDS = 2.0
_STATEMENT_TIMEOUT_SECONDS = 30.0


class Connection:
    """One Postgres connection that knows the statements by name."""

    __slots__ = ("_queries", "raw")

    def __init__(self, raw: Any, queries: dict[str, Query]) -> None:
        self.raw: asyncpg.Connection[asyncpg.Record] = raw
        self._queries = queries

    async def fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        return await self.raw.fetch(self._queries[name].sql, *arguments)

    async def fetch_row(self, name: str, *arguments: object) -> asyncpg.Record | None:
        return await self.raw.fetchrow(self._queries[name].sql, *arguments)

    async def fetch_value(self, name: str, *arguments: object) -> Any:
        return await self.raw.fetchval(self._queries[name].sql, *arguments)

    async def execute(self, name: str, *arguments: object) -> str:
        """Run a statement for its effect; the command tag comes back ("UPDATE 3")."""
        return await self.raw.execute(self._queries[name].sql, *arguments)

    async def copy(self, table: str, columns: Sequence[str], records: Sequence[tuple[object, ...]]) -> None:
        """COPY rows in binary form: the cheapest way to insert more than a few."""
        await self.raw.copy_records_to_table(table, records=records, columns=columns)


class Database:
    """The pool, and the same verbs as `Connection` on whichever pooled connection is free."""

    def __init__(self, dsn: str, pool: Any, queries: dict[str, Query]) -> None:
        self.dsn = dsn
        self.queries = queries
        self._pool: asyncpg.Pool[asyncpg.Record] = pool

    @classmethod
    async def open(cls, dsn: str, queries: dict[str, Query], *, pool_size: int = 8) -> "Database":
        """Raises `StoreUnavailable` when the server does not answer."""
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=0,  # with a floor asyncpg logs a traceback each time it cannot be kept
                max_size=pool_size,
                command_timeout=_STATEMENT_TIMEOUT_SECONDS,
                server_settings={"application_name": "estafette"},
            )
            async with pool.acquire(timeout=_ACQUIRE_TIMEOUT_SECONDS):
                pass
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        return cls(dsn, pool, queries)

    async def aclose(self) -> None:
        """Close the pool; connections still busy after 5 s are cut."""
        try:
            await asyncio.wait_for(self._pool.close(), 5.0)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A pooled connection. Raises `StoreUnavailable` when none is to be had within 2 s."""
        try:
            raw = await self._pool.acquire(timeout=_ACQUIRE_TIMEOUT_SECONDS)
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or "no free connection") from exc
        try:
            yield Connection(raw, self.queries)
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        finally:
            await self._pool.release(raw)

    @asynccontextmanager
    async def patient_connection(self) -> AsyncIterator[Connection]:
        """A connection of its own without a time limit on statements, for what reads whole days."""
        try:
            raw = await asyncpg.connect(
                self.dsn,
                timeout=_ACQUIRE_TIMEOUT_SECONDS,
                server_settings={"application_name": "estafette-ledger"},
            )
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        try:
            yield Connection(raw, self.queries)
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        finally:
            await raw.close(timeout=_ACQUIRE_TIMEOUT_SECONDS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A pooled connection inside one transaction."""
        async with self.connection() as connection, connection.raw.transaction():
            yield connection

    async def fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.connection() as connection:
            return await connection.fetch(name, *arguments)

    async def fetch_row(self, name: str, *arguments: object) -> asyncpg.Record | None:
        async with self.connection() as connection:
            return await connection.fetch_row(name, *arguments)

    async def fetch_value(self, name: str, *arguments: object) -> Any:
        async with self.connection() as connection:
            return await connection.fetch_value(name, *arguments)

    async def execute(self, name: str, *arguments: object) -> str:
        async with self.connection() as connection:
            return await connection.execute(name, *arguments)
