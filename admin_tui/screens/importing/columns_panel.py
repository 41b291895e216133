"""What each column of the file means, with what stands in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Checkbox, DataTable, Input, Label, Static

from admin_tui.cells import clean
from admin_tui.client import Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.marks import MarkedCheckbox
from admin_tui.screens.importing.mapping import ATTRIBUTE, IGNORE, NUMBER, ImportSettings
from admin_tui.screens.importing.panels import ImportPanel, ImportStep
from admin_tui.tables import PagedTable, Source

COLUMNS = (
    Column("column", "importing.columns.column", 18),
    Column("meaning", "importing.columns.meaning", 26),
    Column("samples", "importing.columns.samples", 24, grows=True),
)
_SAMPLES = 3
_DELIMITERS = {"\t": "Tab", ",": ",", ";": ";", "|": "|"}


class ColumnsPanel(ImportPanel):
    """A line for each column of the file; Enter on one asks what it means."""

    STEP = ImportStep.COLUMNS
    DEFAULT_CSS = """
    ColumnsPanel PagedTable { height: auto; max-height: 12; min-height: 4; }
    ColumnsPanel Checkbox { margin-top: 1; }
    """

    class MeaningWanted(Message):
        """The person wants to say what a column means."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Changed(Message):
        """The heading or the country was changed."""

        def __init__(self, **changes: Any) -> None:
            super().__init__()
            self.changes = changes

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._fields: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield Static(id="found", classes="note", markup=False)
        yield Static(say("importing.columns.explain"), classes="note", markup=False)
        source = Source(
            path=lambda: "", plural="", make_row=lambda item: column_row(self.desk, item, self._fields)
        )
        yield PagedTable(self.desk, COLUMNS, source, id="columns")
        yield MarkedCheckbox(say("importing.columns.header"), id="has-header", compact=True)
        yield Label(say("importing.columns.country"), markup=False)
        yield Input(id="country", max_length=2, compact=True)
        yield Static(id="told", markup=False)

    def show(self, job: Mapping[str, Any], settings: ImportSettings, fields: Sequence[str]) -> None:
        """The file as it was detected, with what each column means now."""
        self._fields = fields
        self.query_one("#found", Static).update(describe_file(self.desk, job))
        self.query_one("#columns", PagedTable).show_items(list_columns(self.desk, job, settings))
        self.query_one("#has-header", Checkbox).value = settings.has_header
        self.query_one("#country", Input).value = settings.default_country
        self.tell("")

    def tell(self, sentence: str) -> None:
        self.query_one("#told", Static).update(Text(f"✖ {sentence}" if sentence else "", "red"))

    @on(DataTable.RowSelected, "#columns")
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.post_message(self.MeaningWanted(int(str(event.row_key.value))))

    @on(Checkbox.Changed, "#has-header")
    def _header_changed(self, event: Checkbox.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(has_header=event.value))

    @on(Input.Changed, "#country")
    def _country_typed(self, event: Input.Changed) -> None:
        event.stop()
        typed = event.value.strip().upper()
        is_wrong = bool(typed) and not (len(typed) == 2 and typed.isalpha())
        self.tell(self.desk.say("importing.columns.country_fault") if is_wrong else "")
        if not is_wrong:
            self.post_message(self.Changed(default_country=typed))


def list_columns(desk: Desk, job: Mapping[str, Any], settings: ImportSettings) -> list[Json]:
    """Each column with its heading, its meaning and the first values below the heading."""
    preview = job.get("preview") or ()
    headings = list((job.get("detected") or {}).get("columns") or ())
    rows = preview[1:] if settings.has_header else preview
    items = []
    for index, target in enumerate(settings.columns):
        samples = [row[index] for row in rows[:_SAMPLES] if index < len(row)]
        items.append(
            {
                "index": index,
                "heading": heading_of(desk, headings, index) if settings.has_header else unnamed(desk, index),
                "target": target,
                "samples": [clean(sample) for sample in samples],
            }
        )
    return items


def heading_of(desk: Desk, headings: Sequence[str], index: int) -> str:
    return (
        clean(headings[index]) if index < len(headings) and headings[index].strip() else unnamed(desk, index)
    )


def unnamed(desk: Desk, index: int) -> str:
    return desk.say("importing.columns.unnamed", at=str(index + 1))


def column_row(desk: Desk, item: Json, fields: Sequence[str]) -> Row:
    style = {NUMBER: "bold green", IGNORE: "dim"}.get(item["target"], "bold")
    cells: dict[str, str | Text] = {
        "column": item["heading"],
        "meaning": Text(show_target(desk, item["target"], fields), style),
        "samples": " · ".join(item["samples"]),
    }
    return Row(str(item["index"]), cells)


def show_target(desk: Desk, target: str, fields: Sequence[str]) -> str:
    """What a column means, in words."""
    if target.startswith(ATTRIBUTE):
        name = target.removeprefix(ATTRIBUTE)
        return desk.say(f"importing.targets.{'attribute' if name in fields else 'new_attribute'}", name=name)
    return desk.say(f"importing.targets.{target}")


def describe_file(desk: Desk, job: Mapping[str, Any]) -> str:
    """Format, encoding and delimiter as they were detected."""
    detected = job.get("detected") or {}
    name = f"{clean(job.get('file_name') or '')}: "
    if not detected.get("encoding"):
        return name + desk.say(
            "importing.columns.found_sheet", format=str(detected.get("format", "")).upper()
        )
    delimiter = _DELIMITERS.get(detected.get("delimiter") or "", "–")
    return name + desk.say(
        "importing.columns.found",
        format=str(detected.get("format", "")).upper(),
        encoding=detected["encoding"],
        delimiter=delimiter,
    )
