"""Step 7: the text to one's own number, and what became of it."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input, Static

from admin_tui.cells import clean
from admin_tui.client import Failure
from admin_tui.desk import Desk
from admin_tui.screens.campaign_actions import MOST_TEST_NUMBERS
from admin_tui.screens.writer.check_panel import draw_failure
from admin_tui.screens.writer.draft import Step
from admin_tui.screens.writer.panels import AskedLine, StepPanel
from admin_tui.screens.writer.recipients import parse_numbers


class TrialPanel(StepPanel):
    """Asks for numbers and shows what the server answered for each."""

    STEP = Step.TEST

    class Wanted(Message):
        """Send the text to these numbers."""

        def __init__(self, numbers: list[str]) -> None:
            super().__init__()
            self.numbers = numbers

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield AskedLine("to", say("writer.test.to"), say("writer.test.hint"))
        yield Static(id="trial-explained", classes="note", markup=False)
        yield Static(id="trial-told", classes="told", markup=False)
        yield Static(say("writer.test.skip"), classes="note", markup=False)

    def explain(self, person: str) -> None:
        """Whose text it will be."""
        told = self.desk.say(
            "writer.test.explain", name=clean(person) or self.desk.say("writer.test.anybody")
        )
        self.query_one("#trial-explained", Static).update(told)

    def tell(self, told: Text) -> None:
        self.query_one("#trial-told", Static).update(told)

    @on(Input.Submitted, "#to")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        numbers = parse_numbers(event.value)
        if not numbers or len(numbers) > MOST_TEST_NUMBERS:
            fault = "writer.test.too_many" if numbers else "writer.test.no_number"
            self.query_one(AskedLine).tell(self.desk.say(fault), is_wrong=True)
            return
        self.query_one(AskedLine).tell("")
        self.tell(Text(self.desk.say("writer.test.sending"), "dim"))
        self.post_message(self.Wanted(numbers))


def draw_trial(desk: Desk, answer: Mapping[str, Any] | Failure) -> Text:
    """A line for each number: sent, or why not."""
    if isinstance(answer, Failure):
        return draw_failure(desk, answer)
    drawn = Text()
    for number, message in enumerate(answer.get("messages") or ()):
        drawn.append("\n" if number else "")
        problem = message.get("error") or message.get("problem")
        if problem:
            drawn.append(f"✖ {clean(message.get('to') or '')} {clean(problem.get('detail', ''))}", "red")
        else:
            parts = desk.say("campaigns.unit.parts", count=int(message.get("part_count") or 1))
            told = desk.say("writer.test.sent", number=clean(message.get("to") or ""), parts=parts)
            drawn.append(f"✔ {told}", "green")
    return drawn
