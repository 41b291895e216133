"""Where a text may be cut without splitting what a reader sees as one character.

A compact form of the extended grapheme clusters of Unicode UAX #29, answered for one position at a time, so
that cutting a long text looks only near its cuts. Where it differs from the annex it keeps more together,
never less (any letter after a virama, anything after a zero-width joiner).
"""

import unicodedata
from typing import Final

_ZERO_WIDTH_JOINER: Final = "\u200d"
_ZERO_WIDTH_NON_JOINER: Final = "\u200c"
_FIRST_COMBINING: Final = "\u0300"
_VIRAMA: Final = 9
"""Canonical combining class of the signs that join Indic consonants (UAX #29, rule GB9c)."""

_EXTENDING_CATEGORIES: Final = frozenset(("Mn", "Me", "Mc"))
_EXTENDING: Final = frozenset(
    (_ZERO_WIDTH_JOINER, _ZERO_WIDTH_NON_JOINER, "\u0e33", "\u0eb3", "\uff9e", "\uff9f")
)
_PREPENDING: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2\U000111c3"
)
_LETTER_CATEGORIES: Final = frozenset(("Lo", "Ll", "Lu"))


def is_cluster_border(text: str, index: int) -> bool:
    """Whether `text` may be cut before `text[index]`. 0 and the end are always borders."""
    if index <= 0 or index >= len(text):
        return True
    before, after = text[index - 1], text[index]
    if after < _FIRST_COMBINING:
        return not (before == "\r" and after == "\n") and before not in _PREPENDING
    if before < " ":
        return True
    if _extends(after) or before == _ZERO_WIDTH_JOINER or before in _PREPENDING:
        return False
    if _is_regional_indicator(after):
        return _count_indicators_before(text, index) % 2 == 0
    if _joins_hangul(before, after):
        return False
    return not (
        unicodedata.combining(before) == _VIRAMA and unicodedata.category(after) in _LETTER_CATEGORIES
    )


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character) in _EXTENDING_CATEGORIES
        or character in _EXTENDING
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= character <= "\U000e007f"  # tags: the flags of Scotland and Wales
    )


def _is_regional_indicator(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _count_indicators_before(text: str, index: int) -> int:
    """Length of the run of regional indicators that ends before `index`: an odd run leaves half a flag."""
    start = index
    while start > 0 and _is_regional_indicator(text[start - 1]):
        start -= 1
    return index - start


def _joins_hangul(before: str, after: str) -> bool:
    """Rules GB6–GB8: leading consonants, vowels and trailing consonants of one Korean syllable."""
    if "\u1160" <= after <= "\u11ff" or "\ud7b0" <= after <= "\ud7fb":
        return (
            "\u1100" <= before <= "\u11ff" or "\ua960" <= before <= "\ua97c" or "\uac00" <= before <= "\ud7fb"
        )
    if "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97c":
        return "\u1100" <= after <= "\u115f" or "\ua960" <= after <= "\ua97c" or "\uac00" <= after <= "\ud7a3"
    return False
