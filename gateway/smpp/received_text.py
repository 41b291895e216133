"""A received text, whole or in parts, as something that a person can read.

Owns what a header's language elements and the borders of parts mean for reading. Octets are joined before
they are read, since phones cut surrogate pairs and escapes between parts (quirk 74). Refuses to know who sent
what.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from gateway.smpp.gsm import unpack_septets
from gateway.smpp.shift_tables import extension_of, letters_of
from gateway.smpp.text import ReadAs, decode_octets
from gateway.smpp.udh import ElementId, read_elements

GAP: Final = "[…]"
"""Stands where parts are missing."""

_AT_SIGN: Final = b"\0"


class Piece(NamedTuple):
    """One part of a text. `header` begins with the octet of its length, and is empty for none."""

    read_as: ReadAs
    header: bytes
    body: bytes


class _Reading(NamedTuple):
    """What pieces must have in common to be read as one."""

    read_as: ReadAs
    locking: int | None
    single: int | None


def read_pieces(pieces: Sequence[Piece | None]) -> str | None:
    """The text of `pieces` in order, None for a missing one. None when they are binary: their octets are all.

    Never fails. NULs, which end the texts of some SMSCs and which Postgres cannot store, are left out at the
    end and shown as U+FFFD elsewhere; in the GSM alphabet such an octet is `@` (quirk 67).
    """
    if any(piece is not None and piece.read_as is ReadAs.BINARY and piece.body for piece in pieces):
        return None
    if len(pieces) == 1 and (only := pieces[0]) is not None and not only.header:
        # Most texts: 2.3 µs less than to look for languages and for what might be joined.
        text = decode_octets(_octets_of(only), _unpacked(only.read_as))
    else:
        text = "".join(_read_run(reading, run) for reading, run in groupby(pieces, key=_reading_of))
    return text.rstrip("\0").replace("\0", "\ufffd")


def _read_run(reading: _Reading | None, run: Iterable[Piece | None]) -> str:
    """The text of neighbours that are read alike; of those that are missing, the gap."""
    if reading is None:
        return GAP
    octets = b"".join(_octets_of(piece) for piece in run if piece is not None)
    return decode_octets(
        octets, _unpacked(reading.read_as), letters_of(reading.locking), extension_of(reading.single)
    )


def _unpacked(read_as: ReadAs) -> ReadAs:
    """How that is read which `_octets_of` gives."""
    return ReadAs.GSM7 if read_as is ReadAs.GSM7_PACKED else read_as


def _reading_of(piece: Piece | None) -> _Reading | None:
    if piece is None:
        return None
    elements = dict(read_elements(piece.header) or ())
    return _Reading(
        piece.read_as,
        _language_in(elements.get(ElementId.NATIONAL_LOCKING_SHIFT)),
        _language_in(elements.get(ElementId.NATIONAL_SINGLE_SHIFT)),
    )


def _language_in(data: bytes | None) -> int | None:
    return data[0] if data else None


def _octets_of(piece: Piece) -> bytes:
    """Septets, one an octet, of a packed part, which begins on a septet border behind its header."""
    if piece.read_as is not ReadAs.GSM7_PACKED:
        return piece.body
    fill_bits = -8 * len(piece.header) % 7
    septets = unpack_septets(piece.body, fill_bits=fill_bits)
    # Seven spare bits that no CR fills read as an "@", which is left out: one text in eight has them, and
    # hardly one ends in an "@" just there (quirk 70).
    is_full = fill_bits + 7 * len(septets) == 8 * len(piece.body)
    return septets[:-1] if is_full and septets.endswith(_AT_SIGN) else septets
