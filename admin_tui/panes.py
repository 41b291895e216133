"""Several parts of one screen, one seen at a time, with a line of their names; Tab goes to the next."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from admin_tui.desk import Desk
from admin_tui.states import DULL


@dataclass(frozen=True, slots=True)
class Pane:
    """One part: its id, the key of its name, and what it shows."""

    name: str
    label: str
    content: Widget


class Panes(Container):
    """The names above, the seen part below. The screen binds `next_pane` to `show_next`."""

    DEFAULT_CSS = """
    Panes > #names { height: 1; padding: 0 1; }
    Panes > ContentSwitcher { height: 1fr; }
    """

    class Changed(Message):
        """Another part is seen now."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, desk: Desk, panes: Sequence[Pane]) -> None:
        super().__init__()
        self._desk = desk
        self._panes = tuple(panes)
        self.current = self._panes[0].name

    def compose(self) -> ComposeResult:
        yield Static(self._draw_names(), id="names", markup=False)
        with ContentSwitcher(initial=f"pane-{self.current}"):
            for pane in self._panes:
                yield Container(pane.content, id=f"pane-{pane.name}")

    def show(self, name: str) -> None:
        """See the part `name`, with the focus in it."""
        self.current = name
        self.query_one(ContentSwitcher).current = f"pane-{name}"
        self.query_one("#names", Static).update(self._draw_names())
        for widget in self.query(f"#pane-{name} *"):
            if widget.focusable:
                widget.focus()
                break
        self.post_message(self.Changed(name))

    def show_next(self) -> None:
        names = [pane.name for pane in self._panes]
        self.show(names[(names.index(self.current) + 1) % len(names)])

    def _draw_names(self) -> Text:
        line = Text(no_wrap=True)
        for pane in self._panes:
            style = "bold underline" if pane.name == self.current else DULL
            line.append(self._desk.say(pane.label), style)
            line.append("   ")
        return line
