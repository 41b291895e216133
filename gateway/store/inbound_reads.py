"""Reading what came from handsets: the rows of `inbound`, which `outcomes` writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.identifiers import slot_of_id
from gateway.domain.keywords import Keyword
from gateway.store.database import Database


@dataclass(frozen=True, slots=True)
class InboundRecord:
    """One text, however many parts it came in; of `parts` only `parts_came` did where one never arrived.

    `text` is None for binary; `body` has the octets of the parts that came. Ports are None for a text to a
    person.
    """

    shop_id: int
    id: int
    received_at: datetime
    from_address: str
    to_address: str
    text: str | None
    body: bytes
    data_coding: int
    reference: int | None
    parts_came: int
    parts: int
    destination_port: int | None
    source_port: int | None
    keyword: Keyword
    campaign_id: int | None


async def get_inbound(
    database: Database, shop_id: int, inbound_ids: Sequence[int]
) -> dict[int, InboundRecord]:
    """By id; ids that are unknown or another shop's are left out."""
    slots = sorted({slot_of_id(inbound_id) for inbound_id in inbound_ids})
    rows = await database.fetch("get_inbound", shop_id, list(inbound_ids), slots)
    return {
        row["id"]: InboundRecord(
            shop_id=row["shop_id"],
            id=row["id"],
            received_at=row["received_at"],
            from_address=row["from_address"],
            to_address=row["to_address"],
            text=row["text"],
            body=row["body"],
            data_coding=row["data_coding"],
            reference=row["reference"],
            parts_came=row["parts_came"],
            parts=row["parts"],
            destination_port=row["destination_port"],
            source_port=row["source_port"],
            keyword=Keyword(row["keyword"]),
            campaign_id=row["campaign_id"],
        )
        for row in rows
    }
