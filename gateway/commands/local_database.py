"""The database without a server: opened by a command itself, when none runs that could answer.

With a bundled Postgres this holds the state folder for the moment of the command, so that a server which
starts meanwhile is refused instead of finding its database in use.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from gateway.commands.errors import DatabaseUnreachable
from gateway.commands.options import state_directory_of
from gateway.config import Config, EmbeddedPostgresConfig
from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings
from gateway.hosting.state import StateDirectory
from gateway.store.database import UNREACHABLE, Database
from gateway.store.migrations import locate_sql, migrate, read_migrations
from gateway.store.queries import load_queries

_CONNECT_SECONDS = 10.0


@asynccontextmanager
async def open_server(config: Config) -> AsyncIterator[str]:
    """The address of the configured Postgres; the bundled one is started, and stopped again afterwards.

    Raises `HostingError` when its state folder is in use or it does not start, `DatabaseUnreachable` when a
    configured one does not let us in.
    """
    if config.database.dsn is not None:
        await _refuse_unreachable(config.database.dsn.reveal())
        yield config.database.dsn.reveal()
        return
    settings = config.database.embedded or EmbeddedPostgresConfig()
    binaries = find_postgres()
    with StateDirectory.acquire(state_directory_of(config)) as state:
        server = EmbeddedPostgres(
            state.path / "postgres",
            binaries,
            choose_settings(
                binaries,
                shared_buffers_mb=settings.shared_buffers_mb,
                max_wal_size_mb=settings.max_wal_size_mb,
            ),
        )
        await server.start()
        try:
            yield server.dsn
        finally:
            await server.stop()


@asynccontextmanager
async def open_database(config: Config) -> AsyncIterator[Database]:
    """The database ready for statements, brought up to date first as a starting server would do."""
    async with open_server(config) as dsn:
        sql = locate_sql()
        await migrate(dsn, read_migrations(sql / "migrations"))
        database = await Database.open(dsn, load_queries(sql / "queries"), pool_size=2)
        try:
            yield database
        finally:
            await database.aclose()


async def _refuse_unreachable(dsn: str) -> None:
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
    except (*UNREACHABLE, asyncpg.PostgresError, ValueError) as exc:
        raise DatabaseUnreachable(str(exc) or type(exc).__name__) from exc
    await connection.close()
