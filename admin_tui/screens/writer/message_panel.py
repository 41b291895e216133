"""Step 3: the text, with fields completed while typing and links put in by a key."""

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import Label, Static, TextArea

from admin_tui.desk import Desk
from admin_tui.screens.writer.draft import Draft, DraftLink, Step
from admin_tui.screens.writer.panels import Edited, StepPanel
from admin_tui.screens.writer.placeholders import Completion, complete_field, placeholder

MOST_CHARACTERS = 10_000
"""More is no text message; the preview takes no more either."""


class MessageArea(TextArea):
    """The text. Tab takes the first completion where one is offered, else goes on."""

    DEFAULT_CSS = """
    MessageArea { height: 1fr; min-height: 4; border: none; padding: 0; background: $surface; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(
            id="text", soft_wrap=True, tab_behavior="focus", compact=True, highlight_cursor_line=False
        )
        self._desk = desk
        self.fields: Sequence[str] = ()

    def completions(self) -> list[Completion]:
        """The fields that fit what stands before the cursor."""
        row, column = self.cursor_location
        line = self.document.get_line(row)[:column]
        return complete_field(line, self.fields, fallback=self._desk.say("writer.message.fallback"))

    def take(self, completion: Completion) -> None:
        """Put a completion in place of what was typed of it, and of braces that close it already."""
        row, column = self.cursor_location
        rest = self.document.get_line(row)[column:]
        closing = len(rest) - len(rest.lstrip(" }")) if rest.lstrip().startswith("}}") else 0
        self.replace(completion.insert, (row, column - completion.typed), (row, column + closing))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "tab":
            found = self.completions()
            if found:
                event.stop()
                event.prevent_default()
                self.take(found[0])
                return
        await super()._on_key(event)


class MessagePanel(StepPanel):
    """The text and the links that it names."""

    STEP = Step.MESSAGE

    def compose(self) -> ComposeResult:
        yield Label(self.desk.say("writer.message.text"), markup=False)
        yield MessageArea(self.desk)
        yield Static(id="completions", classes="note", markup=False)
        yield Static(id="links", classes="note", markup=False)

    def show(self, draft: Draft) -> None:
        if self.area.text != draft.text:
            self.area.load_text(draft.text)
            self.area.move_cursor(self.area.document.end)
        self.show_links(draft.links)

    def show_links(self, links: Sequence[DraftLink]) -> None:
        shown = "\n".join(f"{{{{ {link.name} }}}} → {link.url}" for link in links)
        told = self.query_one("#links", Static)
        told.update(shown)
        told.display = bool(shown)

    def offer_fields(self, fields: Sequence[str]) -> None:
        """The server said which fields the text may use."""
        self.area.fields = tuple(fields)

    def insert_field(self, field: str) -> None:
        """Put a field where the cursor is, in place of braces typed already."""
        insert = placeholder(field, fallback=self.desk.say("writer.message.fallback"))
        open_braces = self.area.completions()
        typed = open_braces[0].typed if open_braces else 0
        self.area.take(Completion(field, typed, insert))
        self.area.focus()

    def rewrite(self, text: str) -> None:
        """Replace the whole text in one step that can be undone, keeping the cursor's place."""
        place = self.area.cursor_location
        self.area.replace(text, self.area.document.start, self.area.document.end)
        self.area.move_cursor(place)

    @property
    def area(self) -> MessageArea:
        return self.query_one(MessageArea)

    @on(TextArea.Changed, "#text")
    def _typed(self, event: TextArea.Changed) -> None:
        text = self.area.text
        if len(text) > MOST_CHARACTERS:
            self.area.load_text(text[:MOST_CHARACTERS])
            self.area.move_cursor(self.area.document.end)
            told = self.desk.say("writer.message.too_long", count=MOST_CHARACTERS)
            self.notify(told, severity="warning", markup=False)
            return
        self.post_message(Edited(text=text))

    @on(TextArea.SelectionChanged, "#text")
    def _moved(self) -> None:
        found = self.area.completions()
        told = "Tab → " + "  ".join(one.field for one in found) if found else ""
        completions = self.query_one("#completions", Static)
        completions.update(told)
        completions.display = bool(told)
