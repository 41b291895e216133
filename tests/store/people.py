"""One contact row as a database of before had it: written whole, without hash and zone."""

from datetime import datetime

from gateway.domain.identifiers import slot_of_address
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
