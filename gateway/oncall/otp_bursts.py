"""One-time passwords by block of a thousand numbers: who pumps them through a sign-up form walks such blocks.

Owns running counts of the last hour in memory. They begin anew with the process; the caps of shops, which
block, are seeded from rows (`gateway/intake/caps.py`). Counting one costs half a microsecond.
"""

from collections import Counter, deque
from datetime import datetime, timedelta
from typing import Final

from gateway.oncall.observations import BurstSeen

_STEP: Final = timedelta(minutes=5)
_STEPS: Final = 12
"""So the hour lasts 55 to 60 minutes."""
_BLOCK_DIGITS: Final = 3
MOST_BLOCKS: Final = 100_000
"""Blocks of the hour, some 20 MB. What comes to others beyond them counts by blocks of a million numbers, so
that a flood over very many blocks shows as well."""
_COARSE_DIGITS: Final = 6

LEAST: Final = 5
"""Below half of the lowest limit: only blocks with so many are looked through, for most never have them."""


class OtpWatch:
    """Counts one-time passwords that were taken in by this process."""

    def __init__(self) -> None:
        self._steps: deque[tuple[datetime, Counter[str]]] = deque()
        self._total: Counter[str] = Counter()
        self._busy: set[str] = set()

    def note(self, number: str, now: datetime) -> None:
        """One was taken in; `number` in digits of E.164."""
        steps, total = self._steps, self._total
        if not steps or now - steps[-1][0] >= _STEP:
            steps.append((now, Counter()))
            self._forget(now)
        block = number[:-_BLOCK_DIGITS]
        if len(total) >= MOST_BLOCKS and block not in total:
            block = number[:-_COARSE_DIGITS]
        steps[-1][1][block] += 1
        total[block] += 1
        if total[block] >= LEAST:
            self._busy.add(block)

    def find_bursts(self, at_least: int, now: datetime, *, most: int = 50) -> list[BurstSeen]:
        """The blocks with so many (at least `LEAST`) within the hour, the largest first."""
        self._forget(now)
        found = [
            BurstSeen(block, self._total[block])
            for block in self._busy
            if self._total[block] >= max(at_least, LEAST)
        ]
        return sorted(found, key=lambda burst: (-burst.messages, burst.prefix))[:most]

    def _forget(self, now: datetime) -> None:
        """Take out what is older than the hour: 10 ms for 50,000 blocks, once in five minutes."""
        since = now - _STEP * _STEPS
        while self._steps and self._steps[0][0] <= since:
            _, old = self._steps.popleft()
            for block, messages in old.items():
                left = self._total[block] - messages
                if left:
                    self._total[block] = left
                else:
                    del self._total[block]
                if left < LEAST:
                    self._busy.discard(block)
