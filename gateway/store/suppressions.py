"""Who must not be messaged by a shop: the rows of `suppression`, which hold a keyed hash for an address.

Owns that hash, so that an erased person stays suppressed and a copy of the table names nobody. Refuses to
know what a STOP is; callers say scope and source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.domain.identifiers import slot_of_address
from gateway.domain.people import SuppressionScope, address_key
from gateway.store.database import Database

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


async def find_suppressions(
    database: Database, shop_id: int, addresses: Sequence[str], *, instance_secret: bytes
) -> dict[str, SuppressionScope]:
    """The scope that stands against each of `addresses`; those without any are left out."""
    by_key = {address_key(instance_secret, address): address for address in addresses}
    slots = [slot_of_address(address) for address in by_key.values()]
    rows = await database.fetch("find_suppressions", shop_id, slots, list(by_key))
    return {by_key[row["address_key"]]: SuppressionScope(row["scope"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Suppression:
    """What keeps one person from being messaged; `address` is known only while the person is a contact.
    `source` is the way and its detail, `text:STOP`."""

    scope: SuppressionScope
    source: str
    created_at: datetime
    address_key: bytes
    contact_id: int | None = None
    address: str | None = None


async def list_suppressions(
    database: Database, shop_id: int, *, after: Suppression | None, limit: int
) -> list[Suppression]:
    """A page of a shop's opt-outs, newest first; `after` is the last one of the page before."""
    before = (_END_OF_TIME, b"", 0) if after is None else (after.created_at, after.address_key, after.scope)
    rows = await database.fetch("list_suppressions", shop_id, *before, limit)
    return [
        Suppression(
            SuppressionScope(row["scope"]),
            row["source"],
            row["created_at"],
            row["address_key"],
            row["contact_id"],
            row["address"],
        )
        for row in rows
    ]


async def list_suppressions_of_person(
    database: Database, shop_id: int, address: str, *, instance_secret: bytes
) -> list[Suppression]:
    """What keeps the person of this number from being messaged, the narrowest first."""
    key = address_key(instance_secret, address)
    rows = await database.fetch("list_suppressions_of_person", shop_id, slot_of_address(address), key)
    return [
        Suppression(SuppressionScope(row["scope"]), row["source"], row["created_at"], key, address=address)
        for row in rows
    ]
