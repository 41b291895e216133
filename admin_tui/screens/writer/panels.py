"""What the panels of the writer's steps share: how they tell of changes, and a field with a line below it."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Label, Static

from admin_tui.desk import Desk
from admin_tui.screens.writer.draft import Draft, Step


class Edited(Message):
    """The person changed fields of the draft."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes


class StepPanel(VerticalScroll, can_focus=False):
    """The form of one step. `show` fills it from a draft; changes are posted as `Edited`."""

    STEP: ClassVar[Step]
    DEFAULT_CSS = """
    StepPanel { padding: 0 1; height: 1fr; }
    StepPanel Label { color: $text-muted; width: 100%; height: auto; }
    StepPanel .note { color: $text-muted; height: auto; }
    StepPanel .told { height: auto; }
    StepPanel .space { height: 1; }
    StepPanel RadioSet { width: 100%; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id=f"step-{self.STEP.value}")
        self.desk = desk

    def show(self, draft: Draft) -> None:
        """Fill the form."""

    def focus_first(self) -> None:
        """Give the focus to the first field."""
        for widget in self.query("*"):
            if widget.focusable:
                widget.focus()
                return


class AskedLine(Vertical):
    """A label, a line to type in, and below it what was understood or what is wrong."""

    DEFAULT_CSS = """
    AskedLine { height: auto; }
    AskedLine Input { background: $surface; }
    AskedLine .told { min-height: 1; color: $text-muted; }
    AskedLine .told.wrong { color: $text-error; }
    """

    def __init__(self, name: str, label: str, hint: str = "", value: str = "") -> None:
        super().__init__(id=f"asked-{name}")
        self._name = name
        self._label = label
        self._hint = hint
        self._value = value

    def compose(self) -> ComposeResult:
        yield Label(self._label, markup=False)
        yield Input(self._value, placeholder=self._hint, id=self._name, compact=True)
        yield Static(classes="told", markup=False)

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    def tell(self, sentence: str, *, is_wrong: bool = False) -> None:
        """What stands below the line."""
        told = self.query_one(".told", Static)
        told.update(("✖ " if is_wrong else "") + sentence)
        told.set_class(is_wrong, "wrong")
