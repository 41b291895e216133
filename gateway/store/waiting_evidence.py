"""Rows that time has something to say about: abandoned intents, missing receipts, receipts of no message."""

from collections.abc import Sequence
from datetime import datetime

from gateway.domain.failures import judge_receipt
from gateway.domain.message import MessageState
from gateway.domain.receipts import wanted_state
from gateway.smpp.receipts import ReceiptState
from gateway.store.database import Database
from gateway.store.evidence import ReceiptOutcome, ReceiptSeen
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


async def find_unmatched(
    database: Database, since: datetime, outcome: ReceiptOutcome, *, limit: int
) -> list[ReceiptSeen]:
    """Receipts kept without a message, as evidence to be judged once more."""
    receipts = []
    for row in await database.fetch("find_unmatched", since, outcome, limit):
        state = ReceiptState(row["state"]) if row["state"] >= 0 else None
        wanted = wanted_state(state)
        is_failed = wanted is MessageState.FAILED
        receipts.append(
            ReceiptSeen(
                connector_id=row["connector_id"],
                carrier_id=row["carrier_id"],
                wanted=wanted,
                receipt_state=row["state"],
                failure_class=judge_receipt(state, err=row["err"]).failure_class if is_failed else 0,
                stat=row["stat"],
                err=row["err"],
                from_address=row["from_address"],
                to_address=row["to_address"],
                at=row["received_at"],
                unmatched_id=row["receipt_id"],
            )
        )
    return receipts


async def give_up_unmatched(database: Database, received_before: datetime) -> int:
    """Stop looking receipts up that have waited too long; returns how many."""
    tag = await database.execute(
        "give_up_unmatched", received_before, ReceiptOutcome.UNMATCHED, ReceiptOutcome.GIVEN_UP
    )
    return int(tag.rpartition(" ")[2])
