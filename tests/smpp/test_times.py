"""SMPP times, both forms, and the dates of receipts."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.errors import RuleBroken
from gateway.smpp.times import decode_receipt_time, decode_time, encode_absolute_time, encode_relative_time

NOW = datetime(2025, 1, 31, 12, 0, tzinfo=UTC)


def test_relative_time_of_the_specification():
    # SMPP 3.4 §7.1.1.2 example form: 2 days, 3 hours, 4 minutes, 5 seconds.
    assert encode_relative_time(timedelta(days=2, hours=3, minutes=4, seconds=5)) == b"000002030405000R"


@given(st.integers(1, 31 * 86400))
def test_relative_times_survive(seconds):
    field = encode_relative_time(timedelta(seconds=seconds))
    assert len(field) == 16
    assert decode_time(field, now=NOW) == NOW + timedelta(seconds=seconds)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2068, 1, 1)), st.integers(-48, 48))
def test_absolute_times_survive_to_the_tenth(moment, quarters):
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert decode_time(encode_absolute_time(aware), now=NOW) == aware


@pytest.mark.parametrize(
    ("month", "zone", "field"),
    [
        (1, "UTC", b"250131120000000+"),
        (1, "Europe/Paris", b"250131130000004+"),
        (7, "Europe/Paris", b"250731140000008+"),
        (1, "America/New_York", b"250131070000020-"),
        (1, "Asia/Kathmandu", b"250131174500023+"),
        (1, "Africa/Dakar", b"250131120000000+"),
    ],
)
def test_an_absolute_time_is_the_local_time_of_the_smsc_with_its_quarter_hours(month, zone, field):
    moment = NOW.replace(month=month).astimezone(ZoneInfo(zone))
    assert encode_absolute_time(moment) == field
    assert decode_time(field, now=NOW) == moment


def test_tenths_have_one_digit_however_late_in_the_second():
    for microsecond in (0, 99_999, 100_000, 999_999):
        field = encode_absolute_time(NOW.replace(microsecond=microsecond))
        assert len(field) == 16
        assert field[12:13] == str(microsecond // 100_000).encode()


def test_a_zone_of_odd_minutes_is_brought_to_a_quarter_hour_without_moving_the_moment():
    odd = timezone(timedelta(hours=-4, minutes=-56))
    field = encode_absolute_time(NOW.astimezone(odd))
    assert field == b"250131070000020-"
    assert decode_time(field, now=NOW) == NOW


def test_an_absolute_time_may_have_its_own_zone():
    assert decode_time(b"250131130000004+", now=NOW) == NOW
    assert decode_time(b"250131110000004-", now=NOW) == NOW


@pytest.mark.parametrize("field", [b"", b"nonsense", b"259931130000004+", b"250131130000099+", b"\xff" * 16])
def test_an_unreadable_time_is_none(field):
    assert decode_time(field, now=NOW) is None


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(seconds=-1), timedelta(days=32)])
def test_relative_times_have_limits(duration):
    with pytest.raises(RuleBroken):
        encode_relative_time(duration)


def test_a_moment_without_zone_is_refused():
    with pytest.raises(RuleBroken):
        encode_absolute_time(datetime(2025, 1, 1))


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("2501311159", datetime(2025, 1, 31, 11, 59)),
        ("250131115930", datetime(2025, 1, 31, 11, 59, 30)),
        ("202501311159", datetime(2025, 1, 31, 11, 59)),
        ("20250131115930", datetime(2025, 1, 31, 11, 59, 30)),
        ("0000000000", None),
        ("99", None),
        ("", None),
    ],
)
def test_receipt_dates_in_all_lengths(digits, expected):
    assert decode_receipt_time(digits, near=NOW) == expected
