"""How long the steps of a stop are waited for: each for those outside whom it concerns, and all of them
together for the store. Where the database is away, its time is spent once and not by each step anew.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

log = structlog.get_logger("main")

_STORE_SECONDS: Final = 20.0
"""What the store may take, during one stop, to write what it was given."""
_LEAST_SECONDS: Final = 1.0
"""For a step whose turn comes after that, so that what needs no database is still done."""


class Patience:
    """Of one stop. `is_away` says whether the database is away."""

    def __init__(
        self,
        is_away: Callable[[], bool],
        *,
        store_seconds: float = _STORE_SECONDS,
        least_seconds: float = _LEAST_SECONDS,
    ) -> None:
        self._is_away = is_away
        self._left_seconds = store_seconds
        self._least_seconds = least_seconds

    async def wait(self, step: str, work: Awaitable[None], *, others_seconds: float = 0.0) -> None:
        """Wait for a step, but not for ever: what is left is said, and the next step goes on.

        `others_seconds` is what carriers and shops may take of it; what it takes longer is the store's, and
        all of it where the database is away at its end: then that was waited for too.
        """
        seconds = others_seconds + max(self._left_seconds, self._least_seconds)
        clock = asyncio.get_running_loop().time
        began_at = clock()
        try:
            await asyncio.wait_for(work, seconds)
        except TimeoutError:
            log.warning("stop.unfinished", step=step, waited_seconds=round(seconds, 1))
        finally:
            took_seconds = clock() - began_at
            self._left_seconds -= took_seconds if self._is_away() else max(0.0, took_seconds - others_seconds)
