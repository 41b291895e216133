"""A shop's order over its life: what was placed and what was given back, by what the shop says each time.

Owns that money only grows on either side, so that late and repeated posts do no harm and sums never shrink,
and the return on what a campaign cost. Knows no click, table or exchange rate: currencies are never mixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import IntEnum
from typing import Final

from gateway.domain.errors import DomainError


class OrderState(IntEnum):
    """Where an order stands; it only moves onward. Stored; never renumber."""

    PLACED = 1
    CANCELLED = 2
    REFUNDED = 3

    @property
    def word(self) -> str:
        return self.name.lower()


ORDER_STATE_OF_WORD: Final = {state.word: state for state in OrderState}


class RefundTooLarge(DomainError):
    """More given back than was paid."""

    def __init__(self) -> None:
        super().__init__("more is refunded than the order amounts to")


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """An order as counted, in millionths: what it was worth is `amount_micros` less `refunded_micros`."""

    state: OrderState
    amount_micros: int
    refunded_micros: int


@dataclass(frozen=True, slots=True)
class OrderGain:
    """What one post adds to the sums; nothing is ever taken off."""

    orders: int
    placed_micros: int
    refunds: int
    refunded_micros: int

    def __bool__(self) -> bool:
        return bool(self.orders or self.placed_micros or self.refunds or self.refunded_micros)


def settle_order(
    before: OrderMoney | None, *, state: OrderState, amount_micros: int, refunded_micros: int | None
) -> tuple[OrderMoney, OrderGain]:
    """The order after a post, and what the post adds.

    `refunded_micros` None means: everything for a cancelled or refunded order, nothing for a placed one. An
    amount lower than before counts as a refund of the difference; a refund lower than before, and a state
    that the order has left, change nothing. Raises `RefundTooLarge`.
    """
    if refunded_micros is None:
        refunded_micros = 0 if state is OrderState.PLACED else amount_micros
    if refunded_micros > amount_micros:
        raise RefundTooLarge
    if before is None:
        after = OrderMoney(state, amount_micros, refunded_micros)
        return after, OrderGain(1, amount_micros, int(refunded_micros > 0), refunded_micros)
    amount = max(before.amount_micros, amount_micros)
    refunded = max(before.refunded_micros, refunded_micros + amount - amount_micros)
    after = OrderMoney(max(before.state, state), amount, refunded)
    return after, OrderGain(
        orders=0,
        placed_micros=amount - before.amount_micros,
        refunds=int(before.refunded_micros == 0 < refunded),
        refunded_micros=refunded - before.refunded_micros,
    )


@dataclass(frozen=True, slots=True)
class Returns:
    """The return on a campaign: (revenue less cost) over cost, or why there is none."""

    ratio: Decimal | None
    note: str | None


def judge_returns(
    costs: Mapping[str, int], revenues: Mapping[str, int], *, orders: int, unpriced_messages: int
) -> Returns:
    """`costs` and `revenues` (net of refunds) are millionths by currency."""
    costs = {currency: micros for currency, micros in costs.items() if micros}
    if not orders:
        return Returns(None, "no order came of it yet")
    if unpriced_messages:
        return Returns(None, f"what {unpriced_messages:,} of its messages cost is not known")
    if not costs:
        return Returns(None, "it cost nothing")
    if len(costs) > 1 or set(costs) != set(revenues):
        return Returns(None, f"cost is in {_list(costs)} and revenue in {_list(revenues)}")
    ((currency, cost),) = costs.items()
    ratio = Decimal(revenues[currency] - cost) / Decimal(cost)
    return Returns(ratio.quantize(Decimal("0.01"), ROUND_HALF_UP), None)


def _list(currencies: Mapping[str, int]) -> str:
    return " and ".join(sorted(currencies))
