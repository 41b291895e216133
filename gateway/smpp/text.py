"""Texts to octets and back by alphabet, and what a `data_coding` means. SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4.

Owns the choice of alphabet and the opt-in replacement of typographic characters. Refuses to know parts and
headers.
"""

import unicodedata
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from gateway.smpp import gsm
from gateway.smpp.constants import DataCoding
from gateway.smpp.errors import TextNotEncodable
from gateway.smpp.gsm import encode_gsm, list_forcing_characters


class Alphabet(IntEnum):
    """How the characters of a message become octets. The numbers are stored; never renumber them."""

    __hash__ = int.__hash__  # the enumeration's own is written in Python: 0.2 µs for each message

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


class ReadAs(IntEnum):
    """How received octets become characters. The numbers are stored; never renumber them."""

    GSM7 = 0
    """One septet an octet. An octet above 7f is no septet, so that such a text is read as EIGHT_BIT."""
    GSM7_PACKED = 1
    """Eight septets in seven octets."""
    LATIN1 = 2
    EIGHT_BIT = 3
    """ASCII; with octets above 7f UTF-8 where that is valid, which is no accident, else Latin-1."""
    UCS2 = 4
    """UTF-16, the high octet first unless a byte order mark says otherwise."""
    UCS2_LITTLE = 5
    """The low octet first, likewise."""
    JIS = 6
    """ISO 2022-JP where it has that standard's escapes, else Shift-JIS."""
    JIS_EXTENDED = 7
    """ISO 2022-JP likewise, else EUC with JIS X 0212."""
    CYRILLIC = 8
    HEBREW = 9
    KOREAN = 10
    BINARY = 11


_READ_PLAIN: Final[dict[Alphabet, ReadAs]] = {
    Alphabet.GSM7: ReadAs.GSM7,
    Alphabet.LATIN1: ReadAs.EIGHT_BIT,
    Alphabet.ASCII: ReadAs.EIGHT_BIT,
    Alphabet.UCS2: ReadAs.UCS2,
    Alphabet.BINARY: ReadAs.BINARY,
}

# SMPP 3.4 §5.2.19: readable, though never sent by us. 9 and 10 are pictograms and music codes within JIS.
_READ_RARE: Final[dict[int, ReadAs]] = {
    5: ReadAs.JIS,
    6: ReadAs.CYRILLIC,
    7: ReadAs.HEBREW,
    9: ReadAs.JIS,
    10: ReadAs.JIS,
    13: ReadAs.JIS_EXTENDED,
    14: ReadAs.KOREAN,
}

_READING_CODECS: Final[dict[ReadAs, str]] = {
    ReadAs.LATIN1: "latin-1",
    ReadAs.JIS: "cp932",
    ReadAs.JIS_EXTENDED: "euc_jp",
    ReadAs.CYRILLIC: "iso8859-5",
    ReadAs.HEBREW: "iso8859-8",
    ReadAs.KOREAN: "euc_kr",
}


def reading_of(data_coding: int, *, default: ReadAs = ReadAs.GSM7, is_little_endian: bool = False) -> ReadAs:
    """How to read what `data_coding` announces.

    `default` is what this SMSC writes wherever the default alphabet is announced, 0x00 and the groups of TS
    23.038 §4 alike (quirk 66); `is_little_endian` how it orders UCS-2 (quirk 74).
    """
    if (rare := _READ_RARE.get(data_coding)) is not None:
        return rare
    alphabet = alphabet_of(data_coding)
    if alphabet is Alphabet.GSM7:
        return default
    if alphabet is Alphabet.UCS2 and is_little_endian:
        return ReadAs.UCS2_LITTLE
    return _READ_PLAIN[alphabet]


def decode_octets(
    octets: bytes,
    read_as: ReadAs,
    letters: str = gsm.LETTERS,
    extension: Mapping[int, str] = gsm.EXTENSION,
) -> str:
    """Text of received `octets`, as well as it can be told. Never fails; what has no reading shows as U+FFFD.

    `letters` and `extension` are the tables of a national language, for GSM7. Binary comes back as hex pairs,
    so that a person can read it.
    """
    if read_as is ReadAs.GSM7_PACKED:
        return gsm.decode_gsm(gsm.unpack_septets(octets), letters, extension)
    if read_as is ReadAs.GSM7:
        return gsm.decode_gsm(octets, letters, extension) if octets.isascii() else _decode_8bit(octets)
    if read_as is ReadAs.EIGHT_BIT:
        return _decode_8bit(octets)
    if read_as is ReadAs.UCS2 or read_as is ReadAs.UCS2_LITTLE:
        return _decode_ucs2(octets, "utf-16-le" if read_as is ReadAs.UCS2_LITTLE else "utf-16-be")
    if read_as is ReadAs.BINARY:
        return octets.hex(" ")
    is_escaped = b"\x1b" in octets and read_as in (ReadAs.JIS, ReadAs.JIS_EXTENDED)
    return octets.decode("iso2022_jp_ext" if is_escaped else _READING_CODECS[read_as], "replace")


def decode_text(octets: bytes, data_coding: int) -> str:
    """`decode_octets` for an SMSC that keeps to the standard.

    Give it all parts of a long message joined: phones cut surrogate pairs between parts (quirk 74).
    """
    return decode_octets(octets, reading_of(data_coding))


def _decode_8bit(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _decode_ucs2(octets: bytes, codec: str) -> str:
    """A byte order mark is obeyed and stripped, an odd last octet left out (quirk 74)."""
    even = octets[: len(octets) & ~1]
    if even[:2] == b"\xff\xfe":
        return even[2:].decode("utf-16-le", "replace")
    if even[:2] == b"\xfe\xff":
        return even[2:].decode("utf-16-be", "replace")
    return even.decode(codec, "replace")
