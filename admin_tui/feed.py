"""The pulse of the console: one snapshot of the node a second, and how old the last one is.

Owns LIVE and STALE and how long to wait before asking again. Knows no widget.
"""

from collections.abc import Callable, Mapping
from typing import Final

from admin_tui.client import ApiClient, Failure, Json

LIVE_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 5.0
_STALE_AFTER_SECONDS: Final = 4.0
"""One slow answer is no reason to alarm anybody."""


class Feed:
    """The newest snapshot. `monotonic` counts seconds."""

    def __init__(self, client: ApiClient, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._monotonic = monotonic
        self._failures = 0
        self._answered_at: float | None = None
        self._asked_since = monotonic()
        self.snapshot: Mapping[str, object] = {}
        self.failure: Failure | None = None

    async def poll(self, shop: str | None) -> bool:
        """Ask once. True when an answer came after a silence, so that screens load anew."""
        answer: Json | Failure = await self._client.get("/admin/snapshot", {"shop": shop})
        if isinstance(answer, Failure):
            self._failures += 1
            self.failure = answer
            return False
        was_silent = self._failures > 0 or self._answered_at is None
        self._failures = 0
        self.failure = None
        self._answered_at = self._monotonic()
        self.snapshot = answer
        return was_silent

    @property
    def wait_seconds(self) -> float:
        """Before the next question: a second, doubling to five while nobody answers."""
        return min(LIVE_SECONDS * float(1 << min(self._failures, 8)), _LONGEST_WAIT_SECONDS)

    @property
    def has_answered(self) -> bool:
        return self._answered_at is not None

    @property
    def age_seconds(self) -> float:
        """Since the last answer, or since the first question where none came yet."""
        since = self._asked_since if self._answered_at is None else self._answered_at
        return max(0.0, self._monotonic() - since)

    @property
    def is_stale(self) -> bool:
        return self.failure is not None or self.age_seconds > _STALE_AFTER_SECONDS
