"""What a live trace has shown and what it holds back: a bounded list that stands still while it is read.

While somebody reads, what comes is held below; when they go on, it is shown. Pure.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from admin_tui.client import Json

MOST_LINES: Final = 2_000
"""Kept to look back at, and held while somebody reads, each."""


@dataclass(frozen=True, slots=True)
class TraceLine:
    """A PDU, or what is told between two: so many left out, or a break in the stream (None)."""

    pdu: Json | None
    left_out: int | None = None


class TraceLines:
    """Lines in the order in which PDUs passed; the oldest go first."""

    def __init__(self, most: int = MOST_LINES) -> None:
        self.shown: list[TraceLine] = []
        self._most = most
        self._held: deque[TraceLine] = deque()
        self._dropped = 0

    def take(self, pdus: Iterable[Json]) -> None:
        """Hold PDUs as they came from the server; beyond the most, the oldest held are left out."""
        for pdu in pdus:
            if pdu["left_out"]:
                self._hold(TraceLine(None, pdu["left_out"]))
            self._hold(TraceLine(pdu))

    def mark_break(self) -> None:
        """The stream ended and begins anew: nobody knows what passed meanwhile."""
        if self.shown or self._held:
            self._hold(TraceLine(None))

    @property
    def held(self) -> int:
        """How many wait to be shown, with those that will be left out."""
        return len(self._held) + self._dropped

    def show(self) -> int:
        """Show what is held; returns how many lines went at the beginning."""
        if self._dropped:
            self.shown.append(TraceLine(None, self._dropped))
            self._dropped = 0
        self.shown.extend(self._held)
        self._held.clear()
        gone = max(0, len(self.shown) - self._most)
        del self.shown[:gone]
        return gone

    def clear(self) -> None:
        """Forget everything: what comes is of another question."""
        self.shown.clear()
        self._held.clear()
        self._dropped = 0

    def _hold(self, line: TraceLine) -> None:
        self._held.append(line)
        if len(self._held) > self._most:
            oldest = self._held.popleft()
            self._dropped += (oldest.left_out or 0) if oldest.pdu is None else 1
