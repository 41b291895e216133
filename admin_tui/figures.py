"""How numbers, money, spans and times are written on screen. Pure; the words give separators and units."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from admin_tui.client import Json
from admin_tui.words import Words

NOTHING = "–"


def short(words: Words, value: float) -> str:
    """At most five cells: 950, 3.2k, 48k, 1.3M."""
    for limit, divisor, unit in ((1e3, 1, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M")):
        if value < limit * 0.9995:
            scaled = value / divisor
            decimals = 1 if unit and scaled < 9.95 else 0
            return words.number(scaled, decimals=decimals) + unit
    return words.number(value / 1e9, decimals=1) + "G"


def percent(words: Words, part: float, whole: float) -> str:
    """`part` of `whole`, or a dash of nothing."""
    return NOTHING if whole <= 0 else f"{words.number(100 * part / whole, decimals=1)} %"


def money(words: Words, amount: Json | None, *, is_short: bool = False) -> str:
    """One amount with its currency: 12.34 EUR. `is_short` leaves the cents out from a thousand on."""
    if not amount:
        return NOTHING
    try:
        value = Decimal(str(amount["amount"]))
    except (InvalidOperation, KeyError):
        return NOTHING
    if is_short and abs(value) >= 1_000:
        return f"{words.number(float(value))} {amount['currency']}"
    places = -int(value.normalize().as_tuple().exponent) if value else 2
    return f"{words.number(float(value), decimals=min(max(places, 2), 6))} {amount['currency']}"


def moneys(words: Words, amounts: Sequence[Json], *, is_short: bool = False) -> str:
    """Amounts of several currencies side by side; they are never summed."""
    if not amounts:
        return NOTHING
    return " + ".join(money(words, amount, is_short=is_short) for amount in amounts)


def brief_moneys(words: Words, amounts: Sequence[Json]) -> str:
    """As short as can be: 18k EUR, or the first amount with a plus where there are more currencies."""
    if not amounts:
        return NOTHING
    first = f"{short(words, float(amounts[0]['amount']))} {amounts[0]['currency']}"
    return first + ("+" if len(amounts) > 1 else "")


def span(words: Words, seconds: float | None) -> str:
    """A length of time in its two largest units: 12 s, 1 m 27 s, 3 h 05 m, 2 d 4 h."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    if whole < 60:
        return words.say("frame.span.seconds", seconds=str(whole))
    if whole < 3600 and whole % 60 == 0:
        return words.say("frame.span.whole_minutes", minutes=str(whole // 60))
    if whole < 3600:
        return words.say("frame.span.minutes", minutes=str(whole // 60), seconds=f"{whole % 60:02}")
    if whole < 86_400 and whole % 3600 < 60:
        return words.say("frame.span.whole_hours", hours=str(whole // 3600))
    if whole < 86_400:
        return words.say("frame.span.hours", hours=str(whole // 3600), minutes=f"{whole % 3600 // 60:02}")
    if whole % 86_400 < 3600:
        return words.say("frame.span.whole_days", days=str(whole // 86_400))
    return words.say("frame.span.days", days=str(whole // 86_400), hours=str(whole % 86_400 // 3600))


def day_time(at: datetime | None, now: datetime) -> str:
    """The time alone for today, else with its day: 14:05 or 07-21 14:05."""
    if at is None:
        return NOTHING
    today = now.astimezone(at.tzinfo).date()
    if at.date() == today:
        return at.strftime("%H:%M")
    return at.strftime("%m-%d %H:%M") if at.year == today.year else at.strftime("%Y-%m-%d")


def exact_time(at: datetime | None) -> str:
    """With its day and milliseconds, for timelines."""
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
