"""A secret that the server tells once: shown until the person has it, never kept."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from admin_tui.desk import Desk
from admin_tui.keys import bind


class SecretOnce(ModalScreen[None]):
    """Shows `secret`; `y` copies it to the person's own clipboard through the terminal (OSC 52)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("copy"),
        bind("back", "leave", is_shown=False),
        bind("open", "leave", is_shown=False),
    ]

    def __init__(self, desk: Desk, title: str, secret: str) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._title = title
        self._secret = secret

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Label(self._title, classes="title", markup=False)
            yield Static(self._secret, classes="secret", markup=False)
            yield Static(self._desk.say("frame.secret_once"), markup=False)
            yield Static(self._desk.say("frame.secret_keys"), classes="hint", markup=False)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._secret)
        self.notify(self._desk.say("frame.copied"), markup=False)

    def action_leave(self) -> None:
        self.dismiss(None)
