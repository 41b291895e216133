"""Step 1: the name that colleagues see, and whether it is advertising."""

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Label, RadioSet, Static

from admin_tui.marks import MarkedRadio
from admin_tui.screens.writer.draft import Draft, Step
from admin_tui.screens.writer.panels import AskedLine, Edited, StepPanel

CATEGORIES = ("marketing", "transactional")


class KindPanel(StepPanel):
    """Name and kind."""

    STEP = Step.KIND

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield AskedLine("name", say("writer.kind.name"), say("writer.kind.name_hint"))
        yield Label(f"{say('writer.kind.kind')} {say('writer.choose_hint')}", markup=False)
        with RadioSet(id="category", compact=True):
            for number, category in enumerate(CATEGORIES):
                yield MarkedRadio(say(f"writer.kind.{category}"), value=number == 0)
        yield Static(id="kind-help", classes="note", markup=False)

    def show(self, draft: Draft) -> None:
        self.query_one("#name", Input).value = draft.name
        buttons = list(self.query(MarkedRadio))
        buttons[CATEGORIES.index(draft.category)].value = True
        self._help(draft.category)

    @on(Input.Changed, "#name")
    def _named(self, event: Input.Changed) -> None:
        self.post_message(Edited(name=event.value))

    @on(RadioSet.Changed, "#category")
    def _chosen(self, event: RadioSet.Changed) -> None:
        category = CATEGORIES[event.index]
        self._help(category)
        self.post_message(Edited(category=category))

    def _help(self, category: str) -> None:
        self.query_one("#kind-help", Static).update(self.desk.say(f"writer.kind.{category}_help"))
