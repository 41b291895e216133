"""The console as a program: screens by number, the pulse, the shop, holds, undo, the palette.

Screens stay where they were left when another number is pressed (Textual's modes). Knows no screen's content.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.screen import Screen

from admin_tui import access
from admin_tui.client import Failure
from admin_tui.commands import Argument, Command, read_connector_wish
from admin_tui.desk import Desk
from admin_tui.dialogs.command_line import CommandLine
from admin_tui.dialogs.confirm import ConfirmCost, OfferUndo
from admin_tui.dialogs.reading import ReadingPage, describe_keys
from admin_tui.frame import ScreensLine, TopLine
from admin_tui.keys import bind
from admin_tui.screens.alerts import AlertsPage
from admin_tui.screens.base import ConsoleScreen, OpenScreen
from admin_tui.screens.registry import SCREENS, NumberedScreen
from admin_tui.words import LANGUAGE_NAMES, Words

UNDO_SECONDS: Final = 10.0
_FIRST_ANSWER_SECONDS: Final = 2.0


class ConsoleApp(App[None]):
    """`keymap` remaps keys by their id; `first_screen` is where it opens; `faults` of the person's settings
    are told once."""

    TITLE = "Estafette"
    CSS_PATH = "console.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(bind(screen.name, f"go('{screen.name}')", is_shown=False) for screen in SCREENS),
        bind("command", is_shown=False),
        bind("hold", is_shown=False),
        bind("freeze", is_shown=False),
        bind("undo", is_shown=False),
        bind("alerts", is_shown=False),
        bind("help"),
        bind("palette", "command_palette", is_shown=False),
        bind("quit", is_shown=False),
    ]

    def __init__(
        self,
        desk: Desk,
        *,
        keymap: Mapping[str, str] | None = None,
        first_screen: str = "overview",
        faults: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.desk = desk
        self._first_screen = first_screen
        self._faults = tuple(faults)
        self._has_polled = asyncio.Event()
        self._undo: Callable[[], Awaitable[None]] | None = None
        for screen in SCREENS:
            self.add_mode(screen.name, _maker(screen, desk))
        self._list_screens()
        self.set_keymap(dict(keymap or {}))

    async def on_mount(self) -> None:
        """Screens are made once it is known what the person may see, or when nobody answers."""
        self._follow()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_polled.wait(), _FIRST_ANSWER_SECONDS)
        await self.switch_mode(self._first_screen)
        for fault in self._faults:
            self.notify(fault, severity="warning", timeout=15, markup=False)

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
        was_known = bool(self.desk.access.role)
        if came_back:
            await self._sign_in()
        self._has_polled.set()
        if self._top is None:
            return
        if not was_known and self.desk.access.role:
            await self._begin_anew()
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
        self._list_screens()
        self.screen.refresh_bindings()

    def _list_screens(self) -> None:
        self.desk.screens = tuple((screen.number, screen.name) for screen in SCREENS if self._may_see(screen))

    def _redraw_frame(self) -> None:
        for line in (*self.screen.query(TopLine), *self.screen.query(ScreensLine)):
            line.update_line()
        if self._top is not None:
            self._top.set_class(self.desk.feed.is_stale and self._top.has_data, "stale")

    @property
    def _top(self) -> ConsoleScreen | None:
        """The screen that is seen, under any question; None before the first."""
        seen = (screen for screen in reversed(self.screen_stack) if isinstance(screen, ConsoleScreen))
        return next(seen, None)

    @property
    def is_settled(self) -> bool:
        """Whether the screen that is seen has shown an answer to its last question."""
        return self._top is not None and self._top.is_settled

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
        if criteria and self._top is not None:
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
            any(map(allowed.may, screen.rights)) and (allowed.is_operator or not screen.is_for_operators)
        )

    # Keys that work everywhere.

    def action_freeze(self) -> None:
        """Stop the screen from moving under the eyes; the server goes on."""
        self.desk.is_frozen = not self.desk.is_frozen
        self._redraw_frame()
        if not self.desk.is_frozen and isinstance(self.screen, ConsoleScreen):
            self.screen.reload()

    def action_help(self) -> None:
        title = self.desk.say("frame.help_title", screen=self.desk.say(f"frame.keys.{self.current_mode}"))
        self.push_screen(ReadingPage(self.desk, title, describe_keys(self.desk, self.screen)))

    def action_alerts(self) -> None:
        if isinstance(self.screen, ConsoleScreen) and not isinstance(self.screen, AlertsPage):
            self.push_screen(AlertsPage(self.desk))

    def action_command_palette(self) -> None:
        if isinstance(self.screen, ConsoleScreen):
            self.push_screen(
                CommandPalette(placeholder=self.desk.say("frame.palette_hint"), id="--command-palette")
            )

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: the screen's own, the screens, the frame, languages and shops."""
        say = self.desk.say
        if isinstance(screen, ConsoleScreen):
            for entry in screen.palette():
                if screen.check_action(entry.action.partition("(")[0], ()) is not False:
                    yield SystemCommand(say(entry.label), "", partial(screen.run_action, entry.action))
        for numbered in SCREENS:
            if self._may_see(numbered):
                label = f"{numbered.number}  {say(f'frame.keys.{numbered.name}')}"
                yield SystemCommand(label, "", partial(self.action_go, numbered.name))
        if self.check_action("hold", ()):
            yield SystemCommand(say("frame.keys.hold"), say("frame.meanings.hold"), self.action_hold)
        yield SystemCommand(say("frame.keys.freeze"), say("frame.meanings.freeze"), self.action_freeze)
        yield SystemCommand(say("frame.keys.help"), say("frame.meanings.help"), self.action_help)
        for code, name in LANGUAGE_NAMES.items():
            if code != self.desk.words.language:
                yield SystemCommand(name, say("frame.command.language"), partial(self.speak, code))
        for shop in self.desk.shops:
            if shop != self.desk.shop:
                label = f"{say('frame.command_words.shop')} {shop}"
                yield SystemCommand(label, say("frame.command.shop"), partial(self.choose_shop, shop))
        yield SystemCommand(say("frame.keys.quit"), say("frame.meanings.quit"), self.exit)

    # The command line.

    @work(group="command", exclusive=True)
    async def action_command(self) -> None:
        if not isinstance(self.screen, ConsoleScreen):
            return
        choices = {
            Argument.SHOP: self.desk.shops,
            Argument.LANGUAGE: tuple(LANGUAGE_NAMES),
            Argument.CONNECTOR: await self._connector_names(),
        }
        command = await self.push_screen_wait(CommandLine(self.desk, choices))
        if command is not None:
            await self.obey(command)

    async def obey(self, command: Command) -> None:
        """Do what a line of the command line says."""
        match command.word:
            case "shop":
                await self.choose_shop(command.argument)
            case "language":
                await self.speak(command.argument)
            case "msg":
                await self.open_screen("messages", {"id": command.argument})
            case "to":
                await self.open_screen("messages", {"to": command.argument})
            case "connector":
                wish = read_connector_wish(command.argument)
                if wish is not None:
                    verb = wish.verb.value if wish.verb else ""
                    criteria = {"connector": wish.name, "verb": verb, "value": wish.value}
                    await self.open_screen("carriers", criteria)
            case "hold" | "release":
                if self.check_action("hold", ()):
                    self._switch_hold(wants_hold=command.word == "hold", reason=command.argument)
            case "help":
                self.action_help()
            case "quit":
                self.exit()
            case screen:
                await self.open_screen(screen, {})

    async def _connector_names(self) -> tuple[str, ...]:
        answer = await self.desk.client.get("/admin/connectors")
        if isinstance(answer, Failure):
            return ()
        return tuple(str(connector["name"]) for connector in answer["connectors"])

    async def choose_shop(self, name: str) -> None:
        """Look at another shop: every screen begins anew."""
        if name not in self.desk.shops:
            self.notify(self.desk.say("frame.unknown_shop", shop=name), severity="error", markup=False)
            return
        self.desk.shop = name
        await self._begin_anew()
        await self.poll_once()

    async def speak(self, language: str) -> None:
        """Another language, at once and on every screen."""
        if language not in LANGUAGE_NAMES:
            known = ", ".join(LANGUAGE_NAMES)
            self.notify(self.desk.say("frame.unknown_language", known=known), severity="error", markup=False)
            return
        self.desk.words = Words(language)
        self.desk.client.language = language
        await self._begin_anew()

    async def _begin_anew(self) -> None:
        """Make every screen again; the one that is seen last, because it cannot go while it stands."""
        current = self.current_mode
        others = [screen for screen in SCREENS if screen.name != current]
        for screen in others:
            await self.remove_mode(screen.name)
            self.add_mode(screen.name, _maker(screen, self.desk))
        self.add_mode("between", Screen)
        await self.switch_mode("between")
        await self.remove_mode(current)
        self.add_mode(current, next(_maker(s, self.desk) for s in SCREENS if s.name == current))
        await self.switch_mode(current)
        await self.remove_mode("between")

    # Holding.

    def action_hold(self) -> None:
        """Hold all marketing, or release it: of every shop for operators, of the own one for shop admins."""
        self._switch_hold(wants_hold=not self._is_held(), reason="")

    def _is_held(self) -> bool:
        holds: Any = self.desk.feed.snapshot.get("holds", ())
        whose = None if self.desk.access.is_operator else self.desk.shop
        return any(hold["scope"] == "marketing" and hold.get("shop") == whose for hold in holds)

    @work(group="hold", exclusive=True)
    async def _switch_hold(self, *, wants_hold: bool, reason: str) -> None:
        say = self.desk.say
        whose = say("frame.every_shop") if self.desk.access.is_operator else self.desk.shop
        if not wants_hold:
            question = say("frame.release_question", whose=whose)
            if not await self.push_screen_wait(ConfirmCost(self.desk, question, say("frame.release_cost"))):
                return
        if await self._send_hold("hold" if wants_hold else "release", reason) and wants_hold:
            self.post_message(OfferUndo(say("frame.held_now", whose=whose), self._take_hold_back))

    async def _take_hold_back(self) -> None:
        await self._send_hold("release", "")

    async def _send_hold(self, verb: str, reason: str) -> bool:
        shop = None if self.desk.access.is_operator else self.desk.shop
        body = {"scope": "marketing", "shop": shop, "reason": reason}
        answer = await self.desk.client.post(f"/admin/{verb}", body)
        if isinstance(answer, Failure):
            self.notify(self.desk.describe(answer), severity="error", timeout=10, markup=False)
            return False
        await self.poll_once()
        return True

    # Undo.

    @on(OfferUndo)
    def _offer_undo(self, message: OfferUndo) -> None:
        self._undo = message.undo
        self.notify(
            f"{message.sentence}\n{self.desk.say('frame.undo_hint')}", timeout=UNDO_SECONDS, markup=False
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
