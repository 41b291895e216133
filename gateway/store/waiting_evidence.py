"""Rows that time has something to say about: abandoned intents, missing receipts."""

from collections.abc import Sequence
from datetime import datetime

from gateway.domain.message import MessageState
from gateway.store.database import Database
from gateway.store.writer import Fence

MessageKey = tuple[int, int, int]
"""(shop_id, id, slot)."""


async def find_abandoned(database: Database, fence: Fence, *, low_id: int, limit: int) -> list[MessageKey]:
    """Messages being sent by a node that is gone; `fence` is the asking node's. `low_id` bounds the search to
    what can still be open."""
    rows = await database.fetch(
        "find_abandoned", low_id, MessageState.SENDING, fence.node_no, fence.epoch, limit
    )
    return [(row["shop_id"], row["id"], row["slot"]) for row in rows]


async def find_without_receipt(
    database: Database, *, low_id: int, expired_before: datetime, slots: Sequence[int], limit: int
) -> list[MessageKey]:
    """Messages sent, whose validity ended before `expired_before`, and no receipt."""
    rows = await database.fetch(
        "find_without_receipt", low_id, MessageState.SENT, expired_before, slots, limit
    )
    return [(row["shop_id"], row["id"], row["slot"]) for row in rows]
