"""Charts: zero-based, no peak lost, exactly as large as they were asked to be."""

from hypothesis import given
from hypothesis import strategies as st

from admin_tui.charts.bars import draw_bar, draw_progress, draw_trend
from admin_tui.charts.braille import plot_lines, round_up
from admin_tui.charts.widgets import BarLine, Line, draw_bars, draw_chart
from admin_tui.words import Words

VALUES = st.lists(st.floats(0, 1e7), max_size=300)


@given(st.lists(VALUES, max_size=3), st.integers(1, 80), st.integers(1, 20))
def test_a_plot_fills_its_size_whatever_the_numbers(
    series: list[list[float]], width: int, height: int
) -> None:
    plot = plot_lines(series, width=width, height=height)
    assert [len(row) for row in plot.rows] == [width] * height
    assert all(
        character == " " or 0x2800 < ord(character) <= 0x28FF for row in plot.rows for character in row
    )


def test_a_line_begins_at_zero_and_its_peak_touches_no_more_than_the_top() -> None:
    plot = plot_lines([[0, 100]], width=10, height=4)
    assert plot.rows[-1][0] != " "
    assert plot.rows[0][-1] != " "
    assert plot.top == 100


def test_a_single_peak_among_many_values_is_seen() -> None:
    values = [0.0] * 1_000
    values[500] = 90
    assert plot_lines([values], width=20, height=5).rows[0].strip() != ""


def test_axes_end_at_numbers_that_people_read() -> None:
    assert [round_up(value) for value in (0, 1, 3, 17, 240, 1_900)] == [1, 1, 5, 20, 250, 2_000]


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(1, 60))
def test_a_bar_takes_its_width_and_shows_a_sliver_of_little(value: float, most: float, width: int) -> None:
    bar = draw_bar(value, most, width)
    assert len(bar) == width
    assert bar.strip() or not (value > 0 and most > 0)


def test_progress_is_full_only_when_everything_is_done() -> None:
    assert draw_progress(99_999, 100_000, 10) == "█████████░"
    assert draw_progress(100_000, 100_000, 10) == "██████████"
    assert draw_progress(0, 0, 4) == "░░░░"


def test_a_trend_is_no_wider_than_its_place() -> None:
    assert len(draw_trend(list(range(288)), 12)) == 12
    assert draw_trend([], 5) == "     "
    assert draw_trend([0, 0], 5) == "▁▁"


def test_a_chart_names_its_lines_values_and_times() -> None:
    text = draw_chart(
        Words("en"), "Messages", [Line("sent", [0, 900, 1_800])], ["14:00", "15:00", "16:00"], 60, 10
    ).plain.split("\n")
    assert len(text) == 10
    assert text[0].startswith("Messages  ━ sent 1.8k")
    assert text[1].startswith(" 2.0k│")
    assert text[8].startswith("    0│")
    assert text[9].split() == ["14:00", "15:00", "16:00"]
    assert max(map(len, text)) <= 60


def test_bars_stand_below_one_another_with_aligned_numbers() -> None:
    text = draw_bars(Words("fr"), "Pourquoi", [BarLine("absent", 4_210), BarLine("réseau", 12)], 40, "red")
    lines = text.plain.split("\n")
    assert [len(line) for line in lines[1:]] == [40, 40]
    assert lines[1].endswith(" 4 210")
    assert lines[2].endswith("    12")
