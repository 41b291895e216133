"""What a dry run found, how far an import is, and what it did: counts, progress, the first rejected rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from admin_tui.cells import clean
from admin_tui.charts.bars import draw_progress
from admin_tui.client import Json
from admin_tui.desk import Desk
from admin_tui.figures import span
from admin_tui.screens.importing.panels import ImportPanel, ImportStep

_COUNTS = ("rows", "new", "updated", "unchanged", "duplicates", "opted_out", "refused")
_BAR_CELLS = 30
_NUMBER_CELLS = 10


class OutcomePanel(ImportPanel):
    """One panel for the dry run, the run and the result: they show the same things."""

    DEFAULT_CSS = "OutcomePanel VerticalScroll { height: 1fr; }"

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=True):
            yield Static(classes="outcome", markup=False)

    def show(
        self, headline: Text, job: Mapping[str, Any], faults: Sequence[Json], *, is_at_work: bool
    ) -> None:
        """`is_at_work` shows the progress, else the counts are final."""
        drawn = headline.copy()
        drawn.append("\n\n")
        if is_at_work:
            drawn.append_text(draw_work(self.desk, job.get("progress") or {}))
            drawn.append("\n\n")
        drawn.append_text(draw_counts(self.desk, job.get("counts") or {}))
        if not is_at_work:
            drawn.append_text(draw_faults(self.desk, job.get("counts") or {}, faults))
        self.query_one(".outcome", Static).update(drawn)


class CheckPanel(OutcomePanel):
    """The dry run."""

    STEP = ImportStep.CHECK


class RunPanel(OutcomePanel):
    """The import at work."""

    STEP = ImportStep.RUN


class ResultPanel(OutcomePanel):
    """What it did."""

    STEP = ImportStep.RESULT


def draw_work(desk: Desk, progress: Mapping[str, Any]) -> Text:
    """A bar, rows done, rate, time left."""
    say, number = desk.say, desk.words.number
    done, total = int(progress.get("rows_done") or 0), progress.get("rows_total")
    phase = str(progress.get("phase") or "reading")
    key = f"importing.phase.{phase}"
    drawn = Text(say(key) if desk.words.has(key) else phase, "bold")
    drawn.append("\n")
    if total:
        drawn.append(
            f"{draw_progress(done, total, _BAR_CELLS)} {min(1.0, done / total) * 100:.0f}%\n", "cyan"
        )
        drawn.append(say("importing.progress", done=number(done), total=number(total)), "not bold")
    else:
        drawn.append(say("importing.progress_open", done=number(done)), "not bold")
    if progress.get("rows_per_second"):
        drawn.append(f"  {say('importing.rate', rate=number(progress['rows_per_second']))}", "not bold")
    if progress.get("eta_seconds") is not None:
        drawn.append(f"  {say('importing.left', left=span(desk.words, progress['eta_seconds']))}", "not bold")
    return drawn


def draw_counts(desk: Desk, counts: Mapping[str, Any]) -> Text:
    """A line for each count; what needs a look is marked."""
    drawn = Text()
    for name in _COUNTS:
        count = int(counts.get(name) or 0)
        if not count and name not in ("rows", "new"):
            continue
        style = "bold yellow" if name == "refused" else "bold green" if name == "new" else "bold"
        drawn.append(f"{desk.words.number(count):>{_NUMBER_CELLS}}", style)
        drawn.append(f" {desk.say(f'importing.counts.{name}', count=count)}\n")
    return drawn


def draw_faults(desk: Desk, counts: Mapping[str, Any], faults: Sequence[Json]) -> Text:
    """The first rejected rows with their number in the file and why."""
    say = desk.say
    if not counts.get("refused"):
        return Text(f"✔ {say('importing.faults.none')}", "green")
    drawn = Text(f"\n{say('importing.faults.title')}\n", "bold")
    for fault in faults:
        drawn.append(f"{desk.words.number(int(fault['row'])):>{_NUMBER_CELLS}}", "not bold")
        drawn.append(f" {_name_reason(desk, fault['reason'])}", "not bold")
        drawn.append(f" · {clean(fault.get('detail') or '')}\n", "not bold dim")
    return drawn


def _name_reason(desk: Desk, reason: str) -> str:
    key = f"importing.reason.{reason}"
    return desk.say(key) if desk.words.has(key) else clean(reason)
