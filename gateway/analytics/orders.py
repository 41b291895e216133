"""Orders coming in: each once by the shop's own id, credited to the click that led to it.

Owns the order of an ingest: keys, rows, clicks, sums, in one transaction, so that a report never shows an
order without its money. An order is credited when it is first told of, to the last click of a person (never
a machine's) in the days before it; nothing that is told later moves it, for sums are never taken back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.countries import UNKNOWN_COUNTRY
from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.orders import OrderGain, OrderMoney, OrderState, settle_order
from gateway.domain.phone import Number
from gateway.store.contacts import Contact, find_contacts_of_addresses
from gateway.store.database import Connection, Database
from gateway.store.orders import (
    NO_CAMPAIGN,
    ClickSearch,
    HeldOrder,
    NewOrder,
    OrderRecord,
    find_last_clicks,
    find_order_ids,
    get_orders,
    hold_orders,
    insert_orders,
    key_slot_of,
    take_order_keys,
    update_orders,
)
from gateway.store.rollups import Tallies


@dataclass(frozen=True, slots=True)
class OrderPost:
    """What a shop says of one order. `refunded_micros` None: by the state, see `settle_order`."""

    external_id: str
    number: Number | None
    state: OrderState
    amount_micros: int
    currency: str
    ordered_at: datetime
    refunded_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An order after a post; `is_new` when this post was the first of it."""

    order: OrderRecord
    is_new: bool


@dataclass(frozen=True, slots=True)
class OrderConflict:
    """A post that contradicts what is known; nothing of it was stored."""

    detail: str


