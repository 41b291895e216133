"""Messages made of people: who still gets one, what it says, where it goes and when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.campaigns.making import Allowance, LinkTools, MakerDeps, MessageMaker
from gateway.campaigns.texts import CampaignTexts
from gateway.config import Config, CountryRuleConfig
from gateway.domain.campaign import CampaignState, Exclusion, PauseReason
from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.lanes import Category, Lane
from gateway.domain.sender import SenderKind
from gateway.intake.bulk import BulkPlanner
from gateway.intake.marketing_rules import build_marketing_rules
from gateway.store.campaigns import Campaign, CampaignContent, CampaignLink
from gateway.store.expansion import Expanded
from gateway.store.recipients import Person
from tests.intake.values import make_acceptance, make_shop

MONDAY_NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


class CountedLinks:
    def __init__(self) -> None:
        self._next: Iterator[int] = iter(range(1, 10_000))

    async def take(self, count: int) -> list[int]:
        return [next(self._next) for _ in range(count)]


def person(address: str = "33612345678", **changes: Any) -> Person:
    values: dict[str, Any] = {
        "slot": slot_of_address(address), "contact_id": int(address), "address": address, "country": "FR",
        "first_name": "Zoé", "last_name": None, "language": None, "time_zone": "Europe/Paris",
        "attributes": "{}", "marketing_consent": 1, "suppressed": 0,
    }  # fmt: skip
    return Person(**{**values, **changes})


def maker(
    *, now: datetime = MONDAY_NOON, rules: tuple[CountryRuleConfig, ...] = (), **fields: Any
) -> MessageMaker:
    content = CampaignContent(**{"name": "x", "text": "Bonjour {{ first_name }} STOP au 36111", **fields})
    campaign = Campaign(
        shop_id=1, id=77, state=CampaignState.RUNNING, pause_reason=PauseReason.NONE, version=3,
        content=content, created_at=now, created_by="test", updated_at=now, planned_at=now, started_at=now,
        state_changed_at=now, expanded_at=None, finished_at=None, wound_up_at=None,
    )  # fmt: skip
    acceptance = make_acceptance()
    tools = LinkTools(
        CountedLinks(), lambda seq: f"c{seq:06}", lambda seq: f"t{seq:010}", lambda: "https://l.example.com"
    )
    ids = IdSource(1, lambda: int(now.timestamp() * 1000))
    return MessageMaker(
        MakerDeps(ids=ids, links=tools, clock=lambda: now, random=lambda: 0.5),
        campaign,
        sender="BOUTIQUE",
        texts=CampaignTexts(content, SenderKind.NAME),
        planner=BulkPlanner(acceptance, make_shop(), sender="BOUTIQUE", category=content.category),
        rules=build_marketing_rules(Config(country_rules=rules)),
        targets={link.name: number for number, link in enumerate(content.links, start=500)},
        longest_validity=timedelta(days=7),
    )


async def make(people: list[Person], allowance: Allowance | None = None, **options: Any) -> Expanded:
    speed = options.pop("speed", None)
    return await maker(**options).make(people, allowance or Allowance(None, "EUR"), speed)


async def test_a_message_has_the_text_the_lane_and_the_campaign() -> None:
    expanded = await make([person()])
    (message,) = expanded.messages
    assert message.text == "Bonjour Zoé STOP au 36111"
    assert (message.lane, message.category) == (Lane.BULK, Category.MARKETING)
    assert (message.campaign_id, message.contact_id, message.wants_events) == (77, 33612345678, False)
    assert message.expires_at == MONDAY_NOON + timedelta(days=7)
    assert expanded.made[0].message_id == message.id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"address": "", "country": ""}, Exclusion.ERASED),
        ({"suppressed": 1}, Exclusion.OPTED_OUT),
        ({"marketing_consent": 2}, Exclusion.OPTED_OUT),
        ({"suppressed": 2}, Exclusion.SUPPRESSED),
        ({"marketing_consent": 0}, Exclusion.CONSENT_MISSING),
        ({"first_name": None}, Exclusion.VALUE_MISSING),
        ({"first_name": "x" * 501}, Exclusion.TEXT_TOO_LONG),
        ({"country": "AQ"}, Exclusion.COUNTRY_NOT_ALLOWED),
    ],
)
async def test_who_gets_no_message_after_all_has_a_reason(changes: dict[str, Any], reason: Exclusion) -> None:
    expanded = await make([person()._replace(**changes)])
    assert [made.exclusion for made in expanded.made] == [reason]
    assert expanded.messages == []


async def test_a_notification_asks_for_no_consent_and_knows_no_hour() -> None:
    expanded = await make(
        [person(marketing_consent=0, suppressed=1)], now=SUNDAY, category=Category.TRANSACTIONAL
    )
    assert [message.due_at for message in expanded.messages] == [None]


async def test_each_recipient_has_links_of_their_own_and_the_way_out_that_the_rules_add() -> None:
    expanded = await make(
        [person(), person("33612345679")],
        text="{{ link }}",
        links=(CampaignLink("link", "https://shop.example.com"),),
    )
    texts = [message.text for message in expanded.messages]
    assert texts[0] == "https://l.example.com/c000001 Stop pub: https://l.example.com/t0000000002"
    assert len({link.seq for link in expanded.links}) == len(expanded.links) == 4
    assert [(link.target_id, link.campaign_id) for link in expanded.links[:2]] == [(500, 77), (0, 77)]
    assert expanded.links[0].message_id == expanded.messages[0].id


async def test_own_fields_are_written_as_people_write_them() -> None:
    expanded = await make(
        [person(attributes='{"points": 12.0, "city": "Lyon", "vip": true}')],
        text="{{ points }} {{ city }} {{ vip }} STOP au 36111",
    )
    assert expanded.messages[0].text == "12 Lyon true STOP au 36111"


async def test_on_a_sunday_french_people_wait_for_monday_morning() -> None:
    expanded = await make([person()], now=SUNDAY)
    monday = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)  # 08:00 in Paris
    assert expanded.messages[0].due_at == monday
    assert expanded.messages[0].expires_at == monday + timedelta(days=7)


async def test_what_waits_for_the_same_moment_leaves_at_the_campaigns_own_speed() -> None:
    expanded = await make([person(f"3361234567{n}") for n in range(4)], now=SUNDAY, speed=2.0)
    first = expanded.messages[0].due_at
    assert first is not None
    assert [message.due_at for message in expanded.messages] == [
        first + timedelta(seconds=n / 2) for n in range(4)
    ]


async def test_what_a_slow_campaign_puts_off_is_due_in_lawful_hours_only() -> None:
    people = [person(f"336{n:08}") for n in range(40)]
    expanded = await make(people, now=SUNDAY, speed=1 / 3600)  # a part an hour
    paris = ZoneInfo("Europe/Paris")
    moments = [message.due_at.astimezone(paris) for message in expanded.messages if message.due_at]
    assert len(set(moments)) == 40
    assert all(moment.weekday() != 6 and 8 <= moment.hour < 22 for moment in moments), moments
    assert all(b - a >= timedelta(hours=1) for a, b in pairwise(moments))


async def test_after_its_end_a_campaign_makes_messages_that_expire() -> None:
    expanded = await make([person()], send_until=MONDAY_NOON - timedelta(minutes=1))
    (message,) = expanded.messages
    assert message.expires_at < MONDAY_NOON
    assert message.due_at is not None  # scheduled: nothing of it is ever queued
    assert message.due_at > MONDAY_NOON


async def test_the_end_bounds_how_long_a_message_is_worth_sending() -> None:
    end = MONDAY_NOON + timedelta(hours=1)
    expanded = await make([person()], send_until=end)
    assert (expanded.messages[0].due_at, expanded.messages[0].expires_at) == (None, end)


async def test_the_cap_of_spend_stops_before_the_first_who_does_not_fit() -> None:
    people = [person(f"3361234567{n}") for n in range(5)]
    one = (await make(people[:1])).messages[0].cost_micros
    assert one > 0
    expanded = await make(people, Allowance(2 * one, "EUR"))
    assert (len(expanded.messages), len(expanded.made), expanded.is_cut) == (2, 2, True)
    foreign = await make(people, Allowance(2 * one, "RON"))
    assert (len(foreign.messages), foreign.is_cut) == (0, True)
