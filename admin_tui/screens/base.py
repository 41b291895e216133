"""What every screen is built on: the two lines, loading, empty and failed states, the filter, going back.

A screen gives its body (`compose_body`), loads its data (`load`) and says what it shows when there is none.
It never sees an exception of the network: `load` returns the `Failure` that the client gave.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from admin_tui.client import Failure, FailureKind
from admin_tui.desk import Desk
from admin_tui.frame import BottomLine, ScreensLine, TopLine
from admin_tui.keys import bind
from admin_tui.notices import Notice
from admin_tui.tables import PagedTable

MOST_FILTER: Final = 200
"""Characters of a filter; it travels in an address, which servers keep short."""


class OpenScreen(Message):
    """Go to a numbered screen; `criteria` is what it should show, such as `campaign_id`."""

    def __init__(self, name: str, **criteria: str) -> None:
        super().__init__()
        self.name = name
        self.criteria = criteria


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """Something that the palette offers on this screen: a key of the words, and the action it runs."""

    label: str
    action: str


class ConsoleScreen(Screen[None]):
    """The base of all screens. `NAME` is its id in keys and words; `NEEDS` names the right that an action
    takes, without which its key is not shown; `REFRESH_SECONDS` None loads only when asked; `NEEDS_SHOP`
    keeps a screen of a shop's data from asking before there is one."""

    NAME: ClassVar[str] = ""
    NEEDS: ClassVar[Mapping[str, str]] = {}
    REFRESH_SECONDS: ClassVar[float | None] = 3.0
    HAS_FILTER: ClassVar[bool] = False
    NEEDS_SHOP: ClassVar[bool] = True
    AUTO_FOCUS = "#body *"

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("filter", is_shown=False),
        bind("reload", is_shown=False),
        bind("next_pane", "app.focus_next", is_shown=False),
        bind("back", is_shown=False),
    ]

    DEFAULT_CSS = """
    ConsoleScreen { layout: vertical; }
    ConsoleScreen > #body { height: 1fr; }
    ConsoleScreen.stale > #body { opacity: 55%; }
    ConsoleScreen > #filter { display: none; dock: bottom; height: 1; border: none; padding: 0 1;
        margin-bottom: 1; background: $surface; }
    ConsoleScreen > #filter.shown { display: block; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.filter_text = ""
        self._is_loading = False
        self._has_asked = False
        self.has_data = False

    # What a screen gives.

    def compose_body(self) -> ComposeResult:
        """The widgets between the two lines."""
        yield from ()

    async def load(self) -> Failure | None:
        """Ask for the data and show it; what is shown stays when it fails."""
        return None

    def empty_sentence(self) -> str:
        """What to say when there is no data, with the key that changes it; "" where there is some."""
        return ""

    def show_criteria(self, criteria: Mapping[str, str]) -> None:
        """Another screen, or the command line, asks for a view of this one."""

    def apply_filter(self, text: str) -> None:
        """The person typed a filter, or cleared it. Where the server filters, load again."""
        self.reload()

    def palette(self) -> Iterator[PaletteEntry]:
        """What the palette offers here beside the keys."""
        yield from ()

    # What a screen uses.

    def reload(self) -> None:
        """Load now, dropping a load that runs."""
        self._is_loading = True
        self._load()

    def tell(self, key: str, **values: object) -> None:
        """A toast with a sentence of the words."""
        self.notify(self.desk.say(key, **values), markup=False)

    def tell_failure(self, failure: Failure) -> None:
        """A toast with why something did not work."""
        self.notify(self.desk.describe(failure), severity="error", timeout=10, markup=False)

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    @property
    def is_settled(self) -> bool:
        """Whether the last question was answered, with data or a failure."""
        return self._has_asked and not self._is_loading

    @property
    def is_being_taken_down(self) -> bool:
        """Whether its widgets are going: they do so before its workers, whose answers then find nothing."""
        return not self.display

    # How it works.

    def compose(self) -> ComposeResult:
        yield TopLine(self.desk)
        yield ScreensLine(self.desk)
        yield Notice()
        with Container(id="body"):
            yield from self.compose_body()
        yield Input(
            placeholder=self.desk.say("frame.filter_hint"),
            id="filter",
            compact=True,
            disabled=True,
            max_length=MOST_FILTER,
        )
        yield BottomLine(self.desk)

    def on_mount(self) -> None:
        self.notice.tell(self.desk.say("frame.loading"))
        if self.REFRESH_SECONDS is not None:
            self.set_interval(self.REFRESH_SECONDS, self._refresh_if_seen)

    def on_screen_resume(self) -> None:
        self.reload()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        needed = self.NEEDS.get(action)
        if needed is not None and not self.desk.may(needed):
            return False
        if action == "filter" and not self.HAS_FILTER:
            return False
        return super().check_action(action, parameters)

    def action_reload(self) -> None:
        self.reload()

    def action_back(self) -> None:
        """Clear the filter, else leave a page, else say how to leave the console."""
        if self.filter_text or self.query_one("#filter", Input).has_class("shown"):
            self.clear_filter()
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        else:
            self.tell("frame.how_to_quit")

    def action_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.add_class("shown")
        box.disabled = False
        box.focus()

    def clear_filter(self) -> None:
        """Show everything again."""
        box = self.query_one("#filter", Input)
        had_filter = bool(self.filter_text)
        self.filter_text = ""
        box.value = ""
        box.remove_class("shown")
        box.disabled = True
        self.focus_first()
        if had_filter:
            self.apply_filter("")

    def focus_first(self) -> None:
        """Give the focus to the first thing in the body that takes it."""
        for widget in self.query("#body *"):
            if widget.focusable:
                widget.focus()
                return
        self.set_focus(None)

    @on(Input.Submitted, "#filter")
    def _filter_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.filter_text = event.value.strip()[:MOST_FILTER]
        if not self.filter_text:
            self.clear_filter()
            return
        self.focus_first()
        self.apply_filter(self.filter_text)

    @on(PagedTable.MoreWanted)
    def _more_wanted(self, event: PagedTable.MoreWanted) -> None:
        self._load_more(event.table)

    def _refresh_if_seen(self) -> None:
        if self.is_current and not self._is_loading and not self.desk.is_frozen:
            self.reload()

    @work(group="load", exclusive=True)
    async def _load(self) -> None:
        try:
            if self.desk.access.role and self.NEEDS_SHOP and not self.desk.shop:
                self.notice.tell(self.desk.say("frame.no_shop_yet"))
                self._has_asked = True
            elif self.desk.access.role:
                self._show_outcome(await self.load())
                self._has_asked = True
            elif self.desk.feed.failure is not None:
                self._show_outcome(self.desk.feed.failure)
        except NoMatches:
            if not self.is_being_taken_down:
                raise
        finally:
            self._is_loading = False

    @work(group="more", exclusive=True)
    async def _load_more(self, table: PagedTable) -> None:
        failure = await table.load_more()
        if failure is not None:
            self.tell_failure(failure)

    def _show_outcome(self, failure: Failure | None) -> None:
        if failure is None:
            self.has_data = True
            self.notice.tell(self.empty_sentence())
            self.remove_class("stale")
            return
        is_away = failure.kind is FailureKind.AWAY
        if not self.has_data or not is_away:
            self.notice.tell(self.desk.describe(failure), is_failure=True)
        self.set_class(is_away and self.has_data, "stale")
