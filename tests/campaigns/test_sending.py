"""Campaigns from draft to finish, over HTTP with a carrier behind them."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.campaign import CampaignState
from gateway.domain.people import MarketingConsent
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from tests.campaigns.acting import (
    act,
    add_people,
    draft,
    find_campaign_of,
    gateway_and_carrier,
    rows,
    shop_id_of,
    show,
    start,
    submits,
    until_state,
)
from tests.campaigns.people import ALWAYS_OPEN, number_of
from tests.e2e.running import connector, run_gateway, until

pytestmark = pytest.mark.integration


def describe_person(serial: int) -> dict[str, Any]:
    """Of ten people one opted out, one never agreed, one is kept from everything, one has no first name."""
    return {
        1: {"marketing_consent": MarketingConsent.OPTED_OUT},
        2: {"marketing_consent": MarketingConsent.UNKNOWN},
        3: {"suppressed": 2},
        4: {"first_name": None},
    }.get(serial % 10, {})


async def test_everyone_gets_one_message_and_the_rest_are_counted_by_reason(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        list_id = await add_people(running, 500, describe=describe_person)
        campaign = await draft(
            running,
            list_id,
            text="Bonjour {{ first_name }} {{ link }}",
            links=[{"name": "link", "url": "https://shop.example.com/soldes"}],
        )
        estimate = await act(running, campaign, "estimate")
        assert estimate["people"] == 500
        assert estimate["excluded"] == {
            "opted_out": 50, "suppressed": 50, "consent_missing": 50, "value_missing": 50,
        }  # fmt: skip
        assert estimate["recipients"] == 300
        assert estimate["cost"] == [{"amount": "15", "currency": "EUR"}]
        await start(running, campaign)
        ended = await until_state(running, campaign, "finished")
        assert (ended["progress"]["people"], ended["progress"]["recipients"]) == (500, 300)
        status, left_out = await running.shop.call(
            "GET", f"/v1/campaigns/{campaign['id']}/recipients?exclusion=value_missing&limit=200"
        )
        assert (status, len(left_out["recipients"])) == (200, 50)
        counted = Counter(submit["destination"] for submit in submits(carrier))
        assert set(counted.values()) == {1}
        assert set(counted) == {number_of(n) for n in range(500) if n % 10 not in (1, 2, 3, 4)}
        assert await rows(running, "SELECT exclusion, people FROM stat_exclusion ORDER BY 1") == [
            (1, 50), (2, 50), (3, 50), (8, 50),
        ]  # fmt: skip
        links = await rows(running, "SELECT count(*), count(DISTINCT message_id) FROM link")
        assert links == [(600, 300)]  # the link, and the way out that the rules added
        await running.assert_balanced()


async def test_a_pause_holds_within_a_second_and_a_resume_goes_on(database: str) -> None:
    async with gateway_and_carrier(database, speed=200) as (running, carrier):
        campaign = await draft(running, await add_people(running, 600))
        asked = time.monotonic()
        await start(running, campaign)
        await until(lambda: len(submits(carrier)) > 20)
        assert time.monotonic() - asked < 2.0
        await act(running, campaign, "pause")
        await asyncio.sleep(0.5)
        held = len(submits(carrier))
        await asyncio.sleep(0.7)
        assert len(submits(carrier)) == held < 600
        assert (await show(running, campaign))["pause_reason"] == "person"
        await act(running, campaign, "pause")  # a repeat is answered alike
        await act(running, campaign, "resume")
        await until_state(running, campaign, "finished")
        assert Counter(Counter(s["destination"] for s in submits(carrier)).values()) == {1: 600}
        await running.assert_balanced()


async def test_a_cancel_ends_what_waits_and_nothing_leaves_afterwards(database: str) -> None:
    async with gateway_and_carrier(database, speed=100) as (running, carrier):
        campaign = await draft(running, await add_people(running, 1000))
        await start(running, campaign)
        await until(lambda: len(submits(carrier)) > 20)
        status, problem = await running.shop.call(
            "POST", f"/v1/campaigns/{campaign['id']}/cancel", {"confirm": 7}
        )
        assert (status, problem["code"]) == (409, "recipients_changed")
        ended = await act(running, campaign, "cancel", confirm=1000)
        assert ended["state"] == "cancelled"
        async with asyncio.timeout(10):
            while await rows(running, "SELECT count(*) FROM queue") != [(0,)]:  # noqa: ASYNC110 - rows of a database
                await asyncio.sleep(0.05)
        sent = len(submits(carrier))
        await asyncio.sleep(0.7)
        assert len(submits(carrier)) == sent < 1000
        reasons = dict(await rows(running, "SELECT reason, count(*) FROM message_state GROUP BY 1"))
        assert reasons[12] > 0  # campaign_cancelled
        await running.assert_balanced()


async def test_a_campaign_keeps_its_own_speed(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        campaign = await draft(running, await add_people(running, 200), parts_per_second=50)
        await start(running, campaign)
        await until(lambda: len(submits(carrier)) > 0)
        first_at = time.monotonic()
        await asyncio.sleep(2.0)
        sent, seconds = len(submits(carrier)), time.monotonic() - first_at
        assert 50 * seconds * 0.7 < sent < 50 * seconds + 60  # a second's lead, and what each step makes
        await act(running, campaign, "cancel", confirm=200)


async def test_quiet_hours_put_off_to_the_next_lawful_moment_or_expire(database: str) -> None:
    """The only open minute of the week has just passed."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%a").lower()
    rules = [
        {"country": "FR", "hours": [{"days": [yesterday], "hours": "00:00-24:00"}], "skip_holidays": False}
    ]
    async with gateway_and_carrier(database, country_rules=rules) as (running, carrier):
        list_id = await add_people(running, 20)
        later = await draft(running, list_id, name="later")
        estimate = await act(running, later, "estimate")
        assert estimate["deferred"]["recipients"] == 20
        await start(running, later)
        await asyncio.sleep(0.8)
        soon = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
        never = await draft(running, list_id, name="never", send_until=soon)
        assert (await act(running, never, "estimate"))["too_late"] == 20
        await start(running, never)
        ended = await until_state(running, never, "finished")
        assert ended["progress"]["waiting"] == 0
        states = await rows(
            running,
            "SELECT count(*), count(s.id) FROM schedule LEFT JOIN message_state s USING (id, slot, shop_id)",
        )
        assert states == [(20, 0)]  # those of the first still wait for next week
        expired = await rows(running, "SELECT count(*) FROM message_state WHERE state = 7")
        assert expired == [(20,)]
        assert not submits(carrier)
        await running.assert_balanced()


