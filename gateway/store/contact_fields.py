"""A shop's own fields of its people: the rows of `contact_field`. Values are checked elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.attributes import AttributeKind
from gateway.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class ContactField:
    name: str
    kind: AttributeKind
    created_at: datetime


async def list_contact_fields(reader: Database | Connection, shop_id: int) -> list[ContactField]:
    rows = await reader.fetch("list_contact_fields", shop_id)
    return [ContactField(row["name"], AttributeKind(row["kind"]), row["created_at"]) for row in rows]


async def add_contact_fields(
    writer: Database | Connection, shop_id: int, fields: Mapping[str, AttributeKind], now: datetime
) -> None:
    """Add fields; a name that is there already keeps its kind."""
    await writer.execute(
        "add_contact_fields", shop_id, list(fields), [int(kind) for kind in fields.values()], now
    )
