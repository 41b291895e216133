"""The user data header of a received text: references of parts, ports, languages. 3GPP TS 23.040 §9.2.3.24.

Owns walking the elements and the rule of what makes a sane header. Refuses to know where parts are kept while
others are awaited, and how a text is read.
"""

from dataclasses import dataclass
from enum import IntEnum

from gateway.smpp.constants import EsmClass, Tag
from gateway.smpp.pdus import Tlvs, find_tlv


class ElementId(IntEnum):
    """Information element identifiers that we read by name. TS 23.040 §9.2.3.24"""

    CONCAT_8BIT = 0x00
    PORTS_8BIT = 0x04
    PORTS_16BIT = 0x05
    CONCAT_16BIT = 0x08
    NATIONAL_SINGLE_SHIFT = 0x24
    NATIONAL_LOCKING_SHIFT = 0x25


@dataclass(frozen=True, slots=True)
class Concatenation:
    """That a text is part `number` (from 1) of `total`. `reference_bits` is 8 or 16: the spaces are apart."""

    reference: int
    reference_bits: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Ports:
    """That a text is meant for a program on the handset or at ours. TS 23.040 §9.2.3.24.3, §9.2.3.24.4"""

    destination: int
    source: int


@dataclass(frozen=True, slots=True)
class UserData:
    """A received text with its header taken off. `elements` are (identifier, data) in wire order."""

    elements: tuple[tuple[int, bytes], ...]
    body: bytes

    def find(self, identifier: int) -> bytes | None:
        """The data of the last element with `identifier`: a later one overrules (TS 23.040 §9.2.3.24)."""
        for found, data in reversed(self.elements):
            if found == identifier:
                return data
        return None


def split_user_data(esm_class: int, octets: bytes) -> UserData:
    """Take the header off `octets` when `esm_class` announces one.

    A header that runs past the text, or whose elements do not fill it, is none: the text stays whole (quirk
    81).
    """
    if not esm_class & EsmClass.UDHI or not octets:
        return UserData((), octets)
    end = 1 + octets[0]
    elements = read_elements(octets[:end])
    return UserData((), octets) if elements is None else UserData(elements, octets[end:])


def read_elements(header: bytes) -> tuple[tuple[int, bytes], ...] | None:
    """The elements of a header, given with the octet of its length; None where they do not fill it."""
    if not header:
        return ()
    end = 1 + header[0]
    if end > len(header):
        return None
    elements = []
    position = 1
    while position < end:
        if position + 2 > end:
            return None
        identifier, length = header[position], header[position + 1]
        position += 2
        if position + length > end:
            return None
        elements.append((identifier, header[position : position + length]))
        position += length
    return tuple(elements)


def find_concatenation(user_data: UserData, tlvs: Tlvs = ()) -> Concatenation | None:
    """Which part this text is, by its header or else by the SAR TLVs; None for a text that stands alone.

    A total of 0 or 1, and a number of 0 or above the total, are ignored as TS 23.040 §9.2.3.24.1 demands.
    """
    if not user_data.elements and not tlvs:  # most texts
        return None
    found: Concatenation | None = None
    eight, sixteen = user_data.find(ElementId.CONCAT_8BIT), user_data.find(ElementId.CONCAT_16BIT)
    if sixteen is not None and len(sixteen) == 4:
        found = Concatenation(int.from_bytes(sixteen[:2], "big"), 16, sixteen[2], sixteen[3])
    elif eight is not None and len(eight) == 3:
        found = Concatenation(eight[0], 8, eight[1], eight[2])
    else:
        reference = find_tlv(tlvs, Tag.SAR_MSG_REF_NUM)
        total = find_tlv(tlvs, Tag.SAR_TOTAL_SEGMENTS)
        number = find_tlv(tlvs, Tag.SAR_SEGMENT_SEQNUM)
        if reference and total and number:
            as_int = int.from_bytes
            found = Concatenation(as_int(reference[-2:], "big"), 16, total[-1], number[-1])
    if found is None or found.total < 2 or not 1 <= found.number <= found.total:
        return None
    return found


def find_ports(user_data: UserData, tlvs: Tlvs = ()) -> Ports | None:
    """Which ports this text is for and from, by its header or else by the TLVs; None for one to a person."""
    if not user_data.elements and not tlvs:
        return None
    if (wide := user_data.find(ElementId.PORTS_16BIT)) is not None and len(wide) == 4:
        return Ports(int.from_bytes(wide[:2], "big"), int.from_bytes(wide[2:], "big"))
    if (narrow := user_data.find(ElementId.PORTS_8BIT)) is not None and len(narrow) == 2:
        return Ports(narrow[0], narrow[1])
    if destination := find_tlv(tlvs, Tag.DESTINATION_PORT):
        source = find_tlv(tlvs, Tag.SOURCE_PORT) or b""
        return Ports(int.from_bytes(destination[-2:], "big"), int.from_bytes(source[-2:], "big"))
    return None
