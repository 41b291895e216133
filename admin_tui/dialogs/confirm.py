"""Three ways to ask before something is done, by what it would take to undo it.

What can be undone is done at once with a toast and `z` (`OfferUndo`); what costs is asked with its blast
radius and the focus on No (`ConfirmCost`, or `ConfirmTerms` with for how long and why); what cannot be undone
wants a name typed (`TypeToConfirm`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from admin_tui.desk import Desk
from admin_tui.dialogs.form import Field, compose_fields, read_fields
from admin_tui.keys import bind


class OfferUndo(Message):
    """Something was done that `undo` takes back; the application shows `sentence` and listens for `z`."""

    def __init__(self, sentence: str, undo: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.sentence = sentence
        self.undo = undo


class ConfirmCost(ModalScreen[bool]):
    """A question that says what will be lost; the focus is on No, `y` and `n` answer."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("yes"), bind("no"), bind("back", "no", is_shown=False)]

    def __init__(self, desk: Desk, question: str, blast_radius: str) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._question = question
        self._blast_radius = blast_radius

    def compose(self) -> ComposeResult:
        with Vertical(classes="box costly"):
            yield Label(self._question, classes="title", markup=False)
            yield Static(self._blast_radius, markup=False)
            yield from _compose_answers(self._desk)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class ConfirmTerms(ModalScreen[Mapping[str, str] | None]):
    """A question like `ConfirmCost` with a few fields; answers what stands in them, or None for No.

    The focus is on No, where `y` and `n` answer; Tab goes to the fields.
    """

    BINDINGS: ClassVar[list[BindingType]] = [bind("yes"), bind("no"), bind("back", "no", is_shown=False)]

    def __init__(self, desk: Desk, question: str, blast_radius: str, fields: Sequence[Field]) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._question = question
        self._blast_radius = blast_radius
        self._fields = tuple(fields)

    def compose(self) -> ComposeResult:
        with Vertical(classes="box costly"):
            yield Label(self._question, classes="title", markup=False)
            yield Static(self._blast_radius, markup=False)
            with Vertical(classes="fields terms"):
                yield from compose_fields(self._desk, self._fields)
            yield from _compose_answers(self._desk)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def action_yes(self) -> None:
        self.dismiss(read_fields(self, self._fields))

    def action_no(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_yes()
        else:
            self.action_no()


class TypeToConfirm(ModalScreen[bool]):
    """A question answered by typing `wanted` exactly: a name, or a number of recipients."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "leave", is_shown=False)]

    def __init__(self, desk: Desk, question: str, blast_radius: str, wanted: str) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._question = question
        self._blast_radius = blast_radius
        self._wanted = wanted

    def compose(self) -> ComposeResult:
        with Vertical(classes="box costly"):
            yield Label(self._question, classes="title", markup=False)
            yield Static(self._blast_radius, markup=False)
            yield Static(self._desk.say("frame.type_to_confirm", wanted=self._wanted), markup=False)
            yield Input(id="typed", compact=True)
            yield Static("", id="fault", classes="fault", markup=False)
            yield Static(self._desk.say("frame.enter_or_escape"), classes="hint", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if _plain(event.value) == _plain(self._wanted):
            self.dismiss(True)
        else:
            self.query_one("#fault", Static).update(self._desk.say("frame.not_the_same"))

    def action_leave(self) -> None:
        self.dismiss(False)


def _compose_answers(desk: Desk) -> ComposeResult:
    with Horizontal(classes="buttons"):
        yield Button(f"[n] {desk.say('frame.no')}".replace("[", "\\["), id="no")
        yield Button(f"[y] {desk.say('frame.yes')}".replace("[", "\\["), id="yes", variant="error")


def _plain(text: str) -> str:
    """Without the separators that a number is shown with: 12,480 and 12480 are the same answer."""
    bare = "".join(text.split())
    digits = bare.translate({ord(mark): None for mark in ",.\u202f\u00a0"})
    return digits if digits.isdigit() else bare
