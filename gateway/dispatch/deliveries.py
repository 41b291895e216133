"""What comes from the carrier unasked: receipts and texts from handsets, read into evidence.

Owns telling one from the other and the connector's rules for ids of receipts; `inbound_reading` reads the
texts. Answers nothing: a deliver_sm is acknowledged by the dispatcher after its evidence is stored.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from gateway.config.carriers import ConnectorConfig
from gateway.dispatch.inbound_reading import InboundReader, read_address
from gateway.domain.carrier_ids import IdConversion, normalise_carrier_id
from gateway.domain.failures import judge_receipt
from gateway.domain.message import MessageState
from gateway.domain.receipts import wanted_state
from gateway.session.session import Session
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipts import Receipt, parse_receipt
from gateway.store.evidence import InboundSeen, ReceiptSeen

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
        self._connector_id = connector_id
        self._inbound = InboundReader(connector_id, config, shop_ids)
        self._conversion = IdConversion(config.id_form.receipt.value)
        self._strip_zeros = config.id_form.strip_zeros

    def read(
        self, pdu: DeliverSm | DataSm, acknowledge: Acknowledge, at: datetime
    ) -> ReceiptSeen | InboundSeen:
        receipt = parse_receipt(pdu)
        if receipt is not None:
            return self._read_receipt(pdu, receipt, acknowledge, at)
        return self._inbound.read(pdu, acknowledge, at)

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
            from_address=read_address(pdu.source_addr),
            to_address=read_address(pdu.destination_addr),
            at=at,
            acknowledge=acknowledge,
            other_id=self._normalise(receipt.text_carrier_id) if receipt.text_carrier_id else "",
        )

    def _normalise(self, carrier_id: str) -> str:
        return normalise_carrier_id(carrier_id, conversion=self._conversion, strip_zeros=self._strip_zeros)
