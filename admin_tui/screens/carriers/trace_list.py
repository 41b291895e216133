"""The list of a live trace on the screen: a line each, drawn only where it is seen.

At the end it follows; above it stands still, and what comes is held until the cursor is at the end again.
Textual's table fills too slowly for a stream, so lines are drawn here.
"""

from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from admin_tui.desk import Desk
from admin_tui.keys import bind
from admin_tui.screens.carriers.trace_lines import TraceLine, TraceLines
from admin_tui.screens.pdus import draw_left_out, draw_line

_WHEEL_LINES: Final = 3


class TraceList(ScrollView, can_focus=True):
    """Shows `lines`; the cursor is on one of them. Posts `Moved` when it is on another."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("up", "move(-1)", is_shown=False),
        bind("down", "move(1)", is_shown=False),
        bind("top", "move_to_end(False)", is_shown=False),
        bind("bottom", "move_to_end(True)", label="trace.follow"),
    ]
    DEFAULT_CSS = "TraceList { height: 1fr; min-height: 3; padding: 0 1; overflow-x: hidden; }"

    class Moved(Message):
        """The cursor is on another line, or at the end again."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.lines = TraceLines()
        self.is_following = True
        self._cursor = 0

    @property
    def focused(self) -> TraceLine | None:
        shown = self.lines.shown
        return shown[self._cursor] if self._cursor < len(shown) else None

    def follow(self) -> None:
        """Show what is held, and go to the end."""
        self.is_following = True
        self.lines.show()
        self._cursor = max(0, len(self.lines.shown) - 1)
        self._lay_out()

    def action_move(self, lines: int) -> None:
        last = len(self.lines.shown) - 1
        self._cursor = min(max(0, self._cursor + lines), max(0, last))
        if self._cursor >= last:
            self.follow()
            return
        self.is_following = False
        self._lay_out()

    def action_move_to_end(self, is_last: bool) -> None:
        self.action_move(len(self.lines.shown) if is_last else -len(self.lines.shown))

    def action_page_up(self) -> None:
        self.action_move(-max(1, self.size.height - 1))

    def action_page_down(self) -> None:
        self.action_move(max(1, self.size.height - 1))

    def on_click(self, event: events.Click) -> None:
        self.action_move(event.y + self.scroll_offset.y - self._cursor)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-_WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(_WHEEL_LINES)

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.lines.shown))
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True, immediate=True)
        self.refresh()
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        place, width = y + self.scroll_offset.y, self.size.width
        shown = self.lines.shown
        if place >= len(shown):
            return Strip.blank(width, self.rich_style)
        text = self._draw(shown[place])
        text.truncate(width, overflow="ellipsis", pad=True)
        if place == self._cursor and self.has_focus:
            text.stylize("reverse")
        return Strip(text.render(self.app.console), width).apply_style(self.rich_style)

    def _draw(self, line: TraceLine) -> Text:
        if line.pdu is not None:
            return draw_line(self._desk, line.pdu)
        if line.left_out is not None:
            return draw_left_out(self._desk, line.left_out)
        return Text(f"… {self._desk.say('trace.broke_off')}", "yellow")
