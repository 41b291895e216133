"""Bursts of visits: scanners that walk through a carrier's texts, loops that open one link over and over.

Owns two tables of bounded size. Pure but for them: the caller gives the time.
"""

from collections import OrderedDict
from typing import Final

CODES_A_MINUTE: Final = 40
"""Distinct codes from one address with one agent. A carrier puts thousands of handsets behind an address, but
few with the very same browser that open texts of the same shop in the same minute."""
_CODES_SECONDS: Final = 60.0
REPEATS_IN_TEN_SECONDS: Final = 5
"""Visits of one code: a person who taps twice, and a browser that asks again, stay below."""
_REPEATS_SECONDS: Final = 10.0
_SOURCES: Final = 20_000
_CODES: Final = 50_000


class BurstWatch:
    """Tells visits that belong to a burst. What came before the limit was reached is not called back."""

    def __init__(self) -> None:
        self._sources: OrderedDict[tuple[str, str], tuple[float, set[int]]] = OrderedDict()
        self._codes: OrderedDict[int, tuple[float, int]] = OrderedDict()

    def note(self, address: str, agent: str, seq: int, now: float) -> bool:
        """Whether this visit is one too many. `now` in monotonic seconds."""
        return self._is_walk((address, agent), seq, now) | self._is_loop(seq, now)

    def _is_walk(self, source: tuple[str, str], seq: int, now: float) -> bool:
        ends_at, seqs = self._sources.get(source) or (0.0, set())
        if now >= ends_at:
            self._sources.pop(source, None)  # its new window stands last, so that the first is the oldest
            self._sources[source] = (now + _CODES_SECONDS, {seq})
            if len(self._sources) > _SOURCES:
                self._sources.popitem(last=False)
            return False
        if len(seqs) <= CODES_A_MINUTE:
            seqs.add(seq)
        return len(seqs) > CODES_A_MINUTE

    def _is_loop(self, seq: int, now: float) -> bool:
        ends_at, visits = self._codes.get(seq, (0.0, 0))
        if now >= ends_at:
            self._codes.pop(seq, None)
            self._codes[seq] = (now + _REPEATS_SECONDS, 1)
            if len(self._codes) > _CODES:
                self._codes.popitem(last=False)
            return False
        self._codes[seq] = (ends_at, visits + 1)
        return visits >= REPEATS_IN_TEN_SECONDS
