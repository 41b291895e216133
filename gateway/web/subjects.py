"""What a webhook carries: the whole message, or the text from a handset, as the API would show it now.

The bridge between the deliverer, which knows no fields, and the views, which know no deliveries.
"""

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence

from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database
from gateway.store.inbound_reads import InboundRecord, get_inbound
from gateway.store.messages import get_messages, read_parts, read_receipts
from gateway.store.outbox import DueDelivery
from gateway.web.message_view import show_in_full
from gateway.webhooks.events import EventFamily, Subject

_LONGEST_SHORT_CODE = 8
_ReadShop = Callable[[int, Sequence[int]], Awaitable[Mapping[int, Subject]]]


class Subjects:
    """Reads what a batch of deliveries is about: a few statements for each shop in it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, deliveries: Sequence[DueDelivery]) -> Mapping[int, Subject]:
        """Subjects by delivery id; those whose day was dropped are left out."""
        found: dict[int, Subject] = {}
        for family, read in (
            (EventFamily.MESSAGE, self._read_messages),
            (EventFamily.INBOUND, self._read_inbound),
        ):
            wanted = [delivery for delivery in deliveries if delivery.kind.startswith(family.value + ".")]
            found.update(await _read_by_shop(wanted, read))
        return found

    async def _read_messages(self, shop_id: int, ids: Sequence[int]) -> Mapping[int, Subject]:
        records = await get_messages(self._database, shop_id, ids)
        parts = await read_parts(self._database, shop_id, ids)
        receipts = await read_receipts(self._database, shop_id, ids)
        return {
            record.id: Subject(
                show_in_full(record, parts.get(record.id, ()), receipts.get(record.id, ())),
                record.webhook_url,
            )
            for record in records.values()
        }

    async def _read_inbound(self, shop_id: int, ids: Sequence[int]) -> Mapping[int, Subject]:
        records = await get_inbound(self._database, shop_id, ids)
        return {record.id: Subject(show_inbound(record)) for record in records.values()}


async def _read_by_shop(deliveries: Sequence[DueDelivery], read: _ReadShop) -> dict[int, Subject]:
    by_shop: dict[int, list[DueDelivery]] = {}
    for delivery in deliveries:
        by_shop.setdefault(delivery.shop_id, []).append(delivery)
    found: dict[int, Subject] = {}
    for shop_id, wanted in by_shop.items():
        subjects = await read(shop_id, sorted({delivery.subject_id for delivery in wanted}))
        found.update(
            (delivery.id, subjects[delivery.subject_id])
            for delivery in wanted
            if delivery.subject_id in subjects
        )
    return found


def show_inbound(record: InboundRecord) -> dict[str, object]:
    """A text from a handset; `binary` is given where there is no readable text."""
    sender = record.from_address
    is_number = sender.isdigit() and len(sender) > _LONGEST_SHORT_CODE
    has_octets_alone = record.text is None and record.body
    return {
        "id": encode_public_id("mo", record.id),
        "from": f"+{sender}" if is_number else sender,
        "to": record.to_address,
        "text": record.text,
        "binary": b64encode(record.body).decode() if has_octets_alone else None,
        "data_coding": record.data_coding,
        "parts": record.parts,
        "parts_came": record.parts_came,
        "complete": record.parts_came == record.parts,
        "reference": record.reference,
        "ports": _show_ports(record),
        "received_at": record.received_at,
        "keyword": record.keyword.word if record.keyword else None,
        "campaign_id": encode_public_id("cmp", record.campaign_id) if record.campaign_id else None,
    }


def _show_ports(record: InboundRecord) -> dict[str, object] | None:
    if record.destination_port is None:
        return None
    return {"destination": record.destination_port, "source": record.source_port}
