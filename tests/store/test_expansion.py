"""Freezing and expanding on a real Postgres: who is in, each once, whatever is lost or paused on the way."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.campaign import CampaignState, Exclusion
from gateway.domain.identifiers import slot_of_address
from gateway.domain.lanes import Category
from gateway.store.campaigns import AudienceSpec, Campaign, CampaignContent, add_campaign, move_campaign
from gateway.store.errors import MessagesNotMade, RecipientsMoved
from gateway.store.expansion import CampaignWriter, Expanded, Made, SlotWish
from gateway.store.recipients import (
    EVERY_SLOT,
    AudienceTerms,
    Person,
    count_audience,
    list_recipients,
    read_slots,
    sample_audience,
)
from tests.store.rig import SHOP, CutProxy, Rig, running

pytestmark = pytest.mark.integration

COUNTRIES = ("FR", "IT", "RO")


def now() -> datetime:
    return datetime.now(UTC)


def writer_of(rig: Rig, dsn: str | None = None) -> CampaignWriter:
    return CampaignWriter(dsn or rig.dsn, rig.queries, rig.node.fence, on_queued=rig.queued.update, clock=now)


async def add_people(rig: Rig, count: int, chance: random.Random) -> list[tuple[int, int, dict[str, Any]]]:
    """(slot, id, what is known) of new people of every standing."""
    people = []
    for number in range(count):
        address = f"3361{number:07}"
        slot = slot_of_address(address)
        known = {
            "consent": chance.choice((0, 1, 1, 1, 2)),
            "suppressed": chance.choice((0, 0, 0, 1, 2)),
            "country": chance.choice(COUNTRIES),
        }
        contact_id = rig.node.ids.next_id(slot)
        await rig.execute(
            "INSERT INTO contact (shop_id, id, slot, address, country, attributes, source, "
            "marketing_consent, created_at, updated_at, tags, suppressed) "
            "VALUES ($1, $2, $3, $4, $5, '{}', 'test', $6, now(), now(), '{}', $7)",
            SHOP, contact_id, slot, address, known["country"], known["consent"], known["suppressed"],
        )  # fmt: skip
        people.append((slot, contact_id, known))
    return people


async def stop_everybody_elsewhere(rig: Rig) -> None:
    """Each of these people sent a STOP to another shop, which is nobody else's business."""
    await rig.execute("UPDATE contact SET address_key = sha256(address::bytea)")
    await rig.execute(
        "INSERT INTO suppression (shop_id, slot, address_key, scope, source, created_at)"
        " SELECT shop_id + 1, slot, address_key, 1, 'text:STOP', now() FROM contact"
    )


async def add_list(rig: Rig, name: str, members: Sequence[tuple[int, int]]) -> int:
    list_id = rig.node.ids.next_id(0)
    await rig.execute(
        "INSERT INTO contact_list VALUES ($1, $2, $3, now(), now(), $4)", SHOP, list_id, len(members), name
    )
    for slot, contact_id in members:
        await rig.execute(
            "INSERT INTO list_member VALUES ($1, $2, $3, $4, now())", SHOP, list_id, slot, contact_id
        )
    return list_id


async def add_running(rig: Rig, audience: AudienceSpec, category: Category = Category.MARKETING) -> Campaign:
    content = CampaignContent("x", category=category, text="Bonjour", audience=audience)
    campaign = await add_campaign(
        rig.database, SHOP, rig.node.ids.next_id(0), content, now=now(), actor="test"
    )
    for state in (CampaignState.PLANNED, CampaignState.RUNNING):
        campaign = await move(rig, campaign, state)
    return campaign


async def move(rig: Rig, campaign: Campaign, state: CampaignState) -> Campaign:
    async with rig.database.transaction() as connection:
        moved = await move_campaign(connection, campaign, state, now=now())
    assert moved is not None
    return moved


def terms_of(campaign: Campaign, **changes: Any) -> AudienceTerms:
    values: dict[str, Any] = {
        "shop_id": SHOP, "audience": campaign.content.audience,
        "is_marketing": campaign.content.category is Category.MARKETING, "countries": None,
        "recent_campaigns": (), "recent_from_id": 0,
    }  # fmt: skip
    return AudienceTerms(**{**values, **changes})


def maker(rig: Rig) -> Any:
    async def make(people: Sequence[Person]) -> Expanded:
        messages = [
            rig.new_message(to_address=person.address, campaign_id=7, contact_id=person.contact_id)
            for person in people
        ]
        made = [
            Made(person.slot, person.contact_id, message.id, Exclusion.NONE)
            for person, message in zip(people, messages, strict=True)
        ]
        return Expanded(made, messages, [])

    return make


