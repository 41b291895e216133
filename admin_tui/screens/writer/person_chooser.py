"""Choosing the contact as whom the text is previewed: typing searches the shop's contacts."""

import asyncio
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from admin_tui.client import Failure, Json
from admin_tui.desk import Desk
from admin_tui.keys import bind
from admin_tui.screens.audience.lines import full_name, show_number

_TYPING_SECONDS = 0.25
_MOST_SHOWN = 50


class PersonChooser(ModalScreen[Json | None]):
    """Contacts of `path`, of one list where `list_id` is given."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("down", "down", is_shown=False),
        bind("up", "up", is_shown=False),
        bind("back", "leave", is_shown=False),
    ]
    DEFAULT_CSS = """
    PersonChooser OptionList { height: auto; max-height: 12; border: none; padding: 0; }
    """

    def __init__(self, desk: Desk, path: str, *, list_id: str | None) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._path = path
        self._list_id = list_id
        self._found: dict[str, Json] = {}

    def compose(self) -> ComposeResult:
        say = self._desk.say
        with Vertical(classes="box"):
            yield Label(say("writer.contacts.title"), classes="title", markup=False)
            yield Input(id="typed", placeholder=say("writer.contacts.hint"), compact=True)
            yield OptionList(id="people", markup=False)
            yield Static("", id="told", classes="fault", markup=False)
            yield Static(say("frame.enter_or_escape"), classes="hint", markup=False)

    def on_mount(self) -> None:
        self.run_worker(self._search(""), group="search", exclusive=True)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self._people.action_cursor_down()

    def action_up(self) -> None:
        self._people.action_cursor_up()

    @on(Input.Changed, "#typed")
    def _typed(self, event: Input.Changed) -> None:
        self.run_worker(self._search(event.value.strip()), group="search", exclusive=True)

    @on(Input.Submitted, "#typed")
    def _entered(self) -> None:
        self._people.action_select()

    @on(OptionList.OptionSelected, "#people")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._found.get(event.option_id or ""))

    @property
    def _people(self) -> OptionList:
        return self.query_one("#people", OptionList)

    async def _search(self, text: str) -> None:
        await asyncio.sleep(_TYPING_SECONDS if text else 0)
        query = {"q": text, "list": self._list_id, "limit": _MOST_SHOWN}
        answer = await self._desk.client.get(self._path, query)
        told = self.query_one("#told", Static)
        if isinstance(answer, Failure):
            told.update(self._desk.describe(answer))
            return
        self._found = {item["id"]: item for item in answer["contacts"]}
        told.update("" if self._found else self._desk.say("writer.contacts.none"))
        self._people.clear_options()
        self._people.add_options([Option(self._draw(item), id=key) for key, item in self._found.items()])
        if self._found:
            self._people.highlighted = 0

    def _draw(self, item: Json) -> Text:
        drawn = Text(full_name(item) or show_number(self._desk, item), no_wrap=True, overflow="ellipsis")
        drawn.append(f"  {show_number(self._desk, item)} {item.get('country') or ''}", "dim")
        return drawn
