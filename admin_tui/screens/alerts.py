"""What needs somebody: alerts that stand and those that ended last, the focused one with what to do.

The server's sentence says what is the case; what to do is in the reader's language, by the kind of alert.
"""

from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from admin_tui.cells import clean
from admin_tui.client import Failure, Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import day_time, span
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.states import DULL
from admin_tui.tables import PagedTable, Source

COLUMNS: Final = (
    Column("state", "alerts.state", 10),
    Column("kind", "alerts.kind", 25),
    Column("subject", "alerts.subject", 14, grows=True),
    Column("since", "alerts.since", 11, align="right"),
)


class AlertsPage(ConsoleScreen):
    """The list behind the ▲ of the first line."""

    NAME = "alerts"
    NEEDS_SHOP = False
    BINDINGS: ClassVar[list[BindingType]] = [bind("back")]

    DEFAULT_CSS = """
    AlertsPage PagedTable { height: 1fr; min-height: 5; }
    AlertsPage #told { height: auto; max-height: 60%; padding: 0 1; margin-top: 1; }
    """

    def compose_body(self) -> ComposeResult:
        yield AlertTable(self.desk)
        yield Static(id="told", markup=False)

    async def load(self) -> Failure | None:
        failure = await self.query_one(AlertTable).load()
        if failure is None:
            self._tell_focused()
        return failure

    def empty_sentence(self) -> str:
        standing = any(alert["cleared_at"] is None for alert in self.query_one(AlertTable).items.values())
        return "" if standing else self.desk.say("frame.no_alerts")

    @on(PagedTable.RowHighlighted)
    def _moved(self) -> None:
        self._tell_focused()

    def _tell_focused(self) -> None:
        alert = self.query_one(AlertTable).focused_item
        self.query_one("#told", Static).update("" if alert is None else draw_alert(self.desk, alert))


class AlertTable(PagedTable):
    """The worst that stands first, then what ended, the newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("open", "select_cursor", is_shown=False)]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, COLUMNS, Source(lambda: "/admin/alerts", "alerts", self._make_row))

    async def load(self) -> Failure | None:
        answer = await self._desk.client.get("/admin/alerts")
        if isinstance(answer, Failure):
            return answer
        self.show_items([*answer["alerts"], *answer["recent"]])
        return None

    def _make_row(self, alert: Json) -> Row:
        say = self._desk.say
        is_over = alert["cleared_at"] is not None
        state = (
            Text(f"✔ {say('alerts.over')}", DULL) if is_over else Text(f"▲ {say('alerts.stands')}", "yellow")
        )
        return Row(
            f"{alert['kind']} {alert['subject']} {alert['raised_at']}",
            {
                "state": state,
                "kind": name_kind(self._desk, alert["kind"]),
                "subject": alert["subject"],
                "since": day_time(self._desk.local(alert["raised_at"]), self._desk.now()),
            },
        )


def name_kind(desk: Desk, kind: str) -> str:
    """A kind of alert in the reader's words; a server newer than this console may have others."""
    key = f"alerts.kinds.{kind}"
    return desk.say(key) if desk.words.has(key) else kind


def draw_alert(desk: Desk, alert: Json) -> Text:
    """The sentence, since when, and what to do for those who can."""
    since = day_time(desk.local(alert["raised_at"]), desk.now())
    text = Text()
    text.append(f"▲ {name_kind(desk, alert['kind'])}\n", "bold")
    text.append(f"{clean(alert['sentence'])}\n")
    if alert["cleared_at"] is None:
        age = span(desk.words, desk.seconds_since(alert["raised_at"]))
        told = desk.say("alerts.told", since=since, age=age, count=alert["times_told"])
    else:
        until = day_time(desk.local(alert["cleared_at"]), desk.now())
        told = desk.say("alerts.told_over", since=since, until=until)
    text.append(f"{told}\n\n", DULL)
    key = f"alerts.remedies.{alert['kind']}"
    if not desk.access.is_operator and alert["shop"] is None:
        text.append(desk.say("alerts.operators"))
    elif desk.words.has(key):
        text.append(desk.say(key))
    return text
