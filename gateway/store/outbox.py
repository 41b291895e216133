"""The outbox: webhook events from the transition that caused them to the shop's answer.

Owns the row, the names of events, and its statements. Decides nothing about when to try again or whom an
event is for. Deliveries repeat after a crash, always under the same event id, so these statements need no
fence of their own: each names the attempt that it expects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import asyncpg

from gateway.domain.identifiers import HIGHEST_ID, first_id_at, slot_of_id
from gateway.domain.message import COUNTED
from gateway.store.database import Connection, Database

OUTBOX_COLUMNS = (
    "shop_id",
    "id",
    "slot",
    "subject_id",
    "sequence",
    "endpoint_id",
    "state",
    "attempt",
    "kind",
    "occurred_at",
    "next_at",
    "data",
)
"""What writers COPY, in the order of `outbox_record`; the other columns begin as null."""

OWN_URL = 0
"""`endpoint_id` of a delivery to the message's own webhook_url."""

KIND_OF_STATE = {state: f"message.{state.word}" for state in COUNTED}
"""The event that tells of a message's first entry to a state; waiting states have none."""

INBOUND_RECEIVED = "inbound.received"
WEBHOOK_TEST = "webhook.test"
CONTACT_OPTED_OUT = "contact.opted_out"
CONTACT_OPTED_IN = "contact.opted_in"
CAMPAIGN_KINDS = ("campaign.started", "campaign.paused", "campaign.finished", "campaign.cancelled")
EVENT_KINDS = (
    *KIND_OF_STATE.values(), INBOUND_RECEIVED, CONTACT_OPTED_OUT, CONTACT_OPTED_IN, *CAMPAIGN_KINDS,
    WEBHOOK_TEST,
)  # fmt: skip

_COUNT_LIMIT = 100_000
"""Beyond this many waiting deliveries the count says "at least"."""


class DeliveryState(IntEnum):
    """Where a delivery stands. Stored in Postgres; never renumber."""

    WAITING = 1
    DELIVERED = 2
    GIVEN_UP = 3

    @property
    def word(self) -> str:
        return self.name.lower()


