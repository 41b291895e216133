"""Log lines for what a carrier can cause thousands of times a second: one now and then, with how often.

Owns when the next line is due. Counters of sessions have every case; a line is for the person who looks.
"""

from collections.abc import Callable
from typing import Final

QUIET_SECONDS: Final = 10.0
"""Between two lines of one kind on one bind."""


class Seldom:
    """One kind of line. `monotonic` gives seconds."""

    __slots__ = ("_due_at", "_kept_back", "_monotonic")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due_at = monotonic()
        self._kept_back = 0

    def note(self, times: int = 1) -> int:
        """How many cases to tell of now, with those that were kept back; 0 while it is too early."""
        self._kept_back += times
        now = self._monotonic()
        if now < self._due_at:
            return 0
        self._due_at = now + QUIET_SECONDS
        told, self._kept_back = self._kept_back, 0
        return told
