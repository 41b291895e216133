"""Screen 3: messages of a span of time, newest first, found by number, id, text, state or campaign."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input, Static

from admin_tui.access import CHANGE_MESSAGES
from admin_tui.client import Failure, Json, Query
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import day_time, money
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.message_page import MessagePage
from admin_tui.search import read_search, show_search
from admin_tui.states import show_state
from admin_tui.tables import PagedTable, Source

RANGES_HOURS: Final = (1, 24, 168, 720)
_WITHOUT_TIME: Final = frozenset({"id"})
"""What is named by id is found whatever its age."""

COLUMNS: Final = (
    Column("at", "messages.at", 11),
    Column("to", "messages.to", 16),
    Column("state", "messages.state", 12),
    Column("text", "messages.text", 16, rank=1, grows=True),
    Column("parts", "messages.parts", 5, align="right", rank=4),
    Column("price", "messages.price", 11, align="right", rank=3),
    Column("connector", "messages.connector", 10, rank=5),
    Column("category", "messages.category", 13, rank=2),
)


class MessagesScreen(ConsoleScreen):
    """The list; Enter opens one message."""

    NAME = "messages"
    NEEDS: ClassVar[Mapping[str, str]] = {"resend": CHANGE_MESSAGES, "cancel": CHANGE_MESSAGES}
    HAS_FILTER = True
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("filter", label="messages.search_key"),
        bind("narrower"),
        bind("wider"),
        bind("copy"),
    ]

    DEFAULT_CSS = "MessagesScreen #looking { height: 1; padding: 0 1; color: $text-muted; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._query: dict[str, str] = {}
        self._hours = 24
        self._since = desk.now() - timedelta(hours=24)

    def compose_body(self) -> ComposeResult:
        yield Static(id="looking", markup=False)
        yield PagedTable(
            self.desk,
            COLUMNS,
            Source(lambda: self.desk.shop_path("/messages"), "messages", self._make_row, self._ask_for),
            id="table",
        )

    @property
    def table(self) -> PagedTable:
        return self.query_one("#table", PagedTable)

    async def load(self) -> Failure | None:
        self._since = self.desk.now() - timedelta(hours=self._hours)
        self._tell_search()
        return await self.table.load()

    def empty_sentence(self) -> str:
        if self.table.row_count:
            return ""
        if self._hours == RANGES_HOURS[-1] or _WITHOUT_TIME & self._query.keys():
            return self.desk.say("messages.no_match")
        return self.desk.say("messages.no_match_in", range=self._say_range())

    def show_criteria(self, criteria: Mapping[str, str]) -> None:
        """Another screen asks for messages, such as `campaign_id` and `state`; the widest span is searched
        where a campaign is asked for, since it may be weeks old."""
        self._query = {name: value for name, value in criteria.items() if name != "hours"}
        if "campaign_id" in self._query:
            self._hours = RANGES_HOURS[-1]
        self.filter_text = show_search(self._query)
        box = self.query_one("#filter", Input)
        box.value = self.filter_text
        self._begin_anew()

    def apply_filter(self, text: str) -> None:
        self._query = read_search(text)
        self._begin_anew()

    def action_narrower(self) -> None:
        self._choose_hours(-1)

    def action_wider(self) -> None:
        self._choose_hours(1)

    def action_copy(self) -> None:
        key = self.table.focused_key
        if key is not None:
            self.app.copy_to_clipboard(key)
            self.tell("frame.copied")

    @on(PagedTable.RowSelected)
    def _open(self, event: PagedTable.RowSelected) -> None:
        if event.row_key.value is not None:
            self.app.push_screen(MessagePage(self.desk, event.row_key.value))

    def _choose_hours(self, step: int) -> None:
        position = RANGES_HOURS.index(self._hours) + step
        self._hours = RANGES_HOURS[min(max(position, 0), len(RANGES_HOURS) - 1)]
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.table.forget()
        self.notice.tell(self.desk.say("frame.loading"))
        self.reload()

    def _ask_for(self) -> Query:
        if _WITHOUT_TIME & self._query.keys():
            return self._query
        return {**self._query, "from_time": self._since.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _tell_search(self) -> None:
        what = show_search(self._query) or self.desk.say("messages.everything")
        told = self.desk.say("messages.looking", what=what, range=self._say_range())
        self.query_one("#looking", Static).update(told)

    def _say_range(self) -> str:
        return self.desk.say(f"messages.range_{self._hours}")

    def _make_row(self, item: Json) -> Row:
        words = self.desk.words
        hidden = self.desk.say("messages.hidden")
        return Row(
            item["id"],
            {
                "at": day_time(self.desk.local(item["created_at"]), self.desk.now()),
                "to": item["to"] or self.desk.say("messages.erased"),
                "state": show_state(words, item["state"]),
                "text": hidden if item["text"] is None else item["text"],
                "parts": str(item["part_count"]),
                "price": money(words, item["price"]),
                "connector": item["connector"] or "",
                "category": self.desk.say(f"frame.category.{item['category']}"),
            },
            {"at": item["created_at"], "state": item["state"], "parts": item["part_count"]},
        )
