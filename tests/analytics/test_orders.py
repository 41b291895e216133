"""Orders once each, credited to the last click of a person, with sums that agree with the rows."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.analytics.orders import OrderConflict, Recorded
from gateway.domain.orders import OrderMoney, OrderState
from gateway.store.orders import find_order_ids, get_orders, list_orders
from tests.analytics.shop import DAY, Shopkeeper, now
from tests.store.rig import SHOP

pytestmark = pytest.mark.integration
CAMILLE = "33639980001"


async def read_sums(keeper: Shopkeeper) -> list[tuple[Any, ...]]:
    return await keeper.rig.fetch(
        "SELECT campaign_id, currency, sum(orders)::int, sum(placed_micros)::int8, sum(refunds)::int,"
        " sum(refunded_micros)::int8 FROM stat_order GROUP BY 1, 2 ORDER BY 1, 2"
    )


async def recount(keeper: Shopkeeper) -> list[tuple[Any, ...]]:
    return await keeper.rig.fetch(
        "SELECT campaign_id, currency, count(*)::int, sum(amount_micros)::int8,"
        " (count(*) FILTER (WHERE refunded_micros > 0))::int, sum(refunded_micros)::int8"
        " FROM shop_order GROUP BY 1, 2 ORDER BY 1, 2"
    )


async def test_an_order_is_credited_to_the_last_click_of_its_person(keeper: Shopkeeper) -> None:
    contact = await keeper.rig.put_contact(CAMILLE)
    other = await keeper.rig.put_contact("33639980002")
    ordered = now()
    for campaign_id, who, before in (
        (11, contact, timedelta(days=6)),
        (12, contact, timedelta(hours=2)),
        (13, contact, timedelta(days=3)),
        (14, other, timedelta(minutes=1)),
    ):
        await keeper.insert_click(campaign_id, who, ordered - before)
    order = await keeper.tell(keeper.post(CAMILLE, ordered_at=ordered))
    assert (order.campaign_id, order.contact_id, order.address) == (12, contact, CAMILLE)
    assert order.click_at == ordered - timedelta(hours=2)


@pytest.mark.parametrize(
    ("before", "verdict"),
    [(timedelta(days=7, seconds=1), 0), (timedelta(seconds=-1), 0), (timedelta(hours=1), 5)],
    ids=["too long ago", "after the order", "by a machine"],
)
async def test_clicks_that_led_to_nothing(keeper: Shopkeeper, before: timedelta, verdict: int) -> None:
    contact = await keeper.rig.put_contact(CAMILLE)
    ordered = now()
    await keeper.insert_click(11, contact, ordered - before, verdict=verdict)
    assert (await keeper.tell(keeper.post(CAMILLE, ordered_at=ordered))).campaign_id == 0


async def test_the_days_of_attribution_are_those_in_force(keeper: Shopkeeper) -> None:
    contact = await keeper.rig.put_contact(CAMILLE)
    await keeper.insert_click(11, contact, now() - 3 * DAY)
    keeper.attribution = 2 * DAY
    assert (await keeper.tell(keeper.post(CAMILLE))).campaign_id == 0
    keeper.attribution = 4 * DAY
    assert (await keeper.tell(keeper.post(CAMILLE))).campaign_id == 11


async def test_orders_of_nobody_known_count_without_a_campaign(keeper: Shopkeeper) -> None:
    order = await keeper.tell(keeper.post("33639980009"))
    assert (order.contact_id, order.address, order.country) == (None, None, "FR")
    order = await keeper.tell(keeper.post(None))
    assert (order.campaign_id, order.country) == (0, "ZZ")
    assert await read_sums(keeper) == await recount(keeper)


async def test_a_click_that_is_stored_after_the_order_moves_nothing(keeper: Shopkeeper) -> None:
    """An order is credited when it is first told of: sums are never taken back."""
    contact = await keeper.rig.put_contact(CAMILLE)
    post = keeper.post(CAMILLE)
    await keeper.tell(post)
    await keeper.insert_click(11, contact, post.ordered_at - timedelta(minutes=1))
    assert (await keeper.tell(post)).campaign_id == 0
    assert await read_sums(keeper) == [(0, "EUR", 1, 60_000_000, 0, 0)]


async def test_repeats_change_nothing_and_later_posts_only_add(keeper: Shopkeeper) -> None:
    post = keeper.post(CAMILLE)
    first, again = await keeper.tell(post), await keeper.tell(post)
    assert (first.id, first.money) == (again.id, again.money)
    partly = await keeper.tell(replace(post, refunded_micros=10_000_000))
    assert partly.money == OrderMoney(OrderState.PLACED, 60_000_000, 10_000_000)
    await keeper.tell(replace(post, state=OrderState.CANCELLED))
    assert (await keeper.tell(post)).money == OrderMoney(OrderState.CANCELLED, 60_000_000, 60_000_000)
    assert await read_sums(keeper) == [(0, "EUR", 1, 60_000_000, 1, 60_000_000)] == await recount(keeper)


async def test_a_known_order_keeps_its_currency_and_the_others_of_the_batch_are_stored(
    keeper: Shopkeeper,
) -> None:
    post = keeper.post()
    await keeper.tell(post)
    outcomes = await keeper.tell_many([replace(post, currency="RON"), keeper.post(currency="RON")])
    assert isinstance(outcomes[0], OrderConflict)
    assert isinstance(outcomes[1], Recorded)
    assert [row[:3] for row in await read_sums(keeper)] == [(0, "EUR", 1), (0, "RON", 1)]


async def test_one_order_twice_in_a_batch_is_taken_in_its_order(keeper: Shopkeeper) -> None:
    post = keeper.post()
    outcomes = await keeper.tell_many([post, keeper.post(), replace(post, state=OrderState.REFUNDED)])
    assert [isinstance(each, Recorded) and each.is_new for each in outcomes] == [True, True, False]
    assert await read_sums(keeper) == [(0, "EUR", 2, 120_000_000, 1, 60_000_000)] == await recount(keeper)


async def test_a_rehearsal_says_what_would_be_and_keeps_nothing(keeper: Shopkeeper) -> None:
    contact = await keeper.rig.put_contact(CAMILLE)
    await keeper.insert_click(11, contact, now() - DAY)
    order = await keeper.tell(keeper.post(CAMILLE), keeps=False)
    assert order.campaign_id == 11
    assert (await read_sums(keeper), await recount(keeper)) == ([], [])
    assert await find_order_ids(keeper.rig.database, SHOP, [order.external_id]) == {}


async def test_posts_of_the_same_orders_at_one_time_are_counted_once(keeper: Shopkeeper) -> None:
    contact = await keeper.rig.put_contact(CAMILLE)
    await keeper.insert_click(11, contact, now() - DAY)
    posts = [keeper.post(CAMILLE) for _ in range(20)]
    refunded = [replace(post, state=OrderState.REFUNDED) for post in posts]
    batches = [posts, posts[::-1], refunded, posts[10:] + refunded[:10]]
    await asyncio.gather(*(keeper.tell_many(batch) for batch in batches))
    assert await read_sums(keeper) == [(11, "EUR", 20, 1_200_000_000, 20, 1_200_000_000)]
    assert await read_sums(keeper) == await recount(keeper)


async def test_another_shops_orders_are_nobodys(keeper: Shopkeeper) -> None:
    order = await keeper.tell(keeper.post())
    database = keeper.rig.database
    assert await get_orders(database, 2, [order.id]) == {}
    assert await find_order_ids(database, 2, [order.external_id]) == {}
    assert await list_orders(database, 2, campaign_id=None, below=None, limit=10) == []
    (other,) = await keeper.book.record(2, [keeper.post(external_id=order.external_id)], source="test")
    assert isinstance(other, Recorded)
    assert other.is_new


async def test_orders_are_listed_newest_first_and_by_campaign(keeper: Shopkeeper) -> None:
    contact = await keeper.rig.put_contact(CAMILLE)
    await keeper.insert_click(11, contact, now() - DAY)
    credited = await keeper.tell(keeper.post(CAMILLE))
    plain = await keeper.tell(keeper.post())

    async def listed(**wanted: Any) -> list[int]:
        options: dict[str, Any] = {"campaign_id": None, "below": None, "limit": 10, **wanted}
        return [order.id for order in await list_orders(keeper.rig.database, SHOP, **options)]

    assert (
        sorted(await listed(), reverse=True)
        == await listed()
        == sorted({credited.id, plain.id}, reverse=True)
    )
    assert await listed(campaign_id=11) == [credited.id]
    assert await listed(below=max(credited.id, plain.id)) == [min(credited.id, plain.id)]
