"""How long the steps of a stop are waited for: each for those outside whom it concerns, and all of them
together for the store. Where the database is away, its time is spent once and not by each step anew.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final

import structlog

log = structlog.get_logger("main")

_STORE_SECONDS: Final = 20.0
"""What the store may take, during one stop, to write what it was given."""
_LEAST_SECONDS: Final = 1.0
"""For a step whose turn comes after that, so that what needs no database is still done."""


class Patience:
    """Of one stop."""

    def __init__(
        self, store_seconds: float = _STORE_SECONDS, *, least_seconds: float = _LEAST_SECONDS
    ) -> None:
        self._left_seconds = store_seconds
        self._least_seconds = least_seconds

    async def wait(self, step: str, work: Awaitable[None], *, others_seconds: float = 0.0) -> None:
        """Wait for a step, but not for ever: what is left is said, and the next step goes on.

        `others_seconds` is what carriers and shops may take of it; what it takes longer is the store's.
        """
        seconds = others_seconds + max(self._left_seconds, self._least_seconds)
        clock = asyncio.get_running_loop().time
        began_at = clock()
        try:
            await asyncio.wait_for(work, seconds)
        except TimeoutError:
            log.warning("stop.unfinished", step=step, waited_seconds=round(seconds, 1))
        finally:
            self._left_seconds -= max(0.0, clock() - began_at - others_seconds)
