"""Who must not be messaged by a shop: the rows of `suppression`, which hold a keyed hash for an address.

Owns that hash, so that an erased person stays suppressed and a copy of the table names nobody. Refuses to
know what a STOP is; callers say scope and source.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.domain.identifiers import slot_of_address
from gateway.domain.people import SuppressionScope, address_key
from gateway.store.database import Database


async def find_suppressions(
    database: Database, shop_id: int, addresses: Sequence[str], *, instance_secret: bytes
) -> dict[str, SuppressionScope]:
    """The scope that stands against each of `addresses`; those without any are left out."""
    by_key = {address_key(instance_secret, address): address for address in addresses}
    slots = sorted({slot_of_address(address) for address in addresses})
    rows = await database.fetch("find_suppressions", shop_id, slots, list(by_key))
    return {by_key[row["address_key"]]: SuppressionScope(row["scope"]) for row in rows}


async def add_suppression(
    database: Database,
    shop_id: int,
    address: str,
    scope: SuppressionScope,
    *,
    source: str,
    now: datetime,
    instance_secret: bytes,
) -> None:
    """`source` tells a person later why: `mo:STOP`, `carrier`, `operator:uid 1000`."""
    key = address_key(instance_secret, address)
    await database.execute("add_suppression", shop_id, slot_of_address(address), key, scope, source, now)


async def remove_suppression(
    database: Database, shop_id: int, address: str, scope: SuppressionScope, *, instance_secret: bytes
) -> None:
    key = address_key(instance_secret, address)
    await database.execute("remove_suppression", shop_id, slot_of_address(address), key, scope)
