"""Delivery receipts: which deliver_sm is one, and what it says. SMPP 3.4 appendix B, §5.2.28, §5.3.2.

Owns reading the text form in its variants and the TLVs. Refuses to know whose message it is and how a
carrier writes its ids in hex or decimal: raw values are kept, and the connector's rules compare them. Never
fails on a receipt.
"""

import re
from enum import IntEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from gateway.smpp.constants import DataCoding, EsmClass, Tag
from gateway.smpp.pdus import DataSm, DeliverSm, Tlvs, find_tlv
from gateway.smpp.text import decode_text
from gateway.smpp.udh import split_user_data


class ReceiptState(IntEnum):
    """`message_state`, SMPP 3.4 §5.2.28; 0 and 9 come from version 5."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9


FINAL_STATES: Final = frozenset(
    {
        ReceiptState.DELIVERED,
        ReceiptState.EXPIRED,
        ReceiptState.DELETED,
        ReceiptState.UNDELIVERABLE,
        ReceiptState.UNKNOWN,
        ReceiptState.REJECTED,
        ReceiptState.SKIPPED,
    }
)
"""States after which no other is expected (quirk 56)."""

_STATES_BY_WORD: Final[dict[str, ReceiptState]] = {
    "SCHEDUL": ReceiptState.SCHEDULED,
    "ENROUTE": ReceiptState.ENROUTE,
    "DELIVRD": ReceiptState.DELIVERED,
    "DELIVER": ReceiptState.DELIVERED,
    "EXPIRED": ReceiptState.EXPIRED,
    "DELETED": ReceiptState.DELETED,
    "UNDELIV": ReceiptState.UNDELIVERABLE,
    "ACCEPTD": ReceiptState.ACCEPTED,
    "ACCEPTE": ReceiptState.ACCEPTED,
    "UNKNOWN": ReceiptState.UNKNOWN,
    "REJECTD": ReceiptState.REJECTED,
    "REJECTE": ReceiptState.REJECTED,
    "SKIPPED": ReceiptState.SKIPPED,
}
_STATES_BY_NUMBER: Final[dict[int, ReceiptState]] = {state.value: state for state in ReceiptState}
_OTHER_TYPES: Final = frozenset(
    (
        EsmClass.DELIVERY_ACKNOWLEDGEMENT.value,
        EsmClass.USER_ACKNOWLEDGEMENT.value,
        EsmClass.CONVERSATION_ABORT.value,
    )
)


class Receipt(Struct, frozen=True, gc=False):
    """What one receipt says, raw values beside their reading."""

    carrier_id: str
    """From receipted_message_id, else from the text. Empty when the receipt names none."""
    text_carrier_id: str
    """The id in the text when it differs from `carrier_id`, else empty: try it second (quirk 51)."""
    state: ReceiptState | None
    """None for a vendor's word or number that has no meaning here."""
    stat: str
    """The word as written, or the number of message_state as text."""
    err: str
    """As written, else the number of network_error_code in three digits, as most write it after `err:`."""
    submitted_text: str
    """Date digits as written, in the SMSC's local time; `times.decode_receipt_time` reads them."""
    done_text: str
    network_error_type: int | None
    """First octet of network_error_code: 1 ANSI-136, 2 IS-95, 3 GSM."""
    network_error_code: int | None
    is_intermediate: bool
    """An intermediate notification: says how it goes, ends nothing, whatever its state."""
    is_guess: bool = False
    """Nothing but its text says that it is one: a person may have written it."""

    @property
    def is_final(self) -> bool:
        """Whether no other receipt is expected after this one."""
        return not self.is_intermediate and self.state in FINAL_STATES


# Names of the module for what every receipt needs: to find a member of an Enum takes 65 ns (CPython 3.11).
_TYPE_MASK: Final = EsmClass.TYPE_MASK.value
_RECEIPT: Final = EsmClass.RECEIPT.value
_INTERMEDIATE: Final = EsmClass.INTERMEDIATE_NOTIFICATION.value
_MESSAGE_ID: Final = Tag.RECEIPTED_MESSAGE_ID.value
_MESSAGE_STATE: Final = Tag.MESSAGE_STATE.value

# The text of appendix B exactly as most SMSCs write it; key by key takes ten times as long.
_match_nominal: Final = re.compile(
    r"id:([^ \0]+) sub:\d+ dlvrd:\d+ submit date:(\d+) done date:(\d+) stat:([A-Z]+) err:(\w+)", re.ASCII
).match
_MOST_TEXT_OCTETS: Final = 1000
"""Receipts are short; what a hostile message_payload adds is not searched."""

_find_text_key: Final = re.compile(r"\btext\s*:", re.IGNORECASE).search
_NOT_A_KEY: Final = r"(?!(?:id|sub|dlvrd|stat|status|err|error|submit[ _]?date|done[ _]?date)\s*:)"
"""After a key without a value comes the next key, which must not be taken for the value."""

_find_id: Final = re.compile(rf"\bid\s*:\s*{_NOT_A_KEY}([^\s,;\0]+)", re.IGNORECASE).search
_find_stat: Final = re.compile(rf"\bstat(?:us)?\s*:\s*{_NOT_A_KEY}(\w+)", re.IGNORECASE).search
_find_err: Final = re.compile(rf"\berr(?:or)?\s*:\s*{_NOT_A_KEY}(-?\w+)", re.IGNORECASE).search
_find_submitted: Final = re.compile(r"\bsubmit[ _]?date\s*:\s*(\d+)", re.IGNORECASE).search
_find_done: Final = re.compile(r"\bdone[ _]?date\s*:\s*(\d+)", re.IGNORECASE).search
_find_bare_state: Final = re.compile(r"\b((?:" + "|".join(sorted(_STATES_BY_WORD)) + r")[A-Z]*)\b").search


