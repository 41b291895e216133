"""What a receipt asks of its part, and which of its dates are believed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.message import MessageState, transition
from gateway.domain.receipts import ReceiptDates, is_before_submission, is_too_late, wanted_state
from gateway.smpp.receipts import ReceiptState

WANTED = {
    ReceiptState.DELIVERED: MessageState.DELIVERED,
    ReceiptState.EXPIRED: MessageState.EXPIRED,
    ReceiptState.DELETED: MessageState.FAILED,
    ReceiptState.UNDELIVERABLE: MessageState.FAILED,
    ReceiptState.REJECTED: MessageState.FAILED,
    ReceiptState.SKIPPED: MessageState.FAILED,
    ReceiptState.UNKNOWN: MessageState.UNKNOWN,
}


@pytest.mark.parametrize("state", ReceiptState)
def test_each_state_of_a_receipt_asks_for_one_end_or_for_none(state: ReceiptState) -> None:
    assert wanted_state(state) is WANTED.get(state)


def test_a_word_without_meaning_ends_nothing() -> None:
    assert wanted_state(None) is None


@pytest.mark.parametrize("wanted", sorted(set(WANTED.values())))
def test_a_part_that_was_sent_can_follow_every_receipt(wanted: MessageState) -> None:
    assert transition(MessageState.SENT, wanted)


def test_an_unknown_end_can_be_news_on_the_way() -> None:
    assert wanted_state(ReceiptState.UNKNOWN, unknown_ends=False) is None
    assert wanted_state(ReceiptState.EXPIRED, unknown_ends=False) is MessageState.EXPIRED


RECEIVED = datetime(2026, 7, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("digits", "hour", "minute", "second"),
    [("2607011359", 11, 59, 0), ("260701135930", 11, 59, 30), ("202607011359", 11, 59, 0)],
)
def test_dates_are_read_by_the_carriers_clock(digits: str, hour: int, minute: int, second: int) -> None:
    times = ReceiptDates(ZoneInfo("Europe/Paris")).read(digits, digits, RECEIVED)
    wanted = datetime(2026, 7, 1, hour, minute, second, tzinfo=UTC)
    assert times == (wanted, wanted)


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "0000000000",
        "9999999999",
        "2613011200",
        "7",
        "00010101000000",
        "99991231235959",
        "2607031200",
        "2606191200",
    ],
)
def test_a_date_that_cannot_be_true_is_none(digits: str) -> None:
    assert ReceiptDates(ZoneInfo("Pacific/Kiritimati")).read("", digits, RECEIVED).carrier_at is None


def test_what_was_read_is_not_believed_for_longer_than_a_minute() -> None:
    dates = ReceiptDates(UTC)
    assert dates.read("", "2607011200", RECEIVED).carrier_at is not None
    assert dates.read("", "2607011200", RECEIVED + timedelta(days=30)).carrier_at is None


@given(st.text(alphabet="0123456789", max_size=15), st.text(alphabet="0123456789", max_size=15))
def test_no_receipt_fails_because_of_a_date(submitted: str, done: str) -> None:
    times = ReceiptDates(ZoneInfo("America/Los_Angeles")).read(submitted, done, RECEIVED)
    assert times.carrier_at is None or abs(times.carrier_at - RECEIVED) <= timedelta(days=11)


def test_more_dates_than_are_remembered_are_all_read() -> None:
    dates = ReceiptDates(UTC)
    read = [dates.read("", f"260701{n // 60:02}{n % 60:02}", RECEIVED).carrier_at for n in range(1_100)]
    assert None not in read


@pytest.mark.parametrize(
    ("submitted_days_ago", "ended_days_ago", "wanted"),
    [(13, 0, True), (11, 0, False), (None, 0, False), (13, None, False)],
)
def test_a_receipt_is_too_late_when_its_dates_agree_that_it_is(
    submitted_days_ago: int | None, ended_days_ago: int | None, wanted: bool
) -> None:
    def ago(days: int | None) -> datetime | None:
        return None if days is None else RECEIVED - timedelta(days=days)

    found = is_too_late(ago(submitted_days_ago), ago(ended_days_ago), now=RECEIVED, lookup_days=11)
    assert found is wanted


def test_a_date_long_before_the_answer_means_nothing() -> None:
    day = timedelta(days=1)
    assert is_before_submission(RECEIVED - 2 * day, RECEIVED)
    assert not is_before_submission(RECEIVED - day / 2, RECEIVED), "a wrong time zone is worth showing"
    assert not is_before_submission(RECEIVED - 2 * day, None)
