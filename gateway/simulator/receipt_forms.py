"""Writes a receipt as this or that carrier writes it: texts, TLVs, data_sm, alphabets. SMPP 3.4 appendix B.

Owns the forms only; when a receipt is due, and whose session it takes, is decided elsewhere.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from typing import Final

from gateway.simulator.profile import ReceiptForm, ReceiptRules, ReceiptText, TextRules
from gateway.simulator.reading import TextReader
from gateway.smpp.constants import MAX_SHORT_MESSAGE_OCTETS, EsmClass, Tag
from gateway.smpp.pdus import DataSm, DeliverSm, Tlvs

QUOTED_CHARACTERS: Final = 20
"""Characters of the message that the receipt repeats after `text:`. Appendix B."""

_GSM_NETWORK: Final = 3
"""First octet of network_error_code. SMPP 3.4 §5.3.2.31."""

_NOMINAL: Final = (
    "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submitted} done date:{done} stat:{stat} err:{err} text:{text}"
)
_TEXTS: Final[dict[ReceiptText, str]] = {
    ReceiptText.NOMINAL: _NOMINAL,
    ReceiptText.SHORT: _NOMINAL.replace(" sub:001 dlvrd:{dlvrd}", ""),
    ReceiptText.SECONDS: _NOMINAL,
    ReceiptText.UNDERSCORED: (
        _NOMINAL.replace("submit date", "submit_date")
        .replace("done date", "done_date")
        .replace(" text:", " Text:")
    ),
    ReceiptText.CAPITALS: (
        "ID:{id} SUB:001 DLVRD:{dlvrd} SUBMIT DATE:{submitted} DONE DATE:{done} "
        "STAT:{stat} ERR:{err} TEXT:{text}"
    ),
    ReceiptText.SPACED: _NOMINAL.replace(":", ": "),
    ReceiptText.WORDS: _NOMINAL,
    ReceiptText.CENTURY: _NOMINAL,
    ReceiptText.NONSENSE: _NOMINAL,
    ReceiptText.SHUFFLED: (
        "stat:{stat} err:{err} done date:{done} submit date:{submitted} dlvrd:{dlvrd} sub:001 id:{id} "
        "text:{text}"
    ),
    ReceiptText.UNLABELLED: _NOMINAL.replace("stat:{stat}", "{stat}"),
}
_HEADS: Final = {variant: text.removesuffix("{text}") for variant, text in _TEXTS.items()}
"""The labels are ASCII in every alphabet; the text is put behind them in the alphabet of the carrier."""

_DATE_FORMATS: Final = {ReceiptText.SECONDS: "%y%m%d%H%M%S", ReceiptText.CENTURY: "%Y%m%d%H%M"}
_USUAL_DATE_FORMAT: Final = "%y%m%d%H%M"
_NONSENSE_DATE: Final = "0000000000"
_WORDS: Final = {
    "DELIVRD": "DELIVERED",
    "UNDELIV": "UNDELIVERABLE",
    "ACCEPTD": "ACCEPTED",
    "REJECTD": "REJECTED",
}
_CODECS: Final = {0: "ascii", 1: "ascii", 3: "latin-1", 8: "utf-16-be"}

_UDH: Final = bytes((6, 0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0))
"""A header that says nothing about parts: 16-bit ports. TS 23.040 §9.2.3.24.4."""

_VENDOR_TAG: Final = 0x1401
# SMPP 3.4 §5.2.28
_MESSAGE_STATES: Final = {
    "SCHEDULED": 0,
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
    "SKIPPED": 9,
}
_STATE_OF_OTHER_WORDS: Final = 7


@dataclass(slots=True)
class TakenMessage:
    """What the SMSC remembers of a message until its end. Made per message, hence not frozen."""

    receipt_id: str
    account: str
    session_number: int
    """The session that submitted it."""
    source_ton: int
    source_npi: int
    source: bytes
    destination_ton: int
    destination_npi: int
    destination: bytes
    taken_at: float
    """Seconds since 1970."""
    quoted: str
    """The beginning of its text, for `text:`."""
    receipt_tlv_id: str = ""
    """The id in the TLV, where it has another form; else empty."""


class ReceiptWriter:
    """Writes receipts in the one form that a profile asks for."""

    def __init__(self, rules: ReceiptRules, reader: TextReader | None = None) -> None:
        self._rules = rules
        self._reader = reader if reader is not None else TextReader(TextRules())
        self._variants = cycle(_TEXTS if rules.text is ReceiptText.VARIED else (rules.text,))
        self._dates: dict[tuple[str, int], str] = {}

    def write(
        self, message: TakenMessage, stat: str, err: str, *, is_final: bool, done_at: float
    ) -> DeliverSm | DataSm:
        """The PDU that says `stat` of `message`, from the handset's address to the sender's.

        A text too long for short_message, as UTF-16 with a UUID is, goes to message_payload.
        """
        rules = self._rules
        short_message = (
            b"" if rules.form is ReceiptForm.TLV else self._write_text(message, stat, err, done_at)
        )
        tlvs: Tlvs = ()
        if rules.form is not ReceiptForm.TEXT:
            tlvs = _write_tlvs(message.receipt_tlv_id or message.receipt_id, stat, err)
        if rules.broken_tlvs:
            tlvs = _break_tlvs(tlvs)
        if short_message and (rules.as_data_sm or len(short_message) > MAX_SHORT_MESSAGE_OCTETS):
            tlvs = ((Tag.MESSAGE_PAYLOAD.value, short_message), *tlvs)
            short_message = b""
        esm_class = EsmClass.RECEIPT.value if is_final else EsmClass.INTERMEDIATE_NOTIFICATION.value
        if rules.without_esm_class:
            esm_class = 0
        if rules.with_udh:
            esm_class |= EsmClass.UDHI.value
        source = (message.destination_ton, message.destination_npi, message.destination)
        destination = (message.source_ton, message.source_npi, message.source)
        if rules.sender_first:
            source, destination = destination, source
        if rules.bare_addresses:
            source, destination = (0, 0, source[2]), (0, 0, destination[2])
        fields = (b"", *source, *destination, esm_class)
        if rules.as_data_sm:
            return DataSm(*fields, data_coding=rules.data_coding, tlvs=tlvs)
        return DeliverSm(*fields, data_coding=rules.data_coding, short_message=short_message, tlvs=tlvs)

    def _write_text(self, message: TakenMessage, stat: str, err: str, done_at: float) -> bytes:
        variant = next(self._variants)
        text = _HEADS[variant].format(
            id=message.receipt_id,
            dlvrd="001" if stat == "DELIVRD" else "000",
            submitted=self._write_date(message.taken_at, variant),
            done=self._write_date(done_at, variant),
            stat=_WORDS.get(stat, stat) if variant is ReceiptText.WORDS else stat,
            err=err,
        )
        header = _UDH if self._rules.with_udh else b""
        if self._rules.data_coding == 0:
            return header + text.encode("ascii") + self._reader.write_default(message.quoted)
        return header + (text + message.quoted).encode(_CODECS[self._rules.data_coding], "replace")

    def _write_date(self, at: float, variant: ReceiptText) -> str:
        """The carrier's local time. Remembers the seconds just written: formatting one takes 2 µs and
        thousands share it.
        """
        if variant is ReceiptText.NONSENSE:
            return _NONSENSE_DATE
        date_format = _DATE_FORMATS.get(variant, _USUAL_DATE_FORMAT)
        key = (date_format, int(at))
        written = self._dates.get(key)
        if written is None:
            if len(self._dates) >= 1_000:
                self._dates.clear()
            local = datetime.fromtimestamp(int(at) + 60 * self._rules.utc_offset_minutes, UTC)
            written = self._dates[key] = local.strftime(date_format)
        return written


def _write_tlvs(receipt_id: str, stat: str, err: str) -> Tlvs:
    state = _MESSAGE_STATES.get(stat, _STATE_OF_OTHER_WORDS)
    tlvs = (
        (Tag.RECEIPTED_MESSAGE_ID.value, receipt_id.encode() + b"\0"),
        (Tag.MESSAGE_STATE.value, bytes((state,))),
    )
    if not err.isdecimal() or not int(err):
        return tlvs
    return (*tlvs, (Tag.NETWORK_ERROR_CODE.value, bytes((_GSM_NETWORK,)) + int(err).to_bytes(2, "big")))


def _break_tlvs(tlvs: Tlvs) -> Tlvs:
    """The same as carriers have been seen to write them (quirk 53): an unknown one first, no NUL, a state of
    four octets, one twice.
    """
    broken: list[tuple[int, bytes]] = [(_VENDOR_TAG, b"\x01\x02\x03")]
    for tag, value in tlvs:
        if tag == Tag.RECEIPTED_MESSAGE_ID:
            value = value.rstrip(b"\0")
        elif tag == Tag.MESSAGE_STATE:
            value = value.rjust(4, b"\0")
        broken.append((tag, value))
    return (*reversed(broken), *broken[1:2])
