"""Shops and keys as stored."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.domain.people import SuppressionScope
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries
from gateway.store.shops import (
    NewShop,
    Shop,
    create_key,
    create_shop,
    find_key_holder,
    find_shop,
    find_shop_by_name,
    list_keys,
    list_shops,
    revoke_key,
    update_shop,
)
from tests.store.people import lift, suppress

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HASH = bytes(range(32))


@pytest.fixture
async def store(database: str) -> AsyncIterator[Database]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"), pool_size=2)
    yield opened
    await opened.aclose()


async def make_shop(store: Database, name: str = "a") -> Shop:
    shop = await create_shop(store, NewShop(name, "FR", "EUR", "whsec_x", spend_day_micros=5), NOW)
    assert shop is not None
    return shop


async def make_key(store: Database, shop: Shop) -> int:
    key = await create_key(
        store,
        shop.id,
        is_test=True,
        key_hash=HASH,
        hint="est_test_…",
        label="l",
        scopes=["messages:read"],
        now=NOW,
    )
    return key.id


async def test_a_shop_is_found_again_and_may_send_to_its_own_country(store: Database) -> None:
    shop = await make_shop(store)
    assert shop.allowed_countries == {"FR"}
    assert await find_shop(store, shop.id) == await find_shop_by_name(store, "a") == shop
    assert await list_shops(store) == [shop]
    assert await find_shop(store, shop.id + 1) is None


async def test_a_name_belongs_to_one_shop(store: Database) -> None:
    await make_shop(store)
    assert await create_shop(store, NewShop("a", "IT", "EUR", "whsec_x"), NOW) is None


async def test_a_change_is_stored_whole(store: Database) -> None:
    shop = await make_shop(store)
    wanted = replace(
        shop,
        allowed_countries=frozenset({"*"}),
        spend_day_micros=None,
        otp_per_number_hour=1,
        closed_at=NOW,
        resends_unknown=True,
    )
    assert await update_shop(store, wanted) == wanted
    assert await update_shop(store, replace(wanted, id=99)) is None


async def test_a_key_leads_to_its_shop_until_it_is_revoked(store: Database) -> None:
    shop = await make_shop(store)
    key_id = await make_key(store, shop)
    holder = await find_key_holder(store, HASH)
    assert holder is not None
    assert (holder.shop, holder.is_test, holder.scopes) == (shop, True, {"messages:read"})
    assert await find_key_holder(store, HASH[::-1]) is None
    assert await revoke_key(store, key_id, [shop.id + 1], NOW) is None
    revoked = await revoke_key(store, key_id, [shop.id], NOW)
    assert revoked is not None
    assert await revoke_key(store, key_id, [shop.id], NOW) is None
    assert await find_key_holder(store, HASH) is None
    assert [key.revoked_at for key in await list_keys(store, [shop.id])] == [NOW]


async def test_a_key_of_a_closed_shop_is_no_key(store: Database) -> None:
    shop = await make_shop(store)
    await make_key(store, shop)
    await update_shop(store, replace(shop, closed_at=NOW))
    assert await find_key_holder(store, HASH) is None


async def test_the_holder_says_whether_anyone_is_suppressed(store: Database) -> None:
    shop, other = await make_shop(store), await make_shop(store, "b")
    await make_key(store, shop)

    async def has_suppressions() -> bool:
        holder = await find_key_holder(store, HASH)
        assert holder is not None
        return holder.has_suppressions

    marketing = SuppressionScope.MARKETING
    await suppress(store, other.id, "33612345678", marketing, source="t", now=NOW, instance_secret=b"s")
    assert not await has_suppressions()
    await suppress(store, shop.id, "33612345678", marketing, source="t", now=NOW, instance_secret=b"s")
    assert await has_suppressions()
    await lift(store, shop.id, "33612345678")
    assert not await has_suppressions()
