"""Where few rows come at a time: how long a small batch waits for more of them.

Owns the looks at what came. Knows no rows, and nothing of how they are stored.
"""

import asyncio
from collections.abc import Callable
from typing import Final

_LOOKS: Final = 5
_LOOK_SECONDS: Final = 0.002
"""So a batch waits 10 ms at most, and 2 ms where nothing else comes: a carrier that waits for the answer to
its receipt before it sends the next is not slowed down by more."""
_UNGATHERED_BATCHES: Final = 15
"""After one for which nothing else came: whoever sends one receipt at a time waits for no further look."""
_WORTH_A_BATCH: Final = 256
"""Rows from which on more of them would not make each one cheaper."""


class Gathering:
    """Of one writer."""

    def __init__(self) -> None:
        self._ungathered_batches = 0
        """How many more are written as they come."""

    async def wait(self, count_rows: Callable[[], int | None]) -> None:
        """Let a batch grow as long as it does. `count_rows` says how many rows it has by now, or None where
        somebody waits for them to be durable."""
        if self._ungathered_batches:
            self._ungathered_batches -= 1
            return
        rows = count_rows()
        for look in range(_LOOKS):
            if rows is None or rows >= _WORTH_A_BATCH:
                return
            await asyncio.sleep(_LOOK_SECONDS)
            before, rows = rows, count_rows()
            if rows == before:
                if look == 0:
                    self._ungathered_batches = _UNGATHERED_BATCHES
                return
