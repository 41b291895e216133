"""What comes from the carrier unasked: receipts and texts from handsets, read into evidence.

Owns telling one from the other and the connector's rules for ids of receipts; `inbound_reading` reads the
texts. Answers nothing: a deliver_sm is acknowledged by the dispatcher after its evidence is stored.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from gateway.config.carriers import ConnectorConfig, ReceiptMode, UnknownReceipt
from gateway.dispatch.inbound_reading import InboundReader
from gateway.domain.carrier_ids import IdConversion, fold_carrier_id, normalise_carrier_id
from gateway.domain.failures import FailureClass, judge_receipt
from gateway.domain.message import MessageState
from gateway.domain.receipts import ReceiptDates, wanted_state
from gateway.session.session import Session
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipts import Receipt, parse_receipt
from gateway.store.evidence import InboundSeen, ReceiptSeen

_NO_STATE = -1
_FAILED = MessageState.FAILED
"""By a name of the module: to find a member of an Enum takes 65 ns (CPython 3.11), for every receipt."""
_LONGEST_FIELD = 64
"""Characters kept of what stands after `stat:` and `err:`; the nominal ones have 7 and 3."""


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
        form = config.id_form
        self._conversion = IdConversion(form.receipt.value)
        self._strip_zeros = form.strip_zeros
        self._strip_prefix = form.strip_prefix
        self._keeps_ids = not (
            form.strip_zeros or form.strip_prefix or self._conversion is not IdConversion.AS_IS
        )
        self._reads_bare_texts = config.receipts_without_esm_class
        self._unknown_ends = config.unknown_receipts is UnknownReceipt.END
        self._ends_message = config.receipts is ReceiptMode.PER_MESSAGE
        self._err_classes = {err: FailureClass[kind.name] for err, kind in config.receipt_errors.items()}
        self._dates = ReceiptDates(ZoneInfo(config.time_zone))

    def read(
        self, pdu: DeliverSm | DataSm, acknowledge: Acknowledge, at: datetime
    ) -> ReceiptSeen | InboundSeen:
        receipt = parse_receipt(pdu, text_without_esm_class=self._reads_bare_texts)
        if receipt is None:
            return self._inbound.read(pdu, acknowledge, at)
        seen = self._read_receipt(pdu, receipt, acknowledge, at)
        if receipt.is_guess:
            return replace(seen, otherwise=self._inbound.read(pdu, acknowledge, at))
        return seen

    def find_lookup_id(self, written: str) -> str:
        """The form under which an id that a receipt bears is looked up; `written` as the carrier wrote it."""
        if self._keeps_ids:
            return fold_carrier_id(written)
        return normalise_carrier_id(
            written,
            conversion=self._conversion,
            strip_zeros=self._strip_zeros,
            strip_prefix=self._strip_prefix,
        )

    def _read_receipt(
        self, pdu: DeliverSm | DataSm, receipt: Receipt, acknowledge: Acknowledge, at: datetime
    ) -> ReceiptSeen:
        state, written_id, other_id = receipt.state, receipt.carrier_id, receipt.text_carrier_id
        wanted = None if receipt.is_intermediate else wanted_state(state, unknown_ends=self._unknown_ends)
        failure_class = 0
        if wanted is _FAILED:
            failure_class = judge_receipt(
                state,
                err=receipt.err,
                network_error_type=receipt.network_error_type,
                network_error_code=receipt.network_error_code,
                err_classes=self._err_classes,
            ).failure_class
        times = self._dates.read(receipt.submitted_text, receipt.done_text, at)
        return ReceiptSeen(
            connector_id=self._connector_id,
            carrier_id=self.find_lookup_id(written_id),
            wanted=wanted,
            receipt_state=_NO_STATE if state is None else state,
            failure_class=failure_class,
            stat=receipt.stat[:_LONGEST_FIELD],
            err=receipt.err[:_LONGEST_FIELD],
            from_address=pdu.source_addr.decode("latin-1"),
            to_address=pdu.destination_addr.decode("latin-1"),
            at=at,
            acknowledge=acknowledge,
            other_id=self.find_lookup_id(other_id) if other_id else "",
            written_id=written_id,
            written_other_id=other_id,
            carrier_at=times.carrier_at,
            submitted_at=times.submitted_at,
            ends_message=self._ends_message,
        )
