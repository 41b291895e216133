"""SMPP times: validity_period and schedule_delivery_time, absolute and relative, and the dates in receipts.

SMPP 3.4 §7.1.1 and appendix B. Reads no clock: whoever calls says what time it is.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from gateway.smpp.errors import RuleBroken

_MOST_RELATIVE: Final = timedelta(days=31)
"""Beyond it the months and years of the relative form come in, whose length each SMSC guesses."""

_QUARTER_HOUR: Final = timedelta(minutes=15)

_ABSOLUTE: Final = re.compile(rb"(\d{12})(\d)(\d\d)([+-])").fullmatch
_RELATIVE: Final = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)000R").fullmatch
_RECEIPT_FORMS: Final[dict[int, tuple[str, ...]]] = {
    10: ("%y%m%d%H%M",),
    12: ("%y%m%d%H%M%S", "%Y%m%d%H%M"),
    14: ("%Y%m%d%H%M%S",),
}


def encode_relative_time(duration: timedelta) -> bytes:
    """`YYMMDDhhmmss000R`, whole seconds, rounded up to 1. Raises `RuleBroken` beyond 31 days.

    The form to prefer for a validity: the SMSC's clock and time zone play no part (quirks 86, 87).
    """
    if not timedelta(0) < duration <= _MOST_RELATIVE:
        raise RuleBroken(f"a relative time is above 0 and at most {_MOST_RELATIVE.days} days, not {duration}")
    seconds = max(1, int(duration.total_seconds()))
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return b"0000%02d%02d%02d%02d000R" % (day, hour, minute, second)


def encode_absolute_time(moment: datetime) -> bytes:
    """`YYMMDDhhmmsstnn+` in the zone of `moment`, one digit of tenths, `nn` its quarter-hours from UTC.

    Give it the SMSC's own zone: an SMSC that overlooks `nn` and reads its local time is then right too (quirk
    86). Raises `RuleBroken` for a moment without a zone.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise RuleBroken(f"an absolute time needs a time zone: {moment.isoformat()}")
    quarters = round(offset / _QUARTER_HOUR)
    local = (moment - offset + quarters * _QUARTER_HOUR).replace(tzinfo=None)
    sign = "-" if quarters < 0 else "+"
    return f"{local:%y%m%d%H%M%S}{local.microsecond // 100_000}{abs(quarters):02}{sign}".encode("ascii")


def decode_time(field: bytes, *, now: datetime) -> datetime | None:
    """The moment a time field means, in UTC; None for an empty or unreadable one.

    A relative time counts from `now`, with years of 365 days and months of 30.
    """
    if match := _RELATIVE(field):
        years, months, days, hours, minutes, seconds = (int(group) for group in match.groups())
        days += 365 * years + 30 * months
        return now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if match := _ABSOLUTE(field):
        digits, tenths, quarters, sign = match.groups()
        offset = timedelta(minutes=15 * int(quarters)) * (1 if sign == b"+" else -1)
        if abs(offset) > timedelta(hours=14):
            return None
        try:
            local = datetime.strptime(digits.decode("ascii"), "%y%m%d%H%M%S")
        except ValueError:
            return None
        return local.replace(microsecond=int(tenths) * 100_000, tzinfo=timezone(offset)).astimezone(UTC)
    return None


def decode_receipt_time(digits: str, *, near: datetime) -> datetime | None:
    """The SMSC's local wall time in a receipt, without a zone, or None when no reading makes a date (quirk
    48).

    `near` is the time of receiving. Of the two readings of twelve digits the one closer to it is taken. The
    zone is the carrier's, so a setting of the connector adds it (quirk 49).
    """
    readings = []
    for form in _RECEIPT_FORMS.get(len(digits), ()):
        try:
            readings.append(datetime.strptime(digits, form))
        except ValueError:
            continue
    plain_near = near.replace(tzinfo=None)
    return min(readings, key=lambda reading: abs(reading - plain_near), default=None)
