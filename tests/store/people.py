"""Rows of people as a database of before has them: a contact written whole, without hash and zone, and what
stands against a person."""

from datetime import datetime

from gateway.domain.identifiers import slot_of_address
from gateway.domain.people import SuppressionScope, address_key
from gateway.store.contacts import Contact
from gateway.store.database import Database


async def put_contact(database: Database, contact: Contact, now: datetime) -> int:
    """Add the person; the id comes back."""
    async with database.connection() as connection:
        await connection.raw.execute(
            """INSERT INTO contact (shop_id, id, slot, address, country, attributes, source,
                   marketing_consent, created_at, updated_at, tags, suppressed)
               VALUES ($1, $2, $3, $4, $5, '{}', 'test', $6, $7, $7, '{}', 0)""",
            contact.shop_id,
            contact.id,
            slot_of_address(contact.address),
            contact.address,
            contact.country,
            contact.marketing_consent,
            now,
        )
    return contact.id


async def suppress(
    database: Database,
    shop_id: int,
    address: str,
    scope: SuppressionScope,
    *,
    source: str,
    now: datetime,
    instance_secret: bytes,
) -> None:
    """Let something stand against a person; a second time changes nothing."""
    async with database.connection() as connection:
        await connection.raw.execute(
            "INSERT INTO suppression (shop_id, slot, address_key, scope, source, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            shop_id,
            slot_of_address(address),
            address_key(instance_secret, address),
            scope,
            source,
            now,
        )


async def lift(database: Database, shop_id: int, address: str) -> None:
    """Let nothing stand against a person any more."""
    async with database.connection() as connection:
        await connection.raw.execute(
            "DELETE FROM suppression WHERE shop_id = $1 AND slot = $2", shop_id, slot_of_address(address)
        )
