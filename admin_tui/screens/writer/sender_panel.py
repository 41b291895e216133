"""Step 4: the name or number that people see, and the language of the words that rules add."""

import re

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from admin_tui.screens.writer.draft import Draft, Step
from admin_tui.screens.writer.panels import AskedLine, Edited, StepPanel

_LANGUAGE = re.compile(r"[a-z]{2}\Z")


class SenderPanel(StepPanel):
    """Sender and language; routes are the gateway's own and told here."""

    STEP = Step.SENDER

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield AskedLine("sender", say("writer.sender.sender"), say("writer.sender.hint"))
        yield AskedLine("language", say("writer.sender.language"), "fr")
        yield Static(say("writer.sender.route"), classes="note", markup=False)

    def show(self, draft: Draft) -> None:
        self.query_one("#sender", Input).value = draft.sender or ""
        self.query_one("#language", Input).value = draft.language or ""

    @on(Input.Changed, "#sender")
    def _sender_typed(self, event: Input.Changed) -> None:
        self.post_message(Edited(sender=event.value.strip() or None))

    @on(Input.Changed, "#language")
    def _language_typed(self, event: Input.Changed) -> None:
        typed = event.value.strip().lower()
        is_wrong = bool(typed) and _LANGUAGE.match(typed) is None
        line = self.query_one("#asked-language", AskedLine)
        line.tell(self.desk.say("writer.time.fault") if is_wrong else "", is_wrong=is_wrong)
        if not is_wrong:
            self.post_message(Edited(language=typed or None))
