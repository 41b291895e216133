"""A text from a handset, read from its PDU into evidence: who wrote to whom, which part, in which alphabet.

Owns what a connector's settings say about texts to us. Joins nothing: a part is handed on as a part, and the
outcome writer, which has the others, makes one text of them.
"""

from collections.abc import Mapping
from datetime import datetime

from gateway.config.carriers import Charset, ConnectorConfig
from gateway.domain.identifiers import slot_of_address
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DataSm, DeliverSm, find_tlv
from gateway.smpp.text import decode_text
from gateway.smpp.udh import find_concatenation, split_user_data
from gateway.store.evidence import InboundSeen

_CODECS = {Charset.LATIN1: "latin-1", Charset.ASCII: "ascii", Charset.UTF8: "utf-8"}


class InboundReader:
    """Reads the texts that one connector brings."""

    def __init__(self, connector_id: int, config: ConnectorConfig, shop_ids: Mapping[str, int]) -> None:
        """`shop_ids` gives shops by name, and is asked at every text: a shop may be made meanwhile."""
        self._connector_id = connector_id
        self._shop_ids = shop_ids
        self._shop_of = {entry.address.removeprefix("+"): entry.shop for entry in config.inbound_addresses}
        self._codec = _CODECS.get(config.default_charset.receive)

    def read(self, pdu: DeliverSm | DataSm, acknowledge: object, at: datetime) -> InboundSeen:
        octets = pdu.short_message if isinstance(pdu, DeliverSm) else b""
        octets = octets or find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
        user_data = split_user_data(pdu.esm_class, octets)
        concatenation = find_concatenation(user_data, pdu.tlvs)
        person = read_address(pdu.source_addr)
        ours = read_address(pdu.destination_addr)
        return InboundSeen(
            shop_id=self._shop_ids.get(self._shop_of.get(ours, ""), 0),
            slot=slot_of_address(person.upper()),
            connector_id=self._connector_id,
            data_coding=pdu.data_coding,
            esm_class=pdu.esm_class,
            reference=concatenation.reference if concatenation else None,
            part=concatenation.number if concatenation else 1,
            parts=concatenation.total if concatenation else 1,
            from_address=person,
            to_address=ours,
            text=self._decode(user_data.body, pdu.data_coding),
            body=octets,
            at=at,
            acknowledge=acknowledge,
        )

    def _decode(self, octets: bytes, data_coding: int) -> str:
        """Readable text of any octets; Postgres stores no NUL, so one becomes the replacement character."""
        if data_coding == 0 and self._codec is not None:
            text = octets.decode(self._codec, "replace")
        else:
            text = decode_text(octets, data_coding)
        return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def read_address(field: bytes) -> str:
    """An address as we keep it: ASCII, without the plus or double zero of an international number."""
    text = field.decode("ascii", "replace").encode("ascii", "replace").decode().strip()
    digits = text.removeprefix("+")
    if digits.startswith("00") and digits.isdigit():
        return digits[2:]
    return digits
