"""What alerts and figures are made of, as far as it stands in rows. Only reads, each of them bounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from gateway.store.database import Database
from gateway.store.evidence import ReceiptOutcome
from gateway.store.intake import Stream

_OLDEST_ROWS = 500
"""Rows of a stream among which the longest waiting is looked for: the oldest may be held. 1 ms."""


class StateSum(NamedTuple):
    """Messages of one connector and lane that entered a state (0: were taken in), of those made since an hour
    and since a later one."""

    connector_id: int
    lane: int
    state: int
    messages: int
    messages_later: int


@dataclass(frozen=True, slots=True)
class CappedSpend:
    """A shop with a cap, and what it spent of it, in millionths of its currency."""

    name: str
    currency: str
    day_cap: int | None
    month_cap: int | None
    day_spent: int
    month_spent: int


async def find_longest_waiting(
    database: Database,
    stream: Stream,
    *,
    held_shops: Sequence[int],
    held_campaigns: Sequence[int],
) -> datetime | None:
    """Since when a message of the stream waits for its carrier alone; None where the oldest are all held."""
    since: datetime | None = await database.fetch_value(
        "find_longest_waiting", *stream, 0, held_shops, held_campaigns, _OLDEST_ROWS
    )
    return since


async def sum_states(database: Database, from_hour: datetime, later_hour: datetime) -> list[StateSum]:
    return [StateSum(**row) for row in await database.fetch("sum_states", from_hour, later_hour)]


async def read_spend_of_capped_shops(database: Database, day: date) -> list[CappedSpend]:
    """Open shops that spent anything since the first of the month and have a cap."""
    rows = await database.fetch("read_spend_of_capped_shops", day, day.replace(day=1))
    return [CappedSpend(**row) for row in rows]


async def count_unmatched(database: Database, *, cap: int) -> int:
    """Receipts whose message is not found yet."""
    return int(await database.fetch_value("count_unmatched_open", ReceiptOutcome.UNMATCHED, cap))
