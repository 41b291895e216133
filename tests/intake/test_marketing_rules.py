"""The rules in force as the configuration says them, and holidays from the library and the operator."""

from datetime import date

from gateway.config import Config, CountryRuleConfig, OpenHoursConfig, Weekday
from gateway.intake.marketing_rules import HolidayChange, PublicHolidays, build_marketing_rules

ASSUMPTION = date(2026, 8, 15)
CHRISTMAS_2 = date(2026, 12, 26)
PLAIN_DAY = date(2026, 3, 10)


def test_public_holidays_of_the_recipients_country() -> None:
    holidays = PublicHolidays()
    assert holidays.is_holiday("FR", ASSUMPTION)
    assert holidays.is_holiday("IT", ASSUMPTION)
    assert not holidays.is_holiday("US", ASSUMPTION)
    assert not holidays.is_holiday("FR", PLAIN_DAY)


def test_a_country_without_a_calendar_has_no_holidays() -> None:
    assert not PublicHolidays().is_holiday("ZZ", date(2026, 1, 1))


def test_an_operator_adds_and_removes_days() -> None:
    change = HolidayChange(frozenset({"12-26", "2026-03-10"}), frozenset({"2026-08-15"}))
    holidays = PublicHolidays({"FR": change})
    assert holidays.is_holiday("FR", CHRISTMAS_2)
    assert holidays.is_holiday("FR", date(2031, 12, 26))
    assert holidays.is_holiday("FR", PLAIN_DAY)
    assert not holidays.is_holiday("FR", PLAIN_DAY.replace(year=2027))
    assert not holidays.is_holiday("FR", ASSUMPTION)
    assert holidays.is_holiday("FR", ASSUMPTION.replace(year=2027))


def test_the_configuration_goes_over_the_built_in_rules() -> None:
    config = Config(
        country_rules=(
            CountryRuleConfig(
                country="FR",
                hours=(
                    OpenHoursConfig(days=(Weekday.MON, Weekday.TUE), hours="09:30-24:00"),
                    OpenHoursConfig(days=(Weekday.SAT,), hours="10:00-12:00"),
                ),
                extra_holidays=("12-26",),
                max_parts=2,
                stop_number="36111",
            ),
        )
    )
    rules = build_marketing_rules(config)
    rule = rules.rule_for("FR")
    assert [str(hours) for hours in rule.hours.days] == [
        "09:30-24:00", "09:30-24:00", "None", "None", "None", "10:00-12:00", "None",
    ]  # fmt: skip
    assert (rule.max_parts, rule.stop_number, rule.hours.skips_holidays) == (2, "36111", True)
    assert rules.holidays.is_holiday("FR", CHRISTMAS_2)
    assert rules.rule_for("US", "13055550100").hours.days[0] is not None


def test_without_configuration_the_built_in_rules_hold() -> None:
    rules = build_marketing_rules(Config())
    assert rules.rule_for("SN").max_parts == 1
