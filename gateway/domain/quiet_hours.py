"""When marketing may reach a person: hours of local time by weekday, and days without any.

Owns the arithmetic of wall clocks, in every zone and across changes of its offset. Knows no country
(`country_rules`), no calendar of holidays and no clock: zone, holidays and moment are passed in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from gateway.domain.errors import DomainError

DAYS_OF_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_OF_DAY: Final = 24 * 60
_FURTHEST_DAYS: Final = 400
"""A year without a single open day is a mistake in the rule, not a law."""

HolidayCheck = Callable[[date], bool]
"""Whether a local date is a day without marketing."""


class NoLawfulMoment(DomainError):
    """Hours that never open."""

    def __init__(self) -> None:
        super().__init__("These hours never open within a year; open at least one day of the week.")


@dataclass(frozen=True, slots=True)
class OpenHours:
    """One day's hours in minutes since local midnight: from `opens_minute` until just before
    `closes_minute`, which is 1,440 for midnight."""

    opens_minute: int
    closes_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens_minute < self.closes_minute <= MINUTES_OF_DAY:
            raise ValueError(f"no hours: from minute {self.opens_minute} to {self.closes_minute}")

    def __str__(self) -> str:
        return f"{_clock(self.opens_minute)}-{_clock(self.closes_minute)}"


@dataclass(frozen=True, slots=True)
class MarketingHours:
    """The hours of each day of the week, Monday first (None: closed), and whether holidays are closed."""

    days: tuple[OpenHours | None, ...]
    skips_holidays: bool

    def __post_init__(self) -> None:
        if len(self.days) != len(DAYS_OF_WEEK):
            raise ValueError(f"a week has 7 days, not {len(self.days)}")
        if not any(self.days):
            raise NoLawfulMoment

    def hours_on(self, on: date, is_holiday: HolidayCheck) -> OpenHours | None:
        """The hours of a local date; None on a day without marketing."""
        hours = self.days[on.weekday()]
        if hours is None or (self.skips_holidays and is_holiday(on)):
            return None
        return hours


def is_lawful(moment: datetime, hours: MarketingHours, zone: tzinfo, is_holiday: HolidayCheck) -> bool:
    """Whether marketing may reach a person in `zone` at an aware `moment`."""
    local = moment.astimezone(zone)
    open_hours = hours.hours_on(local.date(), is_holiday)
    if open_hours is None:
        return False
    return open_hours.opens_minute <= local.hour * 60 + local.minute < open_hours.closes_minute


def next_lawful_moment(
    moment: datetime, hours: MarketingHours, zone: tzinfo, is_holiday: HolidayCheck
) -> datetime:
    """The first moment from `moment` on, in UTC, at which marketing may reach a person in `zone`.

    `moment` itself where that is lawful. Raises `NoLawfulMoment` when nothing opens within 400 days.
    """
    moment = moment.astimezone(UTC)
    if is_lawful(moment, hours, zone, is_holiday):
        return moment
    # From the day before: where clocks go back over midnight, yesterday's date comes again.
    first = _local_date(moment, zone) - timedelta(days=1)
    for ahead in range(_FURTHEST_DAYS):
        on = first + timedelta(days=ahead)
        open_hours = hours.hours_on(on, is_holiday)
        if open_hours is None:
            continue
        for instant in _instants_of(on, open_hours.opens_minute, zone):
            if instant >= moment and is_lawful(instant, hours, zone, is_holiday):
                return instant
    raise NoLawfulMoment


def lawful_until(moment: datetime, hours: MarketingHours, zone: tzinfo, is_holiday: HolidayCheck) -> datetime:
    """When the hours that `moment` lies in close, in UTC: the first moment that is not lawful any more.

    `moment` itself when it is not lawful; hours that go on over midnight are followed for 8 days.
    """
    end = moment.astimezone(UTC)
    for _ in range(8):
        if not is_lawful(end, hours, zone, is_holiday):
            return end
        on = _local_date(end, zone)
        open_hours = hours.hours_on(on, is_holiday)
        assert open_hours is not None  # the moment is lawful
        closings = [instant for instant in _instants_of(on, open_hours.closes_minute, zone) if instant > end]
        end = min(closings)
    return end


def _local_date(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def _instants_of(on: date, minute: int, zone: tzinfo) -> Iterator[datetime]:
    """The moments at which clocks in `zone` come to `minute` of the date, in order: two where clocks go
    back over it; where they skip it, the moment of the skip."""
    if minute == MINUTES_OF_DAY:
        on, minute = on + timedelta(days=1), 0
    wall = datetime.combine(on, time(minute // 60, minute % 60))
    early, late = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        yield early
        if late != early:
            yield late
        return
    # Skipped: one reading falls before the skip and one after it; clocks run evenly up to it.
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle <= early:
            break
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    yield late


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
