"""Bars in eighths of a block, zero-based, with label and value; and a line of blocks for a trend. Pure."""

from collections.abc import Sequence

_EIGHTHS_RIGHT = " ▏▎▍▌▋▊▉█"
_EIGHTHS_UP = " ▁▂▃▄▅▆▇█"


def draw_bar(value: float, most: float, width: int) -> str:
    """A bar for `value` of `most` in `width` cells; anything above nothing shows at least a sliver."""
    if most <= 0 or value <= 0 or width <= 0:
        return " " * max(0, width)
    eighths = max(1, round(min(value, most) / most * width * 8))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS_RIGHT[rest] if rest else "")).ljust(width)


def draw_progress(done: float, whole: float, width: int) -> str:
    """A bar on a track, so that the whole is seen without colour; full only when everything is done."""
    if whole <= 0:
        return "░" * width
    full = int(min(done, whole) / whole * width)
    return "█" * full + "░" * (width - full)


def draw_trend(values: Sequence[float], width: int) -> str:
    """The newest `width` steps as one line of blocks, from zero up; wide ranges are joined by their sum."""
    if not values or width <= 0:
        return " " * max(0, width)
    steps = _join(values, width)
    most = max(steps)
    if most <= 0:
        return "▁" * len(steps)
    return "".join(_EIGHTHS_UP[max(1, round(max(0.0, step) / most * 8))] for step in steps)


def _join(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    edges = [index * len(values) // width for index in range(width + 1)]
    return [float(sum(values[edges[step] : edges[step + 1]])) for step in range(width)]
