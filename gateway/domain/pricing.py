"""What a carrier bills for a part: money in millionths, its decimal spelling, and the price of a destination.

Owns the choice among a connector's prices. Knows no shop, invoice or exchange rate: currencies are never
summed or compared here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.domain.errors import DomainError

MICROS_PER_UNIT: Final = 1_000_000
ANY_COUNTRY: Final = "*"

_AMOUNT: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6}))?").fullmatch


class InvalidPrice(DomainError):
    """Text that is no amount of money."""

    def __init__(self, found: object) -> None:
        super().__init__(
            f"{str(found)[:24]!r} is not a price: write a decimal number in quotes, without sign or currency "
            'and with at most 6 decimals, like "0.045".'
        )


class Price(NamedTuple):
    """An amount in millionths of a currency (ISO 4217). A tuple, for one is looked up for every message."""

    micros: int
    currency: str

    def __str__(self) -> str:
        return f"{format_micros(self.micros)} {self.currency}"


@dataclass(frozen=True, slots=True)
class PriceRule:
    """What one part costs to numbers of `country` (`*` for any) that begin with `prefix` (empty for any)."""

    micros: int
    country: str = ANY_COUNTRY
    prefix: str = ""


def parse_price(text: object) -> int:
    """Millionths of a decimal string like `0.045`.

    Raises `InvalidPrice` for anything else, floats above all: most cents have no exact binary form.
    """
    match = _AMOUNT(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidPrice(text)
    whole, fraction = match.groups(default="")
    return int(whole) * MICROS_PER_UNIT + int(fraction.ljust(6, "0"))


def format_micros(micros: int) -> str:
    """The decimal spelling of an amount, with as many decimals as it needs: `0.045`, `12`, `-0.5`."""
    whole, fraction = divmod(abs(micros), MICROS_PER_UNIT)
    sign = "-" if micros < 0 else ""
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:06d}".rstrip("0")


class PriceTable:
    """The prices of one connector, all in one currency.

    The longest matching prefix wins; at equal length a rule for the country goes before one for any. A rule
    that names both must match in both.
    """

    def __init__(self, currency: str, rules: Iterable[PriceRule]) -> None:
        self._prices = {(rule.prefix, rule.country): Price(rule.micros, currency) for rule in rules}
        self._lengths = sorted({len(prefix) for prefix, _ in self._prices}, reverse=True)
        self.prefix_digits = max(self._lengths, default=0)
        """Numbers of a country that agree in so many digits cost the same."""

    def price_per_part(self, address: str, country: str) -> Price | None:
        """The price of one part to E.164 digits in `country`; None where no rule matches: not known."""
        prices = self._prices
        for length in self._lengths:
            prefix = address[:length]
            price = prices.get((prefix, country)) or prices.get((prefix, ANY_COUNTRY))
            if price is not None:
                return price
        return None


class PriceBook:
    """The price tables of all connectors, by connector id."""

    def __init__(self, tables: Mapping[int, PriceTable]) -> None:
        self._tables = dict(tables)

    def price_per_part(self, connector_id: int, address: str, country: str) -> Price | None:
        """The price of one part through a connector; None where it is unknown."""
        table = self._tables.get(connector_id)
        return None if table is None else table.price_per_part(address, country)
