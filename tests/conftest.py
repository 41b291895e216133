"""Fixtures for every room: a real Postgres for the session and a fresh, migrated database for each test.

The server is the bundled one under the product's own supervisor, one for each xdist worker, with `fsync` off.
Set `ESTAFETTE_TEST_POSTGRES` to a folder of Postgres programs to run those instead (Debian's
`/usr/lib/postgresql/15/bin`), or `ESTAFETTE_TEST_DSN` to use a running server that may create databases.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.postgres_binaries import find_postgres, inspect_folder
from gateway.hosting.postgres_settings import choose_settings
from gateway.store.migrations import locate_sql, migrate, read_migrations

_FOLDER_PREFIX = "estafette-test-"
_MEMORY = Path("/dev/shm")
_MEMORY_OCTETS = 4 << 30
"""What the workers' servers need at most, with room to spare: 1.3 GB with four of them."""

DAYS_OF_A_TEST = "SELECT make_day_partitions(current_date + ahead) FROM generate_series(-1, 7) AS ahead"
"""Partitions that every test finds: made once in the template, not by every node that a test starts."""

T = TypeVar("T")

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
"""No test fails for want of speed: what runs beside it may take the cores."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Finding eight thousand tests makes a million objects and hardly any garbage: without the collector it
    takes 2.8 s in place of 3.4 s, in each worker. What was found stays until the end, so the collector, at
    work again, passes over it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@dataclass(frozen=True, slots=True)
class TestServer:
    """A Postgres server that tests may fill and break."""

    __test__ = False

    dsn_of: Callable[[str], str]
    """Address of a database by its name; `postgres` exists."""


def _run(step: Coroutine[Any, Any, T]) -> T:
    """Run `step` on a loop of its own, in this thread, without touching the loops of the tests."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(step)
    finally:
        loop.close()


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _choose_root() -> Path:
    """Memory where there is enough of it and programs may run from it: every test copies a database of some
    hundred files, which took a third of the whole set's time on a disk. `TMPDIR` overrides."""
    if "TMPDIR" not in os.environ and _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        volume = os.statvfs(_MEMORY)
        if volume.f_bavail * volume.f_frsize >= _MEMORY_OCTETS and not volume.f_flag & os.ST_NOEXEC:
            return _MEMORY
    return Path(tempfile.gettempdir())


@contextlib.contextmanager
def _session_folder() -> Iterator[Path]:
    """A folder that any user may pass through (pytest's own are closed to `nobody`), gone afterwards.

    A session that was killed leaves its folder without the lock; the next session clears it away.
    """
    root = _choose_root()
    for old in root.glob(f"{_FOLDER_PREFIX}*"):
        with contextlib.suppress(OSError), open(old / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
    # It gets its real name once it is locked, so that no other session takes it for a left one.
    unlocked = Path(tempfile.mkdtemp(prefix=f"new-{_FOLDER_PREFIX}", dir=root))
    unlocked.chmod(0o711)
    with open(unlocked / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = unlocked.rename(root / unlocked.name.removeprefix("new-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A short folder in the temporary directory that the unprivileged user of a root's Postgres can pass."""
    with _session_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(open_folder: Path) -> Iterator[TestServer]:
    """The session's server."""
    dsn = os.environ.get("ESTAFETTE_TEST_DSN")
    if dsn:
        parts = urlsplit(dsn)
        yield TestServer(lambda database: urlunsplit(parts._replace(path=f"/{quote(database)}")))
        return
    programs = os.environ.get("ESTAFETTE_TEST_POSTGRES")
    binaries = inspect_folder(Path(programs)) if programs else find_postgres()
    assert binaries is not None, f"ESTAFETTE_TEST_POSTGRES={programs} holds no Postgres 15 or later"
    settings = choose_settings(binaries, shared_buffers_mb=64, max_wal_size_mb=1024) | {
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": "100",
    }
    server = EmbeddedPostgres(open_folder / "postgres", binaries, settings)
    _run(server.start())
    try:
        yield TestServer(server.dsn_of)
    finally:
        _run(server.stop(timeout_seconds=10))


@pytest.fixture(scope="session")
def template_database(postgres: TestServer) -> Iterator[str]:
    """Name of a database with the product's schema, made once and copied for each test."""
    name = f"estafette_template_{os.getpid()}"
    _run(_execute(postgres.dsn_of("postgres"), f"CREATE DATABASE {name}"))
    _run(migrate(postgres.dsn_of(name), read_migrations(locate_sql() / "migrations")))
    _run(_execute(postgres.dsn_of(name), DAYS_OF_A_TEST))
    yield name
    _run(_execute(postgres.dsn_of("postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def _database_numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def empty_database(postgres: TestServer, _database_numbers: Iterator[int]) -> Iterator[str]:
    """Address of a fresh database without any table."""
    name = f"estafette_empty_{os.getpid()}_{next(_database_numbers)}"
    _run(_execute(postgres.dsn_of("postgres"), f"CREATE DATABASE {name}"))
    yield postgres.dsn_of(name)
    _run(_execute(postgres.dsn_of("postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database(postgres: TestServer, template_database: str, _database_numbers: Iterator[int]) -> Iterator[str]:
    """Address of a fresh database with the product's schema, dropped after the test whoever is still
    connected."""
    name = f"estafette_test_{os.getpid()}_{next(_database_numbers)}"
    administration = postgres.dsn_of("postgres")
    create = f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY file_copy"
    _run(_execute(administration, create))
    yield postgres.dsn_of(name)
    _run(_execute(administration, f"DROP DATABASE {name} WITH (FORCE)"))
