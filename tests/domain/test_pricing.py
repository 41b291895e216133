from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.pricing import (
    InvalidPrice,
    Price,
    PriceBook,
    PriceRule,
    PriceTable,
    format_micros,
    parse_price,
)


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0.045", 45_000), ("0", 0), ("12", 12_000_000), ("0.000001", 1), ("007.50", 7_500_000)],
)
def test_decimal_strings_are_read_exactly(text: str, micros: int) -> None:
    assert parse_price(text) == micros


@pytest.mark.parametrize(
    "found",
    [
        *(0.045, 1, None, True, b"1", Decimal("0.1")),
        *("", ".5", "1.", "-1", "+1", "1e3", "1,5", "0.0000001", " 1", "1\n", "１", "1 EUR", "9" * 10, "nan"),
    ],
)
def test_everything_else_is_refused_with_an_example(found: object) -> None:
    with pytest.raises(InvalidPrice, match=r"0\.045"):
        parse_price(found)


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_amounts_survive_a_round_trip(micros: int) -> None:
    assert parse_price(format_micros(micros)) == micros
    assert Decimal(format_micros(micros)) == Decimal(micros) / 1_000_000


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0"), (100_000_000, "100"), (45_000, "0.045"), (-500_000, "-0.5")]
)
def test_amounts_are_written_without_needless_decimals(micros: int, text: str) -> None:
    assert format_micros(micros) == text


def test_a_price_reads_with_its_currency() -> None:
    assert str(Price(41_000, "EUR")) == "0.041 EUR"


TABLE = PriceTable(
    "EUR",
    [
        PriceRule(90_000),
        PriceRule(45_000, country="FR"),
        PriceRule(40_000, prefix="336"),
        PriceRule(38_000, prefix="33612", country="FR"),
        PriceRule(70_000, prefix="1"),
        PriceRule(60_000, prefix="1", country="CA"),
    ],
)


@pytest.mark.parametrize(
    ("address", "country", "micros"),
    [
        ("40712345678", "RO", 90_000),
        ("33712345678", "FR", 45_000),
        ("33698765432", "FR", 40_000),
        ("33612345678", "FR", 38_000),
        ("33612345678", "MC", 40_000),
        ("12015550123", "US", 70_000),
        ("16135550123", "CA", 60_000),
    ],
)
def test_the_longest_prefix_wins_then_the_country_then_any(address: str, country: str, micros: int) -> None:
    assert TABLE.price_per_part(address, country) == Price(micros, "EUR")


def test_no_matching_rule_is_unknown_and_not_free() -> None:
    table = PriceTable("EUR", [PriceRule(1, country="FR")])
    assert table.price_per_part("40712345678", "RO") is None


def test_a_price_of_nothing_is_a_price() -> None:
    assert PriceTable("EUR", [PriceRule(0)]).price_per_part("33612345678", "FR") == Price(0, "EUR")


def test_each_connector_has_its_own_prices() -> None:
    book = PriceBook({1: TABLE, 2: PriceTable("XOF", [PriceRule(15_000_000)])})
    assert book.price_per_part(2, "221771234567", "SN") == Price(15_000_000, "XOF")
    assert book.price_per_part(1, "221771234567", "SN") == Price(90_000, "EUR")
    assert book.price_per_part(3, "221771234567", "SN") is None
