"""Money as the outside sees it: decimal strings with their currency, one entry for each."""

from collections.abc import Mapping

from gateway.domain.pricing import format_micros


def show_money(micros: int, currency: str) -> dict[str, str]:
    """An amount with at least two decimals, as people write money."""
    whole, _, decimals = format_micros(micros).partition(".")
    return {"amount": f"{whole}.{decimals.ljust(2, '0')}", "currency": currency}


def show_moneys(micros_by_currency: Mapping[str, int]) -> list[dict[str, str]]:
    """Amounts in several currencies, which are never added up."""
    return [show_money(micros, currency) for currency, micros in sorted(micros_by_currency.items())]
