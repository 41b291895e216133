"""Orders over their life: sums only grow, repeats and late posts do no harm, currencies are never mixed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.orders import (
    OrderGain,
    OrderMoney,
    OrderState,
    RefundTooLarge,
    judge_returns,
    settle_order,
)

PLACED, CANCELLED, REFUNDED = OrderState


def settle(
    before: OrderMoney | None, state: OrderState, amount: int, refunded: int | None = None
) -> tuple[OrderMoney, OrderGain]:
    return settle_order(before, state=state, amount_micros=amount, refunded_micros=refunded)


def test_a_new_order_is_counted_with_its_amount() -> None:
    assert settle(None, PLACED, 60) == (OrderMoney(PLACED, 60, 0), OrderGain(1, 60, 0, 0))


def test_a_cancelled_or_refunded_order_gives_everything_back_unless_told_how_much() -> None:
    order, _ = settle(None, PLACED, 60)
    assert settle(order, CANCELLED, 60) == (OrderMoney(CANCELLED, 60, 60), OrderGain(0, 0, 1, 60))
    assert settle(order, REFUNDED, 60, 10) == (OrderMoney(REFUNDED, 60, 10), OrderGain(0, 0, 1, 10))
    assert settle(None, CANCELLED, 60)[1] == OrderGain(1, 60, 1, 60)


def test_refunds_in_parts_are_counted_as_one_refund_of_their_sum() -> None:
    order, _ = settle(None, PLACED, 60, 10)
    assert settle(order, PLACED, 60, 25) == (OrderMoney(PLACED, 60, 25), OrderGain(0, 0, 0, 15))


def test_a_lower_amount_is_a_refund_of_the_difference() -> None:
    order, _ = settle(None, PLACED, 60)
    lowered, gain = settle(order, PLACED, 50)
    assert (lowered, gain) == (OrderMoney(PLACED, 60, 10), OrderGain(0, 0, 1, 10))
    assert settle(lowered, PLACED, 50) == (lowered, OrderGain(0, 0, 0, 0))


def test_a_late_post_of_an_earlier_state_changes_nothing() -> None:
    order, _ = settle(None, REFUNDED, 60)
    assert settle(order, PLACED, 60) == (order, OrderGain(0, 0, 0, 0))


def test_more_back_than_paid_is_refused() -> None:
    with pytest.raises(RefundTooLarge):
        settle(None, PLACED, 60, 61)


posts = st.tuples(st.sampled_from(OrderState), st.integers(0, 100), st.none() | st.integers(0, 100)).filter(
    lambda post: post[2] is None or post[2] <= post[1]
)


@given(st.lists(posts, min_size=1, max_size=8))
def test_sums_of_gains_are_the_order_and_never_shrink(said: list[tuple[OrderState, int, int | None]]) -> None:
    order: OrderMoney | None = None
    orders = placed = refunds = refunded = 0
    for post in said:
        order, gain = settle(order, *post)
        assert min(gain.orders, gain.placed_micros, gain.refunds, gain.refunded_micros) >= 0
        orders, placed = orders + gain.orders, placed + gain.placed_micros
        refunds, refunded = refunds + gain.refunds, refunded + gain.refunded_micros
        assert not settle(order, *post)[1]
    assert order is not None
    assert (orders, placed, refunded) == (1, order.amount_micros, order.refunded_micros)
    assert refunds == int(order.refunded_micros > 0)
    assert 0 <= order.refunded_micros <= order.amount_micros


def test_returns_are_revenue_less_cost_over_cost() -> None:
    returns = judge_returns({"EUR": 200}, {"EUR": 882}, orders=3, unpriced_messages=0)
    assert (returns.ratio, returns.note) == (Decimal("3.41"), None)
    lost = judge_returns({"EUR": 200}, {"EUR": 50}, orders=1, unpriced_messages=0)
    assert lost.ratio == Decimal("-0.75")


@pytest.mark.parametrize(
    ("costs", "revenues", "orders", "unpriced", "note"),
    [
        ({"EUR": 200}, {"RON": 882}, 1, 0, "cost is in EUR and revenue in RON"),
        ({"EUR": 200}, {"EUR": 1, "RON": 882}, 2, 0, "cost is in EUR and revenue in EUR and RON"),
        ({"EUR": 200, "USD": 1}, {"EUR": 882}, 1, 0, "cost is in EUR and USD and revenue in EUR"),
        ({"EUR": 200}, {}, 0, 0, "no order came of it yet"),
        ({"EUR": 0}, {"EUR": 5}, 1, 0, "it cost nothing"),
        ({}, {"EUR": 5}, 1, 1200, "what 1,200 of its messages cost is not known"),
    ],
)
def test_where_there_is_no_return_the_note_says_why(
    costs: dict[str, int], revenues: dict[str, int], orders: int, unpriced: int, note: str
) -> None:
    returns = judge_returns(costs, revenues, orders=orders, unpriced_messages=unpriced)
    assert (returns.ratio, returns.note) == (None, note)
