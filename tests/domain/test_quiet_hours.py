"""Wall clocks of every zone: the next lawful moment is lawful, is not early, and none was missed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.quiet_hours import (
    MarketingHours,
    NoLawfulMoment,
    OpenHours,
    is_lawful,
    lawful_until,
    next_lawful_moment,
)

PARIS = ZoneInfo("Europe/Paris")
FRENCH = MarketingHours((*[OpenHours(8 * 60, 22 * 60)] * 6, None), skips_holidays=True)
ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc", "posix"))
)
# Zones whose clocks change around midnight, or by half an hour.
STRANGE_ZONES = ["Africa/Cairo", "America/Havana", "America/Santiago", "America/Scoresbysund", "Asia/Beirut",
                 "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia"]  # fmt: skip


def no_holiday(on: date) -> bool:
    return False


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


hours_of_a_day = st.none() | st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(
    lambda pair: pair[0] < pair[1]
).map(lambda pair: OpenHours(*pair))
weeks = st.tuples(*[hours_of_a_day] * 7).filter(any)
rules = st.builds(MarketingHours, weeks, st.booleans())
moments = st.datetimes(datetime(2025, 1, 1), datetime(2031, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
zones = st.sampled_from(ZONES + STRANGE_ZONES * 10).map(ZoneInfo)


def is_tenth(on: date) -> bool:
    return on.day % 10 == 0


@given(moments, rules, zones)
@settings(max_examples=400)
def test_next_moment_is_lawful_not_early_and_final(
    moment: datetime, hours: MarketingHours, zone: ZoneInfo
) -> None:
    found = next_lawful_moment(moment, hours, zone, is_tenth)
    assert found >= moment
    assert is_lawful(found, hours, zone, is_tenth)
    assert next_lawful_moment(found, hours, zone, is_tenth) == found
    assert found.tzinfo is UTC


@given(moments, rules, zones, st.data())
@settings(max_examples=300)
def test_no_earlier_lawful_moment_is_missed(
    moment: datetime, hours: MarketingHours, zone: ZoneInfo, data: st.DataObject
) -> None:
    found = next_lawful_moment(moment, hours, zone, is_tenth)
    seconds = int((found - moment).total_seconds())
    for share in data.draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=20, max_size=20)):
        between = moment + timedelta(seconds=int(seconds * share))
        if between < found:
            assert not is_lawful(between, hours, zone, is_tenth)
    if found > moment:
        assert not is_lawful(found - timedelta(seconds=1), hours, zone, is_tenth)


@given(moments, rules, zones)
@settings(max_examples=300)
def test_hours_close_when_said(moment: datetime, hours: MarketingHours, zone: ZoneInfo) -> None:
    opens = next_lawful_moment(moment, hours, zone, is_tenth)
    closes = lawful_until(opens, hours, zone, is_tenth)
    assert closes > opens
    assert is_lawful(closes - timedelta(microseconds=1), hours, zone, is_tenth)
    if closes - opens < timedelta(days=7):
        assert not is_lawful(closes, hours, zone, is_tenth)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("2026-03-10T21:59:59", "2026-03-10T21:59:59"),
        ("2026-03-10T22:00:00", "2026-03-11T08:00:00"),
        ("2026-03-10T07:59:59", "2026-03-10T08:00:00"),
        ("2026-03-14T22:30:00", "2026-03-16T08:00:00"),  # Saturday night to Monday
        ("2026-03-28T23:00:00", "2026-03-30T08:00:00"),  # over the change to summer time
        ("2026-07-13T23:00:00", "2026-07-15T08:00:00"),  # over the national holiday
    ],
)
def test_french_evenings_sundays_and_holidays_wait(asked: str, answer: str) -> None:
    def is_holiday(on: date) -> bool:
        return on == date(2026, 7, 14)

    assert next_lawful_moment(paris(asked), FRENCH, PARIS, is_holiday) == paris(answer)


def test_hours_that_begin_in_the_skipped_hour_open_at_the_skip() -> None:
    # Clocks in Paris go from 02:00 to 03:00 on 29 March 2026, at 01:00 UTC.
    hours = MarketingHours((OpenHours(150, 600),) * 7, skips_holidays=False)
    found = next_lawful_moment(paris("2026-03-29T00:30:00"), hours, PARIS, no_holiday)
    assert found == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_hours_that_come_twice_are_open_twice() -> None:
    # Clocks in Paris go from 03:00 back to 02:00 on 25 October 2026, at 01:00 UTC.
    hours = MarketingHours((OpenHours(130, 140),) * 7, skips_holidays=False)
    between = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next_lawful_moment(between, hours, PARIS, no_holiday) == datetime(2026, 10, 25, 1, 10, tzinfo=UTC)


def test_hours_that_never_open_are_refused() -> None:
    with pytest.raises(NoLawfulMoment):
        MarketingHours((None,) * 7, skips_holidays=False)
    always = MarketingHours((OpenHours(0, 1440),) * 7, skips_holidays=True)
    with pytest.raises(NoLawfulMoment):
        next_lawful_moment(datetime(2026, 1, 1, tzinfo=UTC), always, PARIS, lambda on: True)
