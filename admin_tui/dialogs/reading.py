"""Pages to read over a screen: what the keys here mean, or one thing in full."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Label, Static

from admin_tui.cells import fit
from admin_tui.desk import Desk
from admin_tui.keys import KEYS, QUESTION_KEYS, bind, show_key


class ReadingPage(ModalScreen[None]):
    """A title over a text that scrolls; Esc, q or Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("back", "leave"),
        bind("open", "leave", is_shown=False),
        bind("help", "leave", is_shown=False),
        bind("up", "scroll(-1)", is_shown=False),
        bind("down", "scroll(1)", is_shown=False),
    ]

    def __init__(self, desk: Desk, title: str, text: Text) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="box reading"):
            yield Label(self._title, classes="title", markup=False)
            with VerticalScroll(can_focus=True):
                yield Static(self._text, markup=False)
            yield Static(self._desk.say("frame.escape_leaves"), classes="hint", markup=False)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def describe_keys(desk: Desk, screen: Screen[Any]) -> Text:
    """Every key that works now with its meaning: those of the focused thing and the screen, then the rest."""
    alive: dict[str, list[str]] = {}
    near: set[str] = set()
    for node, binding, enabled, _tooltip in screen.active_bindings.values():
        if enabled and binding.id:
            alive.setdefault(binding.id, []).append(binding.key_display or show_key(binding.key))
            if node is not screen.app:
                near.add(binding.id)
    known = [key.id for key in KEYS if key.id in alive and key.id not in QUESTION_KEYS]
    text = Text()
    for title, ids in (
        ("frame.help_here", [key_id for key_id in known if key_id in near]),
        ("frame.help_everywhere", [key_id for key_id in known if key_id not in near]),
    ):
        if ids:
            text.append(desk.say(title) + "\n", "bold underline")
            for key_id in ids:
                text.append("  " + fit(" ".join(alive[key_id]), 9), "bold")
                text.append(desk.say(f"frame.meanings.{key_id}") + "\n")
            text.append("\n")
    text.right_crop(1)
    return text
