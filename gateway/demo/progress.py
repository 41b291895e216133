"""How far the sending is, on one line of a terminal, or on plain lines where there is none.

Knows counts and a text stream, not where the counts come from.
"""

from collections.abc import Mapping
from typing import Final, TextIO

_BAR_CELLS: Final = 30
_PLAIN_STEP_PERCENT: Final = 25
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def draw_bar(share: float, cells: int = _BAR_CELLS) -> str:
    """A bar of `cells` columns, filled to an eighth of a column. `share` is 0 to 1."""
    eighths = round(max(0.0, min(1.0, share)) * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells, "·")


class Progress:
    """Tells `stream` how many of `total` messages have come to an end, and how."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._is_terminal = stream.isatty()
        self._said_percent = -1

    def show(self, finished: int, states: Mapping[str, int]) -> None:
        """Say it again: in place on a terminal, else only after every quarter."""
        share = finished / self._total if self._total else 1.0
        summary = ", ".join(f"{count} {state}" for state, count in states.items() if count)
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K  {draw_bar(share)} {share:4.0%}  {summary}")
            self._stream.flush()
            return
        percent = int(share * 100) // _PLAIN_STEP_PERCENT * _PLAIN_STEP_PERCENT
        if percent > self._said_percent:
            self._said_percent = percent
            self._stream.write(f"  {share:4.0%}  {summary}\n")
            self._stream.flush()

    def end(self) -> None:
        """Leave the line, so that what follows begins a new one."""
        if self._is_terminal:
            self._stream.write("\n")
            self._stream.flush()
