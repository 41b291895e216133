"""Every rollup recounted from the rows that it tells of, and rows that contradict others, in one snapshot.

Counting and comparing happen in the database, so that a million messages need no memory here; only what
differs comes back, and of that the first. What it means is said in `ledger.verification`.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from gateway.domain.delays import bucket_floors
from gateway.domain.identifiers import SLOT_COUNT, first_id_at
from gateway.domain.lanes import Lane
from gateway.domain.ledger import name_messages_of
from gateway.domain.message import COUNTED, ENDS, MessageState
from gateway.domain.people import MarketingConsent, OptoutWay
from gateway.domain.public_ids import decode_public_id
from gateway.store.database import Connection, Database
from gateway.store.evidence import ReceiptOutcome
from gateway.store.rollups import ACCEPTED

MOST_NAMED: Final = 20
"""Differences of one table that are named; all are counted."""

_STATES: Final = (ACCEPTED, *COUNTED)
_ANSWERED_LATER: Final = (MessageState.UNKNOWN, MessageState.QUEUED)
_COUNTED_AS: Final = {
    ReceiptOutcome.INFERRED: ReceiptOutcome.APPLIED,
    ReceiptOutcome.DISOWNED: ReceiptOutcome.APPLIED,
    ReceiptOutcome.TOO_LATE: ReceiptOutcome.UNMATCHED,
}
"""Outcomes that a receipt's row may move between after it was counted, and the one that stands for them."""
_IDS_AT_ONCE: Final = 2_000
_MESSAGE_ID: Final = re.compile(rb'"(msg_[0-9A-Za-z]{11})"')


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of a rollup, what its rows add up to, and what the rollup says."""

    key: Mapping[str, Any]
    by_rows: Mapping[str, int]
    by_rollup: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TableRecount:
    """One rollup: `compared` keys, `differing` ones among them, and the first of those."""

    table: str
    compared: int
    differing: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Astray:
    """Rows that contradict others: how many, and the ids of the first."""

    found: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still there to be recounted."""

    whole_from_id: int
    """From this id on every message is: that of the day after the newest sealed one."""
    sealed_days: int
    older_campaigns: int
    """Campaigns that were made before."""


@dataclass(frozen=True, slots=True)
class Span:
    """UTC days from `first` to before `last`, with the ids and moments of their midnights."""

    first: datetime
    last: datetime

    @property
    def ids(self) -> tuple[int, int]:
        return first_id_at(self.first), first_id_at(self.last)

    @property
    def days(self) -> tuple[date, date]:
        return self.first.date(), self.last.date()


@asynccontextmanager
async def open_snapshot(database: Database) -> AsyncIterator[Connection]:
    """A connection that sees one moment of the database, with the planner set for reading whole days."""
    async with (
        database.patient_connection() as connection,
        connection.raw.transaction(isolation="repeatable_read", readonly=True),
    ):
        # Days join days of the same partition, by hash: a fresh day has no statistics, and is taken for tiny.
        await connection.raw.execute(
            "SET LOCAL jit = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_partitionwise_join = on;"
            " SET LOCAL work_mem = '64MB'"
        )
        yield connection


async def look_up_by_key(connection: Connection) -> None:
    """From here on the snapshot looks up a few thousand rows at a time; the planner would rather read the
    whole day for each."""
    await connection.raw.execute("SET LOCAL enable_nestloop = on; SET LOCAL enable_seqscan = off")


async def read_limits(connection: Connection) -> Limits:
    row = await connection.fetch_row("find_recount_limits")
    assert row is not None
    return Limits(row["whole_from"], row["days"], row["campaigns"])


async def read_names(connection: Connection) -> dict[tuple[str, int], str]:
    """Names of shops and connectors by kind (`shop`, `connector`) and number."""
    return {(row["kind"], row["id"]): row["name"] for row in await connection.fetch("list_names")}


