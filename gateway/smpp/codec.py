"""Any PDU to octets and back, by one table of fields. SMPP 3.4 §3 and §4.

Strict when writing: a field beyond its size is refused. Lenient when reading: over-long strings, absent
response bodies, a missing NUL at the end, trailing octets and broken TLVs are all seen in the field and none
of them ends a session. The four PDUs that every message costs have faster twins in `hotpath.py`.
"""

from dataclasses import dataclass
from enum import Enum, auto
from struct import Struct
from typing import Any, Final

from gateway.smpp import pdus
from gateway.smpp.constants import HEADER_OCTETS, MAX_SHORT_MESSAGE_OCTETS, RESPONSE_BIT
from gateway.smpp.errors import BadPdu, RuleBroken, name_command
from gateway.smpp.framing import Frame
from gateway.smpp.pdus import Pdu, Tlvs
from gateway.smpp.statuses import CommandStatus

_header: Final = Struct(">IIII")
_tlv_header: Final = Struct(">HH")


class FieldKind(Enum):
    """How one field lies on the wire. SMPP 3.4 §3.1"""

    OCTET = auto()
    C_STRING = auto()
    MESSAGE = auto()
    """One length octet, then so many octets; NUL is an ordinary octet in them (quirk 67)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One mandatory field. `most_octets` binds the writer only and counts the content without the NUL."""

    name: str
    kind: FieldKind
    most_octets: int = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """The wire form of one command."""

    pdu_type: type[Any]
    fields: tuple[Field, ...]
    has_tlvs: bool
    is_response: bool


def _octets(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, FieldKind.OCTET) for name in names)


def _string(name: str, most_octets: int) -> Field:
    return Field(name, FieldKind.C_STRING, most_octets)


def _address(prefix: str, name: str, most_octets: int = 20) -> tuple[Field, ...]:
    return (*_octets(f"{prefix}_ton", f"{prefix}_npi"), _string(name, most_octets))


# The specification gives system_id 15 and password 8 characters; many SMSCs hand out longer ones, and what an
# operator was given is never refused here (quirk 24).
_ACCOUNT: Final = (_string("system_id", 255), _string("password", 255))
_MESSAGE_ID: Final = _string("message_id", 64)
_SOURCE: Final = _address("source_addr", "source_addr")
_DESTINATION: Final = _address("dest_addr", "destination_addr")
_TEXT: Final = Field("short_message", FieldKind.MESSAGE, MAX_SHORT_MESSAGE_OCTETS)
_TIMES: Final = (_string("schedule_delivery_time", 16), _string("validity_period", 16))

_BIND: Final = (
    *_ACCOUNT,
    _string("system_type", 12),
    *_octets("interface_version", "addr_ton", "addr_npi"),
    _string("address_range", 40),
)
_BIND_RESPONSE: Final = (_string("system_id", 255),)
_MESSAGE: Final = (
    _string("service_type", 5),
    *_SOURCE,
    *_DESTINATION,
    *_octets("esm_class", "protocol_id", "priority_flag"),
    *_TIMES,
    *_octets("registered_delivery", "replace_if_present_flag", "data_coding", "sm_default_msg_id"),
    _TEXT,
)
_DATA: Final = (
    _string("service_type", 5),
    *_address("source_addr", "source_addr", 64),
    *_address("dest_addr", "destination_addr", 64),
    *_octets("esm_class", "registered_delivery", "data_coding"),
)
_QUERY_RESPONSE: Final = (_MESSAGE_ID, _string("final_date", 16), *_octets("message_state", "error_code"))
_CANCEL: Final = (_string("service_type", 5), _MESSAGE_ID, *_SOURCE, *_DESTINATION)
_REPLACE: Final = (
    _MESSAGE_ID,
    *_SOURCE,
    *_TIMES,
    *_octets("registered_delivery", "sm_default_msg_id"),
    _TEXT,
)
_ALERT: Final = (*_address("source_addr", "source_addr", 64), *_address("esme_addr", "esme_addr", 64))

_FIELDS: Final[tuple[tuple[type[Any], tuple[Field, ...]], ...]] = (
    (pdus.BindTransmitter, _BIND),
    (pdus.BindTransmitterResp, _BIND_RESPONSE),
    (pdus.BindReceiver, _BIND),
    (pdus.BindReceiverResp, _BIND_RESPONSE),
    (pdus.BindTransceiver, _BIND),
    (pdus.BindTransceiverResp, _BIND_RESPONSE),
    (pdus.Outbind, _ACCOUNT),
    (pdus.SubmitSm, _MESSAGE),
    (pdus.SubmitSmResp, (_MESSAGE_ID,)),
    (pdus.DeliverSm, _MESSAGE),
    (pdus.DeliverSmResp, (_MESSAGE_ID,)),
    (pdus.DataSm, _DATA),
    (pdus.DataSmResp, (_MESSAGE_ID,)),
    (pdus.QuerySm, (_MESSAGE_ID, *_SOURCE)),
    (pdus.QuerySmResp, _QUERY_RESPONSE),
    (pdus.CancelSm, _CANCEL),
    (pdus.CancelSmResp, ()),
    (pdus.ReplaceSm, _REPLACE),
    (pdus.ReplaceSmResp, ()),
    (pdus.EnquireLink, ()),
    (pdus.EnquireLinkResp, ()),
    (pdus.AlertNotification, _ALERT),
    (pdus.Unbind, ()),
    (pdus.UnbindResp, ()),
    (pdus.GenericNack, ()),
)

