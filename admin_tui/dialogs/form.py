"""A small form over a screen: some fields, then one request; what the server refuses is said in the form."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Label, Select, Static

from admin_tui.client import Failure, Json
from admin_tui.desk import Desk
from admin_tui.keys import bind


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form. `label` and `hint` are keys of the words, or words; with `choices` of (value, label
    key) it is a choice instead of a text."""

    name: str
    label: str
    hint: str = ""
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()


class Form(ModalScreen[Json | None]):
    """Asks for `fields`, hands them to `send` and closes with the server's answer, or None when left.

    Enter goes to the next field and, on the last, sends; `^S` sends from anywhere.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("save", is_first=True),
        bind("back", "leave", is_shown=False),
    ]

    def __init__(
        self,
        desk: Desk,
        title: str,
        fields: Sequence[Field],
        send: Callable[[Mapping[str, str]], Awaitable[Json | Failure]],
    ) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._title = title
        self._fields = tuple(fields)
        self._send = send

    def compose(self) -> ComposeResult:
        say = self._desk.say
        with Vertical(classes="box"):
            yield Label(say(self._title), classes="title", markup=False)
            with VerticalScroll(classes="fields", can_focus=False):
                yield from compose_fields(self._desk, self._fields)
            yield Static("", id="fault", classes="fault", markup=False)
            hint = "frame.form_keys" if len(self._fields) > 1 else "frame.enter_or_escape"
            yield Static(say(hint), classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(f"#field-{self._fields[0].name}").focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_save(self) -> None:
        self._save()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input.id == f"field-{self._fields[-1].name}":
            self.action_save()
        else:
            self.focus_next()

    @work(group="save", exclusive=True)
    async def _save(self) -> None:
        answer = await self._send(read_fields(self, self._fields))
        if not isinstance(answer, Failure):
            self.dismiss(answer)
            return
        self.query_one("#fault", Static).update(self._desk.describe(answer))
        name = answer.path.split(".")[0].split("[")[0]
        if any(field.name == name for field in self._fields):
            self.query_one(f"#field-{name}").focus()


def compose_fields(desk: Desk, fields: Sequence[Field]) -> ComposeResult:
    """Label and input of each field."""
    say = desk.say
    for field in fields:
        yield Label(say(field.label), markup=False)
        if field.choices:
            options = [(say(label), value) for value, label in field.choices]
            yield Select(
                options,
                value=field.value or options[0][1],
                allow_blank=False,
                id=f"field-{field.name}",
                compact=True,
            )
        else:
            hint = say(field.hint) if field.hint else ""
            yield Input(field.value, placeholder=hint, id=f"field-{field.name}", compact=True)


def read_fields(screen: Screen[Any], fields: Sequence[Field]) -> dict[str, str]:
    """What stands in each field, by its name."""
    values = {}
    for field in fields:
        widget = screen.query_one(f"#field-{field.name}")
        assert isinstance(widget, Input | Select)
        values[field.name] = str(widget.value).strip()
    return values
