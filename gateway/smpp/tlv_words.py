"""Optional parameters by name, their values in words. SMPP 3.4 §5.3, and those of 5.0 that carriers send.

Owns the names and what their values mean. A value of a wrong length is shown as the octets it is (quirk 53).
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from gateway.smpp.constants import Tag
from gateway.smpp.field_words import describe_npi, describe_state, describe_ton, describe_version, quote

_Read: TypeAlias = Callable[[bytes], str]
_MOST_RAW_OCTETS: Final = 64
_VENDOR_TAGS: Final = range(0x1400, 0x4000)
"""§5.3.1 gives them to the makers of SMSCs."""


def _choice(*words: str) -> _Read:
    """Reads a number that stands for one of `words`, counted from 0."""

    def read(value: bytes) -> str:
        number = int.from_bytes(value, "big")
        return f"{number} {words[number] if number < len(words) else 'reserved'}"

    return read


def _number(value: bytes) -> str:
    return str(int.from_bytes(value, "big"))


def _string(value: bytes) -> str:
    return quote(value.rstrip(b"\0"))


def _raw(value: bytes) -> str:
    more = "…" if len(value) > _MOST_RAW_OCTETS else ""
    return (value[:_MOST_RAW_OCTETS].hex(" ") + more) or "empty"


def _state(value: bytes) -> str:
    number = int.from_bytes(value[-4:], "big")
    return f"{number} {describe_state(number)}"


def _version(value: bytes) -> str:
    return f"0x{value[-1]:02x} {describe_version(value[-1])}"


def _network_error(value: bytes) -> str:
    """One octet of network type and two of its own code. §5.3.2.31"""
    if len(value) != 3:
        return _raw(value)
    network = {1: "ANSI-136", 2: "IS-95", 3: "GSM"}.get(value[0], f"network type {value[0]}")
    return f"{network} error {int.from_bytes(value[1:], 'big')}"


def _callback(value: bytes) -> str:
    """Digit mode, ton, npi, then the digits. §5.3.2.36"""
    if len(value) < 3:
        return _raw(value)
    ton, npi = value[1], value[2]
    return f"{quote(value[3:])} (ton {ton} {describe_ton(ton)}, npi {npi} {describe_npi(npi)})"


_NETWORKS: Final = _choice(
    "unknown", "GSM", "ANSI-136", "IS-95", "PDC", "PHS", "iDEN", "AMPS", "paging network"
)
_BEARERS: Final = _choice(
    "unknown",
    "SMS",
    "circuit switched data",
    "packet data",
    "USSD",
    "CDPD",
    "DataTAC",
    "FLEX",
    "cell broadcast",
)
_SUBUNITS: Final = _choice("unknown", "display", "mobile equipment", "SIM", "external unit")

_KNOWN: Final[dict[int, tuple[str, _Read]]] = {
    0x0005: ("dest_addr_subunit", _SUBUNITS),
    0x0006: ("dest_network_type", _NETWORKS),
    0x0007: ("dest_bearer_type", _BEARERS),
    0x0008: ("dest_telematics_id", _number),
    0x000D: ("source_addr_subunit", _SUBUNITS),
    0x000E: ("source_network_type", _NETWORKS),
    0x000F: ("source_bearer_type", _BEARERS),
    0x0010: ("source_telematics_id", _number),
    0x0017: ("qos_time_to_live", lambda value: f"{_number(value)} s"),
    0x0019: ("payload_type", _choice("default", "WCMP")),
    0x001D: ("additional_status_info_text", _string),
    0x001E: ("receipted_message_id", _string),
    0x0030: ("ms_msg_wait_facilities", _raw),
    0x0201: ("privacy_indicator", _choice("not restricted", "restricted", "confidential", "secret")),
    0x0202: ("source_subaddress", _raw),
    0x0203: ("dest_subaddress", _raw),
    0x0204: ("user_message_reference", _number),
    0x0205: ("user_response_code", _number),
    0x020A: ("source_port", _number),
    0x020B: ("destination_port", _number),
    0x020C: ("sar_msg_ref_num", _number),
    0x020D: (
        "language_indicator",
        _choice("unspecified", "English", "French", "Spanish", "German", "Portuguese"),
    ),
    0x020E: ("sar_total_segments", _number),
    0x020F: ("sar_segment_seqnum", _number),
    0x0210: ("sc_interface_version", _version),
    0x0302: ("callback_num_pres_ind", _raw),
    0x0303: ("callback_num_atag", _raw),
    0x0304: ("number_of_messages", _number),
    0x0381: ("callback_num", _callback),
    0x0420: ("dpf_result", _choice("not set", "set")),
    0x0421: ("set_dpf", _choice("not asked for", "asked for")),
    0x0422: ("ms_availability_status", _choice("available", "denied", "unavailable")),
    0x0423: ("network_error_code", _network_error),
    0x0424: ("message_payload", _raw),
    0x0425: (
        "delivery_failure_reason",
        _choice(
            "destination unavailable",
            "destination address not valid",
            "permanent network error",
            "temporary network error",
        ),
    ),
    0x0426: ("more_messages_to_send", _choice("none", "more follow")),
    0x0427: ("message_state", _state),
    0x0428: ("congestion_state", lambda value: f"{_number(value)} of 99"),
    0x0501: ("ussd_service_op", _raw),
    0x060D: ("source_network_id", _string),
    0x060E: ("dest_network_id", _string),
    0x060F: ("source_node_id", _string),
    0x0610: ("dest_node_id", _string),
    0x0611: ("dest_addr_np_resolution", _choice("not asked", "asked, not ported", "asked, ported")),
    0x0612: ("dest_addr_np_information", _string),
    0x0613: ("dest_addr_np_country", _raw),
    0x1201: ("display_time", _choice("temporary", "default", "invoke")),
    0x1203: ("sms_signal", _raw),
    0x1204: (
        "ms_validity",
        _choice(
            "store indefinitely",
            "until power down",
            "until the area changes",
            "display only",
            "relative time",
        ),
    ),
    0x130C: ("alert_on_message_delivery", _raw),
    0x1380: ("its_reply_type", _raw),
    0x1383: ("its_session_info", _raw),
}


def name_tlv(tag: int) -> str:
    """The specification's name with the tag, or what kind of unknown it is."""
    if (known := _KNOWN.get(tag)) is not None:
        return f"{known[0]} (0x{tag:04x})"
    return f"{'vendor' if tag in _VENDOR_TAGS else 'unknown'} TLV 0x{tag:04x}"


def describe_tlv_value(tag: int, value: bytes) -> str:
    """The value in words, or in hex for a tag that has none."""
    known = _KNOWN.get(tag)
    return _raw(value) if known is None or not value or len(value) > 0xFF else known[1](value)


def may_hold_text(tag: int) -> bool:
    """Whether people's texts may be in it: message_payload by design, and what nobody knows."""
    return tag == Tag.MESSAGE_PAYLOAD or not (tag in _KNOWN or tag in _VENDOR_TAGS)