class OrderBook:
    """Takes orders in. `attribution` is how long before an order a click counts; a reload may change it."""

    def __init__(
        self,
        database: Database,
        *,
        ids: IdSource,
        clock: Callable[[], datetime],
        attribution: Callable[[], timedelta],
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._attribution = attribution

    async def record(
        self, shop_id: int, posts: Sequence[OrderPost], *, source: str, keeps: bool = True
    ) -> list[Recorded | OrderConflict]:
        """Store posts, in their order where several are of one order; a result for each.

        With `keeps` False everything is done and taken back, so that the results are those it would have.
        Raises `StoreUnavailable`; a repeat of the whole is then safe.
        """
        results: dict[int, Recorded | OrderConflict] = {}
        waiting = list(enumerate(posts))
        while waiting:
            batch: dict[str, tuple[int, OrderPost]] = {}
            later = []
            for place, post in waiting:
                if post.external_id in batch:
                    later.append((place, post))
                else:
                    batch[post.external_id] = (place, post)
            results.update(await self._record_once(shop_id, list(batch.values()), source, keeps))
            waiting = later
        return [results[place] for place in range(len(posts))]

    async def _record_once(
        self, shop_id: int, posts: Sequence[tuple[int, OrderPost]], source: str, keeps: bool
    ) -> dict[int, Recorded | OrderConflict]:
        """Posts of different orders, in one transaction."""
        now = self._clock()
        try:
            async with self._database.transaction() as connection:
                results = await self._record_in(connection, shop_id, posts, source, now)
                if not keeps:
                    raise _TakeBack
        except _TakeBack:
            pass
        return results

    async def _record_in(
        self,
        connection: Connection,
        shop_id: int,
        posts: Sequence[tuple[int, OrderPost]],
        source: str,
        now: datetime,
    ) -> dict[int, Recorded | OrderConflict]:
        step = _Step(connection, shop_id, source=source, now=now)
        made = {post.external_id: self._ids.next_id(_slot_of(post)) for _, post in posts}
        new = await take_order_keys(connection, shop_id, list(made.items()))
        known = await find_order_ids(
            connection, shop_id, [post.external_id for _, post in posts if post.external_id not in new]
        )
        conflicts = await step.change([post for _, post in posts if post.external_id in known], known)
        await step.add([post for _, post in posts if post.external_id in new], made, self._attribution())
        await step.finish()
        ids = {**{key: made[key] for key in new}, **known}
        records = await get_orders(connection, shop_id, sorted(ids.values()))
        return {
            place: conflicts.get(post.external_id)
            or Recorded(records[ids[post.external_id]], post.external_id in new)
            for place, post in posts
        }


class _TakeBack(Exception):
    """Ends a transaction that was only a rehearsal."""


class _Step:
    """One transaction of an ingest."""

    def __init__(self, connection: Connection, shop_id: int, *, source: str, now: datetime) -> None:
        self._connection = connection
        self._shop_id = shop_id
        self._source = source
        self._now = now
        self._tallies = Tallies()

    async def change(self, posts: Sequence[OrderPost], ids: dict[str, int]) -> dict[str, OrderConflict]:
        """Bring known orders to what their posts say."""
        if not posts:
            return {}
        held = await hold_orders(self._connection, self._shop_id, [ids[post.external_id] for post in posts])
        conflicts: dict[str, OrderConflict] = {}
        changed: list[tuple[HeldOrder, OrderMoney]] = []
        for post in posts:
            order = held[ids[post.external_id]]
            if post.currency != order.currency:
                conflicts[post.external_id] = OrderConflict(
                    f"Order {post.external_id} is in {order.currency}, and this says {post.currency}."
                )
                continue
            money, gain = _settle(order.money, post)
            if money != order.money:
                changed.append((order, money))
            self._count(gain, order.campaign_id, order.ordered_at, order.country, order.currency)
        if changed:
            await update_orders(self._connection, self._shop_id, changed, now=self._now)
        return conflicts

    async def add(self, posts: Sequence[OrderPost], ids: dict[str, int], attribution: timedelta) -> None:
        """Store new orders, each with the click that led to it."""
        if not posts:
            return
        addresses = sorted({post.number.address for post in posts if post.number is not None})
        people = await find_contacts_of_addresses(self._connection, self._shop_id, addresses)
        searches = [
            ClickSearch(place, person.id, person.slot, post.ordered_at - attribution, post.ordered_at)
            for place, post in enumerate(posts)
            if (person := _person_of(post, people)) is not None
        ]
        clicks = await find_last_clicks(self._connection, self._shop_id, searches)
        orders = []
        for place, post in enumerate(posts):
            person, click = _person_of(post, people), clicks.get(place)
            money, gain = _settle(None, post)
            order = NewOrder(
                id=ids[post.external_id],
                slot=_slot_of(post),
                money=money,
                campaign_id=NO_CAMPAIGN if click is None else click.campaign_id,
                contact_id=None if person is None else person.id,
                click_id=None if click is None else click.id,
                ordered_at=post.ordered_at,
                currency=post.currency,
                country=UNKNOWN_COUNTRY if post.number is None else post.number.country,
                external_id=post.external_id,
            )
            orders.append(order)
            self._count(gain, order.campaign_id, order.ordered_at, order.country, order.currency)
        await insert_orders(self._connection, self._shop_id, orders, source=self._source, now=self._now)

    async def finish(self) -> None:
        await self._tallies.write(self._connection)

    def _count(
        self, gain: OrderGain, campaign_id: int, ordered_at: datetime, country: str, currency: str
    ) -> None:
        if gain:
            self._tallies.add_order(
                shop_id=self._shop_id,
                campaign_id=campaign_id,
                at=ordered_at,
                country=country,
                currency=currency,
                orders=gain.orders,
                placed_micros=gain.placed_micros,
                refunds=gain.refunds,
                refunded_micros=gain.refunded_micros,
            )


def _settle(before: OrderMoney | None, post: OrderPost) -> tuple[OrderMoney, OrderGain]:
    return settle_order(
        before, state=post.state, amount_micros=post.amount_micros, refunded_micros=post.refunded_micros
    )


def _slot_of(post: OrderPost) -> int:
    """The person's slot, so that the order lies beside the clicks."""
    if post.number is None:
        return key_slot_of(post.external_id)
    return slot_of_address(post.number.address)


def _person_of(post: OrderPost, people: dict[str, Contact]) -> Contact | None:
    return None if post.number is None else people.get(post.number.address)
