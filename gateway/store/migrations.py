"""Brings a database to the schema of this program, one numbered file after another, each exactly once.

Owns the table `schema_migration` and the rules of migration files; knows nothing of what is in them. Its few
statements stand here and not in `sql/queries/`, because they run before any table that those name exists.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.resources
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from gateway.store.errors import StoreError

LOCK_KEY: Final = 0x6573_7461_6665_7474
"""Key of the advisory lock, the ASCII of "estafett"; the only one of its kind."""

_LOCK_POLL_SECONDS: Final = 0.1
_NO_TRANSACTION: Final = "-- no-transaction"
_FILE_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_CREATE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    version     integer     PRIMARY KEY,
    name        text        NOT NULL,
    sha256      text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ms          integer     NOT NULL
)"""


class MigrationError(StoreError):
    """The schema could not be brought up to date; the message says which file and what to do."""


class MigrationFileFault(MigrationError):
    """The program's own files break a rule, or differ from what was applied: a fault of the release."""


class DatabaseTooNew(MigrationError):
    """A later release has migrated this database; this program must not write to it."""

    def __init__(self, database_version: int, program_version: int) -> None:
        self.database_version = database_version
        self.program_version = program_version
        super().__init__(
            f"the database is at migration {database_version}, this program knows {program_version}; "
            "start the release that migrated it, or a later one"
        )


class MigrationBusy(MigrationError):
    """Another process migrates, or holds a table that a migration must lock; repeating may succeed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/migrations/`, such as `0002_add_links.sql`."""

    version: int
    name: str
    sql: str
    sha256: str
    in_transaction: bool

    @property
    def file_name(self) -> str:
        return f"{self.version:04d}_{self.name}.sql"


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of `schema_migration`."""

    version: int
    name: str
    sha256: str


def locate_sql() -> Path:
    """The folder with `migrations/` and `queries/`: inside the installed package, else the checkout's `sql/`.

    An editable install has only the second. Raises `MigrationFileFault` when both are missing.
    """
    package = Path(str(importlib.resources.files("gateway")))
    for folder in (package / "sql", package.parent / "sql"):
        if (folder / "migrations").is_dir():
            return folder
    raise MigrationFileFault(
        f"sql/migrations is neither in {package} nor beside it; install the program again"
    )


def read_migrations(folder: Path) -> list[Migration]:
    """The migrations in `folder` by version. Raises `MigrationFileFault` for a bad or repeated number."""
    migrations: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationFileFault(f"{path.name}: name it like 0002_what_it_does.sql")
        # A checkout with other line ends is still the same migration.
        sql = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        version = int(match.group(1))
        if version in migrations:
            other = migrations[version].file_name
            raise MigrationFileFault(f"{path.name} and {other} share a number; renumber the newer")
        migrations[version] = Migration(
            version=version,
            name=match.group(2),
            sql=sql,
            sha256=hashlib.sha256(sql.encode()).hexdigest(),
            in_transaction=not sql.startswith(_NO_TRANSACTION),
        )
    if not migrations:
        raise MigrationFileFault(f"{folder} holds no migration; install the program again")
    return [migrations[version] for version in sorted(migrations)]


def choose_pending(migrations: Sequence[Migration], applied: Mapping[int, Applied]) -> list[Migration]:
    """What is still to be applied, in order.

    Raises `DatabaseTooNew`, or `MigrationFileFault` when an applied file was edited, renamed or removed, or
    when a new file has a number below the newest applied one: such a file would be applied in another order
    elsewhere.
    """
    newest_known = migrations[-1].version
    newest_applied = max(applied, default=0)
    if newest_applied > newest_known:
        raise DatabaseTooNew(newest_applied, newest_known)
    by_version = {migration.version: migration for migration in migrations}
    for row in applied.values():
        migration = by_version.get(row.version)
        if migration is None:
            raise MigrationFileFault(
                f"migration {row.version:04d}_{row.name} was applied, but its file is gone"
            )
        if (migration.sha256, migration.name) != (row.sha256, row.name):
            raise MigrationFileFault(
                f"{migration.file_name} changed after it was applied; restore it and add a new file"
            )
    pending = [migration for migration in migrations if migration.version not in applied]
    if pending and pending[0].version < newest_applied:
        raise MigrationFileFault(
            f"{pending[0].file_name} comes after {newest_applied:04d} was applied; give it a higher number"
        )
    return pending


async def migrate(
    dsn: str, migrations: Sequence[Migration], *, wait_seconds: float = 600, lock_timeout_seconds: float = 5
) -> list[Migration]:
    """Apply what is pending to the database at `dsn` and return it; empty when it is up to date.

    Any number of processes may call this at once: one applies, the others wait up to `wait_seconds` and find
    nothing to do. A statement that gets no lock on a table within `lock_timeout_seconds` gives up, so that a
    running server is not held up behind it. Files with `-- no-transaction` are not undone when they fail
    half-way, and are run again when the process dies before they are recorded: they must bear both. Raises
    `MigrationError`; connection errors pass through.
    """
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "estafette migrate"})
    try:
        await _lock(connection, wait_seconds)
        await connection.execute(f"SET lock_timeout = {round(lock_timeout_seconds * 1000)}")
        await connection.execute(_CREATE_TABLE)
        pending = choose_pending(migrations, await _read_applied(connection))
        for migration in pending:
            await _apply(connection, migration)
        return pending
    finally:
        await connection.close()  # and with it the lock


async def _lock(connection: asyncpg.Connection[asyncpg.Record], wait_seconds: float) -> None:
    """Take the advisory lock by asking again and again.

    A waiting `pg_advisory_lock` would hold a snapshot, for which another starter's CREATE INDEX CONCURRENTLY
    waits: a deadlock.
    """
    deadline = time.monotonic() + wait_seconds
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        if time.monotonic() >= deadline:
            raise MigrationBusy(
                f"another process has been migrating for {wait_seconds:.0f} s; look at it first"
            )
        await asyncio.sleep(_LOCK_POLL_SECONDS)


async def _read_applied(connection: asyncpg.Connection[asyncpg.Record]) -> dict[int, Applied]:
    rows = await connection.fetch("SELECT version, name, sha256 FROM schema_migration")
    return {row["version"]: Applied(row["version"], row["name"], row["sha256"]) for row in rows}


async def _apply(connection: asyncpg.Connection[asyncpg.Record], migration: Migration) -> None:
    try:
        if not migration.in_transaction:
            await _execute(connection, migration)
            return
        async with connection.transaction():
            await _execute(connection, migration)
    except asyncpg.LockNotAvailableError as exc:
        raise MigrationBusy(
            f"{migration.file_name} could not lock a table in time; end long transactions and start again"
        ) from exc
    except asyncpg.PostgresError as exc:
        raise MigrationError(f"{migration.file_name} failed: {exc}; nothing after it was applied") from exc


async def _execute(connection: asyncpg.Connection[asyncpg.Record], migration: Migration) -> None:
    started = time.monotonic()
    await connection.execute(migration.sql)
    await connection.execute(
        "INSERT INTO schema_migration (version, name, sha256, ms) VALUES ($1, $2, $3, $4)",
        migration.version,
        migration.name,
        migration.sha256,
        round((time.monotonic() - started) * 1000),
    )
