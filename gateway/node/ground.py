"""What everything stands on: the state folder, Postgres, its schema, and this process's lease.

A server has one footing, and each of its processes a ground of its own on it. Owns their order at start and
stop. Knows no message.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import structlog

from gateway.config import Config, EmbeddedPostgresConfig
from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.errors import HostingError
from gateway.hosting.notify import ServiceNotifier
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings
from gateway.hosting.state import StateDirectory, resolve_state_directory
from gateway.node.place import Place
from gateway.store.database import Database
from gateway.store.leases import Node
from gateway.store.migrations import locate_sql, migrate, read_migrations
from gateway.store.partitions import make_partitions_ahead
from gateway.store.queries import load_queries
from gateway.store.reaching import wait_for_server

log = structlog.get_logger("main")

VERSION = version("estafette")
_RECOVERY_SECONDS = 30.0
_RESTART_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Footing:
    """What a server has once. `postgres` is None where the database is not this process's to run."""

    state: StateDirectory
    dsn: str
    postgres: EmbeddedPostgres | None


@dataclass(frozen=True, slots=True)
class Ground:
    """A node with its database. `postgres` is None where the database is not this process's to run."""

    state: StateDirectory
    dsn: str
    database: Database
    node: Node
    postgres: EmbeddedPostgres | None


@asynccontextmanager
async def open_footing(
    config: Config, notifier: ServiceNotifier, *, workers: int = 1
) -> AsyncIterator[Footing]:
    """Lock the state folder, and start the bundled Postgres, for so many workers, where no other is named.

    Must run on the main thread (the bundled Postgres lives as long as the thread that starts it). Raises
    `HostingError` with what to do.
    """
    path = resolve_state_directory(config.node.state_directory, os.environ, os.geteuid())
    with StateDirectory.acquire(path) as state:
        if config.database.dsn is not None:
            yield Footing(state, config.database.dsn.reveal(), None)
            return
        async with _run_postgres(config, state, notifier, workers) as postgres:
            yield Footing(state, postgres.dsn, postgres)


@asynccontextmanager
async def open_ground(
    config: Config, footing: Footing, notifier: ServiceNotifier, place: Place
) -> AsyncIterator[Ground]:
    """Reach Postgres, migrate, make partitions, take the node's lease.

    Raises `StoreError` and the errors of the migrations, each with what to do.
    """
    state, dsn = footing.state, footing.dsn
    await wait_for_server(dsn, report=lambda words: _tell_waiting(notifier, words))
    sql = locate_sql()
    for migration in await migrate(dsn, read_migrations(sql / "migrations")):
        log.info("migration.applied", name=migration.name)
    queries = load_queries(sql / "queries")
    database = await Database.open(dsn, queries, pool_size=config.database.pool_size)
    try:
        await make_partitions_ahead(database, datetime.now(UTC).date())
        node = await Node.take(
            database,
            node_key=place.node_key(state.identity),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=VERSION,
        )
        database.may_write = node.may_submit
        try:
            yield Ground(state, dsn, database, node, footing.postgres)
        finally:
            await node.release()
    finally:
        await database.aclose()


@asynccontextmanager
async def _run_postgres(
    config: Config, state: StateDirectory, notifier: ServiceNotifier, workers: int
) -> AsyncIterator[EmbeddedPostgres]:
    settings = config.database.embedded or EmbeddedPostgresConfig()
    binaries = find_postgres()
    postgres = EmbeddedPostgres(
        state.path / "postgres",
        binaries,
        choose_settings(
            binaries,
            shared_buffers_mb=settings.shared_buffers_mb,
            max_wal_size_mb=settings.max_wal_size_mb,
            workers=workers,
        ),
        report=lambda words: notifier.starting(words, extend_seconds=_RECOVERY_SECONDS),
    )
    await postgres.start()
    try:
        yield postgres
    finally:
        await postgres.stop()


def _tell_waiting(notifier: ServiceNotifier, words: str) -> None:
    log.warning("node.waiting", words=words)
    notifier.starting(words, extend_seconds=_RECOVERY_SECONDS)


async def keep_postgres(postgres: EmbeddedPostgres, *, pause_seconds: float = _RESTART_SECONDS) -> None:
    """Start the bundled Postgres again whenever it ends by itself; everything else waits for it meanwhile.

    A start that fails is tried again: on a full disk no recovery succeeds, and once there is room it does.
    """
    while True:
        await postgres.wait_exit()
        log.error("postgres.ended", log=str(postgres.log_path))
        while True:
            try:
                await postgres.start()
                break
            except (HostingError, OSError) as exc:
                log.error("postgres.not_restarted", fault=str(exc), next_try_seconds=pause_seconds)
                await asyncio.sleep(pause_seconds)
        log.info("postgres.restarted")
