"""When a campaign may reach a person: now, or the next moment that the rules of the person's country allow.

Owns the question for many people at one moment, answered once for each rule and zone. The arithmetic is
`domain.quiet_hours`'; the calendar of holidays is passed in.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from gateway.domain.country_rules import CountryRule
from gateway.domain.quiet_hours import lawful_until, next_lawful_moment
from gateway.domain.time_zones import zone_of

HolidayBook = Callable[[str, date], bool]
"""Whether a date is a public holiday of a country."""

MARGIN: Final = timedelta(seconds=60)
"""A message is queued up to a minute before it leaves, so the minute after must be lawful too."""


class LawfulHours:
    """The hours as of one moment. Made anew for each chunk; a look costs a dictionary's."""

    def __init__(self, now: datetime, is_holiday: HolidayBook) -> None:
        self._now = now
        self._is_holiday = is_holiday
        self._moments: dict[tuple[int, str], datetime | None] = {}
        self._closings: dict[tuple[int, str, datetime], tuple[datetime, datetime]] = {}

    def next_moment(self, rule: CountryRule, address: str, zone: str | None) -> datetime | None:
        """None when marketing may reach the person now and for the next minute, else when it next may.

        Raises `NoLawfulMoment` for hours that never open.
        """
        zone = zone or zone_of(address, rule.country)
        key = (id(rule), zone)
        if key not in self._moments:
            self._moments[key] = self._find(rule, zone)
        return self._moments[key]

    def find_closing(
        self, rule: CountryRule, address: str, zone: str | None, opens_at: datetime
    ) -> tuple[datetime, datetime]:
        """When the hours that begin at a lawful moment close, and when the next ones open."""
        zone = zone or zone_of(address, rule.country)
        key = (id(rule), zone, opens_at)
        found = self._closings.get(key)
        if found is None:
            clock, is_holiday = ZoneInfo(zone), partial(self._is_holiday, rule.country)
            closes_at = lawful_until(opens_at, rule.hours, clock, is_holiday)
            reopens_at = next_lawful_moment(closes_at, rule.hours, clock, is_holiday)
            found = self._closings[key] = (closes_at, reopens_at)
        return found

    def _find(self, rule: CountryRule, zone: str) -> datetime | None:
        clock = ZoneInfo(zone)
        is_holiday = partial(self._is_holiday, rule.country)
        now, soon = self._now, self._now + MARGIN
        first = next_lawful_moment(now, rule.hours, clock, is_holiday)
        if first > now:
            return first
        later = next_lawful_moment(soon, rule.hours, clock, is_holiday)
        return None if later == soon else later
