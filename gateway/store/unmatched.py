"""Receipts that came for no message we know: kept, looked up again, given up, listed.

Owns their table once a row is in it; the row itself is written with its batch (`outcome_rows`). Numbers in
it are whole: whoever shows them to people masks them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from gateway.domain.identifiers import first_id_at
from gateway.domain.message import MessageState
from gateway.store.database import Database
from gateway.store.evidence import PartRef, ReceiptOutcome, ReceiptSeen

RETRIED_FOR: Final = timedelta(hours=72)
"""After which a receipt without a message is given up."""

FindLookupId = Callable[[int, str], str]
"""The form under which an id, as a connector's receipts bear it, is looked up now."""


async def find_unmatched(
    database: Database, find_lookup_id: FindLookupId, *, low_id: int, high_id: int, limit: int
) -> list[ReceiptSeen]:
    """Receipts kept without a message, newest first, as evidence to be judged once more.

    What they mean was decided when they came; their ids are read as the connector reads ids now, so that a
    corrected `id_form` finds the messages of the last 72 h.
    """
    rows = await database.fetch("find_unmatched", low_id, high_id, limit)
    return [read_unmatched(row, find_lookup_id) for row in rows]


def read_unmatched(row: asyncpg.Record, find_lookup_id: FindLookupId) -> ReceiptSeen:
    """A row of the table as the evidence that it was, and whose it is taken to be."""
    inferred = None
    if row["outcome"] == ReceiptOutcome.INFERRED:
        inferred = PartRef(
            row["inferred_shop_id"], row["inferred_id"], row["inferred_slot"], row["inferred_part"]
        )
    return ReceiptSeen(
        connector_id=row["connector_id"],
        carrier_id=find_lookup_id(row["connector_id"], row["carrier_id"]),
        wanted=MessageState(row["wanted"]) if row["wanted"] else None,
        receipt_state=row["state"],
        failure_class=row["failure_class"],
        stat=row["stat"],
        err=row["err"],
        from_address=row["from_address"],
        to_address=row["to_address"],
        at=row["received_at"],
        other_id=find_lookup_id(row["connector_id"], row["other_id"]) if row["other_id"] else "",
        unmatched_id=row["receipt_id"],
        written_id=row["carrier_id"],
        written_other_id=row["other_id"],
        carrier_at=row["carrier_at"],
        ends_message=row["ends_message"],
        inferred=inferred,
    )


async def give_up_unmatched(database: Database, now: datetime) -> int:
    """Stop looking receipts up that have waited for 72 h; returns how many."""
    tag = await database.execute("give_up_unmatched", first_id_at(now - RETRIED_FOR), ReceiptOutcome.GIVEN_UP)
    return int(tag.rpartition(" ")[2])


@dataclass(frozen=True, slots=True)
class UnmatchedReceipt:
    """A receipt without a message, as it came. `connector_name` is None for one that is not known."""

    receipt_id: int
    connector_name: str | None
    carrier_id: str
    other_id: str
    outcome: int
    stat: str
    err: str
    from_address: str
    to_address: str
    received_at: datetime
    carrier_at: datetime | None
    inferred_id: int | None
    """The message that it was taken to be of."""


_FIELDS = UnmatchedReceipt.__slots__


async def list_unmatched(
    database: Database,
    outcomes: Sequence[ReceiptOutcome],
    *,
    connector_id: int | None,
    high_id: int,
    limit: int,
) -> list[UnmatchedReceipt]:
    """Receipts with one of these outcomes whose id is below `high_id`, newest first."""
    rows = await database.fetch("list_unmatched", high_id, list(outcomes), connector_id, limit)
    return [UnmatchedReceipt(**{name: row[name] for name in _FIELDS}) for row in rows]
