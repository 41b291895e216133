"""The `:` line at the foot of the screen, with completion: Tab or → takes what is offered in grey."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from admin_tui.commands import COMMAND_WORDS, Argument, Command, complete, parse_command
from admin_tui.desk import Desk
from admin_tui.keys import bind


class CommandLine(ModalScreen[Command | None]):
    """Reads one command. `choices` are the names that complete an argument."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "leave", is_shown=False)]

    DEFAULT_CSS = """
    CommandLine { align: left bottom; background: $background 0%; }
    CommandLine > Vertical { height: auto; dock: bottom; background: $panel; padding: 0 1; }
    CommandLine Input { background: $panel; padding: 0; }
    CommandLine Static { color: $text-muted; height: 1; }
    """

    def __init__(self, desk: Desk, choices: Mapping[Argument, Sequence[str]]) -> None:
        super().__init__()
        self._desk = desk
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="told", markup=False)
            yield Input(
                placeholder=self._desk.say("frame.command_hint"),
                suggester=_Completion(self._choices),
                compact=True,
            )

    def on_mount(self) -> None:
        self._tell("")
        self.query_one(Input).focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "tab":
            event.prevent_default()
            event.stop()
            box = self.query_one(Input)
            whole = complete(box.value, self._choices)
            if whole is not None:
                box.value = whole
                box.cursor_position = len(whole)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._tell(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        line = event.value.strip()
        if not line:
            self.dismiss(None)
            return
        command = parse_command(line)
        if command is None:
            self.query_one("#told", Static).update(self._desk.say("frame.command_unknown", line=line[:40]))
            return
        self.dismiss(command)

    def action_leave(self) -> None:
        self.dismiss(None)

    def _tell(self, line: str) -> None:
        """What the words that fit do: all of them by name, or the one by its sentence."""
        word = line.strip().partition(" ")[0]
        fitting = [entry.word for entry in COMMAND_WORDS if entry.word.startswith(word)]
        exact = word if word in fitting else fitting[0] if len(fitting) == 1 else ""
        told = f"{exact}: {self._desk.say(f'frame.command.{exact}')}" if exact else "  ".join(fitting)
        self.query_one("#told", Static).update(told)


class _Completion(Suggester):
    def __init__(self, choices: Mapping[Argument, Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._choices = choices

    async def get_suggestion(self, value: str) -> str | None:
        return complete(value, self._choices)
