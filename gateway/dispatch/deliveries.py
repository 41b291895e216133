"""What comes from the carrier unasked: receipts and texts from handsets, read into evidence.

Owns telling one from the other and the connector's rules for ids and charsets. Answers nothing: a
deliver_sm is acknowledged by the dispatcher after its evidence is stored.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from gateway.config.carriers import Charset, ConnectorConfig
from gateway.domain.carrier_ids import IdConversion, normalise_carrier_id
from gateway.domain.failures import judge_receipt
from gateway.domain.identifiers import slot_of_address
from gateway.domain.message import MessageState
from gateway.domain.receipts import wanted_state
from gateway.session.session import Session
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DataSm, DeliverSm, find_tlv
from gateway.smpp.receipts import Receipt, parse_receipt
from gateway.smpp.text import decode_text
from gateway.smpp.udh import find_concatenation, split_user_data
from gateway.store.evidence import InboundSeen, ReceiptSeen

_CODECS = {Charset.LATIN1: "latin-1", Charset.ASCII: "ascii", Charset.UTF8: "utf-8"}
_NO_STATE = -1
_LONGEST_FIELD = 64


class Acknowledge(NamedTuple):
    """Which request to answer, and how: data_sm has a response of its own."""

    session: Session
    sequence_number: int
    is_data_sm: bool


class DeliveryReader:
    """Reads one connector's deliver_sm and data_sm."""

    def __init__(self, connector_id: int, config: ConnectorConfig, shop_ids: Mapping[str, int]) -> None:
        """`shop_ids` gives shops by name, and is asked at every text: a shop may be made meanwhile."""
        self._connector_id = connector_id
        self._shop_ids = shop_ids
        self._shop_of = {entry.address.removeprefix("+"): entry.shop for entry in config.inbound_addresses}
        self._conversion = IdConversion(config.id_form.receipt.value)
        self._strip_zeros = config.id_form.strip_zeros
        self._codec = _CODECS.get(config.default_charset.receive)

    def read(
        self, pdu: DeliverSm | DataSm, acknowledge: Acknowledge, at: datetime
    ) -> ReceiptSeen | InboundSeen:
        receipt = parse_receipt(pdu)
        if receipt is not None:
            return self._read_receipt(pdu, receipt, acknowledge, at)
        return self._read_inbound(pdu, acknowledge, at)

    def _read_receipt(
        self, pdu: DeliverSm | DataSm, receipt: Receipt, acknowledge: Acknowledge, at: datetime
    ) -> ReceiptSeen:
        state = receipt.state
        wanted = None if receipt.is_intermediate else wanted_state(state)
        failure_class = 0
        if wanted is MessageState.FAILED:
            failure_class = judge_receipt(
                state,
                err=receipt.err,
                network_error_type=receipt.network_error_type,
                network_error_code=receipt.network_error_code,
            ).failure_class
        return ReceiptSeen(
            connector_id=self._connector_id,
            carrier_id=self._normalise(receipt.carrier_id),
            wanted=wanted,
            receipt_state=_NO_STATE if state is None else int(state),
            failure_class=failure_class,
            stat=receipt.stat[:_LONGEST_FIELD],
            err=receipt.err[:_LONGEST_FIELD],
            from_address=_address(pdu.source_addr),
            to_address=_address(pdu.destination_addr),
            at=at,
            acknowledge=acknowledge,
            other_id=self._normalise(receipt.text_carrier_id) if receipt.text_carrier_id else "",
        )

    def _normalise(self, carrier_id: str) -> str:
        return normalise_carrier_id(carrier_id, conversion=self._conversion, strip_zeros=self._strip_zeros)

    def _read_inbound(self, pdu: DeliverSm | DataSm, acknowledge: Acknowledge, at: datetime) -> InboundSeen:
        octets = pdu.short_message if isinstance(pdu, DeliverSm) else b""
        octets = octets or find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
        user_data = split_user_data(pdu.esm_class, octets)
        concatenation = find_concatenation(user_data, pdu.tlvs)
        person = _address(pdu.source_addr)
        ours = _address(pdu.destination_addr)
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


def _address(field: bytes) -> str:
    """An address as we keep it: ASCII, without the plus or double zero of an international number."""
    text = field.decode("ascii", "replace").encode("ascii", "replace").decode().strip()
    digits = text.removeprefix("+")
    if digits.startswith("00") and digits.isdigit():
        return digits[2:]
    return digits
