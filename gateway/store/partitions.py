"""Partitions by day: made ahead, dropped when sealed. Names and DDL live in the migration's functions."""

from datetime import date, datetime, timedelta

from gateway.store.database import Database

DAYS_AHEAD = 7
"""Made ahead: a week without anyone's care before an insert would find no partition."""


async def make_partitions_ahead(database: Database, today: date) -> None:
    """Make yesterday's (ids may carry it after a clock step) to `DAYS_AHEAD` days' partitions."""
    for offset in range(-1, DAYS_AHEAD + 1):
        await database.execute("make_day_partitions", today + timedelta(days=offset))


async def list_partition_days(database: Database) -> list[date]:
    return [row["day"] for row in await database.fetch("list_partition_days")]


async def list_receipt_map_days(database: Database) -> list[date]:
    return [row["day"] for row in await database.fetch("list_receipt_map_days")]


async def drop_receipt_map_day(database: Database, day: date) -> None:
    await database.execute("drop_receipt_map_partition", day)


async def count_open_of_day(database: Database, low_id: int, high_id: int, ends: list[int]) -> int:
    return int(await database.fetch_value("count_open_of_day", low_id, high_id, ends))


async def seal_and_drop_day(
    database: Database, day: date, *, high_id: int, now: datetime, counts: str
) -> None:
    """Keep the recount (JSON) and drop the day's rows, in one transaction. `high_id` is the first id after
    the day."""
    async with database.transaction() as connection:
        await connection.execute("seal_day", day, now, counts)
        await connection.execute("forget_unmatched_of_day", high_id)
        await connection.execute("drop_day_partitions", day)
