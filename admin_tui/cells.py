"""Text in terminal cells: made harmless, measured, cut and padded by its width on screen.

Names and texts come from strangers. Control characters could drive the terminal and direction overrides could
turn a line around, so neither gets through; wide emoji and accents count as the cells they take.
"""

import unicodedata
from typing import Final, Literal

from rich.cells import cell_len, set_cell_size

_ELLIPSIS: Final = "…"
_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width non-joiner and joiner: parts of words in some scripts and of emoji, harmless."""

Align = Literal["left", "right"]


def clean(value: object) -> str:
    """`value` as one line of text without control characters and direction overrides."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_replace(character) for character in text)


def _replace(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if character in "\n\r\t" or unicodedata.category(character) == "Zs":
        return " "
    return "" if unicodedata.category(character) == "Cf" else "·"


def fit(text: str, width: int, align: Align = "left") -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis where it is longer."""
    kept = cut(text, width)
    padding = " " * (width - cell_len(kept))  # a wide character cut in two leaves a cell
    return padding + kept if align == "right" else kept + padding


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, with an ellipsis where something is missing."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip(" ") + _ELLIPSIS


def cells(text: str) -> int:
    """How many cells `text` takes."""
    return cell_len(text)
