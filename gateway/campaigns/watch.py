"""How a campaign goes: the share of failures among the last minute's outcomes, and how fast parts leave.

Pure: totals and the clock (seconds, monotonic) are passed in. What is done about it is the runner's.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.domain.message import MessageState

WINDOW_SECONDS: Final = 60.0
METER_SECONDS: Final = 4.0
LEAST_OUTCOMES: Final = 200
"""Fewer say nothing about the rest: ten wrong numbers at the head of a list are no reason to stop."""


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    failed: int
    outcomes: int


class FailureWatch:
    """The outcomes of one campaign as they come in."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()

    def failed_percent(self, now: float, states: Mapping[int, int]) -> float | None:
        """The share of failures within the last minute; None while there are less than 200 outcomes.

        `states` are the campaign's messages by the states that they entered so far. A carrier's answer is an
        outcome, and so is a receipt. Receipts come later, so where fewer of them are in than messages went
        out, the messages are what failures are compared with.
        """
        sent = states.get(MessageState.SENT, 0)
        failed = states.get(MessageState.FAILED, 0)
        outcomes = max(sent, states.get(MessageState.DELIVERED, 0) + failed)
        look = _Look(now, failed, outcomes)
        self._looks.append(look)
        while len(self._looks) > 1 and self._looks[1].at <= now - WINDOW_SECONDS:
            self._looks.popleft()
        first = self._looks[0]
        seen = look.outcomes - first.outcomes
        if seen < LEAST_OUTCOMES:
            return None
        return 100.0 * (look.failed - first.failed) / seen

    def forget(self) -> None:
        """Begin anew: what failed before a pause is not held against what comes after it."""
        self._looks.clear()


class SpeedMeter:
    """Parts a second over the last four seconds."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def add(self, now: float, parts: int) -> None:
        self._drop_old(now)
        self._counts.append((now, parts))

    def read(self, now: float) -> float:
        self._drop_old(now)
        return sum(parts for _, parts in self._counts) / METER_SECONDS

    def _drop_old(self, now: float) -> None:
        while self._counts and self._counts[0][0] <= now - METER_SECONDS:
            self._counts.popleft()
