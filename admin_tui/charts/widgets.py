"""The charts as widgets: they redraw when their data or their size changes, and know nothing of the API."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.widgets import Static

from admin_tui.cells import cells, clean, cut, fit
from admin_tui.charts.bars import draw_bar
from admin_tui.charts.braille import plot_lines
from admin_tui.figures import short
from admin_tui.states import DULL
from admin_tui.words import Words

_COLOURS = ("cyan", "green", "red", "magenta")
_MARKS = ("━", "╍", "┅", "·")
"""Beside each name in the legend, so that it is told apart without colour as well."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart."""

    name: str
    values: Sequence[float]


class LineChart(Static):
    """Series over one span of time: a title with the legend, an axis from zero, times below."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = "LineChart { height: 1fr; min-height: 5; }"

    def __init__(self, words: Words, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, markup=False)
        self._words = words
        self._title = ""
        self._lines: Sequence[Line] = ()
        self._times: Sequence[str] = ()

    def show(self, title: str, lines: Sequence[Line], times: Sequence[str]) -> None:
        """Draw `lines`; `times` are spread evenly below, first to last."""
        self._title, self._lines, self._times = title, lines, times
        self.refresh()

    def render(self) -> Text:
        width, height = self.size
        if not self._lines or height < 4 or width < 20:
            return Text(cut(self._title, width))
        return draw_chart(self._words, self._title, self._lines, self._times, width, height)


def draw_chart(
    words: Words, title: str, lines: Sequence[Line], times: Sequence[str], width: int, height: int
) -> Text:
    """The chart in `width` by `height` cells."""
    plot_height = height - 2
    margin = 6
    plot = plot_lines([line.values for line in lines], width=width - margin, height=plot_height)
    drawn = Text(no_wrap=True)
    drawn.append(title, "bold")
    for number, line in enumerate(lines):
        newest = f" {short(words, line.values[-1])}" if line.values else ""
        drawn.append(f"  {_MARKS[number % 4]} {line.name}{newest}", _COLOURS[number % 4])
    drawn.truncate(width)
    drawn.append("\n")
    for row in range(plot_height):
        drawn.append(_axis_label(words, plot.top, row, plot_height).rjust(margin - 1) + "│", DULL)
        for character, owner in zip(plot.rows[row], plot.owners[row], strict=True):
            drawn.append(character, _COLOURS[owner % 4] if owner >= 0 else None)
        drawn.append("\n")
    drawn.append(" " * margin + _spread_times(times, width - margin), DULL)
    return drawn


def _axis_label(words: Words, top: float, row: int, height: int) -> str:
    if row == 0:
        return short(words, top)
    if row == height - 1:
        return "0"
    middle = (height - 1) // 2
    if height >= 5 and row == middle:
        return short(words, top * (height - 1 - row) / (height - 1))
    return ""


def _spread_times(times: Sequence[str], width: int) -> str:
    """Times at even distances, the first at the left edge, the last at the right."""
    if not times:
        return ""
    if len(times) == 1 or width < sum(map(len, times)) + len(times):
        return fit(times[0], max(0, width - len(times[-1]))) + times[-1]
    line = [" "] * width
    for number, time in enumerate(times):
        start = round(number * (width - len(time)) / (len(times) - 1))
        line[start : start + len(time)] = time
    return "".join(line)


@dataclass(frozen=True, slots=True)
class BarLine:
    """One bar: what it counts, how many, and the value as written where it is not the number itself."""

    label: str
    value: float
    shown: str = ""


class BarList(Static):
    """Bars below one another, from zero, each with label and number."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = "BarList { height: auto; }"

    def __init__(self, words: Words, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id, markup=False)
        self._words = words
        self._title = ""
        self._bars: Sequence[BarLine] = ()
        self._colour = "cyan"

    def show(self, title: str, bars: Sequence[BarLine], *, colour: str = "cyan") -> None:
        self._title, self._bars, self._colour = title, bars, colour
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self._bars) + (1 if self._title else 0)

    def render(self) -> Text:
        return draw_bars(self._words, self._title, self._bars, max(20, self.size.width), self._colour)


def draw_bars(words: Words, title: str, bars: Sequence[BarLine], width: int, colour: str) -> Text:
    """A line for each bar in `width` cells: label, bar, value; values stand right-aligned."""
    drawn = Text(no_wrap=True)
    if title:
        drawn.append(cut(title, width) + ("\n" if bars else ""), "bold")
    values = [bar.shown or words.number(bar.value) for bar in bars]
    value_width = max((cells(value) for value in values), default=0)
    label_width = min(max((cells(clean(bar.label)) for bar in bars), default=0), max(8, width // 2))
    most = max((bar.value for bar in bars), default=0.0)
    for number, (bar, value) in enumerate(zip(bars, values, strict=True)):
        drawn.append(fit(clean(bar.label), label_width) + " ")
        drawn.append(draw_bar(bar.value, most, max(3, width - label_width - value_width - 2)), colour)
        drawn.append(f" {value.rjust(value_width)}" + ("\n" if number < len(bars) - 1 else ""), "bold")
    return drawn
