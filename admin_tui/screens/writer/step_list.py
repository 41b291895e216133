"""The steps on the left of the writer: which are answered, which one is open."""

from rich.text import Text
from textual.widgets import Static

from admin_tui.cells import cut
from admin_tui.desk import Desk
from admin_tui.screens.writer.draft import Draft, Step

STEPS = tuple(Step)
FILLED = frozenset({Step.KIND, Step.AUDIENCE, Step.MESSAGE})
"""Steps that have to be answered; the others may stay as they are."""


class StepList(Static):
    """A line for each step: ✔ answered, ○ to do, ▸ open."""

    DEFAULT_CSS = """
    StepList { width: 20; padding: 0 1; border-right: vkey $panel; height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="steps", markup=False)
        self._desk = desk

    def show(self, draft: Draft, current: Step, *, saved: str) -> None:
        """Draw the steps; `saved` says below them where the text is kept."""
        self.update(draw_steps(self._desk, draft, current, saved=saved))


def draw_steps(desk: Desk, draft: Draft, current: Step, *, saved: str) -> Text:
    missing = draft.unfinished()
    drawn = Text()
    for number, step in enumerate(STEPS, start=1):
        answered = "✔" if step in FILLED else "·"
        glyph = "○" if step in missing else answered
        line = cut(f"{number} {desk.say(f'writer.steps.{step.value}')}", 15)
        if step is current:
            drawn.append(f"▸ {line}\n", "bold reverse")
        else:
            drawn.append(f"{glyph} {line}\n", "" if glyph == "✔" else "dim")
    drawn.append(f"\n{saved}", "dim")
    return drawn
