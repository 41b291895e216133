"""Screen 1: what happened in the last hours, what goes on now, and what stands in its way."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from admin_tui.cells import cells, clean, fit
from admin_tui.charts.bars import draw_progress, draw_trend
from admin_tui.charts.widgets import BarLine, BarList, Line, LineChart
from admin_tui.client import Failure, Json
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, brief_moneys, moneys, percent, short, span
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen, OpenScreen
from admin_tui.screens.campaign_progress import done_share
from admin_tui.states import DULL, look, show_state

RANGES_HOURS: Final = (6, 24, 168)
_MOST_CAMPAIGNS: Final = 6
_CHART_SECONDS: Final = 5.0


class Tile(Static, can_focus=True):
    """One number with its trend; Enter opens the screen behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("open"),
        bind("left", "app.focus_previous", is_shown=False),
        bind("right", "app.focus_next", is_shown=False),
    ]

    DEFAULT_CSS = """
    Tile { width: 1fr; height: 3; padding: 0 1; }
    Tile:focus { background: $panel; text-style: bold; }
    """

    def __init__(self, desk: Desk, name: str, target: str, **criteria: str) -> None:
        super().__init__(id=f"tile-{name}", markup=False)
        self._desk = desk
        self._label = f"overview.{name}"
        self._target = target
        self._criteria = criteria
        self._value = self._brief = NOTHING
        self._trend: Sequence[float] = ()

    def show(self, value: str, trend: Sequence[float] = (), *, brief: str = "") -> None:
        """`brief` is shown where `value` does not fit."""
        self._value, self._brief, self._trend = value, brief or value, trend
        self.refresh()

    def render(self) -> Text:
        width = max(4, self.size.width)
        text = Text(no_wrap=True)
        text.append(fit(self._desk.say(self._label), width) + "\n")
        value = self._value if cells(self._value) <= width else self._brief
        text.append(fit(value, width) + "\n", "bold")
        text.append(draw_trend(self._trend, width), "cyan")
        return text

    def action_open(self) -> None:
        self.post_message(OpenScreen(self._target, **self._criteria))


