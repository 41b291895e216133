"""Where in a PDU's octets each of its fields lies, and what of it is broken.

Owns finding names and places for a person who reads a trace; `codec.py` reads the same octets for a session,
faster and without places. Never fails: what does not fit is told as a fault, its octets belong to nothing.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from gateway.smpp.codec import LAYOUTS, Field, FieldKind, Layout
from gateway.smpp.constants import HEADER_OCTETS

_unpack_header: Final = Struct(">IIII").unpack_from
_unpack_tlv: Final = Struct(">HH").unpack_from


@dataclass(frozen=True, slots=True)
class Located:
    """A mandatory field; its content is octets `start` to `end`, without length octet and NUL."""

    name: str
    kind: FieldKind
    value: int | bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LocatedTlv:
    """An optional parameter; its value is octets `start` to `end`."""

    tag: int
    value: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Dissected:
    """One PDU taken apart. Octets from `rest_start` on belong to no field; there are none when it equals the
    length.
    """

    command_id: int
    command_status: int
    sequence_number: int
    fields: tuple[Located, ...]
    tlvs: tuple[LocatedTlv, ...]
    rest_start: int
    faults: tuple[str, ...]

    def number(self, name: str) -> int:
        """The value of an octet field, 0 when the PDU lacks it."""
        return next((field.value for field in self.fields if field.name == name), 0)  # type: ignore[return-value]


def dissect(octets: bytes) -> Dissected:
    """Take one PDU apart. `octets` is all of it, from command_length on."""
    if len(octets) < HEADER_OCTETS:
        fault = f"the header has {HEADER_OCTETS} octets and only {len(octets)} are here"
        return Dissected(0, 0, 0, (), (), 0, (fault,))
    command_length, command_id, command_status, sequence_number = _unpack_header(octets)
    faults = []
    if command_length != len(octets):
        faults.append(f"command_length says {command_length} octets and {len(octets)} are here")
    layout = LAYOUTS.get(command_id)
    fields: list[Located] = []
    tlvs: tuple[LocatedTlv, ...] = ()
    position = HEADER_OCTETS
    if layout is not None:
        position, fault = _walk_fields(octets, layout, fields)
        if fault:
            faults.append(fault)
        elif layout.has_tlvs:
            position, tlvs, fault = _walk_tlvs(octets, position)
            if fault:
                faults.append(fault)
        if not fault and position < len(octets):
            faults.append(f"{_count_octets(len(octets) - position)} after the last field belong to nothing")
    return Dissected(
        command_id, command_status, sequence_number, tuple(fields), tlvs, position, tuple(faults)
    )


def _walk_fields(octets: bytes, layout: Layout, fields: list[Located]) -> tuple[int, str]:
    """Add the mandatory fields; where they end, and the fault that ended them early."""
    position = HEADER_OCTETS
    for field in layout.fields:
        if position >= len(octets):
            # Responses without a body, or with part of it, are common and mean no harm (quirks 13, 27, 29).
            return position, "" if layout.is_response else f"the PDU ends before {field.name}"
        found = _locate(octets, position, field)
        if isinstance(found, str):
            return position, found
        located, position = found
        fields.append(located)
    return position, ""


def _locate(octets: bytes, position: int, field: Field) -> tuple[Located, int] | str:
    """The field at `position` and where the next begins, or why it cannot be there."""
    if field.kind is FieldKind.OCTET:
        end = position + 1
        return Located(field.name, field.kind, octets[position], position, end), end
    if field.kind is FieldKind.MESSAGE:
        start = position + 1
        end = start + octets[position]
        if end > len(octets):
            return f"{field.name} says {octets[position]} octets, and the PDU has {len(octets) - start} left"
        return Located(field.name, field.kind, octets[start:end], start, end), end
    end = octets.find(0, position)
    if end < 0:  # a NUL is missing at the end of some PDUs (quirk 30)
        return Located(field.name, field.kind, octets[position:], position, len(octets)), len(octets)
    return Located(field.name, field.kind, octets[position:end], position, end), end + 1


def _walk_tlvs(octets: bytes, position: int) -> tuple[int, tuple[LocatedTlv, ...], str]:
    tlvs: list[LocatedTlv] = []
    while len(octets) - position >= 4:
        tag, length = _unpack_tlv(octets, position)
        start = position + 4
        if start + length > len(octets):
            fault = f"TLV 0x{tag:04x} says {length} octets, and the PDU has {len(octets) - start} left"
            return position, tuple(tlvs), fault
        tlvs.append(LocatedTlv(tag, octets[start : start + length], start, start + length))
        position = start + length
    return position, tuple(tlvs), ""


def _count_octets(octets: int) -> str:
    return "1 octet" if octets == 1 else f"{octets} octets"
