"""Shops and their API keys: the rows of `shop` and `api_key`.

Owns what is stored of a key (its hash and a hint, never the key). Refuses to know what a key looks like or
what a scope allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.store.database import Database

OTP_PER_NUMBER_HOUR = 10
"""More attempts than any person makes at logging in."""
OTP_PER_PREFIX_HOUR = 300
"""A block of 10,000 numbers at a shop with millions of users; pumping passes it within minutes."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant: what it may send, where to, and how much. Amounts are millionths of its currency."""

    id: int
    name: str
    country: str
    currency: str
    default_sender: str | None
    webhook_secret: str
    allowed_countries: frozenset[str]
    """Countries it may send to; `*` among them means anywhere."""
    otp_per_number_hour: int
    """One-time passwords to one number within an hour; 0 sets no limit."""
    otp_per_prefix_hour: int
    """One-time passwords to one block of 10,000 numbers within an hour; 0 sets no limit."""
    spend_day_micros: int | None
    spend_month_micros: int | None
    resends_unknown: bool
    """Whether its transactional messages of unknown outcome are sent again, see `domain.unanswered`."""
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewShop:
    """What an operator says of a shop to be made."""

    name: str
    country: str
    currency: str
    webhook_secret: str
    default_sender: str | None = None
    allowed_countries: frozenset[str] = frozenset()
    otp_per_number_hour: int = OTP_PER_NUMBER_HOUR
    otp_per_prefix_hour: int = OTP_PER_PREFIX_HOUR
    spend_day_micros: int | None = None
    spend_month_micros: int | None = None
    resends_unknown: bool = False


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key as an operator sees it; `hint` is its beginning and its last four characters."""

    id: int
    shop_id: int
    is_test: bool
    hint: str
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who calls with a key: the shop, and what this key may do."""

    key_id: int
    key_hint: str
    key_hash: bytes
    is_test: bool
    scopes: frozenset[str]
    has_suppressions: bool
    shop: Shop


async def create_shop(database: Database, shop: NewShop, now: datetime) -> Shop | None:
    """None when the name is taken. Without allowed countries the shop may send to its own."""
    row = await database.fetch_row(
        "create_shop",
        shop.name,
        shop.country,
        shop.currency,
        shop.default_sender,
        shop.webhook_secret,
        sorted(shop.allowed_countries or {shop.country}),
        shop.otp_per_number_hour,
        shop.otp_per_prefix_hour,
        shop.spend_day_micros,
        shop.spend_month_micros,
        shop.resends_unknown,
        now,
    )
    return None if row is None else _shop(row)


async def list_shops(database: Database) -> list[Shop]:
    return [_shop(row) for row in await database.fetch("list_shops")]


async def find_shop(database: Database, shop_id: int) -> Shop | None:
    row = await database.fetch_row("find_shop", shop_id)
    return None if row is None else _shop(row)


async def find_shop_by_name(database: Database, name: str) -> Shop | None:
    row = await database.fetch_row("find_shop_by_name", name)
    return None if row is None else _shop(row)


async def update_shop(database: Database, shop: Shop) -> Shop | None:
    """Store what an operator may change: sender, countries, caps, what is done about unknown outcomes, and
    the closing. None: no such shop."""
    row = await database.fetch_row(
        "update_shop",
        shop.id,
        shop.default_sender,
        sorted(shop.allowed_countries),
        shop.otp_per_number_hour,
        shop.otp_per_prefix_hour,
        shop.spend_day_micros,
        shop.spend_month_micros,
        shop.resends_unknown,
        shop.closed_at,
    )
    return None if row is None else _shop(row)


async def create_key(
    database: Database,
    shop_id: int,
    *,
    is_test: bool,
    key_hash: bytes,
    hint: str,
    label: str,
    scopes: Sequence[str],
    now: datetime,
) -> ApiKey:
    row = await database.fetch_row("create_key", shop_id, is_test, key_hash, hint, label, list(scopes), now)
    assert row is not None  # INSERT … RETURNING without ON CONFLICT
    return _key(row)


async def list_keys(database: Database, shop_ids: Sequence[int]) -> list[ApiKey]:
    return [_key(row) for row in await database.fetch("list_keys", list(shop_ids))]


async def revoke_key(
    database: Database, key_id: int, shop_ids: Sequence[int], now: datetime
) -> ApiKey | None:
    """None when no such key lives in these shops."""
    row = await database.fetch_row("revoke_key", key_id, list(shop_ids), now)
    return None if row is None else _key(row)


async def find_key_holder(database: Database, key_hash: bytes) -> KeyHolder | None:
    """Who holds the key of this SHA-256; None when it is unknown, revoked, or its shop is closed."""
    row = await database.fetch_row("find_key_holder", key_hash)
    if row is None:
        return None
    return KeyHolder(
        key_id=row["key_id"],
        key_hint=row["hint"],
        key_hash=row["hash"],
        is_test=row["is_test"],
        scopes=frozenset(row["scopes"]),
        has_suppressions=row["has_suppressions"],
        shop=_shop(row),
    )


def _shop(row: asyncpg.Record) -> Shop:
    return Shop(
        id=row["id"],
        name=row["name"],
        country=row["country"],
        currency=row["currency"],
        default_sender=row["default_sender"],
        webhook_secret=row["webhook_secret"],
        allowed_countries=frozenset(row["allowed_countries"]),
        otp_per_number_hour=row["otp_per_number_hour"],
        otp_per_prefix_hour=row["otp_per_prefix_hour"],
        spend_day_micros=row["spend_day_micros"],
        spend_month_micros=row["spend_month_micros"],
        resends_unknown=row["resends_unknown"],
        created_at=row["created_at"],
        closed_at=row["closed_at"],
    )


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        shop_id=row["shop_id"],
        is_test=row["is_test"],
        hint=row["hint"],
        label=row["label"],
        scopes=tuple(row["scopes"]),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
