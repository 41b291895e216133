"""Times and spans as people type them: `18:30`, `tomorrow 9:00`, `24/11 9h`, `+2h`, `90m`.

Pure: `now` carries the zone in which the person thinks; what is understood is shown back in full before it
counts, so a guess that went wrong is seen. Words of all four languages are taken whatever the console speaks.
"""

import re
from datetime import UTC, datetime, time, timedelta

_TOMORROW = frozenset({"tomorrow", "demain", "domani", "mâine", "maine", "mîine"})
_TODAY = frozenset({"today", "aujourd'hui", "oggi", "azi", "astăzi"})
_CLOCK = r"(?P<hour>\d{1,2})(?:[:hH.](?P<minute>\d{2})?)"
_BARE_CLOCK = re.compile(_CLOCK + r"\Z")
_SPAN = re.compile(r"(?P<count>\d+(?:[.,]\d+)?)\s*(?P<unit>d|j|g|z|h|o|m|min)\Z", re.IGNORECASE)
_ISO_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\Z")
_DAY = re.compile(r"(?P<day>\d{1,2})[/.](?P<month>\d{1,2})(?:[/.](?P<year>\d{4}))?\Z")
_UNIT_SECONDS = {
    "d": 86_400,
    "j": 86_400,
    "g": 86_400,
    "z": 86_400,
    "h": 3_600,
    "o": 3_600,
    "m": 60,
    "min": 60,
}
MAX_SPAN_SECONDS = 30 * 86_400


def parse_span(text: str) -> int | None:
    """Seconds of `3h`, `90m`, `2d`, `1,5h` or a bare number of hours; None for no span up to 30 days."""
    cleaned = text.strip().replace(" ", "")
    if re.fullmatch(r"\d+(?:[.,]\d+)?", cleaned):
        cleaned += "h"
    match = _SPAN.match(cleaned)
    if match is None:
        return None
    seconds = round(float(match["count"].replace(",", ".")) * _UNIT_SECONDS[match["unit"].lower()])
    return seconds if 0 < seconds <= MAX_SPAN_SECONDS else None


def parse_moment(text: str, *, now: datetime) -> datetime | None:
    """The moment meant, in the zone of `now`; None when the text cannot be read.

    A clock time alone means its next occurrence; a day without a year is the next such day. Moments of the
    past are returned as they are: the caller says that they are over.
    """
    cleaned = " ".join(text.strip().lower().split())
    if not cleaned:
        return None
    if cleaned.startswith("+"):
        seconds = parse_span(cleaned[1:])
        return None if seconds is None else now + timedelta(seconds=seconds)
    if "t" in cleaned and cleaned[:4].isdigit():
        return _parse_iso(text.strip(), now)
    words = cleaned.rsplit(" ", 1)
    clock = _read_clock(words[-1])
    if clock is None:
        return None
    if len(words) == 1:
        moment = datetime.combine(now.date(), clock, now.tzinfo)
        return moment if moment > now else datetime.combine(now.date() + timedelta(days=1), clock, now.tzinfo)
    return _on_day(words[0], clock, now)


def as_utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with seconds, as the API takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_utc_text(text: str, *, now: datetime) -> datetime:
    """A moment of the API in the zone of `now`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(now.tzinfo)


def span_text(seconds: int) -> str:
    """A span as `parse_span` reads it: `2h`, `90m`."""
    return f"{seconds // 3_600}h" if seconds % 3_600 == 0 else f"{max(1, round(seconds / 60))}m"


def moment_text(moment: datetime) -> str:
    """A moment as `parse_moment` reads it: `2026-11-24 09:00`."""
    return moment.strftime("%Y-%m-%d %H:%M")


def _parse_iso(text: str, now: datetime) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def _read_clock(text: str) -> time | None:
    match = _BARE_CLOCK.match(text)
    if match is None:
        return None
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _on_day(day_text: str, clock: time, now: datetime) -> datetime | None:
    if day_text in _TODAY:
        return datetime.combine(now.date(), clock, now.tzinfo)
    if day_text in _TOMORROW:
        return datetime.combine(now.date() + timedelta(days=1), clock, now.tzinfo)
    match = _ISO_DAY.match(day_text) or _DAY.match(day_text)
    if match is None:
        return None
    try:
        day = now.date().replace(
            year=int(match["year"] or now.year), month=int(match["month"]), day=int(match["day"])
        )
        moment = datetime.combine(day, clock, now.tzinfo)
        if match["year"] is None and moment < now:
            moment = datetime.combine(day.replace(year=day.year + 1), clock, now.tzinfo)
    except ValueError:  # 31/02, or 29/02 without such a year
        return None
    return moment
