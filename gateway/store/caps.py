"""What a shop's caps are measured against, read from what was stored: spend, and recent one-time passwords.

Only reads; the running counts are kept in memory by `intake.caps`.
"""

from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.identifiers import first_id_at
from gateway.store.database import Database

_MOST_RECENT_OTPS = 200_000
"""Rows looked at when a shop is first seen after a start: 0.2 s of reading at most."""


@dataclass(frozen=True, slots=True)
class Spend:
    """Millionths of one currency, on a day and since the first of its month."""

    day_micros: int
    month_micros: int


async def read_spend(database: Database, shop_id: int, day: date) -> dict[str, Spend]:
    """By currency, what live messages accepted on `day` (UTC) and earlier in its month cost."""
    rows = await database.fetch("read_spend", shop_id, day, day.replace(day=1))
    return {row["currency"]: Spend(row["day_micros"], row["month_micros"]) for row in rows}


async def read_recent_otps(
    database: Database, shop_id: int, since: datetime, *, step_ms: int
) -> list[tuple[str, int, int]]:
    """(number, step, messages) of live one-time passwords since a moment; steps count from the ids' epoch."""
    rows = await database.fetch("read_recent_otps", shop_id, first_id_at(since), step_ms, _MOST_RECENT_OTPS)
    return [(row["to_address"], row["step"], row["messages"]) for row in rows]
