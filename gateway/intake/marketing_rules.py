"""The rules of marketing in force: the built-in ones with the operator's changes, and public holidays.

Built from the configuration at start and at each reload. Owns the calendar library: it takes 14 MB with the
countries that are used, so nothing of it is loaded before the first marketing to a country that has holidays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.config import Config, CountryRuleConfig, OpenHoursConfig, Weekday
from gateway.domain.country_rules import CountryRule, CountryRules, RuleChange
from gateway.domain.quiet_hours import OpenHours

_MOST_CALENDARS = 600
"""Countries times years that are kept; two years of every country there is."""


@dataclass(frozen=True, slots=True)
class HolidayChange:
    """Days that an operator adds to a country's holidays or takes from them: ISO dates, or `12-26`."""

    extra: frozenset[str]
    ignored: frozenset[str]

    def judge(self, on: date) -> bool | None:
        """Whether the day is one by the operator's word; None where that says nothing."""
        written = on.isoformat()
        if written in self.extra or written[5:] in self.extra:
            return True
        if written in self.ignored or written[5:] in self.ignored:
            return False
        return None


class PublicHolidays:
    """Public holidays by country, each year read when it is first asked for."""

    def __init__(self, changes: Mapping[str, HolidayChange] | None = None) -> None:
        self._changes = changes or {}
        self._calendars: dict[tuple[str, int], frozenset[date]] = {}

    def is_holiday(self, country: str, on: date) -> bool:
        """Whether a local date is a public holiday; countries without a known calendar have none."""
        change = self._changes.get(country)
        said = None if change is None else change.judge(on)
        if said is not None:
            return said
        calendar = self._calendars.get((country, on.year))
        if calendar is None:
            calendar = _read_calendar(country, on.year)
            if len(self._calendars) >= _MOST_CALENDARS:
                self._calendars.clear()
            self._calendars[country, on.year] = calendar
        return on in calendar


def _read_calendar(country: str, year: int) -> frozenset[date]:
    import holidays  # here, because the import alone takes 0.2 s and 10 MB

    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


@dataclass(frozen=True, slots=True)
class MarketingRules:
    """Everything that marketing is judged by; swapped whole when the configuration is read again."""

    countries: CountryRules
    holidays: PublicHolidays

    def rule_for(self, country: str, address: str = "") -> CountryRule:
        """The rule for a number; `address` (E.164 digits) tells American states apart."""
        return self.countries.rule_for(country, address)


def build_marketing_rules(config: Config) -> MarketingRules:
    """The rules of a configuration that was checked."""
    changes = [_read_change(rule) for rule in config.country_rules]
    holiday_changes = {
        rule.country: HolidayChange(frozenset(rule.extra_holidays), frozenset(rule.ignored_holidays))
        for rule in config.country_rules
        if rule.extra_holidays or rule.ignored_holidays
    }
    return MarketingRules(CountryRules(changes), PublicHolidays(holiday_changes))


def _read_change(rule: CountryRuleConfig) -> RuleChange:
    return RuleChange(
        country=rule.country,
        hours=_read_week(rule.hours) if rule.hours else None,
        polite=rule.polite,
        skips_holidays=rule.skip_holidays,
        max_parts=rule.max_parts,
        stop_number=rule.stop_number,
        stop_wording=rule.stop_wording,
    )


def _read_week(entries: Iterable[OpenHoursConfig]) -> tuple[OpenHours | None, ...]:
    hours_of_day: dict[Weekday, OpenHours] = {}
    for entry in entries:
        opens, _, closes = entry.hours.partition("-")
        hours_of_day.update(dict.fromkeys(entry.days, OpenHours(_minutes(opens), _minutes(closes))))
    return tuple(hours_of_day.get(day) for day in Weekday)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
