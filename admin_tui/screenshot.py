"""One screen drawn into an SVG file, without a terminal: for documents, tests and bug reports."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from textual.events import Paste
from textual.pilot import Pilot

from admin_tui.app import ConsoleApp

_DEADLINE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.05
_WORK_SECONDS: Final = 3.0
"""What a preview, a count or an upload gets; work that waits for a person is not waited for."""
_PULSE_GROUP: Final = "feed"
TYPED: Final = "type:"
"""Begins an entry of the keys that is typed as it is, such as the path of a file."""
_LEAST, _MOST = (60, 15), (400, 200)


def parse_size(text: str) -> tuple[int, int]:
    """`120x40` as columns and rows, kept between 60x15 and 400x200."""
    columns, _, rows = text.lower().partition("x")
    if not (columns.isdigit() and rows.isdigit()):
        return 120, 40
    return (
        min(max(int(columns), _LEAST[0]), _MOST[0]),
        min(max(int(rows), _LEAST[1]), _MOST[1]),
    )


def without_downloads(svg: str) -> str:
    """The drawing without the fonts that it would fetch from elsewhere; it names what is at hand instead."""
    return re.sub(r"\s*@font-face \{.*?\n\s*\}", "", svg, flags=re.DOTALL)


async def draw_screen(app: ConsoleApp, size: tuple[int, int], out: Path, keys: Sequence[str]) -> str:
    """Run `app` on a pretend terminal until its screen has its data, press `keys`, save what is seen at
    `out`. Returns why it could not, or "" ."""
    async with app.run_test(size=size) as pilot:
        for key in ("", *keys):
            if key.startswith(TYPED):
                app.screen.post_message(Paste(key.removeprefix(TYPED)))
            elif key:
                await pilot.press(key)
            try:
                await _settle(app, pilot)
            except TimeoutError:
                failure = app.desk.feed.failure
                return app.desk.describe(failure) if failure else "the screen got no data in time"
        await pilot.pause()
        drawn = without_downloads(app.export_screenshot(title="estafette admin"))
        await asyncio.to_thread(out.write_text, drawn, "utf-8")
    return ""


async def _settle(app: ConsoleApp, pilot: Pilot[None]) -> None:
    """Wait for the screen's data, and a while for what the last key set going. Raises TimeoutError without
    data."""
    async with asyncio.timeout(_DEADLINE_SECONDS):
        await pilot.pause(_LOOK_SECONDS)
        while not app.is_settled:
            await pilot.pause(_LOOK_SECONDS)
    with suppress(TimeoutError):
        async with asyncio.timeout(_WORK_SECONDS):
            while any(not worker.is_finished for worker in app.workers if worker.group != _PULSE_GROUP):
                await pilot.pause(_LOOK_SECONDS)
