"""The page of one campaign: its state on top, every number of its result, charts beside them."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import DataTable, Static

from admin_tui import access
from admin_tui.cells import clean
from admin_tui.charts.bars import draw_progress
from admin_tui.client import Failure, FailureKind, Json
from admin_tui.desk import Desk
from admin_tui.dialogs.form import Field, Form
from admin_tui.figures import day_time, short, span
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen, OpenScreen, PaletteEntry
from admin_tui.screens.campaign_actions import CampaignActions
from admin_tui.screens.campaign_page.charts import CampaignCharts
from admin_tui.screens.campaign_page.figures import COLUMNS, list_figures, make_row
from admin_tui.screens.campaign_page.rows_page import RowsPage
from admin_tui.screens.campaign_progress import ENDED, UNDER_WAY, done_share, is_choosing
from admin_tui.states import show_state
from admin_tui.tables import PagedTable, Source

_WIDE_CELLS = 104
_BAR_CELLS = 20


class CampaignPage(ConsoleScreen):
    """Live while the campaign runs. Enter on a number opens its rows. Where the terminal is narrow, the
    numbers and the charts take turns."""

    NAME = "campaign"
    REFRESH_SECONDS = 2.0
    NEEDS: ClassVar[Mapping[str, str]] = {
        "pause": access.CHANGE_CAMPAIGNS,
        "cancel": access.CHANGE_CAMPAIGNS,
        "speed": access.CHANGE_CAMPAIGNS,
        "duplicate": access.CHANGE_CAMPAIGNS,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pause", label="campaigns.keys.pause"),
        bind("speed"),
        bind("cancel", label="campaigns.keys.cancel"),
        bind("next_pane", "other_pane"),
        bind("back"),
    ]
    DEFAULT_CSS = """
    CampaignPage #head { height: auto; max-height: 5; padding: 0 1; background: $boost; }
    CampaignPage #figures { width: 1fr; }
    CampaignPage #charts { width: 1fr; display: none; }
    CampaignPage.wide #charts { display: block; width: 44%; border-left: vkey $panel; }
    CampaignPage.turned #charts { display: block; }
    CampaignPage.turned #figures { display: none; }
    """

    def __init__(self, desk: Desk, campaign: Json) -> None:
        super().__init__(desk)
        self.campaign = campaign
        self._actions = CampaignActions(self)

    def compose_body(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        source = Source(path=lambda: "", plural="", make_row=lambda item: make_row(self.desk, item))
        with Horizontal():
            yield PagedTable(self.desk, COLUMNS, source, id="figures")
            yield CampaignCharts(self.desk)

    def on_mount(self) -> None:
        super().on_mount()
        self._draw_head()

    def on_resize(self, event: events.Resize) -> None:
        is_wide = event.size.width >= _WIDE_CELLS
        self.set_class(is_wide, "wide")
        if is_wide:
            self.remove_class("turned")

    async def load(self) -> Failure | None:
        path = self.desk.shop_path(f"/campaigns/{self.campaign['id']}")
        campaign = await self.desk.client.get(path)
        if isinstance(campaign, Failure):
            return campaign
        self.campaign = campaign
        self._draw_head()
        self.refresh_bindings()
        report = await self.desk.client.get(path + "/report")
        if isinstance(report, Failure):
            return report if report.kind is not FailureKind.NOT_FOUND else None
        self._table.show_items(list_figures(self.desk, report))
        self.query_one(CampaignCharts).show(report)
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        state = self.campaign["state"]
        if action == "pause" and state not in UNDER_WAY:
            return False
        if action in ("cancel", "speed") and state in ENDED:
            return False
        if action == "other_pane" and self.has_class("wide"):
            return True
        return super().check_action(action, parameters)

    def palette(self) -> Iterator[PaletteEntry]:
        if self.desk.may(access.CHANGE_CAMPAIGNS):
            yield PaletteEntry("campaigns.palette.duplicate", "duplicate")

    def action_pause(self) -> None:
        self.run_worker(self._actions.toggle_pause(self.campaign), group="act")

    def action_cancel(self) -> None:
        self.run_worker(self._actions.cancel(self.campaign), group="act")

    def action_duplicate(self) -> None:
        self.run_worker(self._actions.duplicate(self.campaign), group="act")

    def action_speed(self) -> None:
        self.run_worker(self._change_speed(), group="act")

    def action_other_pane(self) -> None:
        if self.has_class("wide"):
            self.focus_next()
            return
        self.toggle_class("turned")
        (self.query_one(CampaignCharts) if self.has_class("turned") else self._table).focus()

    @on(DataTable.RowSelected, "#figures")
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        figure = self._table.items.get(str(event.row_key.value)) or {}
        behind = figure.get("behind")
        if behind is None:
            return
        kind, criteria = behind
        if kind == "messages":
            self.post_message(OpenScreen("messages", campaign_id=self.campaign["id"], **criteria))
        else:
            self.app.push_screen(RowsPage(self.desk, self.campaign, kind, criteria))

    @property
    def _table(self) -> PagedTable:
        return self.query_one("#figures", PagedTable)

    def _draw_head(self) -> None:
        self.query_one("#head", Static).update(draw_head(self.desk, self.campaign))

    async def _change_speed(self) -> None:
        campaign = self.campaign

        async def send(values: Mapping[str, str]) -> Json | Failure:
            typed = values["speed"].replace(",", ".")
            try:
                speed = float(typed) if typed else None
            except ValueError:
                return Failure(FailureKind.REFUSED, self.desk.say("report.speed.fault"), path="speed")
            body = {"version": campaign["version"], "parts_per_second": speed}
            return await self.desk.client.patch(self.desk.shop_path(f"/campaigns/{campaign['id']}"), body)

        now = campaign.get("parts_per_second")
        fields = [Field("speed", "report.speed.label", value="" if now is None else f"{now:g}")]
        answer = await self.app.push_screen_wait(Form(self.desk, "frame.keys.speed", fields, send))
        if answer is None:
            return
        speed = answer.get("parts_per_second")
        if speed is None:
            self.tell("report.speed.done_full")
        else:
            self.tell("report.speed.done", speed=f"{speed:g}")
        self.reload()


def draw_head(desk: Desk, campaign: Mapping[str, Any]) -> Text:
    """Name and state; while it runs, how far it is, how fast, and how long it still takes."""
    say, words = desk.say, desk.words
    drawn = Text(no_wrap=True, overflow="ellipsis")
    drawn.append(clean(campaign["name"]) or say("campaigns.untitled"), "bold")
    drawn.append("  ")
    drawn.append_text(show_state(words, campaign["state"]))
    drawn.append(f"  {say('campaigns.kind.' + campaign['category'])}", "dim")
    now = desk.now()
    if campaign.get("started_at"):
        drawn.append(
            f"  {say('report.started', when=day_time(desk.local(campaign['started_at']), now))}", "dim"
        )
    if campaign.get("finished_at"):
        drawn.append(
            f"  {say('report.finished', when=day_time(desk.local(campaign['finished_at']), now))}", "dim"
        )
    if campaign["state"] == "planned":
        drawn.append(
            f"\n{say('report.not_started', when=day_time(desk.local(campaign.get('start_at')), now))}"
        )
    elif campaign["state"] in UNDER_WAY:
        drawn.append_text(_draw_progress(desk, campaign))
    return drawn


def _draw_progress(desk: Desk, campaign: Mapping[str, Any]) -> Text:
    say, words, progress = desk.say, desk.words, campaign.get("progress") or {}
    share = done_share(campaign)
    drawn = Text(f"\n{draw_progress(share, 1.0, _BAR_CELLS)} {share * 100:.0f}%  ")
    if is_choosing(campaign):
        drawn.append(say("report.choosing"))
    elif campaign["state"] == "running":
        rate = short(words, progress.get("parts_per_second") or 0)
        drawn.append(say("report.sending", rate=rate, left=span(words, progress.get("eta_seconds"))))
    reason = campaign.get("pause_reason")
    if campaign["state"] == "paused" and reason:
        key = f"campaigns.paused.{reason}"
        drawn.append(say(key) if words.has(key) else clean(reason), "yellow")
    if campaign["state"] == "running":
        drawn.append(f"\n{say('report.close_console')}", "dim")
    return drawn
