"""One thing out of several, by arrows and Enter or by typing the beginning of its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from admin_tui.cells import clean
from admin_tui.desk import Desk
from admin_tui.keys import bind


@dataclass(frozen=True, slots=True)
class Choice:
    """`value` is what is returned; `label` is shown as it is, `note` dimly beside it."""

    value: str
    label: str
    note: str = ""


class Choose(ModalScreen[str | None]):
    """Asks which of `choices`; answers None when left. Typing narrows them down."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("down", "down", is_shown=False),
        bind("up", "up", is_shown=False),
        bind("back", "leave", is_shown=False),
    ]
    DEFAULT_CSS = """
    Choose OptionList { height: auto; max-height: 14; border: none; padding: 0; }
    """

    def __init__(
        self, desk: Desk, title: str, choices: Sequence[Choice], *, chosen: str = "", hint: str = ""
    ) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._title = title
        self._choices = tuple(choices)
        self._chosen = chosen
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Label(self._title, classes="title", markup=False)
            yield Input(id="typed", compact=True)
            yield OptionList(id="choices", markup=False)
            yield Static(self._hint or self._desk.say("frame.enter_or_escape"), classes="hint", markup=False)

    def on_mount(self) -> None:
        self._show(self._choices)
        values = [choice.value for choice in self._choices]
        if self._chosen in values:
            self._options.highlighted = values.index(self._chosen)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self._options.action_cursor_down()

    def action_up(self) -> None:
        self._options.action_cursor_up()

    @on(Input.Changed, "#typed")
    def _typed(self, event: Input.Changed) -> None:
        wanted = event.value.strip().lower()
        if wanted or self._options.option_count != len(self._choices):
            self._show([choice for choice in self._choices if wanted in choice.label.lower()])

    @on(Input.Submitted, "#typed")
    def _entered(self) -> None:
        self._options.action_select()

    @on(OptionList.OptionSelected, "#choices")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)

    @property
    def _options(self) -> OptionList:
        return self.query_one("#choices", OptionList)

    def _show(self, choices: Sequence[Choice]) -> None:
        self._options.clear_options()
        self._options.add_options([Option(_draw(choice), id=choice.value) for choice in choices])
        if choices:
            self._options.highlighted = 0


def _draw(choice: Choice) -> Text:
    drawn = Text(clean(choice.label), no_wrap=True, overflow="ellipsis")
    if choice.note:
        drawn.append(f"  {clean(choice.note)}", "dim")
    return drawn
