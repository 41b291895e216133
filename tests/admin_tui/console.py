"""Making a console for a test: the real application against the fake API, at a frozen time, in UTC."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Sized
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

from textual.pilot import Pilot

from admin_tui.app import ConsoleApp
from admin_tui.client import ApiClient, ServerAddress
from admin_tui.desk import Desk
from admin_tui.words import Words
from tests.admin_tui.fake_api import NOW, SHOP, FakeApi

_POLL_SECONDS = 0.005
_QUIET_TURNS = 5
"""Turns of the loop without work, each of which asks the sockets, too."""
_FRAME_SECONDS = 1.1 / 120
"""In which a screen lays itself out and draws: the period of Textual's timer for that, and of a resize."""


def make_console(
    api: FakeApi,
    *,
    language: str = "en",
    screen: str = "overview",
    keymap: Mapping[str, str] | None = None,
    faults: Sequence[str] = (),
    **options: Any,
) -> ConsoleApp:
    """A console of the fake API. `options` are those of `Desk`."""
    client = ApiClient(ServerAddress(socket_path=api.socket_path), language=language, timeout_seconds=20.0)
    given = {"shop": SHOP, "zone": UTC, "clock": lambda: NOW, "monotonic": lambda: 0.0, **options}
    return ConsoleApp(
        Desk(client, Words(language), **given), first_screen=screen, keymap=keymap, faults=faults
    )


@asynccontextmanager
async def open_console(
    api: FakeApi, *, size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[tuple[ConsoleApp, Pilot[None]]]:
    """The console on a terminal of `size`, once its first screen has its data."""
    app = make_console(api, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        await wait_for(pilot, lambda: bool(app.desk.access.role) and app.is_settled)
        yield app, pilot


async def wait_for(pilot: Pilot[None], condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Until `condition` holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        await pilot.pause()
        while not condition():
            await pilot.pause(_POLL_SECONDS)
            await pilot.pause()


async def press(pilot: Pilot[None], app: ConsoleApp, *keys: str) -> str:
    """Press keys one by one, each once the screen has answered the last; what stands there then."""
    for key in keys:
        await pilot.press(key)
        await wait_for(pilot, lambda: app.is_settled)
    return text_of(app)


async def wait_for_idle(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Until nothing is left to do, and what that changed has been laid out and drawn.

    In place of Textual's own, which samples the process's clock: at least 20 ms each time, and an answer that
    is still on its way from the fake API looks idle to it. Both ends live on this loop, so a loop without
    work has done all that a key set off, but for timers and threads.
    """
    until = time.monotonic() + max_sleep
    await _loop_is_idle(until)
    await asyncio.sleep(_FRAME_SECONDS)
    await _loop_is_idle(until)


async def _loop_is_idle(until: float) -> None:
    """Until no task but this one could go on and no socket has anything, or the clock shows `until`."""
    ready: Sized = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    quiet = 0
    while quiet < _QUIET_TURNS and time.monotonic() < until:
        await asyncio.sleep(0)
        quiet = 0 if ready else quiet + 1


def text_of(app: ConsoleApp) -> str:
    """What stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