async def test_a_cap_of_spend_pauses_the_campaign(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        database_of = running.gateway.ground.database
        async with database_of.connection() as connection:
            await connection.raw.execute("UPDATE shop SET spend_day_micros = 500000")
        campaign = await draft(running, await add_people(running, 30))
        await start(running, campaign)
        paused = await until_state(running, campaign, "paused")
        assert paused["pause_reason"] == "spend_cap"
        async with database_of.connection() as connection:
            await connection.raw.execute("UPDATE shop SET spend_day_micros = NULL")
        await asyncio.sleep(2.1)  # what a shop may spend is remembered for two seconds
        assert len(submits(carrier)) == 10
        await act(running, campaign, "resume")
        await until_state(running, campaign, "finished")
        assert len(submits(carrier)) == 30
        await running.assert_balanced()


async def test_a_campaign_that_fails_too_often_pauses_itself(database: str) -> None:
    profile = load_profile("default")
    async with (
        Simulator(profile) as carrier,
        run_gateway(
            database,
            [connector("one", carrier.port, parts_per_second=500, window=100)],
            stop={"drain_seconds": 1},
            country_rules=ALWAYS_OPEN,
        ) as running,
    ):
        list_id = await add_people(running, 3000)
        campaign = await draft(running, list_id, pause_at_failed_percent=30)
        await start(running, campaign)
        await until(lambda: len(submits(carrier)) > 10)
        async with running.gateway.ground.database.connection() as connection:
            # As if so many had failed: the simulator's refusals are tried again for minutes.
            await connection.raw.execute(
                "INSERT INTO stat_campaign SELECT shop_id, campaign_id, hour, country, lane, currency, 6, 1, "
                "2000, 0, 0 FROM stat_campaign WHERE shop_id = $1 AND state = 0",
                await shop_id_of(running),
            )  # fmt: skip
        paused = await until_state(running, campaign, "paused", seconds=8)
        assert paused["pause_reason"] == "error_rate"
        told = await rows(running, "SELECT kind FROM event WHERE shop_id > 0 ORDER BY id")
        assert [kind for (kind,) in told] == ["campaign.planned", "campaign.started", "campaign.paused"]


async def test_nobody_gets_two_campaigns_within_the_days_that_one_excludes(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        list_id, more = await add_people(running, 20), await add_people(running, 5, first=20, name="more")
        await start(running, first := await draft(running, list_id, name="first"))
        await until_state(running, first, "finished")
        audience = {"lists": [list_id, more], "exclude_received_days": 7}
        second = await draft(running, list_id, name="second", audience=audience)
        estimate = await act(running, second, "estimate")
        assert estimate["excluded"] == {"received_recently": 20}
        await start(running, second)
        await until_state(running, second, "finished")
        assert Counter(Counter(s["destination"] for s in submits(carrier)).values()) == {1: 25}


async def test_links_lead_where_the_campaign_says_at_its_start_however_often_it_was_planned(
    database: str,
) -> None:
    async with gateway_and_carrier(database) as (running, _):
        first, second = "https://shop.example.com/first", "https://shop.example.com/second"
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        campaign = await draft(
            running,
            await add_people(running, 3),
            text="Bonjour {{ link }}",
            links=[{"name": "link", "url": first}],
            start_at=later,
        )
        for url in (second, first):
            await start(running, campaign)
            campaign = await act(running, campaign, "unplan")
            status, campaign = await running.shop.call(
                "PATCH",
                f"/v1/campaigns/{campaign['id']}",
                {"version": campaign["version"], "links": [{"name": "link", "url": url}], "start_at": later},
            )
            assert status == 200, campaign
        status, campaign = await running.shop.call(
            "PATCH", f"/v1/campaigns/{campaign['id']}", {"version": campaign["version"], "start_at": None}
        )
        assert status == 200, campaign
        await start(running, campaign)
        await until_state(running, campaign, "finished")
        led = await rows(
            running,
            "SELECT t.url, count(*) FROM link l JOIN link_target t ON t.id = l.target_id GROUP BY t.url",
        )
        assert led == [(first, 3)]


async def test_the_campaign_of_a_closed_shop_stands_still(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        campaign = await draft(running, await add_people(running, 50), parts_per_second=2)
        await start(running, campaign)
        await until(lambda: len(submits(carrier)) > 0)
        async with running.gateway.ground.database.connection() as connection:
            await connection.raw.execute("UPDATE shop SET closed_at = now() WHERE name = 'demo'")
        shop_id = await shop_id_of(running)

        async def state() -> int:
            [(found,)] = await rows(running, "SELECT state FROM campaign WHERE shop_id = $1", shop_id)
            return int(found)

        async with asyncio.timeout(8):
            while await state() != CampaignState.PAUSED:  # noqa: ASYNC110 - as a shop would
                await asyncio.sleep(0.05)


async def test_a_campaign_that_cannot_go_on_pauses_and_holds_up_no_other(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        list_id = await add_people(running, 20, describe=lambda _: {"time_zone": "Europe/Nowhere"})
        healthy = await add_people(running, 20, first=20, name="healthy")
        await running.reconfigure(
            [connector("one", carrier.port, parts_per_second=2000, window=100)],
            country_rules=[{**ALWAYS_OPEN[0], "skip_holidays": True}],
        )
        broken = await draft(running, list_id, category="transactional", name="broken")
        async with running.gateway.ground.database.connection() as connection:
            await connection.raw.execute("UPDATE campaign SET category = 3")
        await start(running, other := await draft(running, healthy, name="other"))
        async with running.gateway.ground.database.connection() as connection:
            await connection.raw.execute(
                "UPDATE campaign SET state = 3, started_at = now() WHERE name = 'broken'"
            )
        await until_state(running, broken, "paused")
        await until_state(running, other, "finished")


async def test_what_a_paused_campaign_has_queued_does_not_leave_by_night(database: str) -> None:
    async with gateway_and_carrier(database, speed=5) as (running, carrier):
        campaign = await draft(running, await add_people(running, 40))
        await start(running, campaign)
        await until(lambda: len(submits(carrier)) > 0)
        await act(running, campaign, "pause")
        yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%a").lower()
        closed = [
            {
                "country": "FR",
                "hours": [{"days": [yesterday], "hours": "00:00-24:00"}],
                "skip_holidays": False,
            }
        ]
        await running.reconfigure(
            [connector("one", carrier.port, parts_per_second=5, window=100)], country_rules=closed
        )
        runner = running.gateway.rooms.shop_rooms.campaigns.runner
        found = await find_campaign_of(running, campaign)
        await asyncio.sleep(1.5)  # what had its intent leaves
        sent = len(submits(carrier))
        assert await runner.look_at_the_hour(found) > 0
        assert await rows(running, "SELECT count(*) FROM queue") == [(0,)]
        waiting = await rows(running, "SELECT count(*), min(due_at) > now() FROM schedule")
        assert waiting == [(40 - sent, True)]
        await act(running, campaign, "resume")
        await asyncio.sleep(1.0)
        assert len(submits(carrier)) == sent
        await running.assert_balanced()
