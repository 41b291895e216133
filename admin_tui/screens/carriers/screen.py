"""Screen 8: the accounts that send.

Each bind's state, window, speed and limit in words; below, what limits sending, the focused bind in full, and
its last changes. Enter follows what passes.
"""

from collections.abc import Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from admin_tui.access import OPERATE, SEE_MESSAGES, TRACE
from admin_tui.client import Failure, Json
from admin_tui.commands import ConnectorVerb
from admin_tui.desk import Desk
from admin_tui.keys import bind
from admin_tui.panes import Pane, Panes
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.carriers.actions import ConnectorActions
from admin_tui.screens.carriers.bind_table import BindTable
from admin_tui.screens.carriers.pictures import draw_focused, draw_history, draw_standing
from admin_tui.screens.carriers.trace_page import TracePage
from admin_tui.screens.carriers.unknown_page import UnknownPage
from admin_tui.tables import PagedTable


class CarriersScreen(ConsoleScreen):
    """A line for each bind. Only operators see it."""

    NAME = "carriers"
    REFRESH_SECONDS = 2.0
    NEEDS_SHOP = False
    NEEDS: ClassVar[Mapping[str, str]] = {
        "pause": OPERATE,
        "speed": OPERATE,
        "try_again": OPERATE,
        "unknown": SEE_MESSAGES,
        "open": TRACE,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pause", label="carriers.keys.pause"),
        bind("speed"),
        bind("try_again"),
        bind("unknown"),
        bind("next_pane"),
        bind("open", is_shown=False),
    ]

    DEFAULT_CSS = """
    CarriersScreen PagedTable { height: 1fr; min-height: 5; }
    CarriersScreen Panes { height: 1fr; margin-top: 1; }
    CarriersScreen VerticalScroll { padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._wanted: Mapping[str, str] = {}
        self._actions = ConnectorActions(self)

    def compose_body(self) -> ComposeResult:
        yield BindTable(self.desk)
        yield Panes(
            self.desk,
            [
                Pane("now", "carriers.now", _page("standing")),
                Pane("focused", "carriers.focused", _page("facts")),
                Pane("history", "carriers.history", _page("changes")),
            ],
        )

    @property
    def table(self) -> BindTable:
        return self.query_one(BindTable)

    async def load(self) -> Failure | None:
        failure = await self.table.load()
        if failure is not None:
            return failure
        self.query_one("#standing", Static).update(draw_standing(self.desk, self.table.status))
        self._show_focused()
        wanted, self._wanted = self._wanted, {}
        if wanted:
            self._obey(wanted)
        return None

    def empty_sentence(self) -> str:
        return "" if self.table.row_count else self.desk.say("carriers.empty")

    def show_criteria(self, criteria: Mapping[str, str]) -> None:
        """`connector` is where the cursor goes, `verb` what to do there, `value` with which figure."""
        self._wanted = criteria
        self.reload()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "try_again" and self.is_mounted and not self._is_backing_off():
            return False
        return super().check_action(action, parameters)

    def action_next_pane(self) -> None:
        self.query_one(Panes).show_next()

    @work(group="act", exclusive=True)
    async def action_pause(self) -> None:
        await self._actions.toggle(self._connector, self.table.status)

    @work(group="act", exclusive=True)
    async def action_speed(self) -> None:
        await self._actions.change(self._connector)

    @work(group="act", exclusive=True)
    async def action_try_again(self) -> None:
        await self._actions.retry(self._connector)

    def action_unknown(self) -> None:
        self.app.push_screen(UnknownPage(self.desk))

    @on(PagedTable.RowSelected)
    def _open(self) -> None:
        connector = self._connector
        if connector is not None and self.desk.may(TRACE):
            self.app.push_screen(TracePage(self.desk, connector["name"]))

    @on(PagedTable.RowHighlighted)
    def _moved(self) -> None:
        self._show_focused()

    @property
    def _connector(self) -> Json | None:
        item = self.table.focused_item
        return None if item is None else item["connector"]

    def _is_backing_off(self) -> bool:
        item = self.table.focused_item if self.query(BindTable) else None
        if item is None:
            return False
        if item["elsewhere"] is not None:
            return not item["elsewhere"]["is_up"]
        return bool((item["bind"] or {}).get("next_retry_at"))

    def _show_focused(self) -> None:
        item = self.table.focused_item
        if item is not None:
            self.query_one("#facts", Static).update(draw_focused(self.desk, item))
            self.query_one("#changes", Static).update(draw_history(self.desk, item))
        self.refresh_bindings()

    def _obey(self, wanted: Mapping[str, str]) -> None:
        name, verb = wanted["connector"], wanted.get("verb", "")
        if not self.table.point_at(name):
            self.tell("carriers.unknown", connector=name)
        elif verb and not self.desk.may(OPERATE):
            self.tell("carriers.may_not")
        elif verb:
            self._act(ConnectorVerb(verb), wanted.get("value", ""))

    @work(group="act", exclusive=True)
    async def _act(self, verb: ConnectorVerb, value: str) -> None:
        connector = self._connector
        match verb:
            case ConnectorVerb.DOWN:
                await self._actions.take_down(connector, self.table.status)
            case ConnectorVerb.UP:
                await self._actions.bring_up(connector)
            case ConnectorVerb.SPEED:
                await self._actions.change(connector, parts_per_second=value)
            case ConnectorVerb.RETRY:
                await self._actions.retry(connector)


def _page(name: str) -> VerticalScroll:
    """Scrolls by the mouse; the keys stay with the table."""
    return VerticalScroll(Static(id=name, markup=False), can_focus=False)
