"""Every key of the console in one table: one letter, one meaning, on all screens.

Screens make their bindings with `bind` from the ids here, so a key cannot mean two things, help can describe
it (`keys.<id>` is its label and `meanings.<id>` its sentence) and a person can remap it in console.toml.
"""

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """One meaning and the keys that stand for it, comma-separated as Textual names them."""

    id: str
    keys: str


KEYS: Final = (
    Key("overview", "1"),
    Key("campaigns", "2"),
    Key("messages", "3"),
    Key("audience", "4"),
    Key("carriers", "8"),
    Key("system", "9"),
    Key("open", "enter"),
    Key("back", "escape,q"),
    Key("filter", "slash"),
    Key("command", "colon"),
    Key("help", "question_mark"),
    Key("new", "n"),
    Key("pause", "p"),
    Key("cancel", "x"),
    Key("test", "t"),
    Key("speed", "v"),
    Key("try_again", "a"),
    Key("unknown", "u"),
    Key("octets", "h"),
    Key("resend", "R"),
    Key("import", "i"),
    Key("export", "o"),
    Key("hold", "H"),
    Key("freeze", "F"),
    Key("sort", "s"),
    Key("sort_reverse", "S"),
    Key("narrower", "left_square_bracket"),
    Key("wider", "right_square_bracket"),
    Key("mark", "space"),
    Key("copy", "y"),
    Key("yes", "y"),
    Key("no", "n"),
    Key("undo", "z"),
    Key("maximise", "m"),
    Key("alerts", "exclamation_mark"),
    Key("reload", "f5"),
    Key("next_pane", "tab"),
    Key("next_step", "ctrl+n"),
    Key("last_step", "ctrl+g"),
    Key("insert_link", "ctrl+l"),
    Key("insert_field", "ctrl+f"),
    Key("replace_character", "ctrl+r"),
    Key("as_contact", "ctrl+o"),
    Key("edit", "e"),
    Key("save", "ctrl+s"),
    Key("left", "left"),
    Key("right", "right"),
    Key("up", "up,k"),
    Key("down", "down,j"),
    Key("top", "home,g"),
    Key("bottom", "end,G"),
    Key("palette", "ctrl+p"),
    Key("quit", "ctrl+q"),
)
"""`yes` and `no` share their letters with copy and new: they are answered in a question only, where nothing
else listens."""

QUESTION_KEYS: Final = frozenset({"yes", "no"})

KEYS_BY_ID: Final = {key.id: key for key in KEYS}

_SHOWN: Final = {
    "enter": "↵",
    "escape": "Esc",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "exclamation_mark": "!",
    "space": "␣",
    "tab": "Tab",
    "home": "Home",
    "end": "End",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}


def bind(
    key_id: str, action: str | None = None, *, label: str = "", is_shown: bool = True, is_first: bool = False
) -> Binding:
    """The binding of a key of the table to `action`, which is the key's id where none is given.

    `label` is the key of another word than `keys.<id>` for the bottom line ("new list" for new). `is_first`
    lets it go before the focused widget's own keys.
    """
    key = KEYS_BY_ID[key_id]
    return Binding(
        key.keys,
        action or key_id,
        label or f"frame.keys.{key_id}",
        show=is_shown,
        priority=is_first,
        id=f"{key_id}",
    )


def show_key(key: str) -> str:
    """A key as people know it: `slash` is `/`, `ctrl+p` is `^P`."""
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    if key.startswith("f") and key[1:].isdigit():
        return key.upper()
    return _SHOWN.get(key, key)
