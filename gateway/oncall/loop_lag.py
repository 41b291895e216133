"""How late this process is: what a timer of the event loop loses before it is served."""

import asyncio
from typing import Final

_STEP_SECONDS: Final = 0.25
_SPAN_SECONDS: Final = 60.0


class LoopLag:
    """The longest delay of a timer within the last one to two minutes, in seconds."""

    def __init__(self) -> None:
        self._before = 0.0
        self._now = 0.0

    @property
    def longest_seconds(self) -> float:
        return max(self._before, self._now)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        turn_at = loop.time() + _SPAN_SECONDS
        while True:
            due_at = loop.time() + _STEP_SECONDS
            await asyncio.sleep(_STEP_SECONDS)
            self._now = max(self._now, loop.time() - due_at)
            if loop.time() >= turn_at:
                self._before, self._now = self._now, 0.0
                turn_at = loop.time() + _SPAN_SECONDS
