"""The content of a message in words: its header's elements, its text, and what a receipt in it says.

Owns which octets of a content may be shown to somebody who must not read texts. Refuses to know where the
content lies in a PDU. 3GPP TS 23.040 §9.2.3.24, SMPP 3.4 appendix B.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.smpp.field_words import describe_state, quote
from gateway.smpp.pdus import Tlvs
from gateway.smpp.receipts import Receipt
from gateway.smpp.received_text import Piece, read_pieces
from gateway.smpp.text import ReadAs, reading_of
from gateway.smpp.udh import ElementId, UserData, find_concatenation, split_user_data

Spans: TypeAlias = tuple[tuple[int, int], ...]

_ELEMENTS: Final = {
    0x01: "message waiting indication",
    0x06: "SMSC control parameters",
    0x07: "source of the header",
    0x09: "WCMP",
    0x0A: "text formatting",
    0x0B: "predefined sound",
    0x0C: "sound",
    0x0D: "predefined animation",
    0x0E: "large animation",
    0x0F: "small animation",
    0x10: "large picture",
    0x11: "small picture",
    0x12: "picture",
    0x13: "user prompt",
    0x14: "extended object",
    0x15: "reused extended object",
    0x16: "compression",
    0x17: "object distribution",
    0x20: "e-mail header",
    0x21: "hyperlink",
    0x22: "reply address",
    0x23: "voice mail",
}
_LANGUAGES: Final = (
    "the default", "Turkish", "Spanish", "Portuguese", "Bengali", "Gujarati", "Hindi", "Kannada", "Malayalam",
    "Oriya", "Punjabi", "Tamil", "Telugu", "Urdu",
)  # fmt: skip

# Of a receipt, those who must not read texts see the keys with their values: the rest may quote a text.
_find_receipt_keys: Final = re.compile(
    rb"\b(?:id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat(?:us)?|err(?:or)?)\s*:\s*[^\s,;]+", re.IGNORECASE
).finditer
_find_quoted_text: Final = re.compile(rb"\btext\s*:", re.IGNORECASE).search


@dataclass(frozen=True, slots=True)
class Alphabets:
    """How one SMSC writes what a data_coding leaves open (quirks 66, 74)."""

    default: ReadAs = ReadAs.GSM7
    is_little_endian: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What a message carries: header, text, and the lines that tell of both."""

    user_data: UserData
    part: str
    """`part 1 of 2`, or empty for a text that stands alone."""
    words: tuple[str, ...]
    open_spans: Spans
    """Octets of the content that hold no text of a person."""


def describe_content(
    octets: bytes,
    *,
    esm_class: int,
    data_coding: int,
    is_receipt: bool,
    alphabets: Alphabets,
    shows_text: bool,
    tlvs: Tlvs = (),
) -> Content:
    """The content of a short_message or message_payload. Without `shows_text` of a text only its length is
    told, and of a receipt its keys."""
    user_data = split_user_data(esm_class, octets)
    body = user_data.body
    header_octets = len(octets) - len(body)
    words = []
    if header_octets:
        words.append(f"header of {header_octets} octets: {_describe_header(user_data)}")
    elif esm_class & 0x40 and octets:
        words.append("esm_class announces a header, and these octets are none")
    open_spans: list[tuple[int, int]] = [(0, header_octets)] if header_octets else []
    if is_receipt:
        open_spans += [(start + header_octets, end + header_octets) for start, end in _find_open(body)]
    if shows_text:
        words.append(_read(octets[:header_octets], body, data_coding, alphabets))
    elif is_receipt and len(open_spans) > bool(header_octets):
        shown = b" ".join(octets[start:end] for start, end in open_spans[bool(header_octets) :])
        words.append(f"text {quote(shown)}, the rest hidden")
    else:
        words.append("text hidden" if body else "no text")
    concatenation = find_concatenation(user_data, tlvs)
    part = f"part {concatenation.number} of {concatenation.total}" if concatenation else ""
    return Content(user_data, part, tuple(words), tuple(open_spans))


def describe_receipt(receipt: Receipt) -> str:
    """What a receipt says, in one line; what it lacks is left out."""
    state = "" if receipt.state is None else describe_state(receipt.state.value)
    said = [
        f"id {quote(receipt.carrier_id)}" if receipt.carrier_id else "without an id",
        f"id in the text {quote(receipt.text_carrier_id)}" if receipt.text_carrier_id else "",
        f"stat {quote(receipt.stat)} {state or 'of no known meaning'}" if receipt.stat else "without a state",
        f"err {quote(receipt.err)}" if receipt.err else "",
        f"submitted {receipt.submitted_text}" if receipt.submitted_text else "",
        f"done {receipt.done_text}" if receipt.done_text else "",
    ]
    kind = "intermediate notification" if receipt.is_intermediate else "receipt"
    return f"{kind}: {', '.join(filter(None, said))}"


def _read(header: bytes, body: bytes, data_coding: int, alphabets: Alphabets) -> str:
    if not body:
        return "no text"
    read_as = reading_of(data_coding, default=alphabets.default, is_little_endian=alphabets.is_little_endian)
    text = read_pieces((Piece(read_as, header, body),))
    return "data that is no text" if text is None else f"text {quote(text)}"


def _find_open(body: bytes) -> list[tuple[int, int]]:
    """Where a receipt's keys and values stand in its text, up to the text it may quote."""
    quoted = _find_quoted_text(body)
    end = len(body) if quoted is None else quoted.start()
    spans: list[tuple[int, int]] = []
    for match in _find_receipt_keys(body, 0, end):
        start, key_end = match.span()
        if spans and not body[spans[-1][1] : start].strip(b" ,;"):
            start = spans.pop()[0]
        spans.append((start, key_end))
    return spans


def _describe_header(user_data: UserData) -> str:
    return (
        "; ".join(_describe_element(identifier, data) for identifier, data in user_data.elements) or "empty"
    )


def _describe_element(identifier: int, data: bytes) -> str:
    """One information element; a known one of a wrong length is shown as unknown."""
    if identifier == ElementId.CONCAT_8BIT and len(data) == 3:
        return f"part {data[2]} of {data[1]}, reference {data[0]}"
    if identifier == ElementId.CONCAT_16BIT and len(data) == 4:
        return f"part {data[3]} of {data[2]}, reference {int.from_bytes(data[:2], 'big')} (16 bits)"
    if identifier == ElementId.PORTS_8BIT and len(data) == 2:
        return f"from port {data[1]} to port {data[0]}"
    if identifier == ElementId.PORTS_16BIT and len(data) == 4:
        return f"from port {int.from_bytes(data[2:], 'big')} to port {int.from_bytes(data[:2], 'big')}"
    if identifier == ElementId.NATIONAL_SINGLE_SHIFT and len(data) == 1:
        return f"{_name_language(data[0])} single shift table"
    if identifier == ElementId.NATIONAL_LOCKING_SHIFT and len(data) == 1:
        return f"{_name_language(data[0])} locking shift table"
    name = _ELEMENTS.get(identifier, "SIM toolkit" if 0x70 <= identifier <= 0x7F else "element")
    return f"{name} 0x{identifier:02x} {data.hex(' ') or 'empty'}"


def _name_language(number: int) -> str:
    return _LANGUAGES[number] if number < len(_LANGUAGES) else f"language {number}"
