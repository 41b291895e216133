"""Where the file is: on this server, in the clipboard, or on the person's own computer."""

import asyncio

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Label, RadioSet, Static, TextArea

from admin_tui.desk import Desk
from admin_tui.marks import MarkedRadio
from admin_tui.screens.importing.panels import ImportPanel, ImportStep
from admin_tui.screens.importing.paths import PathEntry, common_beginning, list_matches
from admin_tui.screens.importing.qr import qr_rows, render_qr

WAYS = ("path", "paste", "page")
_MOST_SHOWN = 8
_FRAME_ROWS, _LEAST_CELLS = 4, 72
"""What the lines of the screen take, and the width at which text and code stand side by side."""


class PathInput(Input):
    """A path; Tab completes it as far as it is certain, the arrows' list below shows what fits."""

    DEFAULT_CSS = "PathInput { width: 100%; }"

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "tab" and self.value:
            matches = await asyncio.to_thread(list_matches, self.value)
            further = common_beginning(matches)
            if len(further) > len(self.value):
                event.stop()
                event.prevent_default()
                self.value = further
                self.cursor_position = len(further)
                return
        await super()._on_key(event)


class SourcePanel(ImportPanel):
    """Asks for one of three ways; posts `TicketWanted` when the upload page is chosen."""

    STEP = ImportStep.SOURCE
    DEFAULT_CSS = """
    SourcePanel .way { height: auto; }
    SourcePanel TextArea { height: 10; border: none; background: $surface; padding: 0; }
    SourcePanel #matches { color: $text-muted; height: auto; }
    SourcePanel #qr { dock: right; width: auto; height: auto; }
    """

    class TicketWanted(Message):
        """The person's file is on another computer: an upload page is needed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._address = ""

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield Label(f"{say('importing.source.ask')} {say('writer.choose_hint')}", markup=False)
        with RadioSet(id="way", compact=True):
            for number, way in enumerate(WAYS):
                yield MarkedRadio(say(f"importing.source.{way}"), value=number == 0)
        with Vertical(id="way-path", classes="way"):
            yield Label(say("importing.source.path_label"), markup=False)
            yield PathInput(id="path", compact=True)
            yield Static(id="matches", markup=False)
        with Vertical(id="way-paste", classes="way"):
            yield Label(say("importing.source.paste_label"), markup=False)
            yield TextArea(id="pasted", soft_wrap=False, tab_behavior="focus", compact=True)
        with Vertical(id="way-page", classes="way"):
            yield Static(id="page", markup=False)
        yield Static(id="qr", markup=False)
        yield Static(id="told", markup=False)

    def on_mount(self) -> None:
        self._show_way("path")

    @property
    def way(self) -> str:
        index = self.query_one("#way", RadioSet).pressed_index
        return WAYS[max(0, index)]

    @property
    def path(self) -> str:
        return self.query_one("#path", Input).value.strip()

    @property
    def pasted(self) -> str:
        return self.query_one("#pasted", TextArea).text

    @property
    def address(self) -> str:
        """The upload page's address while it is what is shown."""
        return self._address if self.way == "page" else ""

    def tell(self, sentence: str, *, is_wrong: bool = False) -> None:
        style = "red" if is_wrong else "dim"
        self.query_one("#told", Static).update(Text(("✖ " if is_wrong else "") + sentence, style))

    def show_page(self, address: str, explained: str) -> None:
        """The upload page's address, with its code where there is room for it."""
        self._address = address
        page = Text(f"{explained}\n")
        page.append(address, "bold underline")
        page.append(f"\n{self.desk.say('importing.source.page_copy')}")
        page.append(f"\n{self.desk.say('importing.source.page_waiting')}", "dim")
        self.query_one("#page", Static).update(page)
        self._fit_qr()

    def on_resize(self) -> None:
        self._fit_qr()

    def focus_first(self) -> None:
        """Go to the field of the chosen way, so that typing arrives; Tab goes on to the choice."""
        if self.way == "path":
            self.query_one("#path").focus()
        elif self.way == "paste":
            self.query_one("#pasted").focus()
        else:
            self.query_one("#way").focus()

    @on(RadioSet.Changed, "#way")
    def _way_chosen(self, event: RadioSet.Changed) -> None:
        event.stop()
        self._show_way(WAYS[event.index])
        self.focus_first()
        if WAYS[event.index] == "page":
            self.post_message(self.TicketWanted())

    @on(Input.Changed, "#path")
    def _path_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.tell("")
        self.run_worker(self._show_matches(event.value), group="matches", exclusive=True)

    async def _show_matches(self, typed: str) -> None:
        matches = await asyncio.to_thread(list_matches, typed) if typed else []
        self.query_one("#matches", Static).update(draw_matches(self.desk, matches))

    def _show_way(self, way: str) -> None:
        for one in WAYS:
            self.query_one(f"#way-{one}").display = one == way
        self.query_one("#qr").display = False
        self._fit_qr()
        self.tell("")

    def _fit_qr(self) -> None:
        if self._address:
            code = self.query_one("#qr", Static)
            code.update(render_qr(self._address))
            screen = self.screen.size
            has_room = qr_rows(self._address) + _FRAME_ROWS <= screen.height and screen.width >= _LEAST_CELLS
            code.display = has_room and self.way == "page"


def draw_matches(desk: Desk, matches: list[PathEntry]) -> Text:
    """What fits what was typed, with sizes."""
    drawn = Text(no_wrap=True, overflow="ellipsis")
    for number, entry in enumerate(matches[:_MOST_SHOWN]):
        drawn.append("\n" if number else "")
        drawn.append(f"  {entry.path}")
        if not entry.is_folder:
            drawn.append(f"  {desk.words.number(entry.size_octets / 1000, decimals=1)} kB", "dim")
    if len(matches) > _MOST_SHOWN:
        drawn.append(f"\n  … {len(matches) - _MOST_SHOWN}", "dim")
    return drawn
