"""Screen 9: shops and their keys, the ledger in words, who did what, the nodes, and what runs here."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from admin_tui.access import MANAGE_KEYS, MANAGE_SHOPS, SEE_SYSTEM
from admin_tui.client import Failure, Json
from admin_tui.desk import Desk
from admin_tui.dialogs.confirm import ConfirmCost
from admin_tui.dialogs.form import Field, Form
from admin_tui.dialogs.reading import ReadingPage
from admin_tui.dialogs.secret import SecretOnce
from admin_tui.keys import bind
from admin_tui.panes import Pane, Panes
from admin_tui.screens import system_tables
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.system_pages import draw_about, draw_ledger, draw_note
from admin_tui.tables import PagedTable


class SystemScreen(ConsoleScreen):
    """Parts with Tab between them; only those that the person may see."""

    NAME = "system"
    REFRESH_SECONDS = 3.0
    NEEDS_SHOP = False
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("next_pane"),
        bind("new"),
        bind("cancel", label="system.revoke"),
    ]

    DEFAULT_CSS = "SystemScreen VerticalScroll { padding: 0 1; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._has_ledger = False

    def compose_body(self) -> ComposeResult:
        desk = self.desk
        panes = []
        if desk.may(MANAGE_KEYS):
            panes.append(Pane("keys", "system.keys", system_tables.make_keys_table(desk)))
        panes.append(Pane("shops", "system.shops", system_tables.make_shops_table(desk)))
        if desk.may(SEE_SYSTEM):
            panes.append(Pane("ledger", "system.ledger", _page("ledger")))
            panes.append(Pane("audit", "system.audit", system_tables.make_audit_table(desk)))
        panes.append(Pane("nodes", "system.nodes", system_tables.make_nodes_table(desk)))
        panes.append(Pane("about", "system.about", _page("about")))
        yield Panes(desk, panes)

    @property
    def panes(self) -> Panes:
        return self.query_one(Panes)

    async def load(self) -> Failure | None:
        match self.panes.current:
            case "ledger":
                return await self._load_ledger()
            case "about":
                return await self._load_about()
            case name:
                return await self.query_one(f"#{name}", PagedTable).load()

    def empty_sentence(self) -> str:
        if self.panes.current == "keys" and not self.query_one("#keys", PagedTable).row_count:
            return self.desk.say("system.no_keys")
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return super().check_action(action, parameters)
        current = self.panes.current if self.query(Panes) else ""
        if action == "new":
            right = {"keys": MANAGE_KEYS, "shops": MANAGE_SHOPS}.get(current)
            return right is not None and self.desk.may(right)
        if action == "cancel":
            return current == "keys" and self.desk.may(MANAGE_KEYS)
        return super().check_action(action, parameters)

    def action_next_pane(self) -> None:
        self.panes.show_next()

    def action_reload(self) -> None:
        self._has_ledger = False
        self.reload()

    def action_new(self) -> None:
        if self.panes.current == "keys":
            self._make_key()
        else:
            self._make_shop()

    @on(Panes.Changed)
    def _pane_changed(self) -> None:
        self._has_ledger = False
        self.reload()
        self.refresh_bindings()

    @on(PagedTable.RowSelected, "#audit")
    def _open_note(self) -> None:
        note = self.query_one("#audit", PagedTable).focused_item
        if note is not None:
            self.app.push_screen(ReadingPage(self.desk, note["action"], draw_note(self.desk, note)))

    async def _load_ledger(self) -> Failure | None:
        """Counted when the part is opened and on F5, not again and again: it reads every kept message."""
        if self._has_ledger:
            return None
        page = self.query_one("#ledger", Static)
        page.update(self.desk.say("system.counting"))
        answer = await self.desk.client.get("/admin/ledger", is_long=True)
        if isinstance(answer, Failure):
            return answer
        self._has_ledger = True
        page.update(draw_ledger(self.desk, answer))
        return None

    async def _load_about(self) -> Failure | None:
        answer = await self.desk.client.get("/admin/status")
        if isinstance(answer, Failure):
            return answer
        self.query_one("#about", Static).update(draw_about(self.desk, answer))
        return None

    @work(group="act", exclusive=True)
    async def action_cancel(self) -> None:
        """Revoke the key under the cursor."""
        key = self.query_one("#keys", PagedTable).focused_item
        if key is None or key["revoked_at"] is not None:
            return
        question = self.desk.say("system.revoke_question", hint=key["hint"], shop=key["shop"])
        if not await self.app.push_screen_wait(
            ConfirmCost(self.desk, question, self.desk.say("system.revoke_cost"))
        ):
            return
        answer = await self.desk.client.delete(f"/admin/keys/{key['id']}")
        if isinstance(answer, Failure):
            self.tell_failure(answer)
            return
        self.tell("system.revoked")
        self.reload()

    @work(group="act", exclusive=True)
    async def _make_key(self) -> None:
        fields = (
            Field("shop", "system.shop", value=self.desk.shop),
            Field(
                "mode", "system.mode", choices=(("test", "system.mode_test"), ("live", "system.mode_live"))
            ),
            Field("label", "system.label", hint="system.label_hint"),
        )
        made = await self.app.push_screen_wait(Form(self.desk, "system.new_key", fields, self._send_key))
        if made is not None:
            title = self.desk.say("system.key_made", shop=made["shop"])
            await self.app.push_screen_wait(SecretOnce(self.desk, title, made["key"]))
            self.reload()

    async def _send_key(self, values: Mapping[str, str]) -> Json | Failure:
        return await self.desk.client.post("/admin/keys", values)

    @work(group="act", exclusive=True)
    async def _make_shop(self) -> None:
        fields = (
            Field("name", "system.shop_name", hint="system.shop_name_hint"),
            Field("country", "system.country", hint="system.country_hint"),
            Field("currency", "system.currency", value="EUR"),
            Field("default_sender", "system.sender", hint="system.sender_hint"),
        )
        made = await self.app.push_screen_wait(Form(self.desk, "system.new_shop", fields, self._send_shop))
        if made is not None:
            self.desk.shops = (*self.desk.shops, made["name"])
            self.desk.shop = self.desk.shop or made["name"]
            title = self.desk.say("system.shop_made", shop=made["name"])
            await self.app.push_screen_wait(SecretOnce(self.desk, title, made["webhook_secret"]))
            self.reload()

    async def _send_shop(self, values: Mapping[str, str]) -> Json | Failure:
        body = {
            "name": values["name"],
            "country": values["country"].upper(),
            "currency": values["currency"].upper(),
            "default_sender": values["default_sender"] or None,
        }
        return await self.desk.client.post("/admin/shops", body)


def _page(name: str) -> VerticalScroll:
    return VerticalScroll(Static(id=name, markup=False), can_focus=True)
