"""What is said first of an import: that it counts, waits, may begin, ended or failed."""

from rich.text import Text

from admin_tui.cells import clean
from admin_tui.client import Json
from admin_tui.desk import Desk
from admin_tui.screens.importing.mapping import ImportSettings
from admin_tui.screens.importing.panels import ImportStep


def draw_headline(
    desk: Desk, job: Json, settings: ImportSettings, step: ImportStep, *, is_at_work: bool
) -> Text:
    """The sentence over the counts of a dry run, of an import under way, or of its result."""
    say, state = desk.say, job["state"]
    if state == "failed":
        return Text(f"✖ {say('importing.result.failed', reason=clean(job.get('fault') or ''))}", "red")
    if step is ImportStep.CHECK:
        headline = Text(say("importing.check.running" if is_at_work else "importing.check.ready"), "bold")
        if not settings.gives_permission():
            headline.append(f"\n▲ {say('importing.check.no_marketing')}", "yellow not bold")
        return headline
    if step is ImportStep.RUN:
        is_waiting = (job.get("progress") or {}).get("phase") == "waiting"
        return Text(say("importing.run.waiting" if is_waiting else "importing.close_console"), "bold")
    headline = Text(say(f"importing.result.{state}"), "bold green" if state == "finished" else "bold yellow")
    headline.append(f"\n{say('importing.result.next')}", "dim not bold")
    return headline
