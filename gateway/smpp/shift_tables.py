"""National language tables of the 7-bit alphabet. 3GPP TS 23.038 annex A; quirk 73.

A header's element 25 chooses a locking table, which stands for the whole default alphabet, and element 24 a
single shift table for what follows an escape. Owns the tables and nothing else; compared, septet by septet,
with two transcriptions of the annex that are independent of one another.

The Indian scripts follow one layout, so each is written as the start of its Unicode block and what it lacks.
Their letters are numbers here, since an editor that normalises text would change them unseen.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Final

from gateway.smpp.gsm import EXTENSION, LETTERS


class Language(IntEnum):
    """National language identifiers. TS 23.038 §6.2.1.2.4"""

    TURKISH = 1
    SPANISH = 2
    PORTUGUESE = 3
    BENGALI = 4
    GUJARATI = 5
    HINDI = 6
    KANNADA = 7
    MALAYALAM = 8
    ORIYA = 9
    PUNJABI = 10
    TAMIL = 11
    TELUGU = 12
    URDU = 13


_SEPTETS: Final = 128
_LETTER: Final = "·"
"""Where a layout has a letter of the script."""

_ASIAN_LOCKING: Final = (
    "··········\n··\r·············\x1b···· !······)(··,·.·0123456789:;···?"
    "·································abcdefghijklmnopqrstuvwxyz·····"
)
_ASIAN_SINGLE: Final = (
    "@£$¥¿\"¤%&'\f*+ -/<=>¡^¡_#*··\x1b············{}·····\\············[~]·|ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "          €"
)
_INDIAN_OFFSETS: Final = (*range(0x01, 0x04), *range(0x05, 0x3A), *range(0x3C, 0x4E))
"""The letters of an Indian locking table but for its last six, in order, from the start of the block."""


def _list_letters(points: str) -> Iterator[str]:
    """Letters of hexadecimal code points and ranges of them; a full stop is a place that is empty."""
    for word in points.split():
        if word == ".":
            yield " "
        else:
            first, _, last = word.partition("-")
            yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


def _fill(layout: str, letters: Iterable[str]) -> str:
    """`layout` with its letters in order; places after the last letter are empty."""
    remaining = iter(letters)
    filled = (next(remaining, " ") if character == _LETTER else character for character in layout)
    return "".join(filled).ljust(_SEPTETS)


def _indian(block: int, *, lacks: str, last: str) -> str:
    """A locking table: `lacks` are offsets without a letter in this script, `last` the last six letters."""
    absent = {int(offset, 16) for offset in lacks.split()}
    letters = [" " if offset in absent else chr(block + offset) for offset in _INDIAN_OFFSETS]
    return _fill(_ASIAN_LOCKING, [*letters, *_list_letters(last)])


_LOCKING: Final[Mapping[int, str]] = {
    Language.TURKISH: (
        "@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bŞşßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
        "İABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§çabcdefghijklmnopqrstuvwxyzäöñüà"
    ),
    Language.PORTUGUESE: (
        "@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ !\"#º%&'()*+,-./0123456789:;<=>?"
        "ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§~abcdefghijklmnopqrstuvwxyzãõ`üà"
    ),
    Language.BENGALI: _indian(
        0x980, lacks="0d 0e 11 12 29 31 33 34 35 45 46 49 4a", last="9ce 9d7 9dc 9dd 9f0 9f1"
    ),
    Language.GUJARATI: _indian(0xA80, lacks="0e 12 29 31 34 46 4a", last="ad0 ae0-ae3 af1"),
    Language.HINDI: _indian(0x900, lacks="", last="950 972 97b 97c 97e 97f"),
    Language.KANNADA: _indian(0xC80, lacks="01 0d 11 29 34 45 49", last="cd5 cd6 ce0-ce3"),
    Language.MALAYALAM: _indian(0xD00, lacks="01 0d 11 29 3c 45 49", last="d57 d60-d63 d79"),
    Language.ORIYA: _indian(0xB00, lacks="0d 0e 11 12 29 31 34 45 46 49 4a", last="b56 b57 b60-b63"),
    Language.PUNJABI: _indian(
        0xA00, lacks="0b 0c 0d 0e 11 12 29 31 34 37 3d 43 44 45 46 49 4a", last="a51 a70-a74"
    ),
    Language.TAMIL: _indian(
        0xB80,
        lacks="01 0b 0c 0d 11 16 17 18 1b 1d 20 21 22 25 26 27 2b 2c 2d 3c 3d 43 44 45 49",
        last="bd0 bd7 bf0-bf2 bf9",
    ),
    Language.TELUGU: _indian(0xC00, lacks="0d 11 29 34 3c 45 49", last="c55 c56 c60-c63"),
    Language.URDU: _fill(
        _ASIAN_LOCKING,
        _list_letters(
            "627 622 628 67b 680 67e 6a6 62a 6c2 67f 679 67d 67a 67c 62b 62c 681 684 683 685-687 62d-62f"
            " 68c 688-68a 68f 68d 630 631 691 693 699 632 696 698 69a 633-639 641 642 6a9-6ab 6af 6b3 6b1"
            " 644-646 6ba-6bc 648 6c4 6d5 6c1 6be 621 6cc 6d0 6d2 64d 650 64f 657 654 655 651 653 656 670"
        ),
    ),
}

_SINGLE: Final[Mapping[int, str]] = {
    Language.TURKISH: (
        "          \f         ^                   {}     \\            [~] |      Ğ İ         Ş"
        "               ç € ğ ı         ş"
    ),
    Language.SPANISH: (
        "         ç\f         ^                   {}     \\            [~] |Á       Í     Ó     Ú"
        "           á   €   í     ó     ú"
    ),
    Language.PORTUGUESE: (
        "     ê   ç\fÔô Áá  ΦΓ^ΩΠΨΣΘ     Ê        {}     \\            [~] |À       Í     Ó     Ú"
        "     ÃÕ    Â   €   í     ó     ú     ãõ  â"
    ),
    Language.BENGALI: _fill(_ASIAN_SINGLE, _list_letters("9e6-9ef 9df-9e3 9f2-9fa")),
    Language.GUJARATI: _fill(_ASIAN_SINGLE, _list_letters("964 965 ae6-aef")),
    Language.HINDI: _fill(_ASIAN_SINGLE, _list_letters("964-96f 951-954 958-963 970 971")),
    Language.KANNADA: _fill(_ASIAN_SINGLE, _list_letters("964 965 ce6-cef cde cf1 cf2")),
    Language.MALAYALAM: _fill(_ASIAN_SINGLE, _list_letters("964 965 d66-d75 d7a-d7f")),
    Language.ORIYA: _fill(_ASIAN_SINGLE, _list_letters("964 965 b66-b6f b5c b5d b5f b70 b71")),
    Language.PUNJABI: _fill(_ASIAN_SINGLE, _list_letters("964 965 a66-a6f a59-a5c a5e a75")),
    Language.TAMIL: _fill(_ASIAN_SINGLE, _list_letters("964 965 be6-bef bf3-bf8 bfa")),
    Language.TELUGU: _fill(_ASIAN_SINGLE, _list_letters(". . c66-c6f c58 c59 c78-c7f")),
    Language.URDU: _fill(
        _ASIAN_SINGLE,
        _list_letters("600 601 6f0-6f9 60c-614 61b 61f 640 652 658 66b 66c 672 673 6cd 6d4"),
    ),
}


def _as_letters(table: str) -> str:
    """A locking table as `decode_gsm` wants it; a lone escape shows as a space."""
    return table.replace("\x1b", " ") + LETTERS[_SEPTETS:]


def _as_extension(table: str) -> dict[int, str]:
    return {septet: letter for septet, letter in enumerate(table) if letter not in " \x1b"}


_LETTERS_OF: Final = {language: _as_letters(table) for language, table in _LOCKING.items()}
_EXTENSION_OF: Final = {language: _as_extension(table) for language, table in _SINGLE.items()}


def letters_of(language: int | None) -> str:
    """What each septet shows as after element 25; the default alphabet for a language without a table."""
    return LETTERS if language is None else _LETTERS_OF.get(language, LETTERS)


def extension_of(language: int | None) -> Mapping[int, str]:
    """What each septet behind an escape shows as after element 24; the default table for an unknown one."""
    return EXTENSION if language is None else _EXTENSION_OF.get(language, EXTENSION)