def parse_receipt(pdu: DeliverSm | DataSm, *, text_without_esm_class: bool = False) -> Receipt | None:
    """The receipt that `pdu` carries, or None when it is a message from a person.

    A receipt says so in esm_class, or has both receipted_message_id and message_state (quirk 55). Some SMSCs
    do neither: with `text_without_esm_class` a text with an id and a state word is taken for one; check that
    the id is known, since a person may write such a text. 0.9 µs for the nominal text.
    """
    message_type = pdu.esm_class & _TYPE_MASK
    is_intermediate = bool(message_type & _INTERMEDIATE)
    is_announced = bool(message_type & _RECEIPT) or is_intermediate
    if message_type in _OTHER_TYPES:
        return None
    tlvs = pdu.tlvs
    if not tlvs and not is_announced and not text_without_esm_class:
        return None
    tlv_id, tlv_state = find_tlv(tlvs, _MESSAGE_ID), find_tlv(tlvs, _MESSAGE_STATE)
    if (
        is_announced
        and type(pdu) is DeliverSm
        and (match := _match_nominal(pdu.short_message.decode("latin-1")))
    ):
        text_id, submitted, done, stat, err = match.groups()
        state = _STATES_BY_WORD.get(stat[:7])
        if not tlvs or _says_the_same(tlvs, tlv_id, tlv_state, text_id, state):
            return Receipt(text_id, "", state, stat, err, submitted, done, None, None, is_intermediate)
    if not is_announced and not (tlv_id and tlv_state):
        if not text_without_esm_class:
            return None
        receipt = _read_receipt(pdu, tlv_id, tlv_state, is_intermediate=False)
        is_one = receipt.carrier_id and receipt.state is not None
        return replace(receipt, is_guess=True) if is_one else None
    return _read_receipt(pdu, tlv_id, tlv_state, is_intermediate=is_intermediate)


def _says_the_same(
    tlvs: Tlvs, tlv_id: bytes | None, tlv_state: bytes | None, text_id: str, state: ReceiptState | None
) -> bool:
    """Whether id and state are all that the TLVs say, and the text says it too: the usual case, in which
    reading the text key by key (eight times as long) would change nothing."""
    return (
        len(tlvs) == 2
        and tlv_id is not None
        and tlv_state is not None
        and tlv_id.rstrip(b"\0").decode("latin-1") == text_id
        and _STATES_BY_NUMBER.get(int.from_bytes(tlv_state[-4:], "big")) is state
    )


def _read_receipt(
    pdu: DeliverSm | DataSm, tlv_id: bytes | None, tlv_state: bytes | None, *, is_intermediate: bool
) -> Receipt:
    text = _read_text(pdu)
    if found := _find_text_key(text):  # the quoted message may itself say "stat:" (quirk 47)
        text = text[: found.start()]
    text_id = _group(_find_id(text))
    stat = _group(_find_stat(text)) or _group(_find_bare_state(text))
    state = _read_word(stat)
    if tlv_state:
        # One octet by the specification, four from some (quirk 53).
        number = int.from_bytes(tlv_state[-4:], "big")
        state = _STATES_BY_NUMBER.get(number, state)
        stat = stat or str(number)
    carrier_id = tlv_id.partition(b"\0")[0].decode("latin-1") if tlv_id else ""
    network_error = find_tlv(pdu.tlvs, Tag.NETWORK_ERROR_CODE) or b""
    network_error_type = network_error[0] if len(network_error) == 3 else None
    network_error_code = int.from_bytes(network_error[1:], "big") if len(network_error) == 3 else None
    err = _group(_find_err(text))
    if not err and network_error_code is not None:
        err = f"{network_error_code:03}"
    return Receipt(
        carrier_id=carrier_id or text_id,
        text_carrier_id=text_id if carrier_id and text_id != carrier_id else "",
        state=state,
        stat=stat,
        err=err,
        submitted_text=_group(_find_submitted(text)),
        done_text=_group(_find_done(text)),
        network_error_type=network_error_type,
        network_error_code=network_error_code,
        is_intermediate=is_intermediate,
    )


def _read_text(pdu: DeliverSm | DataSm) -> str:
    """The text, from wherever it is; a header before it is taken off (quirk 63)."""
    octets = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    octets = octets or find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    octets = split_user_data(pdu.esm_class, octets).body[:_MOST_TEXT_OCTETS]
    # A receipt in UCS-2 is full of NULs; plain octets under data_coding 8 have none, whatever it announces.
    if pdu.data_coding == DataCoding.UCS2 and 0 in octets:
        if octets[0] and octets[0] < 0x80:  # ASCII with its octets the other way round (quirk 74)
            return octets.decode("utf-16-le", "replace")
        return decode_text(octets, pdu.data_coding)
    return octets.decode("latin-1")


def _read_word(stat: str) -> ReceiptState | None:
    if len(stat) == 1 and stat in "0123456789":
        return _STATES_BY_NUMBER[int(stat)]
    return _STATES_BY_WORD.get(stat[:7].upper())


def _group(match: re.Match[str] | None) -> str:
    return match.group(1) if match else ""
