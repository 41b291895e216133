"""Writes a receipt as this or that carrier writes it: texts, TLVs, data_sm, alphabets. SMPP 3.4 appendix B.

Owns the forms only; when a receipt is due, and whose session it takes, is decided elsewhere.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.simulator.profile import ReceiptForm, ReceiptRules, ReceiptText
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
}
_WORDS: Final = {
    "DELIVRD": "DELIVERED",
    "UNDELIV": "UNDELIVERABLE",
    "ACCEPTD": "ACCEPTED",
    "REJECTD": "REJECTED",
}
_CODECS: Final = {0: "ascii", 1: "ascii", 3: "latin-1", 8: "utf-16-be"}

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


class ReceiptWriter:
    """Writes receipts in the one form that a profile asks for."""

    def __init__(self, rules: ReceiptRules) -> None:
        self._form = rules.form
        self._text = _TEXTS[rules.text]
        self._uses_words = rules.text is ReceiptText.WORDS
        self._date_format = "%y%m%d%H%M%S" if rules.text is ReceiptText.SECONDS else "%y%m%d%H%M"
        self._data_coding = rules.data_coding
        self._as_data_sm = rules.as_data_sm
        self._without_esm_class = rules.without_esm_class
        self._dates: dict[int, str] = {}

    def write(
        self, message: TakenMessage, stat: str, err: str, *, is_final: bool, done_at: float
    ) -> DeliverSm | DataSm:
        """The PDU that says `stat` of `message`, from the handset's address to the sender's.

        A text too long for short_message, as UTF-16 with a UUID is, goes to message_payload.
        """
        short_message = (
            b"" if self._form is ReceiptForm.TLV else self._write_text(message, stat, err, done_at)
        )
        tlvs = () if self._form is ReceiptForm.TEXT else _write_tlvs(message.receipt_id, stat, err)
        if short_message and (self._as_data_sm or len(short_message) > MAX_SHORT_MESSAGE_OCTETS):
            tlvs = (*tlvs, (Tag.MESSAGE_PAYLOAD.value, short_message))
            short_message = b""
        esm_class = EsmClass.RECEIPT.value if is_final else EsmClass.INTERMEDIATE_NOTIFICATION.value
        if self._without_esm_class:
            esm_class = 0
        if self._as_data_sm:
            return DataSm(
                source_addr_ton=message.destination_ton,
                source_addr_npi=message.destination_npi,
                source_addr=message.destination,
                dest_addr_ton=message.source_ton,
                dest_addr_npi=message.source_npi,
                destination_addr=message.source,
                esm_class=esm_class,
                data_coding=self._data_coding,
                tlvs=tlvs,
            )
        return DeliverSm(
            source_addr_ton=message.destination_ton,
            source_addr_npi=message.destination_npi,
            source_addr=message.destination,
            dest_addr_ton=message.source_ton,
            dest_addr_npi=message.source_npi,
            destination_addr=message.source,
            esm_class=esm_class,
            data_coding=self._data_coding,
            short_message=short_message,
            tlvs=tlvs,
        )

    def _write_text(self, message: TakenMessage, stat: str, err: str, done_at: float) -> bytes:
        text = self._text.format(
            id=message.receipt_id,
            dlvrd="001" if stat == "DELIVRD" else "000",
            submitted=self._write_date(message.taken_at),
            done=self._write_date(done_at),
            stat=_WORDS.get(stat, stat) if self._uses_words else stat,
            err=err,
            text=message.quoted,
        )
        return text.encode(_CODECS[self._data_coding], "replace")

    def _write_date(self, at: float) -> str:
        """UTC. Remembers the seconds just written: formatting one takes 2 µs and thousands share it."""
        second = int(at)
        written = self._dates.get(second)
        if written is None:
            if len(self._dates) >= 1_000:
                self._dates.clear()
            written = self._dates[second] = datetime.fromtimestamp(second, UTC).strftime(self._date_format)
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
