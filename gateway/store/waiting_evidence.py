"""Rows that time has something to say about: abandoned intents, missing receipts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.message import MessageState
from gateway.store.database import Database

MessageKey = tuple[int, int, int]
"""(shop_id, id, slot)."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A message that was being sent when the epoch of its node ended. `connector_id` is the one it was taken
    in for: after a failover it may have been another's, which no row tells any more."""

    shop_id: int
    id: int
    slot: int
    attempt: int
    intended_at: datetime
    connector_id: int
    category: int
    expires_at: datetime


async def find_abandoned(database: Database, *, low_id: int, limit: int) -> list[Abandoned]:
    """Messages being sent in an epoch that is over. `low_id` bounds the search to what can still be open."""
    rows = await database.fetch("find_abandoned", low_id, MessageState.SENDING, limit)
    return [Abandoned(**row) for row in rows]


async def find_without_receipt(
    database: Database, *, low_id: int, expired_before: datetime, slots: Sequence[int], limit: int
) -> list[MessageKey]:
    """Messages sent, whose validity ended before `expired_before`, and no receipt."""
    rows = await database.fetch(
        "find_without_receipt", low_id, MessageState.SENT, expired_before, slots, limit
    )
    return [(row["shop_id"], row["id"], row["slot"]) for row in rows]
