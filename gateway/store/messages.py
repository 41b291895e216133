"""Reading messages back: content, where each stands, its submitted parts and its receipts.

Owns the record that every view of a message is made from. Changes nothing: rows are written by `intake` and
`outcomes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.domain.identifiers import slot_of_address, slot_of_id
from gateway.domain.message import MessageState
from gateway.store.database import Database

_SCAN_ROWS = 1_000
_SCAN_ROUNDS = 20
"""A state stands in no index (it moves). A listing by state looks through at most 20,000 messages, about
0.2 s, and then hands back a cursor to go on from."""


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """One message as stored. `text`, `body` and `to_address` are None once erased."""

    shop_id: int
    id: int
    slot: int
    connector_id: int
    connector_name: str | None
    category: int
    lane: int
    alphabet: int
    parts: int
    is_test: bool
    is_sensitive: bool
    campaign_id: int | None
    contact_id: int | None
    cost_micros: int
    currency: str
    country: str
    send_at: datetime | None
    due_at: datetime | None
    expires_at: datetime
    to_address: str | None
    from_address: str
    text: str | None
    body: bytes | None
    client_reference: str | None
    webhook_url: str | None
    metadata: str | None
    state: int
    reason: int
    failure_class: int
    attempt: int
    changed_at: datetime | None
    sent_at: datetime | None
    final_at: datetime | None
    command_status: int | None
    stat: str | None
    err: str | None
    part_states: bytes | None


_FIELDS = tuple(MessageRecord.__slots__)


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One submission of one part; `part` counts from 0."""

    message_id: int
    part: int
    attempt: int
    connector_name: str | None
    bind_no: int
    state: int
    command_status: int | None
    submitted_at: datetime | None
    answered_at: datetime
    carrier_id: str | None


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """One receipt of one part; `outcome` says what it changed."""

    message_id: int
    receipt_id: int
    part: int
    state: int
    outcome: int
    received_at: datetime
    stat: str
    err: str
    carrier_at: datetime | None
    """When the carrier says it happened, where it says so and it can be true."""


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What to list; None leaves a condition out. Ids go from `low_id` up to, not including, `high_id`."""

    low_id: int
    high_id: int
    is_test: bool | None = None
    to_address: str | None = None
    client_reference: str | None = None
    campaign_id: int | None = None
    states: frozenset[MessageState] = frozenset()


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages, newest first; the next page goes up to `next_high_id` (None: this was the last)."""

    messages: tuple[MessageRecord, ...]
    next_high_id: int | None


async def get_message(database: Database, shop_id: int, message_id: int) -> MessageRecord | None:
    """None for an id that is unknown or another shop's: the two look the same."""
    found = await get_messages(database, shop_id, [message_id])
    return found.get(message_id)


async def get_messages(
    database: Database, shop_id: int, message_ids: Sequence[int]
) -> dict[int, MessageRecord]:
    rows = await database.fetch("get_messages", shop_id, list(message_ids), _slots(message_ids))
    return {row["id"]: _record(row) for row in rows}


async def list_messages(
    database: Database, shop_id: int, wanted: MessageFilter, *, limit: int
) -> MessagePage:
    """At most `limit` messages. A listing by state may stop short with a cursor, see `_SCAN_ROUNDS`."""
    found: list[MessageRecord] = []
    high_id = wanted.high_id
    for _ in range(_SCAN_ROUNDS):
        most = _SCAN_ROWS if wanted.states else limit + 1
        rows = await _list_rows(database, shop_id, wanted, high_id, most)
        for row in rows:
            if wanted.states and row["state"] not in wanted.states:
                continue
            if len(found) == limit:
                return MessagePage(tuple(found), found[-1].id)
            found.append(_record(row))
        if len(rows) < most:
            return MessagePage(tuple(found), None)
        high_id = rows[-1]["id"]
    return MessagePage(tuple(found), high_id)


async def _list_rows(
    database: Database, shop_id: int, wanted: MessageFilter, high_id: int, most: int
) -> list[asyncpg.Record]:
    shared = (shop_id, wanted.low_id, high_id, wanted.is_test, wanted.campaign_id, most)
    if wanted.to_address is not None:
        slot = slot_of_address(wanted.to_address)
        return await database.fetch(
            "list_messages_of_address", *shared, slot, wanted.to_address, wanted.client_reference
        )
    if wanted.client_reference is not None:
        return await database.fetch("list_messages_of_reference", *shared, wanted.client_reference)
    return await database.fetch("list_messages", *shared)


async def read_parts(
    database: Database, shop_id: int, message_ids: Sequence[int]
) -> dict[int, list[PartRecord]]:
    """Submissions by message, in the order they were made."""
    found: dict[int, list[PartRecord]] = {}
    for row in await database.fetch("read_parts", shop_id, list(message_ids), _slots(message_ids)):
        found.setdefault(row["id"], []).append(
            PartRecord(
                message_id=row["id"],
                part=row["part"],
                attempt=row["attempt"],
                connector_name=row["connector_name"],
                bind_no=row["bind_no"],
                state=row["state"],
                command_status=row["command_status"],
                submitted_at=row["submitted_at"],
                answered_at=row["answered_at"],
                carrier_id=row["carrier_id"],
            )
        )
    return found


async def read_receipts(
    database: Database, shop_id: int, message_ids: Sequence[int]
) -> dict[int, list[ReceiptRecord]]:
    """Receipts by message, in the order they came."""
    found: dict[int, list[ReceiptRecord]] = {}
    for row in await database.fetch("read_receipts", shop_id, list(message_ids), _slots(message_ids)):
        found.setdefault(row["id"], []).append(
            ReceiptRecord(
                message_id=row["id"],
                receipt_id=row["receipt_id"],
                part=row["part"],
                state=row["state"],
                outcome=row["outcome"],
                received_at=row["received_at"],
                stat=row["stat"],
                err=row["err"],
                carrier_at=row["carrier_at"],
            )
        )
    return found


async def find_shop_of_message(database: Database, message_id: int, shop_ids: Sequence[int]) -> int | None:
    """Which of these shops a message belongs to; for operators, who know only the id."""
    found: int | None = await database.fetch_value(
        "find_shop_of_message", message_id, slot_of_id(message_id), list(shop_ids)
    )
    return found


def _slots(message_ids: Sequence[int]) -> list[int]:
    return sorted({slot_of_id(message_id) for message_id in message_ids})


def _record(row: asyncpg.Record) -> MessageRecord:
    return MessageRecord(**{name: row[name] for name in _FIELDS})
