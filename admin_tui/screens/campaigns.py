"""Screen 2: the campaigns of a shop, newest first, with what each has done so far."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable

from admin_tui import access
from admin_tui.cells import clean
from admin_tui.charts.bars import draw_progress
from admin_tui.client import Failure, Json, Query
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, moneys, percent, short, span
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen, PaletteEntry
from admin_tui.screens.campaign_actions import CampaignActions
from admin_tui.screens.campaign_page.page import CampaignPage
from admin_tui.screens.campaign_progress import NOT_STARTED, UNDER_WAY, done_share
from admin_tui.screens.writer.screen import WriterScreen
from admin_tui.states import show_state
from admin_tui.tables import PagedTable, Source

_BAR_CELLS = 8

COLUMNS = (
    Column("name", "campaigns.columns.name", 18, grows=True),
    Column("state", "campaigns.columns.state", 13),
    Column("progress", "campaigns.columns.progress", _BAR_CELLS + 5, rank=1),
    Column("rate", "campaigns.columns.rate", 8, "right", rank=8),
    Column("eta", "campaigns.columns.eta", 9, "right", rank=7),
    Column("delivered", "campaigns.columns.delivered", 9, "right", rank=2),
    Column("clicked", "campaigns.columns.clicked", 7, "right", rank=3),
    Column("opt_outs", "campaigns.columns.opt_outs", 11, "right", rank=6),
    Column("revenue", "campaigns.columns.revenue", 14, "right", rank=4),
    Column("roi", "campaigns.columns.roi", 6, "right", rank=5),
)


class CampaignsScreen(ConsoleScreen):
    """The table of campaigns. Enter opens a draft in the writer and everything else as its page."""

    NAME = "campaigns"
    REFRESH_SECONDS = 2.0
    NEEDS: ClassVar[Mapping[str, str]] = {
        "new": access.CHANGE_CAMPAIGNS,
        "pause": access.CHANGE_CAMPAIGNS,
        "cancel": access.CHANGE_CAMPAIGNS,
        "test": access.CHANGE_CAMPAIGNS,
        "duplicate": access.CHANGE_CAMPAIGNS,
        "delete": access.CHANGE_CAMPAIGNS,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("new", label="campaigns.keys.new"),
        bind("pause", label="campaigns.keys.pause"),
        bind("cancel", label="campaigns.keys.cancel"),
        bind("test", label="campaigns.keys.test"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._actions = CampaignActions(self)
        self._state = ""

    def compose_body(self) -> ComposeResult:
        source = Source(
            path=lambda: self.desk.shop_path("/campaigns"),
            plural="campaigns",
            make_row=self._make_row,
            query=self._query,
        )
        yield PagedTable(self.desk, COLUMNS, source, id="campaigns")

    async def load(self) -> Failure | None:
        return await self._table.load()

    def empty_sentence(self) -> str:
        if self._table.items:
            return ""
        may_write = self.desk.may(access.CHANGE_CAMPAIGNS)
        return self.desk.say("campaigns.empty" if may_write else "campaigns.empty_read_only")

    def show_criteria(self, criteria: Mapping[str, str]) -> None:
        """`state` shows campaigns of one state; `campaign_id` opens one."""
        self._state = criteria.get("state", "")
        if "campaign_id" in criteria:
            self.run_worker(self._open_by_id(criteria["campaign_id"]), group="open", exclusive=True)
        self._table.forget()
        self.reload()

    def palette(self) -> Iterator[PaletteEntry]:
        if self.desk.may(access.CHANGE_CAMPAIGNS) and self._table.focused_item is not None:
            yield PaletteEntry("campaigns.palette.duplicate", "duplicate")
            if self._table.focused_item["state"] == "draft":
                yield PaletteEntry("campaigns.palette.delete", "delete")

    def action_new(self) -> None:
        self.app.push_screen(WriterScreen(self.desk))

    def action_pause(self) -> None:
        self.run_worker(self._actions.toggle_pause(self._table.focused_item), group="act")

    def action_cancel(self) -> None:
        self.run_worker(self._actions.cancel(self._table.focused_item), group="act")

    def action_test(self) -> None:
        self.run_worker(self._actions.test(self._table.focused_item), group="act")

    def action_duplicate(self) -> None:
        self.run_worker(self._actions.duplicate(self._table.focused_item), group="act")

    def action_delete(self) -> None:
        self.run_worker(self._actions.delete(self._table.focused_item), group="act")

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        item = self._table.items.get(str(event.row_key.value))
        if item is not None:
            self._open(item)

    @property
    def _table(self) -> PagedTable:
        return self.query_one("#campaigns", PagedTable)

    def _open(self, campaign: Json) -> None:
        if campaign["state"] == "draft" and self.desk.may(access.CHANGE_CAMPAIGNS):
            self.app.push_screen(WriterScreen(self.desk, campaign))
        else:
            self.app.push_screen(CampaignPage(self.desk, campaign))

    async def _open_by_id(self, campaign_id: str) -> None:
        answer = await self.desk.client.get(self.desk.shop_path(f"/campaigns/{campaign_id}"))
        if isinstance(answer, Failure):
            self.tell_failure(answer)
        else:
            self._open(answer)

    def _query(self) -> Query:
        return {"state": self._state}

    def _make_row(self, campaign: Json) -> Row:
        return make_row(self.desk, campaign)


def make_row(desk: Desk, campaign: Json) -> Row:
    """One line of the table; figures of what has not begun stay empty."""
    words, progress = desk.words, campaign.get("progress") or {}
    results = campaign.get("results") or {}
    cells: dict[str, str | Text] = {
        "name": clean(campaign["name"]) or desk.say("campaigns.untitled"),
        "state": show_state(words, campaign["state"]),
    }
    if campaign["state"] in NOT_STARTED:
        return Row(campaign["id"], cells)
    share = done_share(campaign)
    cells["progress"] = f"{draw_progress(share, 1.0, _BAR_CELLS)} {share * 100:3.0f}%"
    if campaign["state"] in UNDER_WAY:
        cells["rate"] = short(words, progress.get("parts_per_second") or 0)
        cells["eta"] = span(words, progress.get("eta_seconds"))
    sent, delivered = results.get("sent", 0), results.get("delivered", 0)
    cells["delivered"] = percent(words, delivered, sent)
    cells["clicked"] = percent(words, results.get("clicked", 0), delivered)
    cells["opt_outs"] = short(words, results.get("opt_outs", 0))
    cells["revenue"] = moneys(words, results.get("revenue") or ())
    cells["roi"] = NOTHING if results.get("roi") is None else words.number(float(results["roi"]), decimals=1)
    order = {
        "name": clean(campaign["name"]).lower(),
        "progress": share,
        "opt_outs": results.get("opt_outs", 0),
    }
    return Row(campaign["id"], cells, order)
