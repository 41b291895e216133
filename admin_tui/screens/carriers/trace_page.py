"""What passes between the server and one carrier, PDU by PDU as it passes; the focused one in words below.

Opens the stream when it is seen and ends it when it is left, so that nobody's trace runs on unseen.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import ClassVar, Final
from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static
from textual.worker import Worker

from admin_tui.access import TRACE
from admin_tui.client import Failure, FailureKind, Json
from admin_tui.desk import Desk
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.carriers.trace_list import TraceList
from admin_tui.screens.pdus import draw_body

_FIRST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 5.0


class TracePage(ConsoleScreen):
    """The live trace of one connector. The filter is a number, which the server picks by."""

    NAME = "trace"
    REFRESH_SECONDS = None
    NEEDS_SHOP = False
    HAS_FILTER = True
    NEEDS: ClassVar[Mapping[str, str]] = {"octets": TRACE}
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("back"),
        bind("filter", label="trace.filter"),
        bind("octets"),
        bind("next_pane", "app.focus_next", is_shown=False),
    ]

    DEFAULT_CSS = """
    TracePage #told { height: 1; padding: 0 1; color: $text-muted; }
    TracePage VerticalScroll { height: 1fr; padding: 0 1; border-top: solid $primary-background; }
    """

    def __init__(self, desk: Desk, connector: str) -> None:
        super().__init__(desk)
        self._connector = connector
        self._stream: Worker[None] | None = None
        self._failure: Failure | None = None
        self._shows_octets = False

    def compose_body(self) -> ComposeResult:
        yield Static(id="told", markup=False)
        yield TraceList(self.desk)
        with VerticalScroll(can_focus=True):
            yield Static(id="pdu", markup=False)

    @property
    def pdus(self) -> TraceList:
        return self.query_one(TraceList)

    async def load(self) -> Failure | None:
        """Nothing to ask for: the stream brings it. After a freeze, what was held is shown."""
        self._show_held()
        return self._failure

    def empty_sentence(self) -> str:
        return "" if self.pdus.lines.shown else self.desk.say("trace.empty", connector=self._connector)

    def apply_filter(self, text: str) -> None:
        self.pdus.lines.clear()
        self.pdus.follow()
        self._begin()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self._stream is None:
            self._begin()

    def on_screen_suspend(self) -> None:
        """A question over the page leaves the stream; another screen ends it."""
        if self not in self.app.screen_stack:
            self._end()

    def action_octets(self) -> None:
        self._shows_octets = not self._shows_octets
        self._show_focused()

    @on(TraceList.Moved)
    def _moved(self) -> None:
        self._show_focused()
        self._tell()

    def _begin(self) -> None:
        self._end()
        self._failure = None
        self._stream = self._follow()

    def _end(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None

    @work(group="stream", exclusive=True)
    async def _follow(self) -> None:
        """Take from the stream; when it breaks off begin anew, unless the server says no."""
        wait = _FIRST_WAIT_SECONDS
        self.pdus.lines.mark_break()
        while True:
            async with aclosing(self.desk.client.stream(self._path, self._query)) as answers:
                async for answer in answers:
                    if not isinstance(answer, Failure):
                        wait = _FIRST_WAIT_SECONDS
                    self._take(answer)
            if self._failure is not None and self._failure.kind is not FailureKind.AWAY:
                return
            self.pdus.lines.mark_break()
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    @property
    def _path(self) -> str:
        return f"/admin/connectors/{quote(self._connector, safe='')}/trace"

    @property
    def _query(self) -> dict[str, str]:
        return {"number": self.filter_text}

    def _take(self, answer: Sequence[Json] | Failure) -> None:
        had_failure, self._failure = self._failure, answer if isinstance(answer, Failure) else None
        was_empty = not self.pdus.lines.shown
        if not isinstance(answer, Failure):
            self.pdus.lines.take(answer)
            self._show_held()
        if self._failure is not had_failure or was_empty:
            self._show_outcome(self._failure)

    def _show_held(self) -> None:
        if self.pdus.is_following and not self.desk.is_frozen:
            self.pdus.follow()
        self._tell()

    def _tell(self) -> None:
        held = self.pdus.lines.held
        told = [self._connector]
        if self.filter_text:
            told.append(self.desk.say("trace.only", number=self.filter_text))
        if held:
            told.append(f"‖ {self.desk.say('trace.held', count=held)}")
        elif self.pdus.is_following:
            told.append(f"● {self.desk.say('trace.following')}")
        else:
            told.append(f"‖ {self.desk.say('trace.still')}")
        self.query_one("#told", Static).update(" · ".join(told))

    def _show_focused(self) -> None:
        line = self.pdus.focused
        drawn = (
            "" if line is None or line.pdu is None else draw_body(line.pdu, shows_octets=self._shows_octets)
        )
        self.query_one("#pdu", Static).update(drawn)
