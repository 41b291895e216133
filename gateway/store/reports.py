"""What campaigns added up to: sums of the rollups, and the clicks and opt-outs behind them.

Owns the reads; a campaign of a million messages has some hundred rows of sums, so nothing here looks at a
message. What the sums mean is said in `analytics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from gateway.store.database import Database

EVERY_MACHINE: Final = -1
"""Stands for all verdicts but that of a person, in listings of clicks."""


class MessageSum(NamedTuple):
    """Messages that first entered a state; state 0: that were made."""

    campaign_id: int
    hour: datetime
    country: str
    currency: str
    state: int
    failure_class: int
    messages: int
    parts: int
    cost_micros: int


class TotalSum(NamedTuple):
    campaign_id: int
    currency: str
    state: int
    messages: int
    cost_micros: int


class FailureSum(NamedTuple):
    """Messages that failed alike; `command_status` -1 is none."""

    failure_class: int
    command_status: int
    stat: str
    err: str
    messages: int


class DelaySum(NamedTuple):
    kind: int
    bucket: int
    messages: int


class ClickSum(NamedTuple):
    target_id: int
    hour: datetime
    country: str
    verdict: int
    device: int
    clicks: int
    people: int


class OptoutSum(NamedTuple):
    campaign_id: int
    hour: datetime
    country: str
    way: int
    people: int


class OrderSum(NamedTuple):
    campaign_id: int
    hour: datetime
    country: str
    currency: str
    orders: int
    placed_micros: int
    refunds: int
    refunded_micros: int


class Target(NamedTuple):
    id: int
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ReportSums:
    """Everything that the report of one campaign is made of."""

    messages: Sequence[MessageSum]
    failures: Sequence[FailureSum]
    delays: Sequence[DelaySum]
    clicks: Sequence[ClickSum]
    optouts: Sequence[OptoutSum]
    orders: Sequence[OrderSum]
    targets: Sequence[Target]


@dataclass(frozen=True, slots=True)
class SummarySums:
    """What the lines of a list of campaigns are made of."""

    totals: Sequence[TotalSum]
    clickers: dict[int, int]
    optouts: Sequence[OptoutSum]
    orders: Sequence[OrderSum]


@dataclass(frozen=True, slots=True)
class ClickRecord:
    """One visit; `number` is None without a known person, `link_name` for the unsubscribe page."""

    id: int
    at: datetime
    verdict: int
    device: int
    is_first: bool
    contact_id: int
    message_id: int
    country: str
    address: str | None
    agent: str
    number: str | None
    link_name: str | None


@dataclass(frozen=True, slots=True)
class OptoutRecord:
    """One opt-out that a campaign's report counts; `source` begins with its way."""

    id: int
    contact_id: int | None
    number: str | None
    country: str | None
    said_at: datetime
    source: str


async def read_report(database: Database, shop_id: int, campaign_id: int) -> ReportSums:
    """All sums of one campaign, as of one moment."""
    ids = [campaign_id]
    async with database.connection() as connection, connection.raw.transaction(isolation="repeatable_read"):
        fetch = connection.fetch
        return ReportSums(
            messages=[MessageSum(**row) for row in await fetch("sum_report_messages", shop_id, ids)],
            failures=[FailureSum(**row) for row in await fetch("sum_report_failures", shop_id, campaign_id)],
            delays=[DelaySum(**row) for row in await fetch("sum_report_delays", shop_id, campaign_id)],
            clicks=[ClickSum(**row) for row in await fetch("list_report_clicks", shop_id, campaign_id)],
            optouts=[OptoutSum(**row) for row in await fetch("list_report_optouts", shop_id, ids)],
            orders=[OrderSum(**row) for row in await fetch("list_report_orders", shop_id, ids)],
            targets=[Target(**row) for row in await fetch("list_report_targets", shop_id, campaign_id)],
        )


async def read_summaries(database: Database, shop_id: int, campaign_ids: Sequence[int]) -> SummarySums:
    """Sums of many campaigns."""
    ids = list(campaign_ids)
    async with database.connection() as connection:
        fetch = connection.fetch
        return SummarySums(
            totals=[TotalSum(**row) for row in await fetch("sum_report_totals", shop_id, ids)],
            clickers={
                row["campaign_id"]: row["people"] for row in await fetch("sum_report_clickers", shop_id, ids)
            },
            optouts=[OptoutSum(**row) for row in await fetch("list_report_optouts", shop_id, ids)],
            orders=[OrderSum(**row) for row in await fetch("list_report_orders", shop_id, ids)],
        )


async def list_campaign_clicks(
    database: Database, shop_id: int, campaign_id: int, *, verdict: int | None, below: int, limit: int
) -> list[ClickRecord]:
    """Newest first; verdict None is all, `EVERY_MACHINE` those of no person."""
    rows = await database.fetch("list_campaign_clicks", shop_id, campaign_id, below, verdict, limit)
    return [_click(row) for row in rows]


async def list_message_clicks(
    database: Database, shop_id: int, message_id: int, *, slot: int, contact_id: int
) -> list[ClickRecord]:
    """The visits to one message's links, oldest first; at most 200."""
    rows = await database.fetch("list_message_clicks", shop_id, slot, contact_id, message_id)
    return [_click(row) for row in rows]


async def list_campaign_optouts(
    database: Database, shop_id: int, campaign_id: int, *, below: int, limit: int
) -> list[OptoutRecord]:
    """Newest first."""
    rows = await database.fetch("list_campaign_optouts", shop_id, campaign_id, below, limit)
    return [
        OptoutRecord(
            row["id"], row["contact_id"], row["number"], row["country"], row["said_at"], row["source"]
        )
        for row in rows
    ]


def _click(row: asyncpg.Record) -> ClickRecord:
    return ClickRecord(
        id=row["id"],
        at=row["at"],
        verdict=row["verdict"],
        device=row["device"],
        is_first=row["is_first"],
        contact_id=row["contact_id"],
        message_id=row["message_id"],
        country=row["country"],
        address=row["address"],
        agent=row["agent"],
        number=row["number"],
        link_name=row["link_name"],
    )
