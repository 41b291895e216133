"""A streaming standby of a Postgres of a test's own, to fail over to."""

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

import asyncpg

from gateway.hosting.accounts import choose_account, spawn
from gateway.hosting.embedded import DATABASE
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings

from .own_postgres import OwnPostgres

PRIMARY_SETTINGS: Final = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}
_START_SECONDS: Final = 30.0


class Standby:
    """A copy of `primary` that follows it."""

    def __init__(self, primary: OwnPostgres, folder: Path, output: IO[bytes]) -> None:
        self._primary = primary
        self._folder = folder
        """Also of its socket: that of the primary is in the data, and its lock is copied with it."""
        self._output = output
        self._account = choose_account(os.geteuid())
        self._binaries = find_postgres()
        self._process: subprocess.Popen[bytes] | None = None

    def dsn_of_both(self) -> str:
        return f"postgresql://{DATABASE}@/{DATABASE}?host={self._primary.data},{self._folder}&port=5432"

    async def start(self) -> None:
        """Copy the primary, follow it, and have it wait for this one at every commit."""
        copying = self._spawn(
            "pg_basebackup",
            "-D",
            self._folder / "data",
            "-h",
            self._primary.data,
            "-U",
            DATABASE,
            "-R",
            "-c",
            "fast",
        )
        assert await asyncio.to_thread(copying.wait, _START_SECONDS) == 0
        self._process = self._spawn("postgres", "-D", self._folder / "data", *self._settings())
        connection = await asyncpg.connect(self._primary.dsn)
        try:
            await self._until_followed(connection)
            await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await connection.execute("SELECT pg_reload_conf()")
        finally:
            await connection.close()

    async def promote(self) -> None:
        """Make it the one that takes writes."""
        connection = await asyncpg.connect(
            f"postgresql://{DATABASE}@/{DATABASE}?host={self._folder}&port=5432"
        )
        try:
            assert await connection.fetchval("SELECT pg_promote()")
        finally:
            await connection.close()

    async def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._process.wait, _START_SECONDS)

    def _settings(self) -> list[str]:
        chosen = choose_settings(self._binaries, shared_buffers_mb=32, max_wal_size_mb=256)
        settings = {
            **chosen,
            **PRIMARY_SETTINGS,
            "fsync": "off",
            "unix_socket_directories": str(self._folder),
        }
        return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    def _spawn(self, program: str, *words: str | Path) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        command = [self._binaries.folder / program, *words]
        return spawn(command, account=self._account, environment=environment, output=self._output)

    async def _until_followed(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        async with asyncio.timeout(_START_SECONDS):
            while not await connection.fetchval(  # noqa: ASYNC110 - a server sets no event
                "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
            ):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def standby_of(primary: OwnPostgres, open_folder: Path) -> AsyncIterator[Standby]:
    """It follows the primary, which answers no commit that it does not have; gone afterwards."""
    account = choose_account(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="standby-", dir=open_folder) as name:
        folder = Path(name)
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        with (folder / "postgres.log").open("wb") as output:
            standby = Standby(primary, folder, output)
            try:
                await standby.start()
                yield standby
            finally:
                await standby.stop()
