"""The built-in rules of the countries that are named in the documents, and what an operator changes."""

import pytest

from gateway.domain.countries import COUNTRIES
from gateway.domain.country_rules import CountryRules, RuleChange
from gateway.domain.quiet_hours import DAYS_OF_WEEK, OpenHours

RULES = CountryRules()


def week(country: str, address: str = "", rules: CountryRules = RULES) -> str:
    """`mon-fri sat sun`, with “closed” for days without marketing."""
    days = rules.rule_for(country, address).hours.days
    assert len(set(days[:5])) == 1
    return " ".join("closed" if hours is None else str(hours) for hours in days[4:])


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("FR", "08:00-22:00 08:00-22:00 closed"),
        ("RE", "08:00-22:00 08:00-22:00 closed"),
        ("IT", "08:00-22:00 08:00-22:00 closed"),
        ("RO", "09:00-20:00 09:00-20:00 closed"),
        ("SN", "06:00-22:00 06:00-22:00 06:00-22:00"),
        ("ES", "08:00-21:00 08:00-21:00 closed"),
        ("GB", "09:00-20:00 09:00-20:00 09:00-20:00"),
        ("PL", "08:00-20:00 08:00-20:00 08:00-20:00"),
        ("BR", "08:00-21:00 08:00-21:00 08:00-21:00"),
        ("ZZ", "08:00-21:00 08:00-21:00 08:00-21:00"),
    ],
)
def test_hours_of_a_country(country: str, expected: str) -> None:
    assert week(country) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("12125550100", "08:00-21:00 08:00-21:00 08:00-21:00"),  # New York: federal
        ("13055550100", "08:00-20:00 08:00-20:00 08:00-20:00"),  # Florida
        ("15125550100", "09:00-21:00 09:00-21:00 12:00-21:00"),  # Texas
        ("14015550100", "09:00-18:00 10:00-17:00 10:00-17:00"),  # Rhode Island
        ("12035550100", "09:00-20:00 09:00-20:00 09:00-20:00"),  # Connecticut
    ],
)
def test_american_hours_go_by_the_state_of_the_number(address: str, expected: str) -> None:
    assert week("US", address) == expected


def test_holidays_are_closed_where_the_rule_says_so() -> None:
    closed = {country for country in COUNTRIES if RULES.rule_for(country).hours.skips_holidays}
    assert {"FR", "IT", "RO", "ES", "GP"} <= closed
    assert not closed & {"US", "SN", "DE"}


def test_senegal_has_one_part_and_no_answers() -> None:
    rule = RULES.rule_for("SN")
    assert (rule.max_parts, rule.replies_arrive) == (1, False)


def test_public_short_links_are_refused_where_carriers_refuse_them() -> None:
    assert {country for country in COUNTRIES if RULES.rule_for(country).refuses_shorteners} == {
        "PL",
        "GB",
        "BE",
    }


def test_every_country_has_a_rule_with_its_source() -> None:
    assert [country for country in COUNTRIES if not RULES.rule_for(country).source] == []
    assert all(RULES.rule_for(country).country == country for country in COUNTRIES)


def test_an_operators_hours_hold_in_place_of_ours_and_leave_the_rest() -> None:
    days = (*[OpenHours(9 * 60, 21 * 60)] * 6, None)
    rules = CountryRules([RuleChange("FR", hours=days, stop_number="36111")])
    assert week("FR", rules=rules) == "09:00-21:00 09:00-21:00 closed"
    assert rules.rule_for("FR").hours.skips_holidays
    assert rules.rule_for("FR").stop_number == "36111"
    assert rules.rule_for("IT") == RULES.rule_for("IT")


def test_polite_hours_end_at_eight() -> None:
    rules = CountryRules([RuleChange("FR", polite=True), RuleChange("US", polite=True)])
    assert week("FR", rules=rules) == "08:00-20:00 08:00-20:00 closed"
    assert week("US", "14015550100", rules) == "09:00-18:00 10:00-17:00 10:00-17:00"


def test_a_day_that_begins_after_eight_is_closed_under_polite_hours() -> None:
    days = (OpenHours(9 * 60, 21 * 60), *[None] * 5, OpenHours(20 * 60 + 30, 22 * 60))
    rules = CountryRules([RuleChange("DE", hours=days, polite=True)])
    kept = dict(zip(DAYS_OF_WEEK, rules.rule_for("DE").hours.days, strict=True))
    assert (str(kept["mon"]), kept["sun"]) == ("09:00-20:00", None)


def test_an_operators_american_hours_hold_in_every_state() -> None:
    days = (OpenHours(10 * 60, 18 * 60),) * 7
    rules = CountryRules([RuleChange("US", hours=days)])
    assert week("US", "13055550100", rules) == "10:00-18:00 10:00-18:00 10:00-18:00"
