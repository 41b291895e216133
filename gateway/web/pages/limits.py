"""How often one network may miss: codes and tokens can be guessed only slowly.

Owns the counting, in a table of bounded size. Knows no request.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_GROUPS: Final = 10_000
"""Networks remembered at one time, 2 MB. An attacker with more of them than that has more than any limit."""


class MissLimiter:
    """Counts misses by network. Beyond `allowed` within `window_seconds` a network is refused until its
    window ends; whoever did not miss lately is never refused."""

    def __init__(self, *, allowed: int, window_seconds: float, monotonic: Callable[[], float]) -> None:
        self.allowed = allowed
        self._window_seconds = window_seconds
        self._monotonic = monotonic
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self.refused = 0
        """Requests refused so far."""

    def note_miss(self, group: str) -> None:
        now = self._monotonic()
        ends_at, misses = self._windows.pop(group, (0.0, 0))
        if now >= ends_at:
            ends_at, misses = now + self._window_seconds, 0
        self._windows[group] = (ends_at, misses + 1)
        if len(self._windows) > _GROUPS:
            self._windows.popitem(last=False)

    def refuses(self, group: str) -> int:
        """Seconds that this network must wait, or 0."""
        held = self._windows.get(group)
        if held is None or held[1] < self.allowed:
            return 0
        left = held[0] - self._monotonic()
        if left <= 0:
            return 0
        self.refused += 1
        return int(left) + 1
