"""The right side of a campaign's page: the funnel, messages by hour, time to the click, countries."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from admin_tui.charts.widgets import BarLine, BarList, Line, LineChart
from admin_tui.desk import Desk
from admin_tui.figures import percent, span

_MOST_COUNTRIES = 8
_FUNNEL = ("recipients", "sent", "delivered", "clicked", "ordered")


class CampaignCharts(VerticalScroll):
    """Drawn from the report; every chart has its numbers beside it."""

    DEFAULT_CSS = """
    CampaignCharts { padding: 0 1; }
    CampaignCharts LineChart { height: 9; margin-top: 1; }
    CampaignCharts BarList { margin-top: 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="charts")
        self._desk = desk

    def compose(self) -> ComposeResult:
        words = self._desk.words
        yield BarList(words, id="funnel")
        yield LineChart(words, id="by-hour")
        yield BarList(words, id="time-to-click")
        yield BarList(words, id="by-country")

    def show(self, report: Mapping[str, Any]) -> None:
        """Draw the newest figures."""
        say = self._desk.say
        self.query_one("#funnel", BarList).show(say("report.chart.funnel"), funnel_bars(self._desk, report))
        hours = report.get("by_hour") or ()
        chart = self.query_one("#by-hour", LineChart)
        chart.display = len(hours) > 1
        if len(hours) > 1:
            chart.show(
                say("report.chart.by_hour"), hour_lines(self._desk, hours), hour_times(self._desk, hours)
            )
        bars = click_bars(self._desk, report)
        histogram = self.query_one("#time-to-click", BarList)
        histogram.display = bool(bars)
        histogram.show(say("report.chart.time_to_click"), bars, colour="green")
        self.query_one("#by-country", BarList).show(
            say("report.chart.by_country"), country_bars(self._desk, report)
        )


def funnel_bars(desk: Desk, report: Mapping[str, Any]) -> list[BarLine]:
    """From who was to get it to who bought."""
    counts = {
        "recipients": report.get("recipients", 0),
        "sent": report.get("sent", 0),
        "delivered": report.get("delivered", 0),
        "clicked": (report.get("clicks") or {}).get("people", 0),
        "ordered": (report.get("orders") or {}).get("count", 0),
    }
    return [BarLine(desk.say(f"report.{name}"), counts[name]) for name in _FUNNEL]


def hour_lines(desk: Desk, hours: Sequence[Mapping[str, Any]]) -> list[Line]:
    return [
        Line(desk.say(f"report.{name}"), [float(hour.get(name, 0)) for hour in hours])
        for name in ("sent", "delivered", "failed")
    ]


def hour_times(desk: Desk, hours: Sequence[Mapping[str, Any]]) -> list[str]:
    """First, middle and last hour."""
    chosen = [hours[0], hours[len(hours) // 2], hours[-1]] if len(hours) > 2 else list(hours)
    times = []
    for hour in chosen:
        at = desk.local(hour["hour"])
        times.append("" if at is None else at.strftime("%d %H:%M"))
    return times


def click_bars(desk: Desk, report: Mapping[str, Any]) -> list[BarLine]:
    """How many people clicked within each span after delivery."""
    histogram = (report.get("clicks") or {}).get("histogram") or ()
    bars = []
    for step in histogram:
        seconds = step.get("seconds")
        label = desk.say("report.chart.later") if seconds is None else f"≤ {span(desk.words, seconds)}"
        bars.append(BarLine(label, step["people"]))
    return bars


def country_bars(desk: Desk, report: Mapping[str, Any]) -> list[BarLine]:
    """Messages by country, with the share delivered."""
    words = desk.words
    return [
        BarLine(
            country["country"],
            country["messages"],
            words.number(country["messages"])
            + " "
            + percent(words, country["delivered"], country["messages"]),
        )
        for country in (report.get("by_country") or ())[:_MOST_COUNTRIES]
    ]
