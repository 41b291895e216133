"""What a receipt means for the part it speaks of: the state it asks for, and which of its dates to believe.

Pure. Which part that is, is found by the store; why a message failed is told by `failures`.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from gateway.domain.message import MessageState
from gateway.smpp.receipts import ReceiptState
from gateway.smpp.times import decode_receipt_time

_WANTED = {
    ReceiptState.DELIVERED: MessageState.DELIVERED,
    ReceiptState.EXPIRED: MessageState.EXPIRED,
    ReceiptState.DELETED: MessageState.FAILED,
    ReceiptState.UNDELIVERABLE: MessageState.FAILED,
    ReceiptState.REJECTED: MessageState.FAILED,
    ReceiptState.SKIPPED: MessageState.FAILED,
    ReceiptState.UNKNOWN: MessageState.UNKNOWN,
}

_UNKNOWN: Final = ReceiptState.UNKNOWN
"""By a name of the module: to find a member of an Enum takes 65 ns (CPython 3.11), for every receipt."""

LONGEST_AWAITED: Final = timedelta(days=11)
"""The longest validity, 7 days, 72 h for a receipt that lags, and the day it is: nothing that a receipt tells
of happened earlier."""

_CLOCK_FAULT: Final = timedelta(days=1)
"""How far a carrier's clock, or its time zone here, may be wrong for its dates still to be shown."""

_REMEMBERED_FOR: Final = timedelta(minutes=1)
_MOST_REMEMBERED: Final = 1_000


def wanted_state(state: ReceiptState | None, *, unknown_ends: bool = True) -> MessageState | None:
    """The state a receipt asks its part to take; None when it ends nothing (on its way, or a word that has
    no meaning here).

    UNKNOWN is final by the specification; a carrier that sends it on the way has `unknown_ends` False.
    """
    if state is _UNKNOWN and not unknown_ends:
        return None
    return None if state is None else _WANTED.get(state)


def is_too_late(
    submitted_at: datetime | None, carrier_at: datetime | None, *, now: datetime, lookup_days: int
) -> bool:
    """Whether a receipt of an unknown id is of a message whose id is no longer kept, and may rest at once.

    Believed only where the date of its end makes sense too: a clock that is wrong altogether must not cost a
    receipt that merely overtook its answer.
    """
    if submitted_at is None or carrier_at is None:
        return False
    return submitted_at < now - timedelta(days=lookup_days) - _CLOCK_FAULT


def is_before_submission(carrier_at: datetime, sent_at: datetime | None) -> bool:
    """Whether the carrier's date lies so far before its own answer that it can mean nothing."""
    return sent_at is not None and carrier_at < sent_at - _CLOCK_FAULT


class ReceiptTimes(NamedTuple):
    """What a receipt's two dates come to, in UTC; None for no date, nonsense, and what cannot be true."""

    carrier_at: datetime | None
    """When it happened."""
    submitted_at: datetime | None
    """When the carrier took the message."""


class ReceiptDates:
    """The dates in one carrier's receipts, brought from its clock to UTC (quirks 48, 49).

    Receipts of one minute bear the same few dates, so what was read is remembered for a minute: 0.2 µs where
    reading takes 25.
    """

    __slots__ = ("_forget_at", "_known", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[tuple[str, str], ReceiptTimes] = {}
        self._forget_at = datetime.min.replace(tzinfo=UTC)

    def read(self, submitted: str, done: str, received_at: datetime) -> ReceiptTimes:
        """The dates as written in the receipt, digits only."""
        known = self._known
        if received_at >= self._forget_at or len(known) >= _MOST_REMEMBERED:
            known.clear()
            self._forget_at = received_at + _REMEMBERED_FOR
        times = known.get((submitted, done))
        if times is None:
            latest = received_at + _CLOCK_FAULT
            happened, taken = self._read_one(done, received_at), self._read_one(submitted, received_at)
            times = known[submitted, done] = ReceiptTimes(
                happened if happened and received_at - LONGEST_AWAITED <= happened <= latest else None,
                taken if taken and taken <= latest else None,
            )
        return times

    def _read_one(self, digits: str, received_at: datetime) -> datetime | None:
        local = decode_receipt_time(digits, near=received_at.astimezone(self._zone))
        if local is None:
            return None
        try:
            return local.replace(tzinfo=self._zone).astimezone(UTC)
        except OverflowError:  # the year 1, or 9999, in a zone that leads out of the calendar
            return None
