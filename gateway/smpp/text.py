"""Texts to octets and back by alphabet, and what a `data_coding` means. SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4.

Owns the choice of alphabet and the opt-in replacement of typographic characters. Refuses to know parts and
headers.
"""

import unicodedata
from enum import IntEnum
from typing import Final

from gateway.smpp.constants import DataCoding
from gateway.smpp.errors import TextNotEncodable
from gateway.smpp.gsm import decode_gsm, encode_gsm, list_forcing_characters


class Alphabet(IntEnum):
    """How the characters of a message become octets. The numbers are stored; never renumber them."""

    GSM7 = 0
    LATIN1 = 1
    ASCII = 2
    UCS2 = 3
    BINARY = 4


_DATA_CODINGS: Final[dict[Alphabet, int]] = {
    Alphabet.GSM7: DataCoding.SMSC_DEFAULT.value,
    Alphabet.LATIN1: DataCoding.LATIN1.value,
    Alphabet.ASCII: DataCoding.ASCII.value,
    Alphabet.UCS2: DataCoding.UCS2.value,
    Alphabet.BINARY: DataCoding.BINARY.value,
}

_PLAIN_ALPHABETS: Final[dict[int, Alphabet]] = {
    DataCoding.SMSC_DEFAULT.value: Alphabet.GSM7,
    DataCoding.ASCII.value: Alphabet.ASCII,
    DataCoding.BINARY_ALIAS.value: Alphabet.BINARY,
    DataCoding.LATIN1.value: Alphabet.LATIN1,
    DataCoding.BINARY.value: Alphabet.BINARY,
    DataCoding.UCS2.value: Alphabet.UCS2,
}

_TYPOGRAPHIC: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʹʻʼ´`", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys(
            "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f",
            " ",
        ),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
        "\u2028": "\n",
        "\u2029": "\n",
        "\u3000": "  ",
        "‹": "<",
        "›": ">",
        "…": "...",
        "•": "-",
        "⁄": "/",
        "№": "No",
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
    }
)


def data_coding_for(alphabet: Alphabet) -> int:
    """The `data_coding` that announces `alphabet`."""
    return _DATA_CODINGS[alphabet]


def alphabet_of(data_coding: int) -> Alphabet:
    """The alphabet that a received `data_coding` announces; BINARY for one whose octets we cannot read as
    text.

    High nibbles follow 3GPP TS 23.038 §4: 0x18 is flash UCS-2, 0xf5 is 8-bit data of class 1 (quirk 68).
    """
    if (alphabet := _PLAIN_ALPHABETS.get(data_coding)) is not None:
        return alphabet
    group = data_coding >> 4
    if group == 0x0:
        return Alphabet.BINARY
    if group < 0x8:
        if data_coding & 0x20:  # compressed text, TS 23.042
            return Alphabet.BINARY
        return (Alphabet.GSM7, Alphabet.BINARY, Alphabet.UCS2, Alphabet.BINARY)[data_coding >> 2 & 3]
    if group == 0xE:
        return Alphabet.UCS2
    if group == 0xF:
        return Alphabet.BINARY if data_coding & 0x04 else Alphabet.GSM7
    return (
        Alphabet.GSM7
    )  # message waiting, and the reserved groups, which TS 23.038 §4 reads as the default alphabet


def replace_typographic_characters(text: str) -> str:
    """`text` with curly quotes, dashes, special spaces and the like in their plain form, accents composed
    (NFC).

    Changes what the reader sees, so only on the sender's wish (quirk 72). Letters are never replaced.
    """
    return unicodedata.normalize("NFC", text).translate(_TYPOGRAPHIC)


def encode_text(text: str, alphabet: Alphabet) -> bytes:
    """Octets of `text` in `alphabet`, septets unpacked.

    Raises `TextNotEncodable` with the characters that have no form there: for UCS2 only lone surrogates, for
    BINARY all.
    """
    if alphabet is Alphabet.GSM7:
        septets = encode_gsm(text)
        if septets is None:
            raise TextNotEncodable(list_forcing_characters(text), "GSM 03.38")
        return septets
    if alphabet is Alphabet.BINARY:
        raise TextNotEncodable(tuple(dict.fromkeys(text)), alphabet.name)
    codec, limit = _CODECS[alphabet]
    try:
        return text.encode(codec)
    except UnicodeEncodeError as exc:
        bad = tuple(dict.fromkeys(c for c in text if ord(c) > limit or "\ud800" <= c <= "\udfff"))
        raise TextNotEncodable(bad, alphabet.name) from exc


_CODECS: Final[dict[Alphabet, tuple[str, int]]] = {
    Alphabet.LATIN1: ("latin-1", 0xFF),
    Alphabet.ASCII: ("ascii", 0x7F),
    Alphabet.UCS2: ("utf-16-be", 0x10FFFF),
}

# SMPP 3.4 §5.2.19: readable, though never sent by us.
_RARE_CODECS: Final[dict[int, str]] = {
    5: "shift_jis",
    6: "iso8859-5",
    7: "iso8859-8",
    10: "iso2022_jp",
    14: "euc_kr",
}


def decode_text(octets: bytes, data_coding: int) -> str:
    """Text of received `octets`, as well as it can be told. Never fails; what has no reading shows as U+FFFD.

    Give it all parts of a long message joined: phones cut surrogate pairs between parts (quirk 74). Binary
    comes back as hex pairs, so that a person can read it.
    """
    alphabet = alphabet_of(data_coding)
    if alphabet is Alphabet.GSM7:
        return decode_gsm(octets) if octets.isascii() else _decode_8bit(octets)
    if alphabet is Alphabet.UCS2:
        return _decode_ucs2(octets)
    if codec := _RARE_CODECS.get(data_coding):
        return octets.decode(codec, "replace")
    if alphabet is Alphabet.BINARY:
        return octets.hex(" ")
    return octets.decode("ascii", "replace") if octets.isascii() else _decode_8bit(octets)


def _decode_8bit(octets: bytes) -> str:
    """Octets above 7f are no septets, so the SMSC speaks UTF-8 or Latin-1 there (quirk 66); valid UTF-8 is
    no accident.
    """
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _decode_ucs2(octets: bytes) -> str:
    """UTF-16BE, byte order mark obeyed and stripped, an odd last octet left out (quirk 74)."""
    even = octets[: len(octets) & ~1]
    if even[:2] == b"\xff\xfe":
        return even[2:].decode("utf-16-le", "replace")
    if even[:2] == b"\xfe\xff":
        even = even[2:]
    return even.decode("utf-16-be", "replace")
