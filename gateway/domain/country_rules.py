"""What each country asks of marketing texts: hours, holidays, length, the way to say STOP, short links.

Owns the defaults with their sources, and the American rules that go by the state of the number. Defaults, not
legal advice: an operator's configuration goes over them. Knows no configuration and no calendar.

Sources, as far as a rule names none of its own: the carriers' charter for France (af2m.org, September 2024)
and CNIL; Twilio's country guidelines for Italy and Poland; vendors' country guides for Romania, Senegal,
Spain and the United Kingdom; 47 CFR 64.1200 and the states' own telemarketing acts for the United States.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.countries import COUNTRIES, UNKNOWN_COUNTRY
from gateway.domain.quiet_hours import MarketingHours, OpenHours

POLITE_CLOSE_MINUTE: Final = 20 * 60
"""Eight in the evening: what French vendors advise instead of the charter's ten."""


@dataclass(frozen=True, slots=True)
class CountryRule:
    """The rule of one country, or of one American state within it."""

    country: str
    hours: MarketingHours
    language: str = "en"
    """Of the words that are added to a text, unless the campaign says otherwise."""
    max_parts: int | None = None
    """Longest marketing text in parts; None: the server's own limit."""
    stop_number: str | None = None
    """The number that takes a STOP where the sender is a name and cannot be answered."""
    stop_wording: str | None = None
    """The operator's own mention, with `{number}` or `{link}` in it."""
    replies_arrive: bool = True
    """Whether a person there can answer a text at all."""
    refuses_shorteners: bool = False
    """Whether carriers refuse texts with links of public shorteners."""
    source: str = ""
    """Where the rule comes from, in words for people."""


def _week(
    weekday: tuple[int, int], saturday: tuple[int, int] | None, sunday: tuple[int, int] | None
) -> tuple[OpenHours | None, ...]:
    """A week of hours, given as whole hours."""

    def hours(pair: tuple[int, int] | None) -> OpenHours | None:
        return None if pair is None else OpenHours(pair[0] * 60, pair[1] * 60)

    return (*[hours(weekday)] * 5, hours(saturday), hours(sunday))


def _daily(opens: int, closes: int) -> MarketingHours:
    return MarketingHours(_week((opens, closes), (opens, closes), (opens, closes)), skips_holidays=False)


def _no_sundays(opens: int, closes: int, *, skips_holidays: bool) -> MarketingHours:
    return MarketingHours(_week((opens, closes), (opens, closes), None), skips_holidays=skips_holidays)


_DEFAULT_HOURS: Final = _daily(8, 21)
_DEFAULT_SOURCE: Final = "no rule known for this country; 08:00 to 21:00 local time is this product's choice"

_WRITTEN_RULES: Final = (
    # "Jours ouvrables", 08:00 to 22:00; functional messages are exempt. Alsace and Moselle have two holidays
    # more (Good Friday, 26 December), which a number does not tell: add them by configuration where needed.
    CountryRule(
        "FR",
        _no_sundays(8, 22, skips_holidays=True),
        language="fr",
        source="AF2M charter of September 2024: Monday to Saturday 08:00 to 22:00, no public holidays",
    ),
    # The source names nights and Sundays; holidays are left out as on Sundays by this product's choice.
    CountryRule(
        "IT",
        _no_sundays(8, 22, skips_holidays=True),
        language="it",
        source="vendors' guidelines: 08:00 to 22:00, no Sundays; holidays: this product's choice",
    ),
    CountryRule(
        "RO",
        _no_sundays(9, 20, skips_holidays=True),
        language="ro",
        source="best practice: 09:00 to 20:00, no Sundays; holidays: this product's choice",
    ),
    # Long texts are reported not to be joined, and answers not to arrive.
    CountryRule(
        "SN",
        _daily(6, 22),
        language="fr",
        max_parts=1,
        replies_arrive=False,
        source="vendors' guides: 06:00 to 22:00; one part; no answers from handsets",
    ),
    CountryRule(
        "US",
        _daily(8, 21),
        source="47 CFR 64.1200: 08:00 to 21:00 at the recipient; stricter states by area code",
    ),
    CountryRule("CA", _daily(8, 21), source="vendors' advice: 08:00 to 21:00"),
    CountryRule(
        "ES",
        _no_sundays(8, 21, skips_holidays=True),
        language="es",
        source="vendors' advice: 08:00 to 21:00, no Sundays and holidays",
    ),
    CountryRule(
        "DE", _daily(8, 21), language="de", source="no statutory hours for texts; 08:00 to 21:00 by custom"
    ),
    CountryRule(
        "PL",
        _daily(8, 20),
        refuses_shorteners=True,
        source="carriers prohibit public shorteners; hours: this product's choice",
    ),
    CountryRule(
        "GB", _daily(9, 20), refuses_shorteners=True, source="vendors' advice: 09:00 to 20:00, no shorteners"
    ),
    CountryRule(
        "BE",
        _daily(9, 20),
        language="fr",
        refuses_shorteners=True,
        source="vendors' advice: 09:00 to 20:00, no shorteners",
    ),
)

