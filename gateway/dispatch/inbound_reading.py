"""A text from a handset, read from its PDU into evidence: who wrote to whom, which part, in which alphabet.

Owns what a connector's settings say about texts to us. Joins nothing: a part is handed on as a part, and the
outcome writer, which has the others, makes one text of them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from gateway.config.carriers import Charset, ConnectorConfig, OctetOrder
from gateway.domain.addresses import read_address
from gateway.domain.identifiers import slot_of_address
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DataSm, DeliverSm, find_tlv
from gateway.smpp.received_text import Piece, read_pieces
from gateway.smpp.text import ReadAs, reading_of
from gateway.smpp.udh import find_concatenation, find_ports, split_user_data
from gateway.store.evidence import InboundSeen

READ_DEFAULT: Final = {
    Charset.GSM: ReadAs.GSM7,
    Charset.GSM_PACKED: ReadAs.GSM7_PACKED,
    Charset.LATIN1: ReadAs.LATIN1,
    Charset.ASCII: ReadAs.EIGHT_BIT,
    Charset.UTF8: ReadAs.EIGHT_BIT,
}
"""How a carrier's default alphabet is read (quirk 66)."""


class InboundReader:
    """Reads the texts that one connector brings."""

    def __init__(self, connector_id: int, config: ConnectorConfig, shop_ids: Mapping[str, int]) -> None:
        """`shop_ids` gives shops by name, and is asked at every text: a shop may be made meanwhile."""
        self._connector_id = connector_id
        self._shop_ids = shop_ids
        self._country = config.address_form.country
        self._shop_of = {
            read_address(entry.address.encode(), self._country): entry.shop
            for entry in config.inbound_addresses
        }
        self._read_default = READ_DEFAULT[config.default_charset.receive]
        self._is_little_endian = config.ucs2.receive is OctetOrder.LITTLE

    def read(self, pdu: DeliverSm | DataSm, acknowledge: object, at: datetime) -> InboundSeen:
        """A text, or a part of one, which has no text of its own. Never fails."""
        octets = pdu.short_message if isinstance(pdu, DeliverSm) else b""
        octets = octets or find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
        user_data = split_user_data(pdu.esm_class, octets)
        header = octets[: len(octets) - len(user_data.body)]
        concatenation = find_concatenation(user_data, pdu.tlvs)
        ports = find_ports(user_data, pdu.tlvs)
        read_as = reading_of(
            pdu.data_coding, default=self._read_default, is_little_endian=self._is_little_endian
        )
        person = read_address(pdu.source_addr, self._country)
        ours = read_address(pdu.destination_addr, self._country)
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
            text=None if concatenation else read_pieces([Piece(read_as, header, user_data.body)]),
            body=user_data.body,
            at=at,
            acknowledge=acknowledge,
            reference_bits=concatenation.reference_bits if concatenation else 0,
            read_as=read_as,
            udh=header,
            destination_port=ports.destination if ports else None,
            source_port=ports.source if ports else None,
        )
