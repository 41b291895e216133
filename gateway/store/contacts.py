"""People of a shop: the rows of `contact`, as read, as added in bulk and as changed.

Owns paging and the optimistic change: a row that moved since it was read is told to the caller, not
overwritten. What an upsert means, and consent, are decided elsewhere; sending creates no contact.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import asyncpg

from gateway.domain.identifiers import HIGHEST_ID, slot_of_address, slot_of_id
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.store.database import Connection, Database

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    time_zone: str | None = None
    tags: tuple[str, ...] = ()
    suppressed: SuppressionScope = SuppressionScope.NONE
    created_at: datetime = _NEVER
    updated_at: datetime = _NEVER

    @property
    def slot(self) -> int:
        return slot_of_id(self.id)


@dataclass(frozen=True, slots=True)
class ConsentFound:
    contact_id: int
    consent: MarketingConsent


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """Which people a listing shows; what is None does not narrow it. `digits` stand anywhere in the number;
    `names` are beginnings of a first or last name, at most two."""

    list_id: int | None = None
    consent: MarketingConsent | None = None
    suppressed: SuppressionScope | None = None
    tag: str | None = None
    digits: str | None = None
    names: tuple[str, ...] = ()


async def find_consents(
    database: Database, shop_id: int, addresses: Sequence[str]
) -> dict[str, ConsentFound]:
    """The contact and its consent behind each address; addresses of nobody are left out."""
    slots = [slot_of_address(address) for address in addresses]
    rows = await database.fetch("find_consents", shop_id, slots, list(addresses))
    return {
        row["address"]: ConsentFound(row["id"], MarketingConsent(row["marketing_consent"])) for row in rows
    }


async def find_contacts_of_addresses(
    reader: Database | Connection, shop_id: int, addresses: Sequence[str]
) -> dict[str, Contact]:
    """The shop's contacts by address; addresses of nobody are left out."""
    slots = [slot_of_address(address) for address in addresses]
    rows = await reader.fetch("find_contacts_of_addresses", shop_id, slots, list(addresses))
    return {row["address"]: _contact(row) for row in rows}


async def get_contacts(reader: Database | Connection, shop_id: int, ids: Sequence[int]) -> dict[int, Contact]:
    """The shop's contacts by id; ids of nobody, or of another shop's people, are left out."""
    slots = [slot_of_id(contact_id) for contact_id in ids]
    rows = await reader.fetch("get_contacts", shop_id, list(ids), slots)
    return {row["id"]: _contact(row) for row in rows}


async def get_contact(reader: Database | Connection, shop_id: int, contact_id: int) -> Contact | None:
    return (await get_contacts(reader, shop_id, [contact_id])).get(contact_id)


async def insert_contacts(
    connection: Connection,
    shop_id: int,
    contacts: Sequence[Contact],
    address_keys: Sequence[bytes],
    *,
    source: str,
    now: datetime,
) -> set[int]:
    """Add people; the ids of those whose address was new.

    `suppressed` is looked up; consent starts unknown, whatever the contacts say.
    """
    rows = await connection.fetch(
        "insert_contacts",
        shop_id,
        [contact.id for contact in contacts],
        [contact.slot for contact in contacts],
        [contact.address for contact in contacts],
        list(address_keys),
        [contact.country for contact in contacts],
        [contact.first_name for contact in contacts],
        [contact.last_name for contact in contacts],
        [contact.language for contact in contacts],
        [contact.time_zone for contact in contacts],
        [json.dumps(contact.tags) for contact in contacts],
        [contact.attributes for contact in contacts],
        source,
        now,
    )
    return {row["id"] for row in rows}


async def update_contacts(
    connection: Connection, shop_id: int, contacts: Sequence[Contact], *, now: datetime
) -> set[int]:
    """Change people; the ids of those who are still as they were when read, told by `updated_at`."""
    rows = await connection.fetch(
        "update_contacts",
        shop_id,
        [contact.id for contact in contacts],
        [contact.slot for contact in contacts],
        [contact.updated_at for contact in contacts],
        [contact.first_name for contact in contacts],
        [contact.last_name for contact in contacts],
        [contact.language for contact in contacts],
        [contact.time_zone for contact in contacts],
        [json.dumps(contact.tags) for contact in contacts],
        [contact.attributes for contact in contacts],
        now,
    )
    return {row["id"] for row in rows}


async def mark_opted_in(connection: Connection, shop_id: int, ids: Sequence[int], *, now: datetime) -> None:
    slots = [slot_of_id(contact_id) for contact_id in ids]
    await connection.execute("mark_opted_in", shop_id, list(ids), slots, MarketingConsent.OPTED_IN, now)


async def hold_contacts(connection: Connection, shop_id: int, addresses: Sequence[str]) -> None:
    """Hold people for the rest of the transaction: who opts out meanwhile waits, and is seen by no one too
    late."""
    await connection.fetch(
        "touch_contacts",
        [shop_id] * len(addresses),
        [slot_of_address(address) for address in addresses],
        list(addresses),
    )


async def list_contacts(
    database: Database, shop_id: int, wanted: ContactFilter, *, after: int | None, limit: int
) -> list[Contact]:
    """A page of people: newest first, or the members of one list in a fixed order of its own. `after` is the
    id of the last one of the page before."""
    digits = None if wanted.digits is None else f"%{wanted.digits}%"
    name, other_name = (*(f"%\x01{_escape_like(name.lower())}%" for name in wanted.names), None, None)[:2]
    narrowed = (wanted.consent, wanted.suppressed, wanted.tag, digits, name, other_name, limit)
    if wanted.list_id is None:
        below = HIGHEST_ID if after is None else after
        rows = await database.fetch("list_contacts", shop_id, below, *narrowed)
    else:
        slot, last_id = (-1, 0) if after is None else (slot_of_id(after), after)
        rows = await database.fetch(
            "list_contacts_of_list", shop_id, wanted.list_id, slot, last_id, *narrowed
        )
    return [_contact(row) for row in rows]


@dataclass(frozen=True, slots=True)
class KeylessContact:
    """A person of an older database whose hash is not computed yet."""

    shop_id: int
    id: int
    slot: int
    address: str
    country: str


async def find_contacts_without_key(database: Database, *, most: int) -> list[KeylessContact]:
    return [KeylessContact(**row) for row in await database.fetch("find_contacts_without_key", most)]


async def fill_address_keys(
    database: Database,
    contacts: Sequence[KeylessContact],
    address_keys: Sequence[bytes],
    time_zones: Sequence[str],
) -> None:
    await database.execute(
        "fill_address_keys",
        [contact.shop_id for contact in contacts],
        [contact.id for contact in contacts],
        [contact.slot for contact in contacts],
        list(address_keys),
        list(time_zones),
    )


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _contact(row: asyncpg.Record) -> Contact:
    return Contact(
        shop_id=row["shop_id"],
        id=row["id"],
        address=row["address"],
        country=row["country"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        language=row["language"],
        attributes=row["attributes"],
        source=row["source"],
        marketing_consent=MarketingConsent(row["marketing_consent"]),
        time_zone=row["time_zone"],
        tags=tuple(row["tags"]),
        suppressed=SuppressionScope(row["suppressed"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
