"""What a measurement reads of the gateway's Postgres: process, sizes, settings, how many messages ended.

Writes only what a measurement begins with. These statements are the bench's own, so that the product carries
none for its measurement.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import asyncpg

Wanted = TypeVar("Wanted")

SHOWN_SETTINGS: Final = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "wal_compression",
)
_SIZES = "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8, pg_database_size(current_database())"
_FINISHED = "SELECT coalesce(sum(messages), 0)::int8 FROM stat_hour WHERE state BETWEEN 5 AND 9"
"""delivered, failed, expired, cancelled and blocked, as counted by the receipts' own transactions."""


class PostgresProbe:
    """The bundled Postgres of one state folder, seen from outside."""

    def __init__(self, state_folder: Path) -> None:
        self._pid_file = state_folder / "postgres" / "data" / "postmaster.pid"

    @property
    def pid(self) -> int:
        return int(self._pid_file.read_text().splitlines()[0])

    def sizes(self) -> tuple[int, int]:
        """Octets of write-ahead log ever written, and of the database now."""
        row = asyncio.run(self._fetch(_SIZES))[0]
        return row[0], row[1]

    def count_finished(self) -> int:
        """Messages that came to an end."""
        return int(asyncio.run(self._fetch(_FINISHED))[0][0])

    def settings(self) -> dict[str, str]:
        """The settings that a figure depends on, as the server says them itself."""
        rows = asyncio.run(self._fetch("SELECT name, current_setting(name) FROM pg_settings"))
        return {row[0]: row[1] for row in rows if row[0] in SHOWN_SETTINGS}

    def fetch(self, sql: str) -> "list[asyncpg.Record]":
        """The rows of a statement of the bench's own."""
        return asyncio.run(self._fetch(sql))

    def fill(self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[Wanted]]") -> "Wanted":
        """Do something on a connection before the clock starts."""
        return asyncio.run(self._fill(work))

    async def _fill(
        self, work: "Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[Wanted]]"
    ) -> "Wanted":
        connection = await self.connect()
        try:
            return await work(connection)
        finally:
            await connection.close()

    async def _fetch(self, sql: str) -> "list[asyncpg.Record]":
        connection = await self.connect()
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection that the caller closes."""
        socket_folder = self._pid_file.read_text().splitlines()[4]
        return await asyncpg.connect(
            f"postgresql://estafette@/estafette?host={quote(socket_folder, safe='')}&port=5432"
        )