_RULES: Final = {rule.country: rule for rule in _WRITTEN_RULES}
_FRENCH_OVERSEAS: Final = frozenset(("BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT"))

_LANGUAGES: Final = {
    "fr": ("BJ", "BF", "CD", "CG", "CI", "CM", "GA", "GN", "LU", "MC", "ML", "NC", "NE", "PF", "TG", "WF"),
    "it": ("SM", "VA"),
    "ro": ("MD",),
    "de": ("AT", "LI"),
    "es": ("AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "GQ", "GT", "HN", "MX", "NI", "PA", "PE", "PY",
           "SV", "UY", "VE"),
}  # fmt: skip

_LANGUAGE_OF_COUNTRY: Final = {
    country: language for language, countries in _LANGUAGES.items() for country in countries
}

# Florida Stat. 501.616, Okla. Stat. 15-775C, Md. Com. Law 14-4502, Miss. and N.J. rules: until 20:00.
# Conn. Gen. Stat. 42-288a: 09:00 to 20:00. Tex. Bus. & Com. 302: from 09:00, Sundays from noon.
# R.I. Gen. Laws 5-61: 09:00 to 18:00, at weekends 10:00 to 17:00.
_UNTIL_20: Final = _daily(8, 20)
_STATE_HOURS: Final = {
    "FL": _UNTIL_20,
    "OK": _UNTIL_20,
    "MD": _UNTIL_20,
    "MS": _UNTIL_20,
    "NJ": _UNTIL_20,
    "CT": _daily(9, 20),
    "TX": MarketingHours(_week((9, 21), (9, 21), (12, 21)), skips_holidays=False),
    "RI": MarketingHours(_week((9, 18), (10, 17), (10, 17)), skips_holidays=False),
}
# North American Numbering Plan, overlays in service included.
_AREA_CODES: Final = {
    "FL": "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954",
    "OK": "405 539 572 580 918",
    "MD": "227 240 301 410 443 667",
    "MS": "228 471 601 662 769",
    "NJ": "201 551 609 640 732 848 856 862 908 973",
    "CT": "203 475 860 959",
    "TX": "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 915 936"
    " 940 945 956 972 979",
    "RI": "401",
}
_STATE_OF_AREA_CODE: Final = {code: state for state, codes in _AREA_CODES.items() for code in codes.split()}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What an operator sets for one country; None leaves the default."""

    country: str
    hours: tuple[OpenHours | None, ...] | None = None
    polite: bool = False
    """End every day at 20:00 at the latest."""
    skips_holidays: bool | None = None
    max_parts: int | None = None
    stop_number: str | None = None
    stop_wording: str | None = None


class CountryRules:
    """The rules in force: the defaults with the operator's changes. Immutable; swapped whole.

    A change of hours for the United States holds in every state.
    """

    def __init__(self, changes: Iterable[RuleChange] = ()) -> None:
        self._changes: Mapping[str, RuleChange] = {change.country: change for change in changes}
        self._rules = {country: self._apply(_default_rule(country)) for country in COUNTRIES}
        self._elsewhere = _default_rule(UNKNOWN_COUNTRY)
        american = _default_rule("US")
        self._states = {
            state: self._apply(replace(american, hours=hours, source=f"telemarketing act of {state}"))
            for state, hours in _STATE_HOURS.items()
        }

    def rule_for(self, country: str, address: str = "") -> CountryRule:
        """The rule for a number of `country`; `address` (E.164 digits) tells American states apart."""
        if country == "US":
            state = _STATE_OF_AREA_CODE.get(address[1:4])
            if state is not None:
                return self._states[state]
        return self._rules.get(country, self._elsewhere)

    def _apply(self, rule: CountryRule) -> CountryRule:
        change = self._changes.get(rule.country)
        if change is None:
            return rule
        days = rule.hours.days if change.hours is None else change.hours
        if change.polite:
            days = tuple(_close_early(hours) for hours in days)
        skips = rule.hours.skips_holidays if change.skips_holidays is None else change.skips_holidays
        is_own = change.hours is not None or change.polite or change.skips_holidays is not None
        return replace(
            rule,
            hours=MarketingHours(days, skips_holidays=skips),
            max_parts=rule.max_parts if change.max_parts is None else change.max_parts,
            stop_number=change.stop_number or rule.stop_number,
            stop_wording=change.stop_wording or rule.stop_wording,
            source="this server's configuration" if is_own else rule.source,
        )


def _default_rule(country: str) -> CountryRule:
    """The rule of a country before any change; French law holds in the overseas departments too."""
    rule = _RULES.get("FR" if country in _FRENCH_OVERSEAS else country)
    if rule is not None:
        return replace(rule, country=country)
    return CountryRule(
        country, _DEFAULT_HOURS, language=_LANGUAGE_OF_COUNTRY.get(country, "en"), source=_DEFAULT_SOURCE
    )


def _close_early(hours: OpenHours | None) -> OpenHours | None:
    if hours is None or hours.closes_minute <= POLITE_CLOSE_MINUTE:
        return hours
    if hours.opens_minute >= POLITE_CLOSE_MINUTE:
        return None
    return OpenHours(hours.opens_minute, POLITE_CLOSE_MINUTE)