class RunningCampaigns(Static, can_focus=True):
    """Campaigns that send or are paused, a line each with a progress bar; Enter opens the campaigns."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("open")]
    DEFAULT_CSS = """
    RunningCampaigns { height: auto; padding: 0 1; }
    RunningCampaigns:focus { background: $panel; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(markup=False)
        self._desk = desk
        self._campaigns: Sequence[Json] = ()

    def show(self, campaigns: Sequence[Json]) -> None:
        self._campaigns = campaigns[:_MOST_CAMPAIGNS]
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return 1 + max(1, len(self._campaigns))

    def render(self) -> Text:
        text = Text(self._desk.say("overview.running") + "\n", style="bold", no_wrap=True)
        if not self._campaigns:
            text.append(self._desk.say("overview.none_running"), f"not bold {DULL}")
        width = max(40, self.size.width)
        for number, campaign in enumerate(self._campaigns):
            if number:
                text.append("\n")
            text.append_text(draw_running(self._desk, campaign, width))
        return text

    def action_open(self) -> None:
        self.post_message(OpenScreen("campaigns"))


def draw_running(desk: Desk, campaign: Json, width: int) -> Text:
    """One campaign in `width` cells: state, name, bar, percent, speed, time left."""
    words = desk.words
    progress: Json = campaign.get("progress") or {}
    share = done_share(campaign)
    told = f" {percent(words, share, 1.0):>7}  {short(words, progress.get('parts_per_second', 0)):>5}/s"
    told += f"  {span(words, progress.get('eta_seconds')):>9}"
    state = show_state(words, campaign["state"])
    room = width - len(told) - 14
    name_width = max(10, room * 3 // 5)
    text = Text(style="not bold", no_wrap=True)
    text.append_text(Text(fit(state.plain, 12), style=state.style))
    text.append(" " + fit(clean(campaign["name"]), name_width) + " ")
    text.append(draw_progress(share, 1.0, max(4, room - name_width)), look(campaign["state"])[1])
    text.append(told)
    return text


class OverviewScreen(ConsoleScreen):
    """The first thing that a person sees."""

    NAME = "overview"
    REFRESH_SECONDS = _CHART_SECONDS
    BINDINGS: ClassVar[list[BindingType]] = [bind("narrower"), bind("wider"), bind("maximise")]

    DEFAULT_CSS = """
    OverviewScreen #tiles { height: 4; }
    OverviewScreen #chart { margin: 0 1; }
    OverviewScreen #lower { height: auto; margin-top: 1; }
    OverviewScreen #failures, OverviewScreen #binds { width: 1fr; padding: 0 1; max-height: 8; }
    OverviewScreen #limits { height: auto; padding: 0 1; color: $text-warning; }
    OverviewScreen RunningCampaigns { margin-top: 1; }
    OverviewScreen.narrow #lower { margin-top: 0; }
    OverviewScreen.narrow #failures, OverviewScreen.narrow #binds { max-height: 5; }
    OverviewScreen.tiny #lower, OverviewScreen.tiny #limits { display: none; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._hours = 24
        self._answer: Json = {}

    def compose_body(self) -> ComposeResult:
        desk = self.desk
        with Vertical():
            with Horizontal(id="tiles"):
                yield Tile(desk, "taken_in", "messages")
                yield Tile(desk, "sent", "messages")
                yield Tile(desk, "delivered", "messages", state="delivered")
                yield Tile(desk, "failed", "messages", state="failed")
                yield Tile(desk, "clicks", "campaigns")
                yield Tile(desk, "revenue", "campaigns")
            yield LineChart(desk.words, id="chart")
            with Horizontal(id="lower"):
                yield BarList(desk.words, id="failures")
                yield Static(id="binds", markup=False)
            yield RunningCampaigns(desk)
            yield Static(id="limits", markup=False)

    def on_resize(self) -> None:
        self.set_class(self.app.size.height < 30, "narrow")
        self.set_class(self.app.size.height < 20, "tiny")

    async def load(self) -> Failure | None:
        answer = await self.desk.client.get(self.desk.shop_path("/overview"), {"hours": self._hours})
        if isinstance(answer, Failure):
            return answer
        self._answer = answer
        self._show_tiles(answer)
        self._show_chart(answer)
        self._show_failures(answer["failures"])
        self.query_one(RunningCampaigns).show(answer["campaigns"])
        if self.desk.access.is_operator:
            return await self._load_carriers()
        self.query_one("#binds").display = False
        return None

    def empty_sentence(self) -> str:
        return "" if self._answer.get("taken_in") else self.desk.say("overview.empty")

    def action_narrower(self) -> None:
        self._choose_hours(-1)

    def action_wider(self) -> None:
        self._choose_hours(1)

    def action_maximise(self) -> None:
        """The chart alone, or everything again."""
        if self.maximized is None:
            self.maximize(self.query_one(LineChart))
        else:
            self.minimize()

    def _choose_hours(self, step: int) -> None:
        position = RANGES_HOURS.index(self._hours) + step
        self._hours = RANGES_HOURS[min(max(position, 0), len(RANGES_HOURS) - 1)]
        self.reload()

    def _show_tiles(self, answer: Json) -> None:
        words, series = self.desk.words, answer["series"]
        for name in ("taken_in", "sent", "failed", "clicks"):
            self.query_one(f"#tile-{name}", Tile).show(
                words.number(answer[name]), series.get(name, ()), brief=short(words, answer[name])
            )
        rate = answer.get("delivered_percent")
        shown = NOTHING if rate is None else f"{words.number(rate, decimals=1)} %"
        self.query_one("#tile-delivered", Tile).show(shown, series.get("delivered", ()))
        self.query_one("#tile-revenue", Tile).show(
            moneys(words, answer["revenue"], is_short=True), brief=brief_moneys(words, answer["revenue"])
        )

    def _show_chart(self, answer: Json) -> None:
        series, say = answer["series"], self.desk.say
        lines = [Line(say(f"overview.line_{name}"), series[name]) for name in ("sent", "delivered", "failed")]
        step = series["step_seconds"]
        title = say("overview.chart", step=span(self.desk.words, step), hours=self._hours)
        self.query_one(LineChart).show(title, lines, self._list_times(series))

    def _list_times(self, series: Json) -> list[str]:
        start = self.desk.local(series["starts_at"])
        if start is None:
            return []
        steps = max(1, len(series["sent"]) - 1)
        form = "%H:%M" if self._hours <= 24 else "%m-%d"
        marks = 5 if self.app.size.width >= 60 else 3
        return [
            (start + timedelta(seconds=series["step_seconds"] * steps * mark / (marks - 1))).strftime(form)
            for mark in range(marks)
        ]

    def _show_failures(self, failures: Sequence[Json]) -> None:
        say = self.desk.say
        bars = [
            BarLine(say(f"overview.failure.{entry['failure_class']}"), entry["messages"])
            for entry in failures
        ]
        title = say("overview.failures") if bars else say("overview.no_failures")
        self.query_one(BarList).show(title, bars[:7], colour="red")

    async def _load_carriers(self) -> Failure | None:
        answer = await self.desk.client.get("/admin/status")
        if isinstance(answer, Failure):
            return answer
        binds = [(c["name"], bind_) for c in answer["connectors"] for bind_ in c["binds"]]
        text = Text(self.desk.say("overview.binds") + "\n", style="bold", no_wrap=True)
        text.append_text(self._draw_binds(binds))
        self.query_one("#binds", Static).update(text)
        limits: list[str] = answer["limits"]
        self.query_one("#limits", Static).update("\n".join(f"▲ {clean(limit)}" for limit in limits[:3]))
        return None

    def _draw_binds(self, binds: Sequence[tuple[str, Any]]) -> Text:
        """The binds that are not up first: a line each, as far as rows go."""
        text = Text(style="not bold", no_wrap=True)
        if not binds:
            return Text(self.desk.say("overview.no_binds"), style=f"not bold {DULL}")
        ordered = sorted(binds, key=lambda entry: entry[1]["state"] == "bound")
        for name, bind_ in ordered[:7]:
            state = show_state(self.desk.words, bind_["state"])
            text.append(fit(f"{clean(name)} {bind_['bind']}", 18))
            text.append(" ")
            text.append_text(state)
            text.append(" " * max(1, 12 - state.cell_len) + f"{bind_['in_flight']}/{bind_['window']}\n")
        text.right_crop(1)
        return text
