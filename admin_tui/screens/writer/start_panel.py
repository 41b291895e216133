"""Step 8: starting, by typing how many people get the message."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input, Static

from admin_tui.cells import clean
from admin_tui.desk import Desk
from admin_tui.figures import day_time, moneys
from admin_tui.screens.writer.draft import Draft, Step
from admin_tui.screens.writer.panels import AskedLine, StepPanel


class StartPanel(StepPanel):
    """Nothing starts before the number is typed."""

    STEP = Step.START

    class Confirmed(Message):
        """The number of recipients was typed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._recipients: int | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="start-told", classes="told", markup=False)
        yield Static(classes="space")
        yield AskedLine("typed", "")

    def ask(self, told: Text, recipients: int | None) -> None:
        """Say what would start and ask for the number; None asks for nothing."""
        self._recipients = recipients
        self.query_one("#start-told", Static).update(told)
        line = self.query_one(AskedLine)
        line.display = bool(recipients)
        if recipients:
            line.query_one("Label").update(  # type: ignore[attr-defined]  # textual types query_one by name as Widget
                self.desk.say("writer.start.ask", count=recipients)
            )

    def tell(self, sentence: str, *, is_wrong: bool = False) -> None:
        self.query_one(AskedLine).tell(sentence, is_wrong=is_wrong)

    @on(Input.Submitted, "#typed")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        digits = "".join(one for one in event.value if one.isdecimal())
        if self._recipients is None or digits != str(self._recipients):
            self.tell(self.desk.say("writer.start.wrong", count=self._recipients or 0), is_wrong=True)
            return
        self.tell(self.desk.say("writer.start.starting"))
        self.post_message(self.Confirmed())


def draw_summary(desk: Desk, draft: Draft, estimate: Mapping[str, Any]) -> Text:
    """One sentence on what starts, and when."""
    told = desk.say(
        "writer.start.summary",
        name=clean(draft.name),
        people=desk.say("campaigns.unit.people", count=int(estimate["recipients"])),
        parts=desk.say("campaigns.unit.parts", count=int(estimate["parts"]["total"])),
        cost=moneys(desk.words, estimate.get("cost") or ()),
    )
    drawn = Text(told, "bold")
    when = desk.local(draft.start_at)
    starts = (
        desk.say("writer.start.now")
        if when is None
        else desk.say("writer.start.at", when=day_time(when, desk.now()))
    )
    drawn.append(f"\n{starts}", "not bold")
    return drawn
