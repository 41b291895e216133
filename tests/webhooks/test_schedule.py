"""When deliveries are tried again and when they are given up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.schedule import (
    Attempt,
    Ruling,
    Verdict,
    attempt_limit,
    delay_seconds,
    judge_attempt,
    parse_retry_after,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = 259_200.0


def judge(
    status: int | None,
    *,
    number: int = 1,
    draw: float = 0.5,
    began_at: datetime | None = NOW,
    now: datetime = NOW,
    retry_after: str | None = None,
) -> Ruling:
    return judge_attempt(
        Attempt(number, began_at, status, retry_after), now=now, draw=draw, window_seconds=WINDOW
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_only_2xx_is_success(status: int) -> None:
    assert judge(status) == Ruling(Verdict.DELIVERED)


@pytest.mark.parametrize("status", [None, 199, 300, 301, 302, 400, 401, 404, 409, 429, 500, 503])
def test_everything_else_is_tried_again(status: int | None) -> None:
    assert judge(status) == Ruling(Verdict.RETRY, NOW + timedelta(seconds=5))


def test_gone_is_not_tried_again() -> None:
    assert judge(410) == Ruling(Verdict.GIVE_UP)


def test_pauses_double_from_5_s_to_6_h() -> None:
    assert [delay_seconds(number) for number in (1, 2, 3, 4, 12, 13, 14, 15, 1000)] == [
        5, 10, 20, 40, 10_240, 20_480, 21_600, 21_600, 21_600
    ]  # fmt: skip


def test_three_days_hold_twenty_four_attempts() -> None:
    assert attempt_limit(WINDOW) == 24
    assert sum(delay_seconds(number) for number in range(1, 24)) <= WINDOW


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_jitter_keeps_a_pause_within_a_quarter_of_its_length(number: int, draw: float) -> None:
    ruling = judge(500, number=min(number, 23), draw=draw, began_at=None)
    assert ruling.next_at is not None
    nominal = delay_seconds(min(number, 23))
    assert 0.75 * nominal - 1e-3 <= (ruling.next_at - NOW).total_seconds() <= 1.25 * nominal


def test_an_event_is_given_up_when_its_next_attempt_would_be_after_three_days() -> None:
    began = NOW - timedelta(seconds=WINDOW - 6)
    assert judge(500, began_at=began).verdict is Verdict.RETRY
    assert judge(500, began_at=began, number=2).verdict is Verdict.GIVE_UP


def test_a_redelivery_of_an_old_event_gets_a_series_of_its_own() -> None:
    assert judge(500, began_at=None, number=23).verdict is Verdict.RETRY
    assert judge(500, began_at=None, number=24).verdict is Verdict.GIVE_UP


def test_success_on_the_last_attempt_is_success() -> None:
    assert judge(200, number=24, began_at=NOW - timedelta(days=9)).verdict is Verdict.DELIVERED


def test_retry_after_lengthens_a_pause_and_never_shortens_it() -> None:
    assert judge(429, retry_after="90").next_at == NOW + timedelta(seconds=90)
    assert judge(429, retry_after="1").next_at == NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 120 ", 120),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("²", 0),
        ("9" * 500, 21_600),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60),
        ("Sun, 01 Mar 2026 12:01:00", 60),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 9999 11:00:00 GMT", 21_600),
        ("Sun, 99 Mar 2026 11:00:00 GMT", 0),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(value: str | None, seconds: float) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_header_does_harm(value: str) -> None:
    assert 0 <= parse_retry_after(value, NOW) <= 21_600