LAYOUTS: Final[dict[int, Layout]] = {
    pdu_type.command_id: Layout(
        pdu_type,
        fields,
        has_tlvs="tlvs" in pdu_type.__struct_fields__,
        is_response=bool(pdu_type.command_id & RESPONSE_BIT),
    )
    for pdu_type, fields in _FIELDS
}
"""The wire form of every command we know, by command_id."""


def encode(pdu: Pdu, *, sequence_number: int | None = None) -> bytes:
    """The octets of `pdu`, numbered with `sequence_number` when given.

    Raises `RuleBroken` naming the field that does not fit. An error response carries no body, as §4.4.2 has
    it, except deliver_sm_resp, whose one NUL some SMSCs insist on (quirk 65).
    """
    number = pdu.sequence_number if sequence_number is None else sequence_number
    if isinstance(pdu, pdus.UnknownPdu):
        body = pdu.body
        return _header.pack(HEADER_OCTETS + len(body), pdu.command_id, pdu.command_status, number) + body
    layout = LAYOUTS[pdu.command_id]
    # responses have it
    command_status: int = pdu.command_status if layout.is_response else 0  # type: ignore[union-attr]
    pieces: list[bytes] = []
    if not command_status or isinstance(pdu, pdus.DeliverSmResp):
        for field in layout.fields:
            _write_field(pieces, field, getattr(pdu, field.name), pdu.command_id)
    if layout.has_tlvs:
        pieces.append(encode_tlvs(pdu.tlvs))  # type: ignore[union-attr]  # the layout says so
    body = b"".join(pieces)
    return _header.pack(HEADER_OCTETS + len(body), pdu.command_id, command_status, number) + body


def encode_tlvs(tlvs: Tlvs) -> bytes:
    """The octets of optional parameters, in the order given. Raises `RuleBroken` for a value beyond 65535
    octets.
    """
    pieces = []
    for tag, value in tlvs:
        if len(value) > 0xFFFF:
            raise RuleBroken(f"TLV 0x{tag:04x} holds 65535 octets, not {len(value)}")
        pieces.append(_tlv_header.pack(tag, len(value)))
        pieces.append(value)
    return b"".join(pieces)


def _write_field(pieces: list[bytes], field: Field, value: Any, command_id: int) -> None:
    if field.kind is FieldKind.OCTET:
        if not 0 <= value <= 0xFF:
            raise RuleBroken(f"{name_command(command_id)}: {field.name} is one octet and cannot hold {value}")
        pieces.append(bytes((value,)))
        return
    if len(value) > field.most_octets:
        raise RuleBroken(
            f"{name_command(command_id)}: {field.name} has {len(value)} octets; {field.most_octets} fit"
        )
    if field.kind is FieldKind.MESSAGE:
        pieces.append(bytes((len(value),)))
        pieces.append(value)
        return
    if 0 in value:
        raise RuleBroken(f"{name_command(command_id)}: {field.name} cannot contain a NUL octet")
    pieces.append(value)
    pieces.append(b"\0")


def decode(buffer: bytes, frame: Frame) -> Pdu:
    """The PDU at `frame` of `buffer`. Raises `BadPdu`, which says what to answer, and nothing else.

    A response lacking some or all of its body keeps the defaults for what is missing (quirks 13, 27, 29). A
    command that we do not know comes back as `UnknownPdu`.
    """
    command_id, command_status, sequence_number, start, end = frame
    layout = LAYOUTS.get(command_id)
    position = start + HEADER_OCTETS
    if layout is None:
        return pdus.UnknownPdu(command_id, buffer[position:end], command_status, sequence_number)
    values: dict[str, Any] = {"sequence_number": sequence_number}
    for field in layout.fields:
        if position >= end and layout.is_response:
            break
        read = _read_field(buffer, position, end, field)
        if isinstance(read, CommandStatus):
            what = f"{field.name} runs past the end of the PDU ({end - start} octets)"
            raise BadPdu(
                what, command_id=command_id, sequence_number=sequence_number, command_status=read.value
            )
        values[field.name], position = read
    if layout.is_response:
        values["command_status"] = command_status
    if layout.has_tlvs and position < end:
        values["tlvs"] = decode_tlvs(buffer, position, end)
    pdu: Pdu = layout.pdu_type(**values)
    return pdu


def _read_field(buffer: bytes, position: int, end: int, field: Field) -> tuple[Any, int] | CommandStatus:
    """The value and the position after it, or the status that a PDU with this fault is answered with."""
    if position >= end:
        return CommandStatus.ESME_RINVCMDLEN
    if field.kind is FieldKind.OCTET:
        return buffer[position], position + 1
    if field.kind is FieldKind.MESSAGE:
        stop = position + 1 + buffer[position]
        if stop > end:
            return CommandStatus.ESME_RINVMSGLEN
        return buffer[position + 1 : stop], stop
    stop = buffer.find(0, position, end)
    if (
        stop < 0
    ):  # no NUL before the end: take what is there (quirk 30); a later mandatory field is then missing
        return buffer[position:end], end
    return buffer[position:stop], stop + 1


def decode_tlvs(buffer: bytes, position: int, end: int) -> Tlvs:
    """The TLVs from `position` on. One that runs past `end`, or fewer than four octets, end the list (quirks
    3, 53).
    """
    tlvs = []
    while end - position >= 4:
        tag, octets = _tlv_header.unpack_from(buffer, position)
        position += 4
        if position + octets > end:
            break
        tlvs.append((tag, buffer[position : position + octets]))
        position += octets
    return tuple(tlvs)
