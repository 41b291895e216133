"""Screen 4: lists, contacts and opt-outs as three tables under tabs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import ContentSwitcher, DataTable, Static

from admin_tui import access
from admin_tui.cells import clean
from admin_tui.client import Failure, Json, Query
from admin_tui.columns import Column
from admin_tui.desk import Desk
from admin_tui.dialogs.confirm import ConfirmCost, TypeToConfirm
from admin_tui.keys import bind
from admin_tui.screens.audience import lines
from admin_tui.screens.audience.contact_page import ContactPage
from admin_tui.screens.audience.export import ExportDialog
from admin_tui.screens.audience.forms import contact_form, list_form, opt_out_form
from admin_tui.screens.base import ConsoleScreen, PaletteEntry
from admin_tui.screens.importing.screen import ImportScreen
from admin_tui.tables import PagedTable, Source

TABS = ("lists", "contacts", "opt_outs")


class AudienceScreen(ConsoleScreen):
    """Three tabs. Enter on a list shows its contacts, on a contact its page."""

    NAME = "audience"
    HAS_FILTER = True
    REFRESH_SECONDS = 5.0
    NEEDS: ClassVar[Mapping[str, str]] = {
        "new": access.CHANGE_AUDIENCE,
        "import": access.CHANGE_AUDIENCE,
        "export": access.SEE_AUDIENCE,
        "cancel": access.CHANGE_AUDIENCE,
        "rename": access.CHANGE_AUDIENCE,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("new", label="audience.keys.new"),
        bind("import", label="audience.keys.import"),
        bind("export", label="audience.keys.export"),
        bind("cancel", label="audience.keys.remove"),
        bind("next_pane", "next_tab", label="audience.keys.next_tab"),
    ]
    DEFAULT_CSS = """
    AudienceScreen #tabs { height: 1; padding: 0 1; }
    AudienceScreen #detail { height: 1; padding: 0 1; color: $text-muted; }
    AudienceScreen ContentSwitcher { height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._tab = "lists"
        self._list: Json | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(id="tabs", markup=False)
        with ContentSwitcher(initial="lists"):
            yield self._make_table("lists", "/lists", "lists", lines.LIST_COLUMNS)
            yield self._make_table("contacts", "/contacts", "contacts", lines.CONTACT_COLUMNS)
            yield self._make_table("opt_outs", "/opt-outs", "opt_outs", lines.OPT_OUT_COLUMNS)
        yield Static(id="detail", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._show_tab(self._tab)

    async def load(self) -> Failure | None:
        return await self._table.load()

    def empty_sentence(self) -> str:
        if self._table.items:
            return ""
        if self.filter_text:
            return self.desk.say("audience.no_match", filter=clean(self.filter_text))
        may_change = self.desk.may(access.CHANGE_AUDIENCE)
        return self.desk.say(f"audience.empty.{self._tab}" if may_change else "audience.empty.read_only")

    def show_criteria(self, criteria: Mapping[str, str]) -> None:
        """`tab` opens one of the three; `q` searches contacts."""
        self.filter_text = criteria.get("q", "")
        self._list = None
        self._show_tab(criteria.get("tab", "contacts" if self.filter_text else "lists"))

    def apply_filter(self, text: str) -> None:
        if text and self._tab == "lists":
            self._show_tab("contacts")
            return
        self._table.forget()
        self.reload()

    def palette(self) -> Iterator[PaletteEntry]:
        if self._tab == "lists" and self._table.focused_item and self.desk.may(access.CHANGE_AUDIENCE):
            yield PaletteEntry("audience.palette.rename", "rename")

    # What a person does.

    def action_next_tab(self) -> None:
        self._list = None
        self._show_tab(TABS[(TABS.index(self._tab) + 1) % len(TABS)])

    def action_back(self) -> None:
        if self.filter_text:
            super().action_back()
        elif self._list is not None:
            self._list = None
            self._show_tab("lists")
        else:
            super().action_back()

    def action_new(self) -> None:
        self.run_worker(self._add(), group="act")

    def action_import(self) -> None:
        """A list is chosen beforehand only while its people are looked at: a new file is a new list."""
        self.app.push_screen(ImportScreen(self.desk, contact_list=self._list))

    def action_export(self) -> None:
        if self._focused_list is None:
            self.tell("audience.cannot.export")
        else:
            self.app.push_screen(ExportDialog(self.desk, self._focused_list, folder=Path.cwd()))

    def action_cancel(self) -> None:
        item = self._table.focused_item
        if item is not None:
            remove = {"lists": self._delete_list, "contacts": self._erase, "opt_outs": self._lift}[self._tab]
            self.run_worker(remove(item), group="act")

    def action_rename(self) -> None:
        item = self._table.focused_item
        if item is not None and self._tab == "lists":
            self.run_worker(self._rename(item), group="act")

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        item = self._table.items.get(str(event.row_key.value))
        if item is None:
            return
        if self._tab == "lists":
            self._list = item
            self._show_tab("contacts")
        elif self._tab == "contacts":
            self.app.push_screen(ContactPage(self.desk, item))
        elif item.get("contact_id"):
            self.app.push_screen(ContactPage(self.desk, {"id": item["contact_id"], **item}))

    @on(DataTable.RowHighlighted, "#lists")
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        item = self._table.focused_item
        if self._tab == "lists" and item is not None:
            self.run_worker(self._tell_list(item), group="detail", exclusive=True)

    # How it is done.

    @property
    def _table(self) -> PagedTable:
        return self.query_one(f"#{self._tab}", PagedTable)

    @property
    def _focused_list(self) -> Json | None:
        return self._table.focused_item if self._tab == "lists" else self._list

    def _make_table(self, tab: str, path: str, plural: str, columns: tuple[Column, ...]) -> PagedTable:
        draw = {"lists": lines.list_row, "contacts": lines.contact_row, "opt_outs": lines.opt_out_row}[tab]
        source = Source(
            path=lambda: self.desk.shop_path(path),
            plural=plural,
            make_row=lambda item: draw(self.desk, item),
            query=self._query,
        )
        return PagedTable(self.desk, columns, source, id=tab)

    def _query(self) -> Query:
        if self._tab == "contacts":
            return {"q": self.filter_text, "list": None if self._list is None else self._list["id"]}
        return {"number": self.filter_text} if self._tab == "opt_outs" else {}

    def _show_tab(self, tab: str) -> None:
        self._tab = tab
        self.query_one(ContentSwitcher).current = tab
        self._table.forget()
        self._table.focus()
        told = ""
        if tab == "contacts" and self._list is not None:
            told = self.desk.say("audience.of_list_hint", name=clean(self._list["name"]))
        self.query_one("#detail", Static).update(told)
        self.query_one("#tabs", Static).update(self._draw_tabs())
        self.reload()

    def _draw_tabs(self) -> Text:
        drawn = Text(no_wrap=True)
        for tab in TABS:
            name = self.desk.say(f"audience.tabs.{tab}")
            if tab == "contacts" and self._list is not None:
                name += " " + self.desk.say("audience.of_list", name=clean(self._list["name"]))
            drawn.append(
                f"▐{name}▌" if tab == self._tab else f" {name} ", "bold" if tab == self._tab else "dim"
            )
            drawn.append(" ")
        return drawn

    async def _tell_list(self, item: Json) -> None:
        answer = await self.desk.client.get(self.desk.shop_path(f"/lists/{item['id']}"))
        if isinstance(answer, Failure) or self._tab != "lists":
            return
        people = self.desk.say("campaigns.unit.people", count=int(answer.get("member_count", 0)))
        marketing = self.desk.words.number(int(answer.get("marketing_count") or 0))
        told = self.desk.say(
            "audience.list_detail", name=clean(answer["name"]), people=people, marketing=marketing
        )
        self.query_one("#detail", Static).update(told)

    async def _add(self) -> None:
        if self._tab == "lists":
            answer = await self.app.push_screen_wait(list_form(self.desk))
            if answer is not None:
                self.tell("audience.did.list_made", name=clean(answer.get("name", "")))
        elif self._tab == "contacts":
            lists = await self.desk.client.get(self.desk.shop_path("/lists"), {"limit": 200})
            known = [] if isinstance(lists, Failure) else lists["lists"]
            chosen = "" if self._list is None else str(self._list["id"])
            answer = await self.app.push_screen_wait(contact_form(self.desk, known, chosen=chosen))
            if answer is not None:
                self.tell("audience.did.contact_saved", number=answer.get("number", ""))
        else:
            answer = await self.app.push_screen_wait(opt_out_form(self.desk))
            if answer is not None:
                self.tell("audience.did.opted_out", number=answer.get("number", ""))
        self.reload()

    async def _rename(self, item: Json) -> None:
        answer = await self.app.push_screen_wait(list_form(self.desk, item))
        if answer is not None:
            self.tell("audience.did.list_renamed", name=clean(answer.get("name", "")))
            self.reload()

    async def _delete_list(self, item: Json) -> None:
        name = clean(item["name"])
        question = self.desk.say("audience.ask.delete_list", name=name)
        body = self.desk.say("audience.ask.delete_list_body", count=int(item.get("member_count", 0)))
        if await self.app.push_screen_wait(TypeToConfirm(self.desk, question, body, name)):
            await self._delete(f"/lists/{item['id']}", "audience.did.list_deleted", name=name)

    async def _erase(self, item: Json) -> None:
        if not item.get("number"):
            self.tell("audience.cannot.hidden")
            return
        question = self.desk.say("audience.ask.erase", number=item["number"])
        body = self.desk.say("audience.ask.erase_body")
        if await self.app.push_screen_wait(TypeToConfirm(self.desk, question, body, item["number"])):
            await self._delete(f"/contacts/{item['id']}", "audience.did.erased")

    async def _lift(self, item: Json) -> None:
        number = item.get("number")
        if not number:
            self.tell("audience.cannot.hidden")
            return
        question = self.desk.say("audience.ask.lift", number=number)
        if await self.app.push_screen_wait(
            ConfirmCost(self.desk, question, self.desk.say("audience.ask.lift_body"))
        ):
            path = f"/opt-outs/{number.replace('+', '%2B')}"
            await self._delete(path, "audience.did.lifted", query={"scope": item["scope"]}, number=number)

    async def _delete(self, path: str, told: str, *, query: Query | None = None, **values: object) -> None:
        answer = await self.desk.client.delete(self.desk.shop_path(path), query=query)
        if isinstance(answer, Failure):
            self.tell_failure(answer)
        else:
            self.tell(told, **values)
        self.reload()
