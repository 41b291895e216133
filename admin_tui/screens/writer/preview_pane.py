"""The right side of the writer: the text as one person would read it, its cost, what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from admin_tui.cells import clean
from admin_tui.client import Failure, Json
from admin_tui.desk import Desk
from admin_tui.figures import money
from admin_tui.keys import KEYS_BY_ID, show_key
from admin_tui.screens.writer.costly import mark_costly, show_character


class PreviewPane(VerticalScroll, can_focus=False):
    """Shows the newest answer of the preview; what is older than what was typed is dimmed."""

    DEFAULT_CSS = """
    PreviewPane { padding: 0 1; border-left: vkey $panel; }
    PreviewPane.old #previewed { text-opacity: 60%; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="preview")
        self._desk = desk

    def compose(self) -> ComposeResult:
        yield Static(self._desk.say("writer.preview.empty"), id="previewed", markup=False)

    def show(self, answer: Json | Failure | None, *, person: str) -> None:
        """What the server made of the text; None while there is no text."""
        self.remove_class("old")
        shown = self.query_one("#previewed", Static)
        if answer is None:
            shown.update(Text(self._desk.say("writer.preview.empty"), "dim"))
        elif isinstance(answer, Failure):
            shown.update(Text(f"✖ {self._desk.describe(answer)}", "red"))
        else:
            shown.update(draw_preview(self._desk, answer, person=person))


def draw_preview(desk: Desk, preview: Mapping[str, Any], *, person: str) -> Text:
    """Figures, faults and costly characters first, so that a long text does not push them out of sight; then
    the rendered text with costly characters marked, what rules added, warnings."""
    say = desk.say
    title = f" {say('writer.preview.as', name=clean(person))}" if person else ""
    drawn = Text()
    drawn.append(f"{say('writer.preview.title')}{title}\n", "bold")
    drawn.append_text(_draw_figures(desk, preview))
    for fault in preview.get("faults") or ():
        told = say("writer.preview.fault", position=str(fault["position"] + 1), fault=fault["fault"])
        drawn.append(f"\n✖ {told}", "red")
    drawn.append_text(_draw_forcing(desk, preview))
    drawn.append("\n\n")
    drawn.append_text(mark_costly(_visible(str(preview["text"])), preview.get("forcing") or ()))
    drawn.append("\n")
    if preview.get("added"):
        drawn.append(f"\n{say('writer.preview.added', text=clean(preview['added']).strip())}", "dim")
    for warning in preview.get("warnings") or ():
        drawn.append(f"\n▲ {clean(warning['detail'])}", "yellow")
    return drawn


def _draw_figures(desk: Desk, preview: Mapping[str, Any]) -> Text:
    say = desk.say
    parts = int(preview["parts"])
    drawn = Text()
    drawn.append(say("campaigns.unit.parts", count=parts), "bold" if parts < 2 else "bold yellow")
    price = preview.get("price")
    told = (
        say("writer.preview.price", price=money(desk.words, price))
        if price
        else say("writer.preview.no_price")
    )
    drawn.append(f" · {told}\n")
    characters = say("writer.preview.characters", count=int(preview["characters"]))
    drawn.append(f"{characters}, {say('writer.preview.left', count=int(preview['characters_left']))}\n")
    is_costly = preview["alphabet"] == "ucs2"
    drawn.append(say(f"writer.preview.{preview['alphabet']}"), "yellow" if is_costly else "dim")
    return drawn


def _draw_forcing(desk: Desk, preview: Mapping[str, Any]) -> Text:
    drawn = Text()
    for entry in preview.get("forcing") or ():
        drawn.append("\n")
        drawn.append(f" {show_character(entry['character'])} ", "reverse bold")
        drawn.append(f" {desk.say('writer.preview.forcing')} ")
        replacement = entry.get("replacement")
        if replacement is None:
            drawn.append(desk.say("writer.preview.no_replacement"), "dim")
        else:
            key = show_key(KEYS_BY_ID["replace_character"].keys)
            told = desk.say("writer.preview.replacement", replacement=f"“{replacement}”", by=key)
            drawn.append(told, "bold")
    return drawn


def _visible(text: str) -> str:
    """Harmless for the terminal, with its line ends."""
    return "\n".join(clean(line) for line in text.split("\n"))
