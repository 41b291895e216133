"""The look of states: a glyph, a word and a colour, never colour alone.

Words come from the catalogue as `frame.state.<word>`; colours are names of the theme.
"""

from typing import Final

from rich.text import Text

from admin_tui.words import Words

DULL: Final = "grey62"
"""What stands beside the data: labels, axes, what is over. Legible on dark, which the theme is."""
CHANGED: Final = "✎"
"""Stands before a figure that somebody changed for a while."""
_GOOD, _BUSY, _WAIT, _BAD, _DULL = "green", "cyan", "yellow", "red", DULL

_LOOKS: Final = {
    # messages
    "scheduled": ("◷", _WAIT),
    "queued": ("○", _WAIT),
    "sending": ("◔", _BUSY),
    "sent": ("◑", _BUSY),
    "delivered": ("●", _GOOD),
    "failed": ("✖", _BAD),
    "expired": ("◌", _BAD),
    "cancelled": ("⊘", _DULL),
    "blocked": ("⊗", _DULL),
    "unknown": ("?", _WAIT),
    # campaigns and imports
    "draft": ("✎", _DULL),
    "planned": ("◷", _BUSY),
    "running": ("▶", _GOOD),
    "paused": ("‖", _WAIT),
    "finished": ("✔", _GOOD),
    "uploaded": ("○", _WAIT),
    "checked": ("◑", _BUSY),
    # binds
    "bound": ("●", _GOOD),
    "connecting": ("◔", _BUSY),
    "binding": ("◑", _BUSY),
    "backing_off": ("◌", _WAIT),
    "down": ("✖", _BAD),
    "taken_down": ("‖", _WAIT),
    # nodes
    "alive": ("●", _GOOD),
    "stopping": ("‖", _WAIT),
    "late": ("◌", _WAIT),
    "gone": ("✖", _BAD),
    # consent and suppression
    "opted_in": ("✔", _GOOD),
    "opted_out": ("✖", _BAD),
    "none": ("·", _DULL),
    "marketing": ("⊘", _WAIT),
    "all": ("⊗", _BAD),
}


def look(state: str) -> tuple[str, str]:
    """The glyph and the colour of a state."""
    return _LOOKS.get(state, ("·", _DULL))


def show_state(words: Words, state: str) -> Text:
    """A state as glyph and word in its colour."""
    glyph, colour = look(state)
    key = f"frame.state.{state}"
    return Text(f"{glyph} {words.say(key) if words.has(key) else state}", style=colour)
