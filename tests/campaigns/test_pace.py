"""How far expansion runs ahead, and when failures are too many: arithmetic over a clock of the test's own."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.campaigns.pace import CHUNK, LEAD_SECONDS, MOST_AHEAD, Pace, ahead_of, count_sharers
from gateway.campaigns.watch import FailureWatch, SpeedMeter
from gateway.domain.campaign import CampaignState, PauseReason
from gateway.domain.message import MessageState
from gateway.store.campaigns import Campaign, CampaignContent

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_twenty_seconds_of_speed_may_wait_and_never_more_than_twenty_thousand() -> None:
    assert ahead_of(50) == 1_000
    assert ahead_of(20_000) == MOST_AHEAD
    assert ahead_of(0.1) == 200


def test_campaigns_that_share_connectors_share_what_may_wait_until_it_is_little() -> None:
    assert [4 * ahead_of(500, sharers=4), 4 * ahead_of(500)] == [10_000, 40_000]
    assert ahead_of(500, sharers=400) == 2_500
    assert Pace(0.0).allow(0.0, None, 2_000, 500, sharers=4) == 500


def test_only_campaigns_that_are_being_made_at_full_speed_share() -> None:
    at_full_speed = Campaign(
        shop_id=1,
        id=1,
        state=CampaignState.RUNNING,
        pause_reason=PauseReason.NONE,
        version=1,
        content=CampaignContent(name="spring"),
        created_at=NOW,
        created_by="somebody",
        updated_at=NOW,
        planned_at=NOW,
        started_at=NOW,
        state_changed_at=NOW,
        expanded_at=None,
        finished_at=None,
        wound_up_at=None,
    )
    slow = replace(at_full_speed, content=CampaignContent(name="slow", parts_per_second=5.0))
    spread = replace(at_full_speed, content=CampaignContent(name="spread", spread_seconds=600))
    paused = replace(at_full_speed, state=CampaignState.PAUSED)
    made = replace(at_full_speed, expanded_at=NOW)
    assert count_sharers([at_full_speed, slow, spread, paused, made, at_full_speed]) == 2


def test_without_a_speed_of_its_own_a_campaign_fills_what_may_wait() -> None:
    pace = Pace(0.0)
    assert pace.allow(0.0, None, 0, 8_000) == CHUNK
    assert pace.allow(0.0, None, MOST_AHEAD - 500, 8_000) == 500
    assert pace.allow(0.0, None, MOST_AHEAD + 500, 8_000) == 0


@given(
    st.floats(0.5, 2_000),
    st.lists(st.floats(0.001, 3.0), min_size=1, max_size=60),
    st.integers(1, 6),
)
def test_parts_never_run_further_ahead_than_the_lead(speed: float, steps: list[float], parts: int) -> None:
    pace, now, made = Pace(0.0), 0.0, 0
    for step in steps:
        now += step
        allowed = pace.allow(now, speed, 0, 20_000)
        if allowed:
            pace.take(allowed, allowed * parts)
            made += allowed * parts
    # Beside the lead: the first chunk, whose parts are not known before it is made, and a last whole message.
    assert made <= speed * (now + LEAD_SECONDS) + (LEAD_SECONDS * speed + 1) * parts + parts


def test_a_slow_campaign_still_moves() -> None:
    pace, made = Pace(0.0), 0
    for tenth in range(1, 601):
        allowed = pace.allow(tenth / 10, 0.5, 0, 100)
        pace.take(allowed, allowed)
        made += allowed
    assert 29 <= made <= 32


def test_a_spread_brings_what_is_left_out_in_the_time_that_is_left() -> None:
    assert Pace(0.0).spread_speed(3_600, 3_600.0) == 1.0
    assert Pace(0.0).spread_speed(0, 10.0) > 0


def states(sent: int, delivered: int, failed: int) -> dict[int, int]:
    return {MessageState.SENT: sent, MessageState.DELIVERED: delivered, MessageState.FAILED: failed}


def test_few_outcomes_say_nothing() -> None:
    watch = FailureWatch()
    assert watch.failed_percent(0.0, states(0, 0, 0)) is None
    assert watch.failed_percent(2.0, states(0, 0, 199)) is None
    assert watch.failed_percent(4.0, states(0, 0, 200)) == 100.0


def test_slow_receipts_do_not_make_the_first_failures_look_like_all() -> None:
    watch = FailureWatch()
    watch.failed_percent(0.0, states(0, 0, 0))
    assert watch.failed_percent(10.0, states(sent=5_000, delivered=0, failed=200)) == 4.0


def test_failures_older_than_a_minute_are_forgotten() -> None:
    watch = FailureWatch()
    watch.failed_percent(0.0, states(0, 0, 0))
    watch.failed_percent(10.0, states(0, 0, 1_000))
    watch.failed_percent(40.0, states(500, 500, 1_000))
    percent = watch.failed_percent(75.0, states(1_500, 1_500, 1_000))
    assert percent == 0.0


def test_the_speed_is_that_of_the_last_seconds() -> None:
    meter = SpeedMeter()
    for second in range(10):
        meter.add(float(second), 100)
    assert meter.read(9.0) == 100.0
    assert meter.read(30.0) == 0.0
