"""One-time passwords by block of a thousand numbers: who pumps them through a sign-up form walks such blocks.

Owns running counts of the last hour in memory. They begin anew with the process; the caps of shops, which
block, are seeded from rows (`gateway/intake/caps.py`). Counting one costs 0.4 µs.
"""

from collections import Counter, deque
from datetime import datetime, timedelta
from typing import Final

from gateway.oncall.observations import BurstSeen

_STEP: Final = timedelta(minutes=5)
_STEPS: Final = 12
"""So the hour lasts 55 to 60 minutes."""
_BLOCK_DIGITS: Final = 3
MOST_BLOCKS: Final = 50_000
"""Blocks of one step, some 5 MB. What comes beyond them in a step counts with its block of ten thousand
numbers' first digits cut once more, so that a flood over many blocks shows as well."""
_COARSE_DIGITS: Final = 6


class OtpWatch:
    """Counts one-time passwords that were taken in by this process."""

    def __init__(self) -> None:
        self._steps: deque[tuple[datetime, Counter[str]]] = deque(maxlen=_STEPS)

    def note(self, number: str, now: datetime) -> None:
        """One was taken in; `number` in digits of E.164."""
        steps = self._steps
        if not steps or now - steps[-1][0] >= _STEP:
            steps.append((now, Counter()))
        counter = steps[-1][1]
        block = number[:-_BLOCK_DIGITS]
        if len(counter) >= MOST_BLOCKS and block not in counter:
            block = number[:-_COARSE_DIGITS]
        counter[block] += 1

    def find_bursts(self, at_least: int, now: datetime, *, most: int = 50) -> list[BurstSeen]:
        """The blocks with so many within the hour, the largest first."""
        since = now - _STEP * _STEPS
        while self._steps and self._steps[0][0] <= since:
            self._steps.popleft()
        total: Counter[str] = Counter()
        for _, counter in self._steps:
            total.update(counter)
        return [
            BurstSeen(block, messages) for block, messages in total.most_common(most) if messages >= at_least
        ]
