"""The rows behind a number of a campaign: who was left out, who clicked, what was ordered, who opted out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Static

from admin_tui.cells import clean
from admin_tui.client import Failure, Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, day_time, money
from admin_tui.keys import bind
from admin_tui.screens.audience.contact_page import ContactPage
from admin_tui.screens.audience.lines import full_name, show_number, show_source
from admin_tui.screens.base import ConsoleScreen
from admin_tui.tables import PagedTable, Source


@dataclass(frozen=True, slots=True)
class RowKind:
    """How the rows of one kind come and look. `plural` names them in the answer."""

    plural: str
    columns: tuple[Column, ...]


KINDS: Final = {
    "recipients": RowKind(
        "recipients",
        (
            Column("number", "report.rows.number", 16),
            Column("name", "report.rows.name", 20, grows=True),
            Column("country", "report.rows.country", 8, rank=2),
            Column("reason", "report.rows.reason", 26, rank=1),
        ),
    ),
    "clicks": RowKind(
        "clicks",
        (
            Column("when", "report.rows.when", 12),
            Column("number", "report.rows.number", 16),
            Column("who", "report.rows.who", 22, grows=True),
            Column("link", "report.rows.link", 12, rank=2),
            Column("device", "report.rows.device", 10, rank=1),
        ),
    ),
    "orders": RowKind(
        "orders",
        (
            Column("when", "report.rows.when", 12),
            Column("order", "report.rows.order", 16, grows=True),
            Column("number", "report.rows.number", 16, rank=2),
            Column("amount", "report.rows.amount", 14, "right"),
            Column("refunded", "report.rows.refunded", 12, "right", rank=3),
            Column("state", "report.rows.state", 11, rank=1),
        ),
    ),
    "opt-outs": RowKind(
        "opt_outs",
        (
            Column("when", "report.rows.when", 12),
            Column("number", "report.rows.number", 16),
            Column("way", "report.rows.way", 24, grows=True),
        ),
    ),
}


class RowsPage(ConsoleScreen):
    """Rows of `kind` of a campaign that fit `criteria`. Enter on a person opens their page."""

    NAME = "campaign_rows"
    REFRESH_SECONDS = 5.0
    BINDINGS: ClassVar[list[BindingType]] = [bind("back")]
    DEFAULT_CSS = "RowsPage #title { height: 1; padding: 0 1; text-style: bold; background: $boost; }"

    def __init__(self, desk: Desk, campaign: Json, kind: str, criteria: Mapping[str, str]) -> None:
        super().__init__(desk)
        self._campaign = campaign
        self._kind = kind
        self._criteria = dict(criteria)

    def compose_body(self) -> ComposeResult:
        yield Static(self._title(), id="title", markup=False)
        kind = KINDS[self._kind]
        source = Source(
            path=lambda: self.desk.shop_path(f"/campaigns/{self._campaign['id']}/{self._kind}"),
            plural=kind.plural,
            make_row=lambda item: make_row(self.desk, self._kind, item),
            query=lambda: self._criteria,
        )
        yield PagedTable(self.desk, kind.columns, source, id="rows")

    async def load(self) -> Failure | None:
        return await self.query_one("#rows", PagedTable).load()

    def empty_sentence(self) -> str:
        return "" if self.query_one("#rows", PagedTable).items else self.desk.say("report.rows.empty")

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        item = self.query_one("#rows", PagedTable).items.get(str(event.row_key.value))
        if item is not None and item.get("contact_id"):
            self.app.push_screen(ContactPage(self.desk, {**item, "id": item["contact_id"]}))

    def _title(self) -> str:
        name = clean(self._campaign["name"])
        reason = self._criteria.get("exclusion")
        if self._kind == "recipients" and reason not in (None, "none"):
            return self.desk.say(
                "report.rows.recipients", name=name, reason=self.desk.say(f"campaigns.exclusion.{reason}")
            )
        key = {"recipients": "everyone", "opt-outs": "opt_outs"}.get(self._kind, self._kind)
        return self.desk.say(f"report.rows.{key}", name=name)


def make_row(desk: Desk, kind: str, item: Json) -> Row:
    """One line of one kind."""
    cells: dict[str, str | Text] = {"number": show_number(desk, item)}
    when = item.get("at") or item.get("ordered_at") or item.get("said_at")
    cells["when"] = day_time(desk.local(when), desk.now())
    match kind:
        case "recipients":
            reason = item.get("exclusion")
            cells["name"] = full_name(item) or NOTHING
            cells["country"] = item.get("country") or NOTHING
            cells["reason"] = desk.say(f"campaigns.exclusion.{reason}") if reason else NOTHING
            return Row(str(item["contact_id"]), cells)
        case "clicks":
            verdict, device = item.get("verdict") or "", item.get("device") or ""
            cells["who"] = _word(desk, f"report.verdict.{verdict}", verdict)
            cells["link"] = clean(item.get("link") or "")
            cells["device"] = _word(desk, f"report.device.{device}", device)
            return Row(str(item["id"]), cells)
        case "orders":
            cells["order"] = clean(item["id"])
            cells["amount"] = money(desk.words, item.get("amount"))
            cells["refunded"] = money(desk.words, item.get("refunded")) if item.get("refunded") else ""
            state = item.get("state") or ""
            cells["state"] = _word(desk, f"report.order_state.{state}", state)
            return Row(str(item.get("order_id") or item["id"]), cells)
        case _:
            cells["way"] = show_source(desk, f"{item.get('way') or ''}:{item.get('detail') or ''}")
            return Row(f"{item.get('contact_id')}·{when}", cells)


def _word(desk: Desk, key: str, otherwise: str) -> str:
    return desk.say(key) if desk.words.has(key) else clean(otherwise)
