"""The ledger's counts, all from one snapshot of the database, so that running traffic cannot blur them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.identifiers import first_id_at
from gateway.domain.message import COUNTED, MessageState, Reason
from gateway.smpp.receipts import ReceiptState
from gateway.store.database import Connection, Database
from gateway.store.evidence import WITHOUT_MESSAGE, ReceiptOutcome
from gateway.store.rollups import ACCEPTED

IDS_NAMED = 20
_NEEDS_ANSWER = (MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED)
_WITHOUT_MESSAGE = [int(outcome) for outcome in WITHOUT_MESSAGE]
_DELIVERED = (
    MessageState.DELIVERED,
    ReceiptState.DELIVERED,
    (ReceiptOutcome.APPLIED, ReceiptOutcome.REPEATED, ReceiptOutcome.LATE, ReceiptOutcome.INFERRED),
)
"""A receipt that repeated an inferred one, or came after it, stands alone when that one is another's."""
_UNANSWERED = (MessageState.UNKNOWN, Reason.NO_RESPONSE)
_FOLLOWS_SENT = (*_NEEDS_ANSWER, MessageState.EXPIRED, MessageState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class StateCount:
    """Messages that entered a state, with their parts and cost; `shop_` without test messages, `campaign_`
    those of campaigns only."""

    messages: int = 0
    parts: int = 0
    cost_micros: int = 0
    shop_messages: int = 0
    shop_cost_micros: int = 0
    campaign_messages: int = 0
    campaign_cost_micros: int = 0


@dataclass(frozen=True, slots=True)
class CampaignPeople:
    """People of all campaigns ever frozen, by their rows and as they were counted when it happened."""

    people: int
    people_noted: int
    excluded: int
    excluded_counted: int
    expanded: int
    expanded_noted: int


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Everything the ledger compares. Maps are by `MessageState`, 0 for taken in (or, in `standing`, for
    nowhere)."""

    standing: dict[int, int]
    recount: dict[int, StateCount]
    rollup: dict[int, StateCount]
    rollup_shops: dict[int, StateCount]
    rollup_campaigns: dict[int, StateCount]
    misplaced: list[int]
    without_message: list[int]
    unbacked: list[int]
    submissions: tuple[int, int]
    receipts: tuple[int, int]
    unmatched: tuple[int, int]
    unmatched_open: int
    inferred: int
    """Receipts whose message was inferred, and is still."""
    parts: dict[int, int]
    delivered_parts: tuple[int, int]
    undelivered: list[int]
    lookups: tuple[int, int]
    lookups_at_fault: list[int]
    unanswered: tuple[int, int]
    unanswered_at_fault: list[int]
    campaign_people: CampaignPeople
    campaign_messages: tuple[int, int]
    campaign_messages_at_fault: list[int]


async def count_ledger(
    database: Database, low: datetime, high: datetime, *, lookups_since: datetime
) -> LedgerCounts:
    """Count all messages accepted from `low` to `high` (whole UTC days). Reads every row of those days."""
    async with (
        database.patient_connection() as connection,
        connection.raw.transaction(isolation="repeatable_read", readonly=True),
    ):
        # A day's first hours have no statistics, and the planner takes the day for tiny: it then scans a
        # table once for each row of another, which is minutes where hashing takes a second.
        await connection.raw.execute(
            "SET LOCAL jit = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_seqscan = off"
        )
        return await count_ledger_within(connection, low, high, lookups_since=lookups_since)


async def count_ledger_within(
    connection: Connection, low: datetime, high: datetime, *, lookups_since: datetime
) -> LedgerCounts:
    """The same within the caller's snapshot."""
    ids = (first_id_at(low), first_id_at(high))
    states: Sequence[int] = (ACCEPTED, *COUNTED)
    unmatched = await connection.fetch_row(
        "count_unmatched", *ids, low, high, _WITHOUT_MESSAGE, ReceiptOutcome.UNMATCHED
    )
    people = await connection.fetch_row("count_campaign_people")
    assert unmatched is not None
    assert people is not None
    return LedgerCounts(
        standing=await _read_map(connection, "count_messages_by_standing", "messages", *ids),
        recount=await _read_counts(connection, "recount_states", *ids, states),
        rollup=await _read_counts(connection, "read_rollup_states", low, high),
        rollup_shops=await _read_counts(connection, "read_rollup_shops", low.date(), high.date()),
        rollup_campaigns=await _read_counts(connection, "read_rollup_campaigns", low, high),
        misplaced=await _read_ids(connection, "list_misplaced_messages", *ids, IDS_NAMED),
        without_message=await _read_ids(connection, "list_rows_without_message", *ids, IDS_NAMED),
        unbacked=await _read_ids(
            connection,
            "list_unbacked_parts",
            *ids,
            MessageState.SENT,
            _NEEDS_ANSWER,
            _FOLLOWS_SENT,
            IDS_NAMED,
        ),
        submissions=await _read_pair(connection, "count_submissions", *ids, low, high),
        receipts=await _read_pair(connection, "count_receipts", *ids, low, high, _WITHOUT_MESSAGE),
        unmatched=(unmatched["found"], unmatched["counted"]),
        unmatched_open=unmatched["open"],
        inferred=int(await connection.fetch_value("count_inferred", *ids, ReceiptOutcome.INFERRED)),
        parts=await _read_map(connection, "count_part_states", "parts", *ids),
        delivered_parts=await _read_pair(
            connection,
            "count_delivered_parts",
            *ids,
            *_DELIVERED,
        ),
        undelivered=await _read_ids(connection, "list_undelivered_parts", *ids, *_DELIVERED, IDS_NAMED),
        lookups=await _read_pair(connection, "count_lookups", *ids, lookups_since),
        lookups_at_fault=await _read_ids(connection, "list_lookups_at_fault", *ids, lookups_since, IDS_NAMED),
        unanswered=await _read_pair(connection, "count_unanswered", *ids, *_UNANSWERED),
        unanswered_at_fault=await _read_ids(
            connection, "list_unanswered_at_fault", *ids, *_UNANSWERED, IDS_NAMED
        ),
        campaign_people=CampaignPeople(**people),
        campaign_messages=await _read_pair(connection, "count_campaign_messages", *ids),
        campaign_messages_at_fault=await _read_ids(
            connection, "list_campaign_messages_at_fault", *ids, IDS_NAMED
        ),
    )


async def _read_map(connection: Connection, name: str, column: str, *arguments: object) -> dict[int, int]:
    return {row["state"]: row[column] for row in await connection.fetch(name, *arguments)}


async def _read_counts(connection: Connection, name: str, *arguments: object) -> dict[int, StateCount]:
    fields = StateCount.__slots__
    return {
        row["state"]: StateCount(**{key: value for key, value in row.items() if key in fields})
        for row in await connection.fetch(name, *arguments)
    }


async def _read_ids(connection: Connection, name: str, *arguments: object) -> list[int]:
    return [row["id"] for row in await connection.fetch(name, *arguments)]


async def _read_pair(connection: Connection, name: str, *arguments: object) -> tuple[int, int]:
    row = await connection.fetch_row(name, *arguments)
    assert row is not None
    return (row[0], row[1])
