"""Campaigns: the rows of `campaign`, their moves from state to state, and how far each is.

Owns the record and its JSON columns. Every change names the state it expects (and the version, where
somebody looked at it before), so that a repeat or a lost update does nothing. Decides nothing about who may
change what.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from gateway.domain.campaign import CampaignState, Exclusion, PauseReason
from gateway.domain.lanes import Category
from gateway.domain.message import MessageState
from gateway.store.database import Connection, Database

MADE = 0
"""The "state" under which `stat_campaign` counts messages that were made."""


@dataclass(frozen=True, slots=True)
class CampaignLink:
    """One address of a campaign; its text calls it by `name`."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class AudienceSpec:
    """Whom a campaign names: ids of lists, lists left out, and people who had a campaign's message lately."""

    lists: tuple[int, ...] = ()
    exclude_lists: tuple[int, ...] = ()
    exclude_received_days: int | None = None


@dataclass(frozen=True, slots=True)
class CampaignContent:
    """What people write and change of a campaign."""

    name: str
    category: Category = Category.MARKETING
    text: str = ""
    sender: str | None = None
    language: str | None = None
    links: tuple[CampaignLink, ...] = ()
    audience: AudienceSpec = AudienceSpec()
    start_at: datetime | None = None
    spread_seconds: int | None = None
    send_until: datetime | None = None
    parts_per_second: float | None = None
    pause_at_failed_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign as stored."""

    shop_id: int
    id: int
    state: CampaignState
    pause_reason: PauseReason
    version: int
    content: CampaignContent
    created_at: datetime
    created_by: str
    updated_at: datetime
    planned_at: datetime | None
    started_at: datetime | None
    state_changed_at: datetime
    expanded_at: datetime | None
    finished_at: datetime | None
    wound_up_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """How far a campaign is. `states` counts messages by the states that they ever entered; state 0: made."""

    people: int = 0
    frozen_slots: int = 0
    expanded_slots: int = 0
    expanded: int = 0
    excluded: dict[Exclusion, int] = field(default_factory=dict)
    states: dict[int, int] = field(default_factory=dict)
    parts: int = 0

    @property
    def recipients(self) -> int:
        return self.people - sum(self.excluded.values())

    @property
    def unsettled(self) -> int:
        """So many messages at least have neither left nor ended. A message counts in every state that it
        entered, so there may be more."""
        return self.states.get(MADE, 0) - sum(count for state, count in self.states.items() if state != MADE)

    def count(self, state: MessageState) -> int:
        return self.states.get(state, 0)


async def add_campaign(
    database: Database, shop_id: int, campaign_id: int, content: CampaignContent, *, now: datetime, actor: str
) -> Campaign:
    """Store a new draft."""
    row = await database.fetch_row(
        "add_campaign",
        shop_id,
        campaign_id,
        content.category,
        CampaignState.DRAFT,
        content.pause_at_failed_percent,
        content.spread_seconds,
        content.parts_per_second,
        content.start_at,
        content.send_until,
        now,
        actor,
        content.name,
        content.text,
        content.sender,
        content.language,
        _to_json(content.links),
        _to_json(content.audience),
    )
    assert row is not None  # INSERT … RETURNING without ON CONFLICT
    return _campaign(row)


async def find_campaign(database: Database | Connection, shop_id: int, campaign_id: int) -> Campaign | None:
    row = await database.fetch_row("find_campaign", shop_id, campaign_id)
    return None if row is None else _campaign(row)


async def list_campaigns(
    database: Database, shop_id: int, *, below_id: int, state: CampaignState | None, most: int
) -> list[Campaign]:
    """A shop's campaigns, newest first."""
    return [_campaign(row) for row in await database.fetch("list_campaigns", shop_id, below_id, state, most)]


async def list_campaigns_at_work(database: Database) -> list[Campaign]:
    """Planned, running and paused campaigns of every shop, and cancelled ones of which something waits."""
    return [_campaign(row) for row in await database.fetch("list_campaigns_at_work")]


async def change_campaign(
    database: Database, campaign: Campaign, content: CampaignContent, *, now: datetime
) -> Campaign | None:
    """Store new content. None when the campaign is not as `campaign` says any more."""
    row = await database.fetch_row(
        "change_campaign",
        campaign.shop_id,
        campaign.id,
        campaign.state,
        campaign.version,
        content.category,
        content.pause_at_failed_percent,
        content.spread_seconds,
        content.parts_per_second,
        content.start_at,
        content.send_until,
        now,
        content.name,
        content.text,
        content.sender,
        content.language,
        _to_json(content.links),
        _to_json(content.audience),
    )
    return None if row is None else _campaign(row)