async def recount_tables(
    connection: Connection, span: Span, limits: Limits, *, is_whole: bool
) -> AsyncIterator[TableRecount]:
    """Each rollup in turn. `is_whole`: of no particular days, so orders and opt-outs of any time belong."""
    low, high = span.ids
    hours = (span.first, span.last)
    from_id = max(low, limits.whole_from_id) if not is_whole else limits.whole_from_id
    said = (datetime.min.replace(tzinfo=span.first.tzinfo), datetime.max.replace(tzinfo=span.first.tzinfo))
    said = said if is_whole else hours
    async for recount in _recount_messages(connection, low, high, hours):
        yield recount
    yield await _recount(
        connection, "stat_submission", "recount_submissions", low, high, *hours, _ANSWERED_LATER
    )
    yield await _recount(
        connection,
        "stat_receipt",
        "recount_receipts",
        low,
        high,
        *hours,
        list(_COUNTED_AS),
        list(_COUNTED_AS.values()),
    )
    yield await _recount(
        connection, "stat_failure", "recount_failures", from_id, MessageState.FAILED, ReceiptOutcome.DISOWNED
    )
    yield await _recount(
        connection,
        "stat_delay",
        "recount_delays",
        from_id,
        bucket_floors(),
        MessageState.DELIVERED,
        Lane.BULK,
        ReceiptOutcome.DISOWNED,
    )
    yield await _recount(connection, "stat_click", "recount_clicks", low, high, *hours)
    yield await _recount(connection, "click_person", "recount_click_people", from_id)
    yield await _recount(
        connection,
        "stat_optout",
        "recount_optouts",
        *said,
        [way.word for way in OptoutWay],
        [int(way) for way in OptoutWay],
        MarketingConsent.OPTED_OUT,
    )
    yield await _recount(connection, "stat_order", "recount_orders", *said)
    yield await _recount(connection, "stat_exclusion", "recount_exclusions")
    yield await _recount(connection, "campaign_progress", "recount_progress")
    yield await _recount(connection, "contact_list", "recount_members")
    yield await _recount(
        connection,
        "ledger_day",
        "recount_seals",
        *((date(2025, 1, 1), span.days[1]) if is_whole else span.days),
        [name_messages_of(state) for state in _STATES],
        list(_STATES),
    )


async def find_astray(
    connection: Connection, span: Span, limits: Limits
) -> AsyncIterator[tuple[str, Astray]]:
    """Rows that contradict others, by what is asked of them."""
    low, high = span.ids
    whole = max(low, limits.whole_from_id)
    yield "parts_and_receipts", await _find(connection, "find_rows_astray", low, high)
    yield (
        "states",
        await _find(
            connection,
            "find_states_astray",
            low,
            high,
            sorted(ENDS),
            MessageState.SENT,
            MessageState.DELIVERED,
            MessageState.FAILED,
        ),
    )
    yield "waiting", await _find(connection, "find_waiting_astray", low, high)
    yield "unknown", await _find(connection, "find_unknown_astray", low, high, MessageState.UNKNOWN)
    yield "events", await _find(connection, "find_events_astray", whole, high)
    yield "replies", await _find(connection, "find_replies_astray", whole, high)
    yield "orders", await _find(connection, "find_orders_astray")


async def find_keys_astray(connection: Connection, span: Span, limits: Limits) -> Astray:
    """Messages that the answers kept for idempotency keys name, and that do not exist."""
    await look_up_by_key(connection)
    low, high = max(span.ids[0], limits.whole_from_id), span.ids[1]
    missing: list[int] = []
    for key_slot in range(SLOT_COUNT):
        named = {
            message_id: row["shop_id"]
            for row in await connection.fetch("list_keyed_answers", key_slot, span.first)
            for found in _MESSAGE_ID.findall(row["answer"])
            if low <= (message_id := decode_public_id("msg", found.decode())) < high
        }
        missing += await _find_missing(connection, named)
    return Astray(len(missing), tuple(sorted(missing)[:MOST_NAMED]))


async def _find_missing(connection: Connection, named: Mapping[int, int]) -> list[int]:
    ids = sorted(named)
    shop_ids = sorted(set(named.values()))
    found: set[int] = set()
    for start in range(0, len(ids), _IDS_AT_ONCE):
        rows = await connection.fetch("find_messages_there", shop_ids, ids[start : start + _IDS_AT_ONCE])
        found.update(row["id"] for row in rows)
    return [message_id for message_id in ids if message_id not in found]


async def _recount_messages(
    connection: Connection, low: int, high: int, hours: tuple[datetime, datetime]
) -> AsyncIterator[TableRecount]:
    rows = await connection.fetch(
        "recount_messages",
        low,
        high,
        *hours,
        list(_STATES),
        MessageState.FAILED,
        ReceiptOutcome.DISOWNED,
        MOST_NAMED,
    )
    for table in ("stat_hour", "stat_shop", "stat_campaign"):
        yield _read_recount(table, [row for row in rows if row["name"] == table])


async def _recount(connection: Connection, table: str, name: str, *arguments: object) -> TableRecount:
    return _read_recount(table, await connection.fetch(name, *arguments, MOST_NAMED))


def _read_recount(table: str, rows: Sequence[Any]) -> TableRecount:
    return TableRecount(
        table,
        rows[0]["compared"],
        rows[0]["differing"],
        tuple(
            Difference(json.loads(row["key"]), json.loads(row["by_rows"]), json.loads(row["by_rollup"]))
            for row in rows
            if row["key"] is not None
        ),
    )


async def _find(connection: Connection, name: str, *arguments: object) -> Astray:
    rows = await connection.fetch(name, *arguments, MOST_NAMED)
    return Astray(rows[0]["found"] if rows else 0, tuple(row["id"] for row in rows))
