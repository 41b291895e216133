"""The page of one person: what is known, the proof of what they agreed to, their messages."""

from collections.abc import Mapping
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from admin_tui import access
from admin_tui.client import Failure, Json, Query
from admin_tui.desk import Desk
from admin_tui.dialogs.confirm import TypeToConfirm
from admin_tui.keys import bind
from admin_tui.screens.audience import lines
from admin_tui.screens.audience.forms import contact_form
from admin_tui.screens.base import ConsoleScreen, OpenScreen
from admin_tui.tables import PagedTable, Source


class ContactPage(ConsoleScreen):
    """One contact. `contact` needs no more than its id; the rest is asked."""

    NAME = "contact"
    REFRESH_SECONDS = 5.0
    NEEDS: ClassVar[Mapping[str, str]] = {"edit": access.CHANGE_AUDIENCE, "cancel": access.CHANGE_AUDIENCE}
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("edit"),
        bind("cancel", label="audience.keys.erase"),
        bind("back"),
    ]
    DEFAULT_CSS = """
    ContactPage #known { height: auto; max-height: 70%; }
    ContactPage.quiet #known { height: 1fr; max-height: 100%; }
    ContactPage #facts, ContactPage #proof { padding: 0 1; height: auto; }
    ContactPage #proof { margin-top: 1; }
    ContactPage #messages { height: 1fr; min-height: 4; }
    ContactPage #no-messages { padding: 0 1; color: $text-muted; }
    """

    def __init__(self, desk: Desk, contact: Json) -> None:
        super().__init__(desk)
        self._contact = contact

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="known", can_focus=True):
            yield Static(id="facts", markup=False)
            yield Static(id="proof", markup=False)
        source = Source(
            path=lambda: self.desk.shop_path("/messages"),
            plural="messages",
            make_row=lambda item: lines.message_row(self.desk, item),
            query=self._message_query,
        )
        yield PagedTable(self.desk, lines.MESSAGE_COLUMNS, source, id="messages")
        yield Static(self.desk.say("audience.contact.no_messages"), id="no-messages", markup=False)

    async def load(self) -> Failure | None:
        path = self.desk.shop_path(f"/contacts/{self._contact['id']}")
        contact = await self.desk.client.get(path)
        if isinstance(contact, Failure):
            return contact
        consents = await self.desk.client.get(path + "/consents")
        if isinstance(consents, Failure):
            return consents
        self._contact = contact
        self.query_one("#facts", Static).update(draw_facts(self.desk, contact))
        self.query_one("#proof", Static).update(lines.describe_consents(self.desk, consents["consents"]))
        return await self._load_messages()

    def action_edit(self) -> None:
        self.run_worker(self._edit(), group="act")

    def action_cancel(self) -> None:
        self.run_worker(self._erase(), group="act")

    @on(DataTable.RowSelected, "#messages")
    def _message_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.post_message(OpenScreen("messages", id=str(event.row_key.value)))

    def _message_query(self) -> Query:
        return {"to": self._contact.get("number")}

    async def _load_messages(self) -> Failure | None:
        table = self.query_one("#messages", PagedTable)
        if self._contact.get("number") and self.desk.may(access.SEE_MESSAGES):
            failure = await table.load()
            if failure is not None:
                return failure
        table.display = bool(table.items)
        self.set_class(not table.items, "quiet")
        self.query_one("#no-messages").display = not table.items
        return None

    async def _edit(self) -> None:
        answer = await self.app.push_screen_wait(contact_form(self.desk, [], known=self._contact))
        if answer is not None:
            self.tell("audience.did.contact_saved", number=answer.get("number", ""))
            self.reload()

    async def _erase(self) -> None:
        number = self._contact.get("number")
        if not number:
            self.tell("audience.cannot.hidden")
            return
        question = self.desk.say("audience.ask.erase", number=number)
        body = self.desk.say("audience.ask.erase_body")
        if not await self.app.push_screen_wait(TypeToConfirm(self.desk, question, body, number)):
            return
        answer = await self.desk.client.delete(self.desk.shop_path(f"/contacts/{self._contact['id']}"))
        if isinstance(answer, Failure):
            self.tell_failure(answer)
            return
        self.app.notify(self.desk.say("audience.did.erased"), markup=False)
        self.app.pop_screen()


def draw_facts(desk: Desk, contact: Json) -> Table:
    """Label and value below one another."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for label, value in lines.describe_contact(desk, contact):
        table.add_row(label, value if isinstance(value, Text) else Text(value))
    return table