def outbox_record(
    *,
    shop_id: int,
    event_id: int,
    subject_id: int,
    sequence: int,
    endpoint_id: int,
    kind: str,
    occurred_at: datetime,
    data: str,
) -> tuple[object, ...]:
    """One event for one endpoint, or for `OWN_URL`, ready to COPY.

    `event_id` carries the slot of its subject; `data` is the JSON object of what the transition said (for a
    message: state, reason, …), which the body shows in place of what the subject says later.
    """
    return (
        shop_id, event_id, slot_of_id(event_id), subject_id, sequence, endpoint_id,
        DeliveryState.WAITING, 0, kind, occurred_at, occurred_at, data,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """One waiting row whose time has come."""

    shop_id: int
    id: int
    slot: int
    subject_id: int
    sequence: int
    endpoint_id: int
    attempt: int
    kind: str
    occurred_at: datetime
    finished_at: datetime | None
    data: str

    @property
    def is_redelivery(self) -> bool:
        return self.finished_at is not None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an attempt made of a delivery. `attempt` counts those made so far, this one included."""

    row: DueDelivery
    endpoint_id: int
    state: DeliveryState
    attempt: int
    http_status: int | None
    next_at: datetime
    finished_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Postponement:
    """A delivery that waits longer because of its target, without an attempt."""

    row: DueDelivery
    endpoint_id: int
    next_at: datetime


OutboxChange = Settlement | Postponement


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as its shop may see it. `attempt` counts those since it began or was last redelivered."""

    shop_id: int
    id: int
    slot: int
    subject_id: int
    sequence: int
    endpoint_id: int
    state: DeliveryState
    attempt: int
    http_status: int | None
    kind: str
    occurred_at: datetime
    next_at: datetime
    finished_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which of a shop's deliveries to list; None leaves a filter out. Times are those of the event."""

    endpoint_id: int | None = None
    state: DeliveryState | None = None
    kind: str | None = None
    subject_id: int | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WaitingDeliveries:
    """The outbox at a glance; counts stop at 100,000. `earliest_at` is when the first was or will be due."""

    waiting: int
    due: int
    earliest_at: datetime | None


async def list_due_deliveries(
    database: Database, *, now: datetime, slots: Sequence[int], held_ids: Sequence[int], limit: int
) -> list[DueDelivery]:
    """Up to `limit` due rows of `slots`, earliest first, without those the caller holds already."""
    async with database.transaction() as connection:
        await connection.fetch("prefer_index_order")
        rows = await connection.fetch("list_due_deliveries", now, slots, held_ids, limit)
    return [DueDelivery(*row) for row in rows]


async def apply_changes(connection: Connection, changes: Sequence[OutboxChange]) -> None:
    """Note what became of a batch of due rows: one statement for each sort of change in it."""
    await _settle(connection, [change for change in changes if isinstance(change, Settlement)])
    await _postpone(connection, [change for change in changes if isinstance(change, Postponement)])


async def _settle(connection: Connection, settled: Sequence[Settlement]) -> None:
    if not settled:
        return
    await connection.execute(
        "settle_deliveries",
        *_keys(settled),
        [change.row.attempt for change in settled],
        [change.state for change in settled],
        [change.attempt for change in settled],
        [change.endpoint_id for change in settled],
        [change.http_status for change in settled],
        [change.next_at for change in settled],
        [change.finished_at for change in settled],
        [change.last_error for change in settled],
    )


async def _postpone(connection: Connection, postponed: Sequence[Postponement]) -> None:
    if not postponed:
        return
    await connection.execute(
        "postpone_deliveries",
        *_keys(postponed),
        [change.row.attempt for change in postponed],
        [change.endpoint_id for change in postponed],
        [change.next_at for change in postponed],
    )


def _keys(changes: Sequence[OutboxChange]) -> tuple[int, int, list[int], list[int], list[int]]:
    """The bounds of the ids and the full keys, as every statement over a batch begins."""
    rows = [change.row for change in changes]
    ids = [row.id for row in rows]
    return min(ids), max(ids), [row.shop_id for row in rows], ids, [row.slot for row in rows]


async def add_test_event(
    database: Database, *, shop_id: int, event_id: int, endpoint_id: int, now: datetime
) -> None:
    """Put a `webhook.test` event for one endpoint in the outbox; it is delivered within a second.

    `event_id` is a new id of the endpoint's slot.
    """
    record = outbox_record(
        shop_id=shop_id,
        event_id=event_id,
        subject_id=endpoint_id,
        sequence=0,
        endpoint_id=endpoint_id,
        kind=WEBHOOK_TEST,
        occurred_at=now,
        data="{}",
    )
    async with database.connection() as connection:
        await connection.copy("outbox", OUTBOX_COLUMNS, [record])


async def list_deliveries(
    database: Database, shop_id: int, *, wanted: DeliveryFilter, below_id: int | None, limit: int
) -> list[Delivery]:
    """A shop's deliveries, newest first. `below_id` is the id of the last row of the page before."""
    until_id = first_id_at(wanted.until_at) if wanted.until_at else HIGHEST_ID
    rows = await database.fetch(
        "list_deliveries",
        shop_id,
        first_id_at(wanted.from_at) if wanted.from_at else 0,
        min(until_id, below_id or HIGHEST_ID),
        wanted.endpoint_id,
        wanted.state,
        wanted.kind,
        wanted.subject_id,
        limit,
    )
    return [_delivery(row) for row in rows]


async def find_delivery(database: Database, shop_id: int, delivery_id: int) -> Delivery | None:
    row = await database.fetch_row("find_delivery", shop_id, delivery_id, slot_of_id(delivery_id))
    return _delivery(row) if row else None


async def redeliver(database: Database, shop_id: int, delivery_id: int, *, now: datetime) -> Delivery | None:
    """Let a delivery be attempted now, under the same event id; None when the shop has no such delivery.

    An ended one gets a whole new series of attempts. The caller writes the audit row.
    """
    row = await database.fetch_row("redeliver", shop_id, delivery_id, slot_of_id(delivery_id), now)
    return _delivery(row) if row else None


async def count_waiting_deliveries(database: Database, *, now: datetime) -> WaitingDeliveries:
    row = await database.fetch_row("count_waiting_deliveries", now, _COUNT_LIMIT)
    assert row is not None  # an aggregate without GROUP BY has one row
    return WaitingDeliveries(row["waiting"], row["due"], row["earliest_at"])


def _delivery(row: asyncpg.Record) -> Delivery:
    values = dict(row)
    return Delivery(**{**values, "state": DeliveryState(values["state"])})
