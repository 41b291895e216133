"""Whom campaigns are for: audiences before they are frozen, and frozen people with what became of each.

Owns the reads, and the record of a person as a text sees them. The writes that make messages of recipients
are `expansion`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.domain.campaign import Exclusion
from gateway.domain.identifiers import SLOT_COUNT, first_id_at, slot_of_id
from gateway.store.campaigns import AudienceSpec, Campaign
from gateway.store.database import Database

EVERY_SLOT = tuple(range(SLOT_COUNT))


class Person(NamedTuple):
    """A person as read for a campaign; the address is empty for one who was erased meanwhile.

    `attributes` is a JSON object as text. A tuple, for one is made for every message.
    """

    slot: int
    contact_id: int
    address: str
    country: str
    first_name: str | None
    last_name: str | None
    language: str | None
    time_zone: str | None
    attributes: str | None
    marketing_consent: int | None
    suppressed: int | None


@dataclass(frozen=True, slots=True)
class AudienceTerms:
    """An audience with everything that decides who is left out of it. `countries` None is anywhere."""

    shop_id: int
    audience: AudienceSpec
    is_marketing: bool
    countries: tuple[str, ...] | None
    recent_campaigns: tuple[int, ...]
    recent_from_id: int

    def arguments(self) -> tuple[object, ...]:
        """The parameters that freezing, counting and sampling share, in their order."""
        return (
            list(self.audience.lists),
            list(self.audience.exclude_lists),
            self.is_marketing,
            None if self.countries is None else list(self.countries),
            list(self.recent_campaigns),
            self.recent_from_id,
        )


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """People whom an audience names, by the first reason against them (NONE: nothing is) and by country."""

    people: dict[Exclusion, int]
    countries: dict[str, int]
    """Recipients only."""

    @property
    def recipients(self) -> int:
        return self.people.get(Exclusion.NONE, 0)


@dataclass(frozen=True, slots=True)
class SlotProgress:
    """How far one slot of a campaign is: people frozen, messages made, the contact it is expanded up to."""

    slot: int
    frozen: int
    expanded: int
    expanded_to: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class Recipient:
    """One frozen person and what became of them. The address is None once erased."""

    contact_id: int
    message_id: int | None
    exclusion: Exclusion
    address: str | None
    country: str | None
    first_name: str | None
    last_name: str | None


async def find_recent_campaigns(
    database: Database, shop_id: int, since: datetime | None, *, but: int = 0
) -> tuple[tuple[int, ...], int]:
    """Campaigns that may have sent something since a moment, and the first id of a message made then."""
    if since is None:
        return (), 0
    rows = await database.fetch("list_recent_campaigns", shop_id, since)
    return tuple(row["id"] for row in rows if row["id"] != but), first_id_at(since)


async def count_audience(
    database: Database, terms: AudienceTerms, slots: Sequence[int] = EVERY_SLOT
) -> AudienceCount:
    people: dict[Exclusion, int] = {}
    countries: dict[str, int] = {}
    for row in await database.fetch("estimate_audience", terms.shop_id, list(slots), *terms.arguments()):
        exclusion = Exclusion(row["exclusion"])
        people[exclusion] = people.get(exclusion, 0) + row["people"]
        if exclusion is Exclusion.NONE:
            countries[row["country"]] = countries.get(row["country"], 0) + row["people"]
    return AudienceCount(people, countries)


async def sample_audience(
    database: Database, terms: AudienceTerms, slots: Sequence[int], *, most: int, after_contact_id: int = 0
) -> list[Person]:
    """People against whom nothing stands, of some slots."""
    rows = await database.fetch(
        "sample_audience", terms.shop_id, list(slots), *terms.arguments(), after_contact_id, most
    )
    return [Person(*row) for row in rows]


async def count_list_members(database: Database, shop_id: int, list_ids: Sequence[int]) -> dict[int, int]:
    """Members of each list that the shop has."""
    rows = await database.fetch("count_list_members", shop_id, list(list_ids))
    return {row["id"]: row["member_count"] for row in rows}


async def find_person(database: Database, shop_id: int, contact_id: int) -> Person | None:
    row = await database.fetch_row("find_person", shop_id, contact_id, slot_of_id(contact_id))
    return None if row is None else Person(*row)


async def read_slots(database: Database, campaign: Campaign) -> dict[int, SlotProgress]:
    """How far each frozen slot is."""
    rows = await database.fetch("read_campaign_slots", campaign.shop_id, campaign.id)
    return {row["slot"]: SlotProgress(*row) for row in rows}


async def find_campaign_waiting(
    database: Database,
    campaign: Campaign,
    *,
    connector_ids: Sequence[int],
    slots: Sequence[int],
    most: int,
) -> list[tuple[int, int]]:
    """(id, slot) of messages of a campaign that are queued or scheduled."""
    rows = await database.fetch(
        "find_campaign_waiting",
        campaign.shop_id,
        campaign.id,
        campaign.content.category,
        list(connector_ids),
        first_id_of(campaign),
        list(slots),
        most,
    )
    return [(row["id"], row["slot"]) for row in rows]


async def count_campaign_queued(
    database: Database,
    campaign: Campaign,
    *,
    connector_ids: Sequence[int],
    slots: Sequence[int],
    cap: int,
) -> int:
    """Messages of a campaign that are queued, counted up to `cap`."""
    return int(
        await database.fetch_value(
            "count_campaign_queued",
            campaign.shop_id,
            campaign.id,
            campaign.content.category,
            list(connector_ids),
            first_id_of(campaign),
            list(slots),
            cap,
        )
    )


class QueuedGroup(NamedTuple):
    """People with queued messages of a campaign, by what decides when they may be reached."""

    country: str
    time_zone: str | None
    digits: str
    messages: int


async def group_campaign_queued(
    database: Database, campaign: Campaign, *, connector_ids: Sequence[int], slots: Sequence[int]
) -> list[QueuedGroup]:
    """Whose messages are queued and were never tried."""
    rows = await database.fetch(
        "group_campaign_queued",
        campaign.shop_id,
        campaign.id,
        campaign.content.category,
        list(connector_ids),
        first_id_of(campaign),
        list(slots),
    )
    return [QueuedGroup(*row) for row in rows]


async def list_recipients(
    database: Database,
    shop_id: int,
    campaign_id: int,
    *,
    exclusion: Exclusion | None,
    after_contact_id: int | None,
    most: int,
) -> list[Recipient]:
    """People of a campaign in the order of their slots and ids."""
    rows = await database.fetch(
        "list_recipients",
        shop_id,
        campaign_id,
        exclusion,
        -1 if after_contact_id is None else slot_of_id(after_contact_id),
        after_contact_id or 0,
        most,
    )
    return [
        Recipient(
            row["contact_id"],
            row["message_id"],
            Exclusion(row["exclusion"]),
            row["address"],
            row["country"],
            row["first_name"],
            row["last_name"],
        )
        for row in rows
    ]


def first_id_of(campaign: Campaign) -> int:
    """No message of the campaign has a smaller id."""
    return first_id_at(campaign.started_at or campaign.created_at)
