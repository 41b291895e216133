"""Suppressions, consent and idempotency keys as stored."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from gateway.domain.identifiers import slot_of_address
from gateway.domain.people import MarketingConsent, SuppressionScope, address_key
from gateway.store.contacts import ConsentFound, Contact, find_consents
from gateway.store.database import Database
from gateway.store.idempotency import REPLAYED_FOR, delete_old_keys, read_keyed_answer
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries
from gateway.store.suppressions import find_suppressions
from tests.store.people import put_contact, suppress

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = b"0123456789abcdef"


@pytest.fixture
async def store(database: str) -> AsyncIterator[Database]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"), pool_size=2)
    yield opened
    await opened.aclose()


def test_the_hash_of_an_address_is_of_use_only_with_the_secret() -> None:
    assert address_key(SECRET, "33612345678").hex() == "821940ddb2e07b7dd5ad0bacbd35f437"
    assert address_key(SECRET, "33612345678") != address_key(b"other", "33612345678")
    assert address_key(SECRET, "33612345678") != address_key(SECRET, "33612345679")


@pytest.mark.integration
async def test_the_widest_scope_of_each_person_is_found_in_its_shop_only(store: Database) -> None:
    for shop_id, address, scope in (
        (1, "33612345671", SuppressionScope.MARKETING),
        (1, "33612345672", SuppressionScope.MARKETING),
        (1, "33612345672", SuppressionScope.ALL),
        (1, "33612345672", SuppressionScope.ALL),
        (2, "33612345673", SuppressionScope.ALL),
    ):
        await suppress(store, shop_id, address, scope, source="t", now=NOW, instance_secret=SECRET)
    addresses = [f"3361234567{n}" for n in range(5)]
    assert await find_suppressions(store, 1, addresses, instance_secret=SECRET) == {
        "33612345671": SuppressionScope.MARKETING,
        "33612345672": SuppressionScope.ALL,
    }


@pytest.mark.integration
async def test_a_contact_is_one_person_of_one_shop(store: Database) -> None:
    slot = slot_of_address("33612345678")
    contact = Contact(1, slot << 14, "33612345678", "FR", marketing_consent=MarketingConsent.OPTED_IN)
    await put_contact(store, contact, NOW)
    with pytest.raises(asyncpg.UniqueViolationError):
        await put_contact(store, replace(contact, id=1002 | contact.slot << 14), NOW)
    await put_contact(store, replace(contact, shop_id=2, marketing_consent=MarketingConsent.UNKNOWN), NOW)
    found = await find_consents(store, 1, ["33612345678", "33612345679"])
    assert found == {"33612345678": ConsentFound(contact.id, MarketingConsent.OPTED_IN)}


@pytest.mark.integration
async def test_old_keys_are_not_replayed_and_are_deleted_in_bounded_steps(store: Database) -> None:
    async with store.connection() as connection:
        for n in range(5):
            await connection.execute(
                "claim_idempotency_keys", [0], [1], [f"k{n}"], [b"h"], [202], [b"a"], NOW, NOW - REPLAYED_FOR
            )
        await connection.raw.execute("UPDATE idempotency_key SET key_slot = 0")
        await connection.raw.execute(
            "INSERT INTO idempotency_key SELECT 61, 1, 'fresh', 'h', 202, 'a', $1", NOW
        )
    later = NOW + REPLAYED_FOR + timedelta(seconds=1)
    assert [await delete_old_keys(store, later, most=4) for _ in range(3)] == [4, 2, 0]
    assert await read_keyed_answer(store, 1, "k0", later) is None
