"""The console as a program: screens by number, the pulse, the shop, holds, undo, the palette.

Screens stay where they were left when another number is pressed (Textual's modes). Knows no screen's content.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final

from textual import on, work
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from admin_tui import access
from admin_tui.client import Failure
from admin_tui.desk import Desk
from admin_tui.dialogs.confirm import OfferUndo
from admin_tui.frame import TopLine
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen, OpenScreen
from admin_tui.screens.registry import SCREENS, NumberedScreen

UNDO_SECONDS: Final = 10.0


class ConsoleApp(App[None]):
    """`keymap` remaps keys by their id; `first_screen` is where it opens."""

    TITLE = "Estafette"
    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(bind(screen.name, f"go('{screen.name}')", is_shown=False) for screen in SCREENS),
        bind("command", is_shown=False),
        bind("hold", is_shown=False),
        bind("freeze", is_shown=False),
        bind("undo", is_shown=False),
        bind("help"),
        bind("palette", "command_palette", is_shown=False),
        bind("quit", is_shown=False),
    ]

    def __init__(
        self, desk: Desk, *, keymap: Mapping[str, str] | None = None, first_screen: str = "overview"
    ) -> None:
        super().__init__()
        self.desk = desk
        self._first_screen = first_screen
        self._undo: Callable[[], Awaitable[None]] | None = None
        for screen in SCREENS:
            self.add_mode(screen.name, _maker(screen, desk))
        self.set_keymap(dict(keymap or {}))

    async def on_mount(self) -> None:
        self._follow()
        await self.switch_mode(self._first_screen)

    async def on_unmount(self) -> None:
        await self.desk.client.aclose()

    # The pulse.

    @work(group="feed")
    async def _follow(self) -> None:
        while True:
            if not self.desk.is_frozen:
                await self.poll_once()
            await asyncio.sleep(self.desk.feed.wait_seconds)

    async def poll_once(self) -> None:
        """Ask for the snapshot, and after a silence for everything else."""
        came_back = await self.desk.feed.poll(self.desk.shop or None)
        if came_back:
            await self._sign_in()
        self._redraw_frame()
        if came_back or (self.desk.feed.failure is not None and not self._top.has_data):
            self._top.reload()

    async def _sign_in(self) -> None:
        """Learn who sits here and which shops there are."""
        who = await self.desk.client.get("/admin/whoami")
        shops = await self.desk.client.get("/admin/shops")
        if isinstance(who, Failure) or isinstance(shops, Failure):
            return
        self.desk.access = access.read_access(who, is_read_only=self.desk.is_read_only)
        self.desk.shops = tuple(shop["name"] for shop in shops["shops"] if not shop.get("closed_at"))
        if self.desk.shop not in self.desk.shops:
            self.desk.shop = self.desk.shops[0] if self.desk.shops else ""
        self.screen.refresh_bindings()

    def _redraw_frame(self) -> None:
        for line in self.screen.query(TopLine):
            line.update_line()
        self._top.set_class(self.desk.feed.is_stale and self._top.has_data, "stale")

    @property
    def _top(self) -> ConsoleScreen:
        """The screen that is seen, under any question."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, ConsoleScreen))

    @property
    def is_settled(self) -> bool:
        """Whether the screen that is seen has shown an answer to its last question."""
        return self._top.is_settled

    # Going places.

    async def action_go(self, name: str) -> None:
        """Show a numbered screen; pressed again on it, its first page."""
        if isinstance(self.screen, ConsoleScreen):
            if self.current_mode == name:
                while len(self.screen_stack) > 1:
                    await self.pop_screen()
            else:
                await self.switch_mode(name)

    @on(OpenScreen)
    async def _open_screen(self, message: OpenScreen) -> None:
        await self.open_screen(message.name, message.criteria)

    async def open_screen(self, name: str, criteria: Mapping[str, str]) -> None:
        """Show a numbered screen with a view of its own."""
        if not any(screen.name == name and self._may_see(screen) for screen in SCREENS):
            return
        if self.current_mode != name:
            await self.switch_mode(name)
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if criteria:
            self._top.show_criteria(criteria)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "go":
            return any(screen.name == parameters[0] and self._may_see(screen) for screen in SCREENS)
        if action == "hold":
            return self.desk.may(access.HOLD) and not self.desk.is_read_only
        if action == "undo":
            return self._undo is not None
        return super().check_action(action, parameters)

    def _may_see(self, screen: NumberedScreen) -> bool:
        allowed = self.desk.access
        return not allowed.role or (
            allowed.may(screen.right) and (allowed.is_operator or not screen.is_for_operators)
        )

    # Undo.

    @on(OfferUndo)
    def _offer_undo(self, message: OfferUndo) -> None:
        self._undo = message.undo
        self.notify(
            f"{message.sentence}  {self.desk.say('frame.undo_hint')}", timeout=UNDO_SECONDS, markup=False
        )
        self.set_timer(UNDO_SECONDS, lambda: self._forget_undo(message.undo))
        self.screen.refresh_bindings()

    def _forget_undo(self, undo: Callable[[], Awaitable[None]]) -> None:
        if self._undo is undo:
            self._undo = None
            self.screen.refresh_bindings()

    def action_undo(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            self.run_worker(undo, group="undo")


def _maker(screen: NumberedScreen, desk: Desk) -> Callable[[], Screen[Any]]:
    return lambda: screen.make(desk)
