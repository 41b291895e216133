"""What the value of a mandatory field means, in words. SMPP 3.4 §5.2, 3GPP TS 23.038 §4, TS 23.040 §9.2.3.9.

Owns the words; knows no PDU. Every function takes any value that an octet or a string can have and never
fails: what the specification leaves open is called reserved.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gateway.smpp.receipts import ReceiptState
from gateway.smpp.text import Alphabet, alphabet_of
from gateway.smpp.times import decode_time

_TON: Final = (
    "unknown", "international", "national", "network specific", "subscriber", "alphanumeric", "abbreviated",
)  # fmt: skip
_NPI: Final = {
    0: "unknown",
    1: "ISDN (E.164)",
    3: "data (X.121)",
    4: "telex",
    6: "land mobile (E.212)",
    8: "national",
    9: "private",
    10: "ERMES",
    14: "internet (IP)",
    18: "WAP client id",
}
_MODES: Final = ("", "datagram mode", "forward mode", "store and forward mode")
_ESM_TYPES: Final = {
    0x04: "receipt",
    0x08: "delivery acknowledgement of the handset",
    0x10: "acknowledgement by the user",
    0x18: "conversation abort",
    0x20: "intermediate notification",
}
_RECEIPTS: Final = (
    "no receipt", "a receipt of the end", "a receipt of failure only", "a receipt of success only",
)  # fmt: skip
_ACKNOWLEDGEMENTS: Final = (
    "", "an acknowledgement of the handset", "an acknowledgement of the user", "both acknowledgements",
)  # fmt: skip
_CODINGS: Final = {
    0: "the default alphabet of the SMSC",
    1: "ASCII",
    2: "8-bit data",
    3: "Latin-1",
    4: "8-bit data",
    5: "JIS",
    6: "Cyrillic (ISO 8859-5)",
    7: "Hebrew (ISO 8859-8)",
    8: "UCS-2",
    9: "pictograms",
    10: "music codes (ISO-2022-JP)",
    13: "extended Kanji",
    14: "Korean (KS C 5601)",
}
_ALPHABETS: Final = {Alphabet.GSM7: "GSM 03.38", Alphabet.BINARY: "8-bit data", Alphabet.UCS2: "UCS-2"}
_CLASSES: Final = ("class 0 (flash)", "class 1 (handset)", "class 2 (SIM)", "class 3 (terminal)")
_VERSIONS: Final = {0x33: "SMPP 3.3", 0x34: "SMPP 3.4", 0x50: "SMPP 5.0"}
_REPLACE: Final = ("no", "replaces a pending message of the same addresses")
_STATES: Final = {state.value: state.name for state in ReceiptState}


def describe_ton(ton: int) -> str:
    return _TON[ton] if ton < len(_TON) else "reserved"


def describe_npi(npi: int) -> str:
    return _NPI.get(npi, "reserved")


def describe_esm_class(esm_class: int) -> str:
    """Mode, type and features, bits 0–1, 2–5 and 6–7. §5.2.12"""
    message_type = esm_class & 0x3C
    said = [
        _MODES[esm_class & 0x03],
        _ESM_TYPES.get(message_type, "reserved type" if message_type else ""),
        "header in the text (UDHI)" if esm_class & 0x40 else "",
        "reply path" if esm_class & 0x80 else "",
    ]
    return ", ".join(filter(None, said)) or "a plain message"


def describe_registered_delivery(flags: int) -> str:
    """What is asked for: bits 0–1 receipt, 2–3 acknowledgement, 4 intermediate notification. §5.2.17"""
    said = [
        _RECEIPTS[flags & 0x03],
        _ACKNOWLEDGEMENTS[flags >> 2 & 0x03],
        "intermediate notifications" if flags & 0x10 else "",
        "reserved bits" if flags & 0xE0 else "",
    ]
    return ", ".join(filter(None, said))


def describe_data_coding(data_coding: int) -> str:
    """The alphabet and, in the GSM forms of the high nibble, class and waiting indication.

    SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4.
    """
    group = data_coding >> 4
    if group == 0:
        return _CODINGS.get(data_coding, "reserved")
    alphabet = _ALPHABETS.get(alphabet_of(data_coding), "8-bit data")
    if group < 0x8:
        said = [
            alphabet,
            _CLASSES[data_coding & 0x03] if data_coding & 0x10 else "",
            "compressed" if data_coding & 0x20 else "",
            "deleted once read" if data_coding & 0x40 else "",
        ]
        return ", ".join(filter(None, said))
    if group < 0xC:
        return "reserved"
    if group == 0xF:
        return f"{alphabet}, {_CLASSES[data_coding & 0x03]}"
    waits = "on" if data_coding & 0x08 else "off"
    kept = ", text discarded" if group == 0xC else ""
    return f"{alphabet}, message waiting {waits}{kept}"


def describe_protocol_id(protocol_id: int) -> str:
    """3GPP TS 23.040 §9.2.3.9, the values that change what a handset does."""
    if protocol_id == 0:
        return "none"
    if protocol_id == 0x40:
        return "silent (type 0)"
    if 0x41 <= protocol_id <= 0x47:
        return f"replaces the last text of type {protocol_id - 0x40} on the handset"
    if 0x20 <= protocol_id <= 0x3F:
        return "to another service (telematic)"
    return {0x5F: "return call", 0x7D: "handset data download", 0x7F: "SIM data download"}.get(
        protocol_id, "reserved or of the carrier"
    )


def describe_version(version: int) -> str:
    if version <= 0x33:
        return _VERSIONS[0x33] if version == 0x33 else "SMPP 3.3 or older"
    return _VERSIONS.get(version, "reserved")


def describe_state(state: int) -> str:
    """`message_state`, of query_sm_resp and of the TLV. §5.2.28"""
    return _STATES.get(state, "reserved")


def describe_replacing(flag: int) -> str:
    return _REPLACE[flag] if flag < 2 else "reserved"


def describe_time(field: bytes, at: datetime) -> str:
    """A time field read at the moment `at`: which moment it means, and by which form. §7.1.1"""
    moment = decode_time(field, now=at)
    if moment is None:
        return "not readable as a time"
    form = "relative" if field.endswith(b"R") else "absolute"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {form}"


WORDS_OF_OCTETS: Final[dict[str, Callable[[int], str]]] = {
    "source_addr_ton": describe_ton,
    "source_addr_npi": describe_npi,
    "dest_addr_ton": describe_ton,
    "dest_addr_npi": describe_npi,
    "esme_addr_ton": describe_ton,
    "esme_addr_npi": describe_npi,
    "addr_ton": describe_ton,
    "addr_npi": describe_npi,
    "esm_class": describe_esm_class,
    "protocol_id": describe_protocol_id,
    "registered_delivery": describe_registered_delivery,
    "replace_if_present_flag": describe_replacing,
    "data_coding": describe_data_coding,
    "interface_version": describe_version,
    "message_state": describe_state,
}
"""The meaning of each field of one octet that has one; the others are plain numbers."""

IN_HEX: Final = frozenset({"esm_class", "protocol_id", "data_coding", "interface_version"})
"""Fields whose bits mean something, so that hex says more than a decimal number."""

TIMES: Final = frozenset({"schedule_delivery_time", "validity_period", "final_date"})


def quote(octets: bytes | str, *, most: int = 2_000) -> str:
    """A string of the wire between quotes, nothing in it able to move a terminal's cursor or to hide.

    Octets are shown as Latin-1; beyond `most` characters it says how many more there are.
    """
    text = octets.decode("latin-1") if isinstance(octets, bytes) else octets
    shown = "".join(map(_escape, text[:most]))
    more = f" and {len(text) - most} more characters" if len(text) > most else ""
    return f'"{shown}"{more}'


def _escape(character: str) -> str:
    if character.isprintable() and character not in '"\\':
        return character
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
