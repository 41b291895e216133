"""Messages of unknown outcome about which nobody decided yet: listed, counted, sent again, closed.

Owns the moves that a person makes of them. Their rows are written, and taken away by later evidence, by the
writer of outcomes; what may be sent again is decided by the caller.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.campaign import CampaignState
from gateway.domain.identifiers import HIGHEST_ID, slot_of_id
from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, Progress, Reason, reopen
from gateway.store.database import Connection, Database
from gateway.store.intake import QUEUE_COLUMNS, Stream
from gateway.store.intents import find_refusing, judge_refusing

COUNT_CAP: Final = 20_000
"""Counting reads the content's row of each message: 34 ms for so many, and more are counted by nobody."""


@dataclass(frozen=True, slots=True)
class UnknownFilter:
    """Which of them; None leaves a condition out. `before` is when the outcome was given up."""

    shop_ids: Sequence[int] | None = None
    connector_id: int | None = None
    category: Category | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """One of them. `to_address` is None once erased; `attempt` counts from 0; amounts in millionths."""

    shop_id: int
    id: int
    connector_id: int
    connector_name: str | None
    since: datetime
    category: int
    country: str
    to_address: str | None
    expires_at: datetime
    campaign_id: int | None
    cost_micros: int
    currency: str
    attempt: int
    part_states: bytes


@dataclass(frozen=True, slots=True)
class UnknownCount:
    """How many there are of one connector and category, and what they cost their shops."""

    connector_name: str | None
    category: int
    currency: str
    messages: int
    parts: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class UnknownCase:
    """What decides whether one may be sent again."""

    shop_id: int
    id: int
    slot: int
    connector_id: int
    lane: int
    category: int
    expires_at: datetime
    is_erased: bool
    is_campaign_cancelled: bool
    is_opted_out: bool
    """Its person wants nothing of its kind any more, as the intent would find."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """What waits again: the messages, and the lowest id of each stream."""

    ids: frozenset[int]
    lowest: dict[Stream, int]


async def list_unknown(
    database: Database,
    wanted: UnknownFilter,
    *,
    limit: int,
    low_id: int = 0,
    high_id: int = HIGHEST_ID,
    is_oldest_first: bool = False,
) -> list[UnknownMessage]:
    """Those with ids between the two, both excluded, by the age of the message: the newest first, or the
    oldest."""
    query = "list_unknown_oldest" if is_oldest_first else "list_unknown"
    rows = await database.fetch(query, *_conditions(wanted), low_id, high_id, limit)
    return [UnknownMessage(**dict(row)) for row in rows]


async def count_unknown(
    database: Database, wanted: UnknownFilter, *, cap: int = COUNT_CAP
) -> list[UnknownCount]:
    """By connector, category and currency, counted up to `cap` in all."""
    rows = await database.fetch("count_unknown", *_conditions(wanted), cap)
    return [
        UnknownCount(
            row["connector_name"],
            row["category"],
            row["currency"],
            row["messages"],
            row["parts"],
            row["cost_micros"],
        )
        for row in rows
    ]


async def count_unknown_by_connector(database: Database) -> dict[int, int]:
    """All of them, by the connector's number."""
    return {
        row["connector_id"]: row["messages"] for row in await database.fetch("count_unknown_by_connector")
    }


async def read_unknown(
    connection: Connection, ids: Sequence[int], *, shop_ids: Sequence[int] | None
) -> list[UnknownCase]:
    """Those of `ids` that are on the list and belong to one of these shops (None: to any)."""
    rows = await connection.fetch("read_unknown", ids, _slots(ids), shop_ids, CampaignState.CANCELLED)
    known = [
        (row["shop_id"], row["contact_id"], row["slot"]) for row in rows if row["contact_id"] is not None
    ]
    refusing = await find_refusing(connection, known)
    return [
        UnknownCase(
            shop_id=row["shop_id"],
            id=row["id"],
            slot=row["slot"],
            connector_id=row["connector_id"],
            lane=row["lane"],
            category=row["category"],
            expires_at=row["expires_at"],
            is_erased=row["is_erased"],
            is_campaign_cancelled=row["is_campaign_cancelled"],
            is_opted_out=judge_refusing(refusing.get((row["shop_id"], row["contact_id"])), row["category"])
            is not None,
        )
        for row in rows
    ]


async def reopen_messages(connection: Connection, cases: Sequence[UnknownCase], now: datetime) -> Reopened:
    """Put messages back into the queue of the connector that sent them, inside the caller's transaction.

    Those that do not come back moved meanwhile. The caller tells dispatch of the streams after the commit.
    """
    held = {
        row["id"]: row
        for row in await connection.fetch(
            "lock_unknown",
            [case.id for case in cases],
            sorted({case.slot for case in cases}),
            MessageState.UNKNOWN,
            Reason.NO_RESPONSE,
        )
    }
    moving = [case for case in cases if case.id in held]
    after = {
        case.id: reopen(
            Progress(MessageState.UNKNOWN, held[case.id]["entered"], held[case.id]["part_states"])
        )
        for case in moving
    }
    rows = await connection.fetch(
        "reopen_unknown",
        [case.shop_id for case in moving],
        [case.id for case in moving],
        [case.slot for case in moving],
        [held[case.id]["part_states"] for case in moving],
        [after[case.id].part_states for case in moving],
        [after[case.id].entered for case in moving],
        [held[case.id]["attempt"] + 1 for case in moving],
        MessageState.UNKNOWN,
        MessageState.QUEUED,
        now,
    )
    moved = frozenset(row["id"] for row in rows)
    await connection.copy(
        "queue",
        QUEUE_COLUMNS,
        [
            (
                case.connector_id,
                case.lane,
                case.category,
                case.id,
                case.slot,
                case.shop_id,
                held[case.id]["attempt"] + 1,
                0,
                after[case.id].entered,
                case.expires_at,
            )
            for case in moving
            if case.id in moved
        ],
    )
    await _forget(connection, moved)
    lowest: dict[Stream, int] = {}
    for case in moving:
        if case.id in moved:
            stream = (case.connector_id, case.lane, case.category)
            lowest[stream] = min(case.id, lowest.get(stream, case.id))
    return Reopened(moved, lowest)


async def close_messages(
    connection: Connection, cases: Iterable[UnknownCase], reason: Reason, now: datetime
) -> frozenset[int]:
    """Leave messages unknown for good, inside the caller's transaction; those that do not come back moved
    meanwhile. Later evidence moves them still."""
    wanted = {case.id: case for case in cases}
    held = [
        wanted[row["id"]]
        for row in await connection.fetch(
            "lock_unknown",
            list(wanted),
            sorted({case.slot for case in wanted.values()}),
            MessageState.UNKNOWN,
            Reason.NO_RESPONSE,
        )
    ]
    rows = await connection.fetch(
        "close_unknown",
        [case.shop_id for case in held],
        [case.id for case in held],
        [case.slot for case in held],
        MessageState.UNKNOWN,
        Reason.NO_RESPONSE,
        reason,
        now,
    )
    closed = frozenset(row["id"] for row in rows)
    await _forget(connection, closed)
    return closed


async def _forget(connection: Connection, ids: Iterable[int]) -> None:
    wanted = list(ids)
    if wanted:
        await connection.execute("forget_unknown", wanted, _slots(wanted))


def _slots(ids: Sequence[int]) -> list[int]:
    return sorted({slot_of_id(message_id) for message_id in ids})


def _conditions(wanted: UnknownFilter) -> tuple[object, ...]:
    return (wanted.shop_ids, wanted.connector_id, wanted.category, wanted.before)
