"""People of a shop: the rows of `contact`, as far as sending to one of them needs.

Owns the enum of consent as stored. Sending creates no contact; importing and editing people is another
file's work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.identifiers import slot_of_address
from gateway.domain.people import MarketingConsent
from gateway.store.database import Database


@dataclass(frozen=True, slots=True)
class Contact:
    """One person; `attributes` is a JSON object as text."""

    shop_id: int
    id: int
    address: str
    country: str
    first_name: str | None = None
    last_name: str | None = None
    language: str | None = None
    attributes: str = "{}"
    source: str = "api"
    marketing_consent: MarketingConsent = MarketingConsent.UNKNOWN


@dataclass(frozen=True, slots=True)
class ConsentFound:
    contact_id: int
    consent: MarketingConsent


async def find_consents(
    database: Database, shop_id: int, addresses: Sequence[str]
) -> dict[str, ConsentFound]:
    """The contact and its consent behind each address; addresses of nobody are left out."""
    slots = sorted({slot_of_address(address) for address in addresses})
    rows = await database.fetch("find_consents", shop_id, slots, list(addresses))
    return {
        row["address"]: ConsentFound(row["id"], MarketingConsent(row["marketing_consent"])) for row in rows
    }


async def put_contact(database: Database, contact: Contact, now: datetime) -> int:
    """Add or update the person with this address; the id under which the person is kept comes back, which
    is an older one when the address was known."""
    contact_id: int = await database.fetch_value(
        "put_contact",
        contact.shop_id,
        contact.id,
        slot_of_address(contact.address),
        contact.address,
        contact.country,
        contact.first_name,
        contact.last_name,
        contact.language,
        contact.attributes,
        contact.source,
        contact.marketing_consent,
        now,
    )
    return contact_id