async def move_campaign(
    connection: Connection,
    campaign: Campaign,
    state: CampaignState,
    *,
    now: datetime,
    reason: PauseReason = PauseReason.NONE,
    version: int | None = None,
) -> Campaign | None:
    """Bring a campaign to another state, in the caller's transaction. None when it is not in the state that
    `campaign` says, or not of `version`, any more."""
    row = await connection.fetch_row(
        "move_campaign", campaign.shop_id, campaign.id, campaign.state, state, reason, now, version
    )
    return None if row is None else _campaign(row)


async def delete_campaign_draft(connection: Connection, shop_id: int, campaign_id: int) -> bool:
    """False when there is no such draft."""
    found = await connection.fetch_value("delete_campaign_draft", shop_id, campaign_id, CampaignState.DRAFT)
    return found is not None


async def note_campaign_expanded(database: Database, campaign: Campaign, now: datetime) -> None:
    """Everyone has a message or a reason."""
    await database.execute("note_campaign_expanded", campaign.shop_id, campaign.id, now)


async def note_campaign_wound_up(database: Database, campaign: Campaign, now: datetime) -> None:
    """Nothing of an ended campaign waits any more."""
    await database.execute("note_campaign_wound_up", campaign.shop_id, campaign.id, now)


async def read_figures(
    database: Database | Connection, shop_id: int, campaign_ids: Sequence[int]
) -> dict[int, CampaignFigures]:
    """How far these campaigns of a shop are, from sums only; each of them is in the answer."""
    ids = list(campaign_ids)
    progress = {
        row["campaign_id"]: row for row in await database.fetch("sum_campaign_progress", shop_id, ids)
    }
    excluded: dict[int, dict[Exclusion, int]] = {}
    for row in await database.fetch("sum_campaign_exclusions", shop_id, ids):
        excluded.setdefault(row["campaign_id"], {})[Exclusion(row["exclusion"])] = row["people"]
    states: dict[int, dict[int, int]] = {}
    parts: dict[int, int] = {}
    for row in await database.fetch("sum_campaign_messages", shop_id, ids):
        states.setdefault(row["campaign_id"], {})[row["state"]] = row["messages"]
        if row["state"] == MADE:
            parts[row["campaign_id"]] = row["parts"]
    figures = {}
    for campaign_id in ids:
        slots = progress.get(campaign_id)
        figures[campaign_id] = CampaignFigures(
            people=slots["people"] if slots else 0,
            frozen_slots=slots["frozen_slots"] if slots else 0,
            expanded_slots=slots["expanded_slots"] if slots else 0,
            expanded=slots["expanded"] if slots else 0,
            excluded=excluded.get(campaign_id, {}),
            states=states.get(campaign_id, {}),
            parts=parts.get(campaign_id, 0),
        )
    return figures


async def add_event(
    connection: Connection,
    *,
    event_id: int,
    shop_id: int,
    now: datetime,
    kind: str,
    subject: str,
    data: dict[str, Any],
) -> None:
    """Something that happened to a campaign; `data` must be JSON."""
    await connection.execute("add_event", event_id, shop_id, now, kind, subject, _to_json(data))


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _campaign(row: asyncpg.Record) -> Campaign:
    return Campaign(
        shop_id=row["shop_id"],
        id=row["id"],
        state=CampaignState(row["state"]),
        pause_reason=PauseReason(row["pause_reason"]),
        version=row["version"],
        content=CampaignContent(
            name=row["name"],
            category=Category(row["category"]),
            text=row["text"],
            sender=row["sender"],
            language=row["language"],
            links=msgspec.json.decode(row["links"], type=tuple[CampaignLink, ...]),
            audience=msgspec.json.decode(row["audience"], type=AudienceSpec),
            start_at=row["start_at"],
            spread_seconds=row["spread_seconds"],
            send_until=row["send_until"],
            parts_per_second=row["parts_per_second"],
            pause_at_failed_percent=row["pause_at_failed_percent"],
        ),
        created_at=row["created_at"],
        created_by=row["created_by"],
        updated_at=row["updated_at"],
        planned_at=row["planned_at"],
        started_at=row["started_at"],
        state_changed_at=row["state_changed_at"],
        expanded_at=row["expanded_at"],
        finished_at=row["finished_at"],
        wound_up_at=row["wound_up_at"],
    )
