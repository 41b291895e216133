"""Partitions by day: made ahead, dropped when sealed. Names and DDL live in the migration's functions.

Both take a lock on the parent that every writer would queue behind, so neither ever waits long for it: a
backup that reads for an hour postpones them, and stops nobody.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

import asyncpg
import structlog

from gateway.store.database import Connection, Database
from gateway.store.errors import StoreUnavailable

DAYS_AHEAD = 7
"""Made ahead: a week without anyone's care before an insert would find no partition."""


log = structlog.get_logger("store")

_LOCK_TIMEOUT = "1s"
_TRIES = 3


@asynccontextmanager
async def brief_lock(database: Database, what: str) -> AsyncIterator[Connection]:
    """A transaction that gives up a lock it cannot have. Raises `StoreUnavailable` then."""
    try:
        async with database.transaction() as connection:
            await connection.raw.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            yield connection
    except asyncpg.LockNotAvailableError as exc:
        raise StoreUnavailable(f"{what}: a long reader, such as a backup, holds the tables") from exc


async def make_partitions_ahead(database: Database, today: date) -> None:
    """Make what is missing of yesterday's (ids may carry it after a clock step) to `DAYS_AHEAD` days'
    partitions.

    A day further off than tomorrow that cannot be made now is left to the next look. Raises
    `StoreUnavailable` for a nearer one.
    """
    wanted = {today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)}
    there = {*await list_partition_days(database)} & {*await list_receipt_map_days(database)}
    for day in sorted(wanted - there):
        try:
            await _make_day(database, day)
        except StoreUnavailable as exc:
            if day <= today + timedelta(days=1):
                raise
            log.warning("partitions.postponed", day=day.isoformat(), fault=str(exc))
            return


async def _make_day(database: Database, day: date) -> None:
    """Make what is missing of one day. Another node may be making it just now: `IF NOT EXISTS` looks before
    it waits for the lock, and finds afterwards that there is such a table; asked again, it sees it."""
    for tries_left in range(_TRIES - 1, -1, -1):
        try:
            async with brief_lock(database, f"partitions of {day}") as connection:
                await connection.execute("make_day_partitions", day)
            return
        except (asyncpg.DuplicateTableError, asyncpg.UniqueViolationError) as exc:
            if not tries_left:
                raise StoreUnavailable(f"partitions of {day}: another node is making them") from exc


async def list_partition_days(database: Database) -> list[date]:
    return [row["day"] for row in await database.fetch("list_partition_days")]


async def list_receipt_map_days(database: Database) -> list[date]:
    return [row["day"] for row in await database.fetch("list_receipt_map_days")]


async def drop_receipt_map_day(database: Database, day: date) -> None:
    """Raises `StoreUnavailable` when the table is being read for long."""
    async with brief_lock(database, f"lookups of {day}") as connection:
        await connection.execute("drop_receipt_map_partition", day)


async def count_open_of_day(database: Database, low_id: int, high_id: int, ends: list[int]) -> int:
    return int(await database.fetch_value("count_open_of_day", low_id, high_id, ends))


async def seal_and_drop_day(
    database: Database, day: date, *, low_id: int, high_id: int, now: datetime, counts: str
) -> None:
    """Keep the recount (JSON) and drop the day's rows, in one transaction. Ids of the day are from `low_id`
    to before `high_id`.

    Raises `StoreUnavailable` when the tables are being read for long.
    """
    async with brief_lock(database, f"dropping {day}") as connection:
        await connection.execute("seal_day", day, now, counts)
        await connection.execute("forget_unmatched_of_day", low_id, high_id)
        await connection.execute("drop_day_partitions", day)
