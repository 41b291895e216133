"""A line chart in braille: two by four dots in each cell, from zero up, labels and values beside it.

Pure: numbers in, lines of cells out; which series owns a cell comes with it, so that a widget can colour it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Unicode 2800-28FF: the bit of each dot, by column and row."""


@dataclass(frozen=True, slots=True)
class Plot:
    """`rows` of one character a cell, top first; `owners` the series of each cell, -1 where it is empty;
    `top` the value of the upper edge."""

    rows: tuple[str, ...]
    owners: tuple[tuple[int, ...], ...]
    top: float


def plot_lines(series: Sequence[Sequence[float]], *, width: int, height: int) -> Plot:
    """Every series over the same span, in `width` by `height` cells. A later series covers an earlier one.

    With more values than dots each dot takes the highest of its share, so that no peak is lost.
    """
    top = round_up(max((value for values in series for value in values), default=0.0))
    bits = [[0] * width for _ in range(height)]
    owners = [[-1] * width for _ in range(height)]
    lowest = height * 4 - 1
    for number, values in enumerate(series):
        last: int | None = None
        for x, value in enumerate(_spread(values, width * 2)):
            if value is None:
                last = None
                continue
            y = lowest - round(min(max(value, 0.0), top) / top * lowest)
            start, end = (y, y) if last is None else (min(y, last), max(y, last))
            for dot in range(start, end + 1):
                bits[dot // 4][x // 2] |= _DOTS[x % 2][dot % 4]
                owners[dot // 4][x // 2] = number
            last = y
    rows = tuple("".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in bits)
    return Plot(rows, tuple(tuple(row) for row in owners), top)


def round_up(value: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten: an axis that a person reads. At least 1."""
    if value <= 1:
        return 1.0
    magnitude = 1.0
    while magnitude * 10 < value:
        magnitude *= 10
    return next(step * magnitude for step in (1, 2, 2.5, 5, 10) if step * magnitude >= value)


def _spread(values: Sequence[float], dots: int) -> list[float | None]:
    """One value for each dot: the highest of its share, or points joined where values are fewer."""
    count = len(values)
    if count == 0:
        return [None] * dots
    if count >= dots:
        edges = [index * count // dots for index in range(dots + 1)]
        return [max(values[edges[dot] : edges[dot + 1]]) for dot in range(dots)]
    spread: list[float | None] = []
    for dot in range(dots):
        at = dot * (count - 1) / max(1, dots - 1)
        low = int(at)
        high = min(low + 1, count - 1)
        spread.append(values[low] + (values[high] - values[low]) * (at - low))
    return spread
