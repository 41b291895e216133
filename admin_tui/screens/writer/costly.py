"""The characters that make a text cost double: showing them and swapping them.

Pure. The server says which characters force the 70-character alphabet and what may stand for each; this
marks them in the preview and replaces them in what was written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

COSTLY_STYLE = "reverse bold"


def mark_costly(text: str, forcing: Sequence[Mapping[str, Any]]) -> Text:
    """`text` with every costly character reversed, legible without colour."""
    costly = {entry["character"] for entry in forcing}
    marked = Text(text)
    at = 0
    while at < len(text):
        length = next((len(one) for one in costly if one and text.startswith(one, at)), 0)
        if length:
            marked.stylize(COSTLY_STYLE, at, at + length)
        at += length or 1
    return marked


def replace_costly(written: str, forcing: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """What was written with each replaceable character replaced, and how many were.

    Characters without a replacement stay: an emoji is the writer's own decision.
    """
    count = 0
    for entry in forcing:
        character, replacement = entry["character"], entry.get("replacement")
        if replacement is not None and character:
            count += written.count(character)
            written = written.replace(character, replacement)
    return written, count


def show_character(character: str) -> str:
    """A character with its code point, so that an invisible one can be spoken of."""
    codes = " ".join(f"U+{ord(one):04X}" for one in character)
    return f"{character} {codes}" if character.isprintable() and not character.isspace() else codes
