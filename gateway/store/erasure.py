"""Forgetting one person: what a shop's rows still say of a number and a contact, taken out of them.

Owns which columns name somebody. Ids, states and amounts stay, so that every count still holds; the hash
stays in suppression and consent. Runs in the caller's transaction, in the order of locks of all writers.
"""

from dataclasses import dataclass

from gateway.domain.identifiers import slot_of_address, slot_of_id
from gateway.domain.people import address_key
from gateway.store.database import Connection


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows named the person."""

    messages: int
    inbound: int
    clicks: int
    orders: int
    consents: int


async def erase_traces(
    connection: Connection, shop_id: int, address: str, contact_id: int | None, *, instance_secret: bytes
) -> Erased:
    """Take the person out of everything that was sent, received, clicked and bought."""
    slot = slot_of_address(address)
    key = address_key(instance_secret, address)
    consents = await connection.execute("erase_consent_details", shop_id, slot, key)
    messages = await connection.execute("erase_message_content", shop_id, slot, address)
    inbound = await connection.execute("erase_inbound_content", shop_id, slot, address)
    await connection.execute("erase_inbound_parts", shop_id, slot, address)
    clicks = orders = ""
    if contact_id is not None:
        clicks = await connection.execute(
            "erase_clicks_of_contact", shop_id, slot_of_id(contact_id), contact_id
        )
        orders = await connection.execute(
            "erase_contact_of_orders", shop_id, slot_of_id(contact_id), contact_id
        )
    await connection.execute("erase_replies_due", shop_id, slot, address)
    return Erased(
        messages=_count(messages),
        inbound=_count(inbound),
        clicks=_count(clicks),
        orders=_count(orders),
        consents=_count(consents),
    )


async def delete_contact(connection: Connection, shop_id: int, contact_id: int) -> bool:
    """Whether there was such a contact; the row is gone."""
    slot = slot_of_id(contact_id)
    return await connection.fetch_value("delete_contact", shop_id, contact_id, slot) is not None


def _count(command_tag: str) -> int:
    """3 of `UPDATE 3`; nothing ran: 0."""
    return int(command_tag.rpartition(" ")[2] or 0)
