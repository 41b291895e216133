"""The audience of a measured campaign: people on one list of the shop, written straight into the tables.

Filling by the API would measure the API. Numbers are those of `recipients`; everyone agreed to marketing.
"""

import time
from typing import Any

import asyncpg

from bench.recipients import COUNTRIES, number_of
from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.people import MarketingConsent

_ROWS_AT_ONCE = 20_000
_CONTACT_COLUMNS = (
    "shop_id", "id", "slot", "address", "country", "first_name", "attributes", "source", "marketing_consent",
    "created_at", "updated_at", "tags", "suppressed", "time_zone",
)  # fmt: skip
_ZONES = ("Europe/Paris", "Europe/Rome", "Europe/Bucharest", "Africa/Dakar")
_NODE = 30
"""No gateway of a measurement has this number."""


async def fill_audience(connection: "asyncpg.Connection[asyncpg.Record]", people: int) -> int:
    """People of the only shop on a new list; the id of the list."""
    shop_id: int = await connection.fetchval("SELECT id FROM shop")
    now = await connection.fetchval("SELECT now()")
    ids = IdSource(_NODE, lambda: time.time_ns() // 1_000_000)
    list_id = ids.next_id(0)
    await connection.execute(
        "INSERT INTO contact_list (shop_id, id, member_count, created_at, updated_at, name) "
        "VALUES ($1, $2, $3, $4, $4, 'bench')",
        shop_id,
        list_id,
        people,
        now,
    )
    for first in range(0, people, _ROWS_AT_ONCE):
        contacts: list[tuple[Any, ...]] = []
        members: list[tuple[Any, ...]] = []
        for serial in range(first, min(people, first + _ROWS_AT_ONCE)):
            address = number_of(serial)[1:]
            slot = slot_of_address(address)
            contact_id = ids.next_id(slot)
            contacts.append(
                (
                    shop_id, contact_id, slot, address, COUNTRIES[serial % len(COUNTRIES)], f"Nom{serial}",
                    "{}", "bench", int(MarketingConsent.OPTED_IN), now, now, [], 0,
                    _ZONES[serial % len(_ZONES)],
                )
            )  # fmt: skip
            members.append((shop_id, list_id, slot, contact_id, now))
        await connection.copy_records_to_table("contact", records=contacts, columns=_CONTACT_COLUMNS)
        await connection.copy_records_to_table(
            "list_member",
            records=members,
            columns=("shop_id", "list_id", "slot", "contact_id", "added_at"),
        )
    # As autovacuum would have done long before a real campaign.
    await connection.execute("ANALYZE contact, list_member")
    return list_id
