"""Screen 8: the accounts that send.

Each bind's state, window, speed and last error in words, what waits by lane, and what limits sending now.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from admin_tui.cells import clean, fit
from admin_tui.client import Failure, Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.dialogs.reading import ReadingPage
from admin_tui.figures import NOTHING, day_time, short, span
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.states import DULL, show_state
from admin_tui.tables import PagedTable, Source

COLUMNS: Final = (
    Column("connector", "carriers.connector", 12),
    Column("bind", "carriers.bind", 4, align="right"),
    Column("state", "carriers.state", 13),
    Column("window", "carriers.window", 9, align="right", rank=2),
    Column("speed", "carriers.speed", 11, align="right", rank=1),
    Column("since", "carriers.since", 11, rank=4),
    Column("error", "carriers.last_error", 12, rank=3, grows=True),
)


class CarriersScreen(ConsoleScreen):
    """A line for each bind; Enter tells everything of one. Only operators see it."""

    NAME = "carriers"
    REFRESH_SECONDS = 2.0
    NEEDS_SHOP = False
    BINDINGS: ClassVar[list[BindingType]] = [bind("open", is_shown=False)]

    DEFAULT_CSS = """
    CarriersScreen PagedTable { height: 1fr; min-height: 5; }
    CarriersScreen #standing { height: auto; max-height: 50%; padding: 0 1; margin-top: 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._wanted = ""
        self._status: Json = {}

    def compose_body(self) -> ComposeResult:
        yield BindTable(self.desk)
        yield Static(id="standing", markup=False)

    @property
    def table(self) -> "BindTable":
        return self.query_one(BindTable)

    async def load(self) -> Failure | None:
        failure = await self.table.load()
        if failure is not None:
            return failure
        self._status = self.table.status
        self.query_one("#standing", Static).update(draw_standing(self.desk, self._status))
        if self._wanted:
            self.table.point_at(self._wanted)
            self._wanted = ""
        return None

    def empty_sentence(self) -> str:
        return "" if self.table.row_count else self.desk.say("carriers.empty")

    def show_criteria(self, criteria: Mapping[str, str]) -> None:
        self._wanted = criteria.get("connector", "")
        self.reload()

    @on(PagedTable.RowSelected)
    def _open(self) -> None:
        item = self.table.focused_item
        if item is not None:
            title = self.desk.say("carriers.title", connector=item["connector"]["name"], bind=item["bind"])
            self.app.push_screen(ReadingPage(self.desk, title, draw_bind(self.desk, item)))


class BindTable(PagedTable):
    """The binds of all connectors, from the node's status."""

    def __init__(self, desk: Desk) -> None:
        source = Source(lambda: "/admin/status", "binds", self._make_row)
        super().__init__(desk, COLUMNS, source, id="table")
        self.status: Json = {}

    async def load(self) -> Failure | None:
        answer = await self._desk.client.get("/admin/status")
        if isinstance(answer, Failure):
            return answer
        self.status = answer
        self.show_items(
            [
                {**bind_, "connector": connector}
                for connector in answer["connectors"]
                for bind_ in connector["binds"]
            ]
        )
        return None

    def point_at(self, connector: str) -> None:
        """Put the cursor on the first bind of a connector."""
        for key in self.items:
            if key.startswith(f"{connector}/"):
                self.move_cursor(row=self.get_row_index(key), animate=False)
                return

    def _make_row(self, item: Json) -> Row:
        words, connector = self._desk.words, item["connector"]
        limit = connector["parts_per_second_limit"]
        state = show_state(words, item["state"])
        if item["next_retry_at"]:
            seconds = max(0.0, -self._desk.seconds_since(item["next_retry_at"]))
            state.append(f" {span(words, seconds)}")
        return Row(
            f"{connector['name']}/{item['bind']}",
            {
                "connector": connector["name"],
                "bind": str(item["bind"]),
                "state": state,
                "window": f"{item['in_flight']}/{item['window']}",
                "speed": f"{short(words, connector['parts_per_second'])}/{short(words, limit)}",
                "since": day_time(self._desk.local(item["since"]), self._desk.now()),
                "error": item["last_error"] or NOTHING,
            },
        )


def draw_standing(desk: Desk, status: Json) -> Text:
    """What limits sending, what is held, and what waits by connector and lane."""
    words, text = desk.words, Text(no_wrap=False)
    limits = status["limits"]
    text.append(desk.say("carriers.limits" if limits else "carriers.no_limits") + "\n", "bold")
    for limit in limits:
        text.append(f"▲ {clean(limit)}\n", "yellow")
    text.append("\n" + desk.say("carriers.queue" if status["queue"] else "carriers.no_queue") + "\n", "bold")
    for line in status["queue"]:
        at_least = "≥" if line["is_at_least"] else ""
        text.append(fit(clean(line["connector"]), 14))
        text.append(fit(desk.say(f"frame.lane.{line['lane']}"), 16))
        text.append(f"{at_least}{words.number(line['messages'])}".rjust(9))
        text.append("  " + desk.say("carriers.oldest", age=span(words, line["oldest_seconds"])) + "\n")
    text.rstrip()
    return text


def draw_bind(desk: Desk, item: Json) -> Text:
    """Everything that is known of one bind, and of its connector."""
    words, connector = desk.words, item["connector"]
    retry = item["next_retry_at"]
    facts: list[tuple[str, str | Text]] = [
        ("state", show_state(words, item["state"])),
        ("endpoint", item["endpoint"]),
        ("mode", item["mode"]),
        ("since", day_time(desk.local(item["since"]), desk.now())),
        ("last_error", item["last_error"] or NOTHING),
        ("retry", span(words, max(0.0, -desk.seconds_since(retry))) if retry else NOTHING),
        ("failures", words.number(item["failures"])),
        ("window", f"{item['in_flight']}/{item['window']}"),
        ("submitted", words.number(item["submitted"])),
        ("bad_pdus", words.number(item["bad_pdus"])),
        ("speed", f"{short(words, connector['parts_per_second'])}/s"),
        ("speed_limit", f"{short(words, connector['parts_per_second_limit'])}/s"),
        ("limited_by", connector["limited_by"] or NOTHING),
    ]
    text = Text()
    for label, value in facts:
        text.append(fit(desk.say(f"carriers.{label}"), 22), DULL)
        text.append_text(value if isinstance(value, Text) else Text(clean(value)))
        text.append("\n")
    text.rstrip()
    return text
