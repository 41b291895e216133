"""A PDU in words: what a person reads in a trace. Any octets give lines; none makes it fail.

Owns what is told of each PDU and which octets are blanked: passwords always, people's texts on demand. All is
blanked but what is known to be harmless, so a PDU that is broken or unknown shows less, not more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.smpp.codec import LAYOUTS, FieldKind
from gateway.smpp.constants import HEADER_OCTETS, MAX_SEQUENCE_NUMBER, RESPONSE_BIT, CommandId, Tag
from gateway.smpp.dissection import Dissected, Located, LocatedTlv, dissect
from gateway.smpp.errors import name_command
from gateway.smpp.field_words import IN_HEX, TIMES, WORDS_OF_OCTETS, describe_time, quote
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipts import Receipt, parse_receipt
from gateway.smpp.statuses import describe_status, name_status
from gateway.smpp.text_words import Alphabets, describe_content, describe_receipt
from gateway.smpp.tlv_words import describe_tlv_value, may_hold_text, name_tlv

BLANK: Final = "··"
STANDARD: Final = Alphabets()
_MOST_TLVS: Final = 64
"""TLVs told of one PDU; a hostile one has 16,000."""

_WITH_PASSWORD: Final = frozenset(
    (CommandId.BIND_TRANSMITTER, CommandId.BIND_RECEIVER, CommandId.BIND_TRANSCEIVER, CommandId.OUTBIND)
)
_WITH_RECEIPTS: Final[dict[int, type[DeliverSm] | type[DataSm]]] = {
    CommandId.DELIVER_SM: DeliverSm,
    CommandId.DATA_SM: DataSm,
}
_ALWAYS_TOLD: Final = frozenset(
    {"esm_class", "registered_delivery", "data_coding", "message_state", "error_code"}
)
"""Fields whose 0 says something."""


@dataclass(frozen=True, slots=True)
class WordedPdu:
    """One PDU for a person. `status` is empty for a request without one."""

    command: str
    sequence_number: int
    status: str
    summary: str
    """The PDU in half a line: who, to whom, what."""
    words: tuple[str, ...]
    hex: str
    """Pairs of hex digits with blanks between; hidden octets show as `BLANK`."""


def word_pdu(octets: bytes, *, at: datetime, shows_text: bool, alphabets: Alphabets = STANDARD) -> WordedPdu:
    """Put one whole PDU into words. `at` is when it passed: relative times count from it.

    `alphabets` are those of the SMSC that reads or wrote it. Without `shows_text`, texts are told by their
    length.
    """
    pdu = dissect(octets)
    telling = _Telling(octets, pdu, at, shows_text, alphabets)
    words = tuple(telling.tell())
    return WordedPdu(
        command=name_command(pdu.command_id) if len(octets) >= HEADER_OCTETS else "broken PDU",
        sequence_number=pdu.sequence_number,
        status=_word_status(pdu),
        summary=telling.summarise(),
        words=words,
        hex=_show_hex(octets, telling.hidden),
    )


def _word_status(pdu: Dissected) -> str:
    if not pdu.command_status and not pdu.command_id & RESPONSE_BIT:
        return ""
    name = name_status(pdu.command_status)
    return name if name.startswith("0x") else f"0x{pdu.command_status:02x} {name}"


def _show_hex(octets: bytes, hidden: Sequence[tuple[int, int]]) -> str:
    pairs = octets.hex(" ").split(" ") if octets else []
    for start, end in hidden:
        pairs[start:end] = [BLANK] * (end - start)
    return " ".join(pairs)


class _Telling:
    """The telling of one PDU; notes on the way what must be hidden."""

    def __init__(
        self, octets: bytes, pdu: Dissected, at: datetime, shows_text: bool, alphabets: Alphabets
    ) -> None:
        self.hidden: list[tuple[int, int]] = []
        self._octets = octets
        self._pdu = pdu
        self._at = at
        self._shows_text = shows_text
        self._alphabets = alphabets
        self._tlvs = tuple((tlv.tag, tlv.value) for tlv in pdu.tlvs)
        self._receipt = self._read_receipt()
        self._part = ""

    def tell(self) -> Iterator[str]:
        """The lines, in wire order; faults come last."""
        pdu = self._pdu
        yield from self._tell_header()
        yield from self._tell_fields()
        for tlv in pdu.tlvs[:_MOST_TLVS]:
            yield from self._tell_tlv(tlv)
        if len(pdu.tlvs) > _MOST_TLVS:
            yield f"and {len(pdu.tlvs) - _MOST_TLVS} more TLVs"
            if not self._shows_text:
                self.hidden.append((pdu.tlvs[_MOST_TLVS].start, pdu.tlvs[-1].end))
        if self._receipt is not None:
            yield describe_receipt(self._receipt)
        yield from self._tell_rest()
        for fault in pdu.faults:
            yield f"broken: {fault}"

    def summarise(self) -> str:
        """Half a line; call it after `tell`."""
        pdu = self._pdu
        strings = {field.name: field.value for field in pdu.fields if isinstance(field.value, bytes)}
        if self._receipt is not None:
            state = self._receipt.stat or "no state"
            return f"receipt of {quote(self._receipt.carrier_id, most=64)}: {quote(state, most=16)[1:-1]}"
        if "destination_addr" in strings:
            way = f"{_show(strings['source_addr'])} → {_show(strings['destination_addr'])}"
            return ", ".join(filter(None, (way, self._part)))
        for name in ("message_id", "system_id", "source_addr"):
            if strings.get(name):
                return f"{name} {quote(strings[name], most=64)}"
        return ""

    def _tell_header(self) -> Iterator[str]:
        pdu = self._pdu
        if pdu.command_status:
            what = describe_status(pdu.command_status)
            yield f"command_status 0x{pdu.command_status:02x} {name_status(pdu.command_status)}: {what}"
            if not pdu.command_id & RESPONSE_BIT:
                yield "broken: a request has no command_status"
        if pdu.sequence_number > MAX_SEQUENCE_NUMBER:
            yield f"sequence_number 0x{pdu.sequence_number:08x} is above 0x7fffffff, where SMPP 3.4 ends"
        if pdu.command_id == CommandId.GENERIC_NACK and not pdu.sequence_number:
            yield "it names no request"

    def _tell_fields(self) -> Iterator[str]:
        left_empty = []
        fields = self._pdu.fields
        for place, field in enumerate(fields):
            if not field.value and field.name not in _ALWAYS_TOLD and not self._heads_address(place):
                left_empty.append(field.name)
            elif field.kind is FieldKind.OCTET:
                yield _tell_octet(field)
            elif field.kind is FieldKind.MESSAGE:
                yield from self._tell_content(field.name, field.value, field.start)  # type: ignore[arg-type]
            else:
                yield self._tell_string(field)
        if left_empty:
            yield f"empty or 0: {', '.join(left_empty)}"

    def _heads_address(self, place: int) -> bool:
        """Whether a ton or npi of 0 stands before an address that is not empty."""
        fields = self._pdu.fields
        if not fields[place].name.endswith(("_ton", "_npi")):
            return False
        rest = fields[place + 1 : place + 3]
        return any(field.kind is FieldKind.C_STRING and field.value for field in rest)

    def _tell_string(self, field: Located) -> str:
        assert isinstance(field.value, bytes)
        if field.name == "password":
            self.hidden.append((field.start, field.end))
            return "password hidden"
        if field.name in TIMES:
            return f"{field.name} {quote(field.value)}: {describe_time(field.value, self._at)}"
        return f"{field.name} {quote(field.value)}"

    def _tell_content(self, name: str, value: bytes, start: int) -> Iterator[str]:
        """A text and its header; hides of it what may not be read."""
        content = describe_content(
            value,
            esm_class=self._pdu.number("esm_class"),
            data_coding=self._pdu.number("data_coding"),
            is_receipt=self._receipt is not None,
            alphabets=self._alphabets,
            tlvs=self._tlvs,
            shows_text=self._shows_text,
        )
        self._part = content.part or self._part
        yield f"{name} of {_count(len(value))}: {'; '.join(content.words)}"
        if not self._shows_text:
            position = 0
            for open_start, open_end in (*content.open_spans, (len(value), len(value))):
                if position < open_start:
                    self.hidden.append((start + position, start + open_start))
                position = open_end

    def _tell_tlv(self, tlv: LocatedTlv) -> Iterator[str]:
        if tlv.tag == Tag.MESSAGE_PAYLOAD:
            yield from self._tell_content(name_tlv(tlv.tag), tlv.value, tlv.start)
        elif may_hold_text(tlv.tag) and not self._shows_text:
            self.hidden.append((tlv.start, tlv.end))
            yield f"{name_tlv(tlv.tag)} of {_count(len(tlv.value))}, hidden"
        else:
            yield f"{name_tlv(tlv.tag)} {describe_tlv_value(tlv.tag, tlv.value)}"

    def _tell_rest(self) -> Iterator[str]:
        """Octets that belong to no field may hold whatever the fields could not."""
        pdu, end = self._pdu, len(self._octets)
        if pdu.rest_start >= end:
            return
        if not self._shows_text or pdu.command_id in _WITH_PASSWORD:
            self.hidden.append((pdu.rest_start, end))
        if pdu.command_id not in LAYOUTS and len(self._octets) >= HEADER_OCTETS:
            yield f"SMPP 3.4 as spoken here has no such command; its body has {_count(end - pdu.rest_start)}"

    def _read_receipt(self) -> Receipt | None:
        pdu_type = _WITH_RECEIPTS.get(self._pdu.command_id)
        if pdu_type is None:
            return None
        values = {field.name: field.value for field in self._pdu.fields}
        return parse_receipt(pdu_type(**values, tlvs=self._tlvs))  # type: ignore[arg-type]  # by the layout's names


def _tell_octet(field: Located) -> str:
    value = field.value
    assert isinstance(value, int)
    shown = f"0x{value:02x}" if field.name in IN_HEX else str(value)
    words = WORDS_OF_OCTETS.get(field.name)
    return f"{field.name} {shown}" if words is None else f"{field.name} {shown} {words(value)}"


def _show(address: bytes) -> str:
    return quote(address, most=32)[1:-1] if address else "nobody"


def _count(octets: int) -> str:
    return "1 octet" if octets == 1 else f"{octets} octets"
