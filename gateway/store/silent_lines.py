"""Connections on which somebody waits for an answer while the server has none to give.

Owns the verdict that a line is silent: a proxy in between that hangs acknowledges everything and passes on
nothing, so neither end would notice before the time limit of a statement. Asks nobody itself.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from weakref import WeakKeyDictionary, WeakSet

import structlog

log = structlog.get_logger("store")

_OVERDUE_SECONDS: Final = 1.0
"""How long an answer is awaited before the server is asked about it; hardly any takes so long."""
_SILENT_SECONDS: Final = 4.0
"""For how long the server waits for us and we for it. A slow line needs this time for what is on its way:
500 kB at 1 Mbit/s."""
GONE: Final = "gone"
"""In place of a mark: the server has ended the backend, and its word never came."""


class Line(Protocol):
    """A connection, as far as this is concerned."""

    asked_at: float | None
    """Since when an answer is awaited, in monotonic seconds; None while none is."""

    @property
    def backend_pid(self) -> int: ...

    def cut(self) -> None:
        """End it; whoever waits hears of a lost connection."""


class SilentLines:
    """The lines in use, and what the server said of those whose answer is overdue."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lines: WeakSet[Line] = WeakSet()
        self._looks: WeakKeyDictionary[Line, tuple[float, str, float]] = WeakKeyDictionary()
        """Of a line its `asked_at`, the mark and since when the mark is the same."""

    def add(self, line: Line) -> None:
        """Watch this line until it is discarded, or nobody has it any more."""
        self._lines.add(line)

    def discard(self, line: Line) -> None:
        self._lines.discard(line)
        self._looks.pop(line, None)

    def list_overdue(self) -> list[int]:
        """Backends that the server should be asked about."""
        now = self._monotonic()
        return [
            line.backend_pid
            for line in self._lines
            if line.asked_at is not None and now - line.asked_at >= _OVERDUE_SECONDS
        ]

    def cut_silent(self, waiting: Mapping[int, str]) -> list[int]:
        """Cut the lines that are silent, given the mark of each backend that has nothing to do but wait for
        its client: it stays the same while nothing passes. Returns their backends, which may hold locks."""
        now, silent = self._monotonic(), []
        for line in list(self._lines):
            mark = waiting.get(line.backend_pid)
            if mark is None or line.asked_at is None or now - line.asked_at < _OVERDUE_SECONDS:
                self._looks.pop(line, None)
                continue
            look = self._looks.get(line)
            since = look[2] if look is not None and look[:2] == (line.asked_at, mark) else now
            self._looks[line] = (line.asked_at, mark, since)
            if mark == GONE or now - since >= _SILENT_SECONDS:
                seconds = round(now - line.asked_at, 1)
                log.warning("line.silent", backend=line.backend_pid, mark=mark, waited_seconds=seconds)
                silent.append(line.backend_pid)
                self.discard(line)
                line.cut()
        return silent
