"""One screen drawn into an SVG file, without a terminal: for documents, tests and bug reports."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from admin_tui.app import ConsoleApp

_DEADLINE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.05
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


async def draw_screen(app: ConsoleApp, size: tuple[int, int], out: Path, keys: Sequence[str]) -> str:
    """Run `app` on a pretend terminal until its screen has its data, press `keys`, save what is seen at
    `out`. Returns why it could not, or "" ."""
    async with app.run_test(size=size) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            try:
                async with asyncio.timeout(_DEADLINE_SECONDS):
                    await pilot.pause(_LOOK_SECONDS)
                    while not app.is_settled:
                        await pilot.pause(_LOOK_SECONDS)
            except TimeoutError:
                failure = app.desk.feed.failure
                return app.desk.describe(failure) if failure else "the screen got no data in time"
        await pilot.pause()
        await asyncio.to_thread(out.write_text, app.export_screenshot(title="estafette admin"), "utf-8")
    return ""
