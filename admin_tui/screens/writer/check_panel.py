"""Step 6: what the campaign would come to, before anything is sent."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from admin_tui.cells import clean, fit
from admin_tui.client import Failure
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, day_time, money, moneys, span
from admin_tui.screens.writer.draft import Draft, Step
from admin_tui.screens.writer.panels import StepPanel

_NUMBER_CELLS = 10


class CheckPanel(StepPanel):
    """The estimate, or what is still missing."""

    STEP = Step.CHECK

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="checked-scroll", can_focus=True):
            yield Static(id="checked", markup=False)

    def tell(self, drawn: Text) -> None:
        self.query_one("#checked", Static).update(drawn)


def draw_missing(desk: Desk, draft: Draft) -> Text:
    """What to do first, in the order of the steps."""
    drawn = Text(desk.say("writer.check.first"), "bold yellow")
    for step in Step:
        if step in draft.unfinished():
            drawn.append(f"\n  · {desk.say(f'writer.check.missing.{step.value}')}", "not bold default")
    return drawn


def draw_failure(desk: Desk, failure: Failure) -> Text:
    """Why there is no estimate; a missing sender is told by its step."""
    if failure.code == "sender_missing":
        drawn = Text(desk.say("writer.check.first"), "bold yellow")
        drawn.append(f"\n  · {desk.say('writer.check.missing.sender')}", "not bold default")
        return drawn
    return Text(f"✖ {desk.describe(failure)}", "red")


def draw_estimate(desk: Desk, estimate: Mapping[str, Any]) -> Text:
    """Everything of an estimate: people, parts, cost, carriers, when it ends, what to look at."""
    drawn = Text()
    _draw_people(drawn, desk, estimate)
    _draw_cost(drawn, desk, estimate)
    _draw_finish(drawn, desk, estimate)
    _draw_routes(drawn, desk, estimate)
    _draw_warnings(drawn, desk, estimate)
    if estimate.get("sampled"):
        drawn.append(f"\n{desk.say('writer.check.sampled')}", "dim")
    return drawn


def _line(drawn: Text, number: str, label: str, style: str = "bold") -> None:
    drawn.append(f"{number:>{_NUMBER_CELLS}}", style)
    drawn.append(f" {label}\n")


def _draw_people(drawn: Text, desk: Desk, estimate: Mapping[str, Any]) -> None:
    say, number = desk.say, desk.words.number
    recipients = int(estimate["recipients"])
    _line(drawn, number(estimate["people"]), say("writer.check.people"), "")
    excluded = {reason: count for reason, count in (estimate.get("excluded") or {}).items() if count}
    if excluded:
        _line(drawn, number(sum(excluded.values())), say("writer.check.left_out"), "")
        for reason, count in sorted(excluded.items(), key=lambda entry: -entry[1]):
            drawn.append(
                f"{number(count):>{_NUMBER_CELLS + 4}} {say(f'campaigns.exclusion.{reason}')}\n", "dim"
            )
    _line(
        drawn, number(recipients), say("writer.check.recipients"), "bold green" if recipients else "bold red"
    )
    if not recipients:
        drawn.append(f"✖ {say('writer.check.nobody')}\n", "red")


def _draw_cost(drawn: Text, desk: Desk, estimate: Mapping[str, Any]) -> None:
    say, words = desk.say, desk.words
    parts = estimate["parts"]
    if parts["best"] == parts["worst"]:
        each = say("writer.check.parts_each_same", each=str(parts["best"]))
    else:
        each = say(
            "writer.check.parts_each",
            best=str(parts["best"]),
            worst=str(parts["worst"]),
            median=str(parts["median"]),
        )
    _line(drawn, words.number(parts["total"]), f"{say('writer.check.parts')} · {each}")
    drawn.append(f"{moneys(words, estimate.get('cost') or ()):>{_NUMBER_CELLS}}", "bold")
    drawn.append(f" {say('writer.check.cost')}\n")
    if estimate.get("unpriced_recipients"):
        told = f"▲ {words.number(estimate['unpriced_recipients'])}"
        _line(drawn, told, say("writer.check.unpriced"), "yellow")
    costly = (estimate.get("alphabet") or {}).get("ucs2", 0)
    if costly:
        characters = " ".join(entry["character"] for entry in (estimate.get("forcing") or ())[:8])
        _line(
            drawn,
            f"▲ {words.number(costly)}",
            f"{say('writer.check.alphabet')}: {clean(characters)}",
            "yellow",
        )


def _draw_finish(drawn: Text, desk: Desk, estimate: Mapping[str, Any]) -> None:
    say, now = desk.say, desk.now()
    finish = estimate.get("finish") or {}
    drawn.append(f"{say('writer.check.starts'):>{_NUMBER_CELLS}} ", "dim")
    drawn.append(day_time(desk.local(finish.get("starts_at")), now))
    drawn.append(f"   {say('writer.check.finishes')} ", "dim")
    drawn.append(f"{day_time(desk.local(finish.get('finishes_at')), now)}\n", "bold")
    if finish.get("seconds") is not None:
        taken = span(desk.words, finish["seconds"])
        told = say("writer.check.takes", span=taken, limit=clean(finish.get("limited_by") or NOTHING))
        drawn.append(f"{'':{_NUMBER_CELLS}} {told}\n", "dim")
    deferred = estimate.get("deferred") or {}
    if deferred.get("recipients"):
        until = day_time(desk.local(deferred.get("until")), now)
        told = say("writer.check.deferred", when=until)
        _line(drawn, f"◷ {desk.words.number(deferred['recipients'])}", told, "cyan")
    if estimate.get("too_late"):
        _line(drawn, f"▲ {desk.words.number(estimate['too_late'])}", say("writer.check.too_late"), "yellow")


def _draw_routes(drawn: Text, desk: Desk, estimate: Mapping[str, Any]) -> None:
    routes = estimate.get("by_route") or ()
    if not routes:
        return
    drawn.append(f"{desk.say('writer.check.routes')}\n", "bold")
    for route in routes[:12]:
        people = desk.say("campaigns.unit.people", count=int(route["recipients"]))
        where = fit(f"{clean(route['connector'])} {route['country']}", 18)
        drawn.append(f"  {where} {people}, {money(desk.words, route.get('cost'))}\n")


def _draw_warnings(drawn: Text, desk: Desk, estimate: Mapping[str, Any]) -> None:
    warnings = estimate.get("warnings") or ()
    if not warnings:
        drawn.append(f"✔ {desk.say('writer.check.fine')}", "green")
        return
    drawn.append(f"{desk.say('writer.check.warnings')}\n", "bold yellow")
    drawn.append("\n".join(f"▲ {clean(warning['detail'])}" for warning in warnings), "yellow")
