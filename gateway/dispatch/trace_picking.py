"""Which PDUs of a stream concern one phone number: submits to it, their answers, its receipts and its texts.

Owns following an exchange from request to answer to receipt. Made for streams of which almost nothing fits:
a chunk that has neither the number nor a known id in it is passed over after a few searches of its octets.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.config.carriers import ConnectorConfig
from gateway.dispatch.trace import Chunk
from gateway.domain.addresses import read_address
from gateway.domain.carrier_ids import IdConversion, normalise_carrier_id
from gateway.smpp.codec import decode
from gateway.smpp.constants import RESPONSE_BIT, CommandId
from gateway.smpp.dissection import dissect
from gateway.smpp.errors import BadPdu
from gateway.smpp.framing import Frame, Framer
from gateway.smpp.hotpath import decode_message_id, decode_submit_sm
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipts import parse_receipt

_LARGEST_PDU_OCTETS: Final = 1_048_576
"""What `connectors[].max_pdu_octets` allows at most."""
_TAIL_DIGITS: Final = 7
"""Last digits of a number that stand in every form that carriers write it in, national ones too."""
_MOST_AWAITED: Final = 4_096
_MOST_LEARNED: Final = 256
"""A number whose trace runs for hours: the oldest are forgotten, and its receipts still found by number."""
_LONGEST_NUMERIC_ID: Final = 20

_ANSWERED_WITH_ID: Final = frozenset((CommandId.SUBMIT_SM_RESP, CommandId.DATA_SM_RESP))
_WITH_RECEIPTS: Final = frozenset((CommandId.DELIVER_SM, CommandId.DATA_SM))
_WITH_ADDRESSES: Final = _WITH_RECEIPTS | {
    CommandId.SUBMIT_SM,
    CommandId.QUERY_SM,
    CommandId.CANCEL_SM,
    CommandId.REPLACE_SM,
    CommandId.ALERT_NOTIFICATION,
}
_FREQUENT: Final = frozenset((CommandId.SUBMIT_SM, CommandId.DELIVER_SM))
_ADDRESSES: Final = frozenset(("source_addr", "destination_addr", "esme_addr"))


@dataclass(frozen=True, slots=True)
class TracedPdu:
    """One PDU and where it passed. `at` is Unix time."""

    at: float
    connector_id: int
    bind_no: int
    mode: str
    session_no: int
    is_sent: bool
    octets: bytes

    @property
    def sequence_number(self) -> int:
        return int.from_bytes(self.octets[12:16], "big")

    @property
    def command_id(self) -> int:
        return int.from_bytes(self.octets[4:8], "big")

    @property
    def command_status(self) -> int:
        return int.from_bytes(self.octets[8:12], "big")


@dataclass(frozen=True, slots=True)
class CarrierForms:
    """How one carrier writes numbers and ids."""

    country: str | None
    response_id: Callable[[str], str]
    receipt_id: Callable[[str], str]


def forms_of(config: ConnectorConfig) -> CarrierForms:
    form = config.id_form

    def reader(conversion: str) -> Callable[[str], str]:
        return lambda text: normalise_carrier_id(
            text,
            conversion=IdConversion(conversion),
            strip_zeros=form.strip_zeros,
            strip_prefix=form.strip_prefix,
        )

    return CarrierForms(config.address_form.country, reader(form.response.value), reader(form.receipt.value))


class NumberPicker:
    """Picks from chunks that come in the order in which they passed. `forms` are those of each connector; a
    connector without any is passed over. `ids` are (connector, id as looked up) known beforehand.
    """

    def __init__(
        self, number: str, forms: Mapping[int, CarrierForms], *, ids: Iterable[tuple[int, str]] = ()
    ) -> None:
        self._number = number
        self._tail = number[-_TAIL_DIGITS:].encode("ascii", "replace")
        self._forms = forms
        self._awaited: OrderedDict[tuple[int, bool, int], None] = OrderedDict()
        """(session, whether our side asked, sequence number) of requests that were picked."""
        self._awaiting_sessions: dict[tuple[int, bool], int] = {}
        self._ids = {(connector_id, carrier_id): _spell_id(carrier_id) for connector_id, carrier_id in ids}
        self._learned: deque[tuple[int, str]] = deque()

    def pick(self, chunk: Chunk, *, looks_for_number: bool = True) -> list[TracedPdu]:
        """The PDUs of `chunk` that concern the number. Without `looks_for_number` only answers to what was
        picked before, and what has a known id."""
        forms = self._forms.get(chunk.connector_id)
        if forms is None:
            return []
        octets, is_sent = chunk.octets, chunk.is_sent
        awaits = (chunk.session_no, not is_sent) in self._awaiting_sessions
        looks_for_number = looks_for_number and self._tail in octets
        if not awaits and not looks_for_number and (is_sent or not self._has_id(octets)):
            return []
        buffer, frames = Framer(max_pdu_octets=_LARGEST_PDU_OCTETS).feed(octets)
        picked = []
        for frame in frames:
            if self._concerns(buffer, frame, chunk, forms, looks_for_number):
                picked.append(cut(chunk, buffer, frame))
        return picked

    def _concerns(
        self, buffer: bytes, frame: Frame, chunk: Chunk, forms: CarrierForms, looks_for_number: bool
    ) -> bool:
        command_id, command_status, number, start, end = frame
        connector_id, session_no, is_sent = chunk.connector_id, chunk.session_no, chunk.is_sent
        if command_id & RESPONSE_BIT:
            if not self._take_awaited(session_no, not is_sent, number):
                return False
            if command_id in _ANSWERED_WITH_ID and not is_sent and not command_status:
                message_id = decode_message_id(buffer, start, end).decode("latin-1")
                if message_id:
                    self._learn(connector_id, forms.response_id(message_id))
            return True
        if command_id not in _WITH_ADDRESSES:
            return False
        octets = buffer[start:end]
        concerns = looks_for_number and self._tail in octets
        concerns = concerns and self._number in read_numbers(octets, forms.country)
        if not concerns and not is_sent and command_id in _WITH_RECEIPTS and self._has_id(octets):
            concerns = any((connector_id, found) in self._ids for found in read_receipt_ids(octets, forms))
        if concerns:
            self._await(session_no, is_sent, number)
        return concerns

    def _await(self, session_no: int, is_sent: bool, number: int) -> None:
        key = (session_no, is_sent, number)
        if key in self._awaited:
            return
        self._awaited[key] = None
        session = (session_no, is_sent)
        self._awaiting_sessions[session] = self._awaiting_sessions.get(session, 0) + 1
        if len(self._awaited) > _MOST_AWAITED:
            self._take_awaited(*next(iter(self._awaited)))

    def _take_awaited(self, session_no: int, is_sent: bool, number: int) -> bool:
        key = (session_no, is_sent, number)
        if key not in self._awaited:
            return False
        del self._awaited[key]
        session = (session_no, is_sent)
        self._awaiting_sessions[session] -= 1
        if not self._awaiting_sessions[session]:
            del self._awaiting_sessions[session]
        return True

    def _learn(self, connector_id: int, carrier_id: str) -> None:
        key = (connector_id, carrier_id)
        if key in self._ids:
            return
        self._ids[key] = _spell_id(carrier_id)
        self._learned.append(key)
        if len(self._learned) > _MOST_LEARNED:
            del self._ids[self._learned.popleft()]

    def _has_id(self, octets: bytes) -> bool:
        """Whether some form of a known id stands in `octets`; what it means there is looked at later."""
        return any(form in octets for forms in self._ids.values() for form in forms)


def cut(chunk: Chunk, buffer: bytes, frame: Frame) -> TracedPdu:
    return TracedPdu(
        chunk.at,
        chunk.connector_id,
        chunk.bind_no,
        chunk.mode,
        chunk.session_no,
        chunk.is_sent,
        buffer[frame[3] : frame[4]],
    )


def split_chunk(chunk: Chunk, *, most: int) -> list[TracedPdu]:
    """The first PDUs of a chunk, at most so many."""
    buffer, frames = Framer(max_pdu_octets=_LARGEST_PDU_OCTETS).feed(chunk.octets)
    return [cut(chunk, buffer, frame) for frame in frames[:most]]


def read_numbers(octets: bytes, country: str | None) -> set[str]:
    """The addresses of one PDU as we keep them. 2 µs for submit_sm and deliver_sm, 25 µs for others."""
    command_id = int.from_bytes(octets[4:8], "big")
    if command_id in _FREQUENT:
        try:
            pdu = decode_submit_sm(octets, (CommandId.SUBMIT_SM, 0, 0, 0, len(octets)))
        except BadPdu:
            pass  # what can be read of it is read below
        else:
            return {read_address(pdu.source_addr, country), read_address(pdu.destination_addr, country)}
    return {
        read_address(field.value, country)
        for field in dissect(octets).fields
        if field.name in _ADDRESSES and isinstance(field.value, bytes)
    }


def read_receipt_ids(octets: bytes, forms: CarrierForms) -> tuple[str, ...]:
    """The ids that one deliver_sm or data_sm reports on, as looked up; none for a text from a handset."""
    command_id, command_status, number = (int.from_bytes(octets[at : at + 4], "big") for at in (4, 8, 12))
    try:
        pdu = decode(octets, (command_id, command_status, number, 0, len(octets)))
    except BadPdu:
        return ()
    if not isinstance(pdu, DeliverSm | DataSm):
        return ()
    receipt = parse_receipt(pdu, text_without_esm_class=True)
    if receipt is None:
        return ()
    return tuple(forms.receipt_id(text) for text in (receipt.carrier_id, receipt.text_carrier_id) if text)


def _spell_id(carrier_id: str) -> tuple[bytes, ...]:
    """How an id may stand in octets: either case, and as a number in the other base."""
    forms = {carrier_id.lower(), carrier_id.upper()}
    if len(carrier_id) <= _LONGEST_NUMERIC_ID and carrier_id.isascii() and carrier_id.isalnum():
        for base, form in ((16, "d"), (10, "x")):
            try:
                other = format(int(carrier_id, base), form)
            except ValueError:
                continue
            forms |= {other, other.upper()}
    return tuple(form.encode("latin-1", "replace") for form in forms if form)
