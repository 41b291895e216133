"""Messages that no carrier answered, until somebody decides: one, or all of a list, sent again or closed.

Counts before it asks; what comes on the list after that is left alone, since nobody has seen it.
"""

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from admin_tui.access import CHANGE_MESSAGES
from admin_tui.client import Failure, Json, Query
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.dialogs.confirm import ConfirmTerms
from admin_tui.dialogs.form import Field
from admin_tui.figures import day_time, money, span
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.message_page import MessagePage
from admin_tui.tables import PagedTable, Source

_PATH: Final = "/admin/unknown"
_CATEGORIES: Final = ("otp", "transactional", "marketing")
_ALL: Final = "all"

COLUMNS: Final = (
    Column("since", "unknown.since", 11),
    Column("to", "unknown.to", 14),
    Column("connector", "unknown.connector", 10, grows=True),
    Column("category", "unknown.category", 13),
    Column("valid", "unknown.valid", 10, align="right"),
    Column("shop", "unknown.shop", 12, rank=1),
    Column("parts", "unknown.parts", 9, align="right", rank=2),
    Column("tries", "unknown.tries", 6, align="right", rank=3),
)


class UnknownPage(ConsoleScreen):
    """The list, newest first. The filter is a carrier's name, or a category."""

    NAME = "unknown"
    NEEDS_SHOP = False
    HAS_FILTER = True
    NEEDS: ClassVar[Mapping[str, str]] = {"resend": CHANGE_MESSAGES, "cancel": CHANGE_MESSAGES}
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("back"),
        bind("resend"),
        bind("cancel", label="unknown.close"),
        bind("filter", label="unknown.filter"),
        bind("copy", is_shown=False),
    ]

    DEFAULT_CSS = "UnknownPage #looking { height: 1; padding: 0 1; color: $text-muted; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._query: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        yield Static(id="looking", markup=False)
        yield PagedTable(
            self.desk, COLUMNS, Source(lambda: _PATH, "messages", self._make_row, self._ask_for), id="table"
        )

    @property
    def table(self) -> PagedTable:
        return self.query_one("#table", PagedTable)

    async def load(self) -> Failure | None:
        what = self.filter_text or self.desk.say("unknown.everything")
        self.query_one("#looking", Static).update(self.desk.say("unknown.looking", what=what))
        return await self.table.load()

    def empty_sentence(self) -> str:
        if self.table.row_count:
            return ""
        return self.desk.say("unknown.none_of" if self._query else "unknown.none", what=self.filter_text)

    def apply_filter(self, text: str) -> None:
        self._query = {} if not text else {"category" if text in _CATEGORIES else "connector": text}
        self.table.forget()
        self.notice.tell(self.desk.say("frame.loading"))
        self.reload()

    def action_copy(self) -> None:
        key = self.table.focused_key
        if key is not None:
            self.app.copy_to_clipboard(key)
            self.tell("frame.copied")

    @work(group="act", exclusive=True)
    async def action_resend(self) -> None:
        await self._decide("resend")

    @work(group="act", exclusive=True)
    async def action_cancel(self) -> None:
        await self._decide("close")

    @on(PagedTable.RowSelected)
    def _open(self, event: PagedTable.RowSelected) -> None:
        if event.row_key.value is not None:
            self.app.push_screen(MessagePage(self.desk, event.row_key.value))

    def _ask_for(self) -> Query:
        return self._query

    def _make_row(self, item: Json) -> Row:
        seconds = item["valid_seconds"]
        return Row(
            item["id"],
            {
                "since": day_time(self.desk.local(item["since"]), self.desk.now()),
                "to": item["to"] or self.desk.say("messages.erased"),
                "connector": item["connector"] or "",
                "category": self.desk.say(f"frame.category.{item['category']}"),
                "valid": span(self.desk.words, seconds) if seconds else self.desk.say("unknown.over"),
                "shop": item["shop"],
                "parts": f"{item['parts_unknown']}/{item['parts']}",
                "tries": str(item["attempts"]),
            },
            {"since": item["since"], "valid": seconds},
        )

    async def _decide(self, verb: str) -> None:
        """Count, ask with what it costs, do it, and say what came of it."""
        message = self.table.focused_item
        if message is None:
            return
        before = self.desk.now().isoformat()
        counted = await self.desk.client.get(_PATH, {**self._query, "before": before, "limit": 1})
        if isinstance(counted, Failure):
            self.tell_failure(counted)
            return
        terms = await self.app.push_screen_wait(self._make_question(verb, message, counted))
        if terms is None:
            return
        body: Json = {"reason": terms["reason"]}
        if terms["which"] == _ALL:
            body["filter"] = {**self._query, "before": before}
        else:
            body["ids"] = [message["id"]]
        await self._send(verb, body)

    def _make_question(self, verb: str, message: Json, counted: Json) -> ConfirmTerms:
        say, words = self.desk.say, self.desk.words
        count = sum(each["messages"] for each in counted["counts"])
        radius = say(
            f"unknown.ask.{verb}_cost",
            cost=money(words, message["price"]),
            count=count,
            at_least="≥" if counted["is_at_least"] else "",
            costs=", ".join(money(words, each["price"]) for each in counted["counts"]),
        )
        which = Field(
            "which",
            "unknown.which",
            choices=(
                (message["id"], say("unknown.this_one", to=message["to"] or "")),
                (_ALL, say("unknown.all_listed", count=count)),
            ),
        )
        reason = Field("reason", "unknown.reason", hint="unknown.reason_hint")
        return ConfirmTerms(self.desk, say(f"unknown.ask.{verb}"), radius, [which, reason])

    async def _send(self, verb: str, body: Json) -> None:
        """A filter that names very many is answered in parts."""
        changed, reasons, cursor = 0, Counter[str](), ""
        while cursor is not None:
            if cursor:
                body["filter"]["cursor"] = cursor
            answer = await self.desk.client.post(f"{_PATH}/{verb}", body)
            if isinstance(answer, Failure):
                self.tell_failure(answer)
                break
            changed += answer["changed"]
            reasons.update(each["reason"] for each in answer["refused"])
            cursor = answer["next_cursor"]
        self._tell_outcome(verb, changed, reasons)
        self.reload()

    def _tell_outcome(self, verb: str, changed: int, reasons: Counter[str]) -> None:
        told = [self.desk.say(f"unknown.did.{verb}", count=changed)] if changed or not reasons else []
        for reason, count in reasons.most_common():
            told.append(self.desk.say(f"unknown.refused.{reason}", count=count))
        self.notify("\n".join(told), severity="warning" if reasons else "information", markup=False)
