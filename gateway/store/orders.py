"""Orders of shops: the rows of `shop_order`, and `order_key`, which finds them by the shop's own ids.

Owns reading them with the person, the campaign and the click behind each, and the statements by which they
are stored. What a repeated post changes, and which click led to an order, is decided in `analytics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from zlib import crc32

import asyncpg

from gateway.domain.identifiers import HIGHEST_ID, first_id_at, slot_of_id
from gateway.domain.orders import OrderMoney, OrderState
from gateway.store.database import Connection, Database

NO_CAMPAIGN: Final = 0


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order as shown; `address` is None without a known person, or once erased."""

    id: int
    external_id: str
    money: OrderMoney
    currency: str
    country: str
    ordered_at: datetime
    received_at: datetime
    updated_at: datetime
    campaign_id: int
    campaign_name: str | None
    contact_id: int | None
    address: str | None
    click_at: datetime | None
    """None also where the click's day was dropped long since."""


class NewOrder(NamedTuple):
    """A row to be stored."""

    id: int
    slot: int
    money: OrderMoney
    campaign_id: int
    contact_id: int | None
    click_id: int | None
    ordered_at: datetime
    currency: str
    country: str
    external_id: str


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """What a later post compares with; locked until the transaction ends."""

    id: int
    slot: int
    money: OrderMoney
    campaign_id: int
    ordered_at: datetime
    currency: str
    country: str


class ClickSearch(NamedTuple):
    """The time before one order in which a click of its person counts."""

    place: int
    contact_id: int
    slot: int
    from_at: datetime
    until_at: datetime


class ClickFound(NamedTuple):
    id: int
    campaign_id: int


def key_slot_of(external_id: str) -> int:
    """The slot, 0–255, of a shop's own id; also the slot of an order without a person."""
    return crc32(external_id.encode()) & 0xFF


async def take_order_keys(
    connection: Connection, shop_id: int, orders: Sequence[tuple[str, int]]
) -> set[str]:
    """Note (external id, our id) of orders; the external ids that were new. Others are locked out of the same
    ids until the transaction ends."""
    wanted = sorted((key_slot_of(key), key, order_id) for key, order_id in orders)
    rows = await connection.fetch(
        "take_order_keys",
        [slot for slot, _, _ in wanted],
        shop_id,
        [key for _, key, _ in wanted],
        [order_id for _, _, order_id in wanted],
    )
    return {row["key"] for row in rows}


async def find_order_ids(
    reader: Database | Connection, shop_id: int, external_ids: Sequence[str]
) -> dict[str, int]:
    """Our ids by the shop's."""
    slots = sorted({key_slot_of(key) for key in external_ids})
    rows = await reader.fetch("find_order_keys", slots, shop_id, list(external_ids))
    return {row["key"]: row["order_id"] for row in rows}


async def hold_orders(connection: Connection, shop_id: int, ids: Sequence[int]) -> dict[int, HeldOrder]:
    rows = await connection.fetch("hold_orders", shop_id, list(ids), _slots(ids))
    return {
        row["id"]: HeldOrder(
            row["id"],
            row["slot"],
            _money(row),
            row["campaign_id"],
            row["ordered_at"],
            row["currency"],
            row["country"],
        )
        for row in rows
    }


async def find_last_clicks(
    connection: Connection, shop_id: int, searches: Sequence[ClickSearch]
) -> dict[int, ClickFound]:
    """The click that led to each order, by place; orders without one are left out."""
    if not searches:
        return {}
    rows = await connection.fetch(
        "find_last_clicks",
        [search.place for search in searches],
        [search.contact_id for search in searches],
        [search.slot for search in searches],
        [search.from_at for search in searches],
        [search.until_at for search in searches],
        shop_id,
        first_id_at(min(search.from_at for search in searches)),
    )
    return {row["place"]: ClickFound(row["id"], row["campaign_id"]) for row in rows}


async def insert_orders(
    connection: Connection, shop_id: int, orders: Sequence[NewOrder], *, source: str, now: datetime
) -> None:
    await connection.execute(
        "insert_orders",
        shop_id,
        [order.id for order in orders],
        [order.slot for order in orders],
        [int(order.money.state) for order in orders],
        [order.campaign_id for order in orders],
        [order.contact_id for order in orders],
        [order.click_id for order in orders],
        [order.money.amount_micros for order in orders],
        [order.money.refunded_micros for order in orders],
        [order.ordered_at for order in orders],
        [order.currency for order in orders],
        [order.country for order in orders],
        [order.external_id for order in orders],
        source,
        now,
    )


async def update_orders(
    connection: Connection, shop_id: int, orders: Sequence[tuple[HeldOrder, OrderMoney]], *, now: datetime
) -> None:
    """Bring orders held by this transaction to what they are now."""
    await connection.execute(
        "update_orders",
        shop_id,
        [held.id for held, _ in orders],
        [held.slot for held, _ in orders],
        [int(money.state) for _, money in orders],
        [money.amount_micros for _, money in orders],
        [money.refunded_micros for _, money in orders],
        now,
    )


async def get_orders(
    reader: Database | Connection, shop_id: int, ids: Sequence[int]
) -> dict[int, OrderRecord]:
    rows = await reader.fetch("get_orders", shop_id, list(ids), _slots(ids))
    return {row["id"]: _record(row) for row in rows}


async def list_orders(
    database: Database, shop_id: int, *, campaign_id: int | None, below: int | None, limit: int
) -> list[OrderRecord]:
    """Newest first; `below` is the id of the last one of the page before."""
    high_id = HIGHEST_ID if below is None else below
    if campaign_id is None:
        rows = await database.fetch("list_orders", shop_id, high_id, limit)
    else:
        rows = await database.fetch("list_orders_of_campaign", shop_id, high_id, limit, campaign_id)
    return [_record(row) for row in rows]


def _slots(ids: Sequence[int]) -> list[int]:
    return sorted({slot_of_id(order_id) for order_id in ids})


def _money(row: asyncpg.Record) -> OrderMoney:
    return OrderMoney(OrderState(row["state"]), row["amount_micros"], row["refunded_micros"])


def _record(row: asyncpg.Record) -> OrderRecord:
    return OrderRecord(
        id=row["id"],
        external_id=row["external_id"],
        money=_money(row),
        currency=row["currency"],
        country=row["country"],
        ordered_at=row["ordered_at"],
        received_at=row["received_at"],
        updated_at=row["updated_at"],
        campaign_id=row["campaign_id"],
        campaign_name=row["campaign_name"],
        contact_id=row["contact_id"],
        address=row["address"],
        click_at=row["click_at"],
    )