def expected(known: dict[str, Any], *, is_marketing: bool, is_excluded: bool, countries: Any) -> Exclusion:
    if is_marketing and (known["suppressed"] == 1 or known["consent"] == 2):
        return Exclusion.OPTED_OUT
    if known["suppressed"] == 2:
        return Exclusion.SUPPRESSED
    if is_marketing and known["consent"] != 1:
        return Exclusion.CONSENT_MISSING
    if is_excluded:
        return Exclusion.ON_EXCLUDED_LIST
    if countries is not None and known["country"] not in countries:
        return Exclusion.COUNTRY_NOT_ALLOWED
    return Exclusion.NONE


@pytest.mark.parametrize("seed", range(4))
async def test_an_estimate_counts_whom_a_freeze_finds(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    people = await add_people(rig, 120, chance)
    await stop_everybody_elsewhere(rig)
    keys = [(slot, contact_id) for slot, contact_id, _ in people]
    wanted = [chance.sample(keys, chance.randint(0, 90)) for _ in range(2)]
    unwanted = chance.sample(keys, chance.randint(0, 40))
    audience = AudienceSpec(
        lists=tuple([await add_list(rig, f"list {n}", members) for n, members in enumerate(wanted)]),
        exclude_lists=(await add_list(rig, "excluded", unwanted),),
    )
    category = chance.choice((Category.MARKETING, Category.TRANSACTIONAL))
    campaign = await add_running(rig, audience, category)
    countries = chance.choice((None, ("FR",), ("FR", "RO")))
    terms = terms_of(campaign, countries=countries)
    estimate = await count_audience(rig.database, terms)
    sample = await sample_audience(rig.database, terms, EVERY_SLOT, most=1_000)
    writer = writer_of(rig)
    async with running(writer.run):
        for start in range(0, 256, 64):
            assert (await writer.freeze(campaign, terms, EVERY_SLOT[start : start + 64])).slots is not None
    frozen = await list_recipients(
        rig.database, SHOP, campaign.id, exclusion=None, after_contact_id=None, most=1_000
    )
    found = {each.contact_id: each.exclusion for each in frozen}
    assert len(found) == len(frozen)
    named = {key for members in wanted for key in members}
    assert found == {
        contact_id: expected(
            known,
            is_marketing=category is Category.MARKETING,
            is_excluded=(slot, contact_id) in unwanted,
            countries=countries,
        )
        for slot, contact_id, known in people
        if (slot, contact_id) in named
    }
    assert estimate.people == dict(Counter(found.values()))
    assert {person.contact_id for person in sample} == {
        contact_id for contact_id, exclusion in found.items() if exclusion is Exclusion.NONE
    }
    counted = dict(await rig.fetch("SELECT exclusion, people FROM stat_exclusion"))
    assert counted == {int(e): n for e, n in Counter(found.values()).items() if e is not Exclusion.NONE}
    slots = await read_slots(rig.database, campaign)
    assert len(slots) == 256
    assert sum(slot.frozen for slot in slots.values()) == len(found)


async def frozen_campaign(rig: Rig, people: int) -> Campaign:
    added = await add_people(rig, people, random.Random(0))
    await rig.execute("UPDATE contact SET suppressed = 0, marketing_consent = 1")
    list_id = await add_list(rig, "all", [(slot, contact_id) for slot, contact_id, _ in added])
    campaign = await add_running(rig, AudienceSpec(lists=(list_id,)))
    writer = writer_of(rig)
    async with running(writer.run):
        await writer.freeze(campaign, terms_of(campaign), EVERY_SLOT)
    return campaign


async def wishes_of(rig: Rig, campaign: Campaign, most: int = 3) -> list[SlotWish]:
    wishes = []
    for slot in (await read_slots(rig.database, campaign)).values():
        left = max(1, slot.frozen - slot.expanded)
        if not slot.is_done:
            wishes.append(SlotWish(slot.slot, slot.expanded_to, min(most, left), most >= left))
    return wishes


async def test_chunks_give_each_recipient_one_message_and_say_when_a_slot_is_done(rig: Rig) -> None:
    campaign = await frozen_campaign(rig, 300)
    writer = writer_of(rig)
    async with running(writer.run):
        for _ in range(12):
            wishes = await wishes_of(rig, campaign, most=1)
            if not wishes:
                break
            assert (await writer.expand(campaign, wishes, maker(rig))).is_running
    assert await wishes_of(rig, campaign) == []
    assert await rig.fetch(
        "SELECT count(*), count(DISTINCT message_id), count(*) FILTER (WHERE message_id IS NULL) "
        "FROM campaign_recipient"
    ) == [(300, 300, 0)]
    assert await rig.value("SELECT count(DISTINCT to_address) FROM message") == 300
    assert await rig.value("SELECT sum(expanded)::int FROM campaign_progress") == 300
    assert await rig.value("SELECT sum(messages)::int FROM stat_campaign WHERE state = 0") == 300


@pytest.mark.parametrize("fault", ["cut_commits", "swallow_commits"])
async def test_a_commit_whose_answer_is_lost_makes_no_second_message(rig: Rig, fault: str) -> None:
    campaign = await frozen_campaign(rig, 50)
    async with CutProxy(rig.dsn) as proxy:
        writer = writer_of(rig, proxy.dsn)
        async with running(writer.run):
            # Its first batch has the number of the freeze's, which a node would have written itself.
            wishes = await wishes_of(rig, campaign, most=9)
            first = await writer.expand(campaign, wishes[:9], maker(rig))
            setattr(proxy, fault, 1)
            rest = await writer.expand(campaign, wishes[9:], maker(rig))
    assert first.messages + rest.messages == 50
    assert rest.messages > 0
    assert await rig.value("SELECT count(*) FROM message") == 50
    assert await rig.value("SELECT count(DISTINCT message_id) FROM campaign_recipient") == 50


async def test_nothing_is_made_of_a_campaign_that_was_paused_meanwhile(rig: Rig) -> None:
    campaign = await frozen_campaign(rig, 20)
    wishes = await wishes_of(rig, campaign)
    await move(rig, campaign, CampaignState.PAUSED)
    writer = writer_of(rig)
    async with running(writer.run):
        assert not (await writer.expand(campaign, wishes, maker(rig))).is_running
        assert (await writer.freeze(campaign, terms_of(campaign), [1])).slots is None
    assert await rig.value("SELECT count(*) FROM message") == 0


async def test_what_is_left_for_later_keeps_its_slot_open(rig: Rig) -> None:
    campaign = await frozen_campaign(rig, 60)
    whole = maker(rig)

    async def make_half(people: Sequence[Person]) -> Expanded:
        expanded: Expanded = await whole(people[: len(people) // 2])
        expanded.is_cut = True
        return expanded

    writer = writer_of(rig)
    async with running(writer.run):
        chunk = await writer.expand(campaign, await wishes_of(rig, campaign, most=9), make_half)
        assert (chunk.messages, chunk.is_cut) == (30, True)
        await writer.expand(campaign, await wishes_of(rig, campaign, most=9), whole)
    assert await rig.value("SELECT count(DISTINCT message_id) FROM campaign_recipient") == 60


async def test_what_one_campaign_cannot_make_ends_no_writer(rig: Rig) -> None:
    campaign = await frozen_campaign(rig, 20)
    writer = writer_of(rig)

    async def make_none(people: Sequence[Person]) -> Expanded:
        raise KeyError("no such zone")

    async with running(writer.run):
        with pytest.raises(MessagesNotMade, match="no such zone"):
            await writer.expand(campaign, await wishes_of(rig, campaign), make_none)
        assert await rig.value("SELECT count(*) FROM message") == 0
        chunk = await writer.expand(campaign, await wishes_of(rig, campaign, most=9), maker(rig))
    assert chunk.messages == 20


async def test_recipients_are_listed_page_by_page(rig: Rig) -> None:
    campaign = await frozen_campaign(rig, 25)
    seen: list[int] = []
    after: int | None = None
    while page := await list_recipients(
        rig.database, SHOP, campaign.id, exclusion=Exclusion.NONE, after_contact_id=after, most=7
    ):
        seen += [each.contact_id for each in page]
        after = page[-1].contact_id
    assert len(seen) == len(set(seen)) == 25


async def test_a_slot_that_another_node_took_further_is_not_written_by_who_had_it_before(rig: Rig) -> None:
    campaign = await frozen_campaign(rig, 60)
    stale = await wishes_of(rig, campaign, most=9)
    mine, theirs = writer_of(rig), writer_of(rig)
    async with running(theirs.run):
        assert (await theirs.expand(campaign, await wishes_of(rig, campaign, most=1), maker(rig))).messages
    async with running(mine.run):
        with pytest.raises(RecipientsMoved):
            await mine.expand(campaign, stale, maker(rig))
        with pytest.raises(RecipientsMoved):
            await mine.freeze(campaign, terms_of(campaign), [1])
        # The writer goes on: where the slots are is read anew.
        while wishes := await wishes_of(rig, campaign, most=9):
            await mine.expand(campaign, wishes, maker(rig))
    assert await rig.value("SELECT count(*) FROM message") == 60
    assert await rig.value("SELECT count(DISTINCT message_id) FROM campaign_recipient") == 60
