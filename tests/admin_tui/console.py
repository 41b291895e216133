"""Making a console for a test: the real application against the fake API, at a frozen time, in UTC."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

from textual.pilot import Pilot

from admin_tui.app import ConsoleApp
from admin_tui.client import ApiClient, ServerAddress
from admin_tui.desk import Desk
from admin_tui.words import Words
from tests.admin_tui.fake_api import NOW, SHOP, FakeApi


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
    client = ApiClient(ServerAddress(socket_path=api.socket_path), language=language, timeout_seconds=2.0)
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


async def wait_for(pilot: Pilot[None], condition: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Until `condition` holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.02)
    await pilot.pause()


async def press(pilot: Pilot[None], app: ConsoleApp, *keys: str) -> str:
    """Press keys one by one, each once the screen has answered the last; what stands there then."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.03)
        await wait_for(pilot, lambda: app.is_settled)
    return text_of(app)


def text_of(app: ConsoleApp) -> str:
    """What stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
