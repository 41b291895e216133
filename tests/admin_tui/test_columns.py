"""Columns: what fits stays, the least important go first, what is left over is shared."""

from hypothesis import given
from hypothesis import strategies as st

from admin_tui.columns import Column, fit_columns

COLUMNS = (
    Column("name", "n", 10, grows=True),
    Column("state", "s", 8),
    Column("price", "p", 9, rank=2),
    Column("note", "o", 12, rank=1, grows=True),
)


def test_the_least_important_columns_go_first() -> None:
    assert [column.key for column, _ in fit_columns(COLUMNS, 47)] == ["name", "state", "price", "note"]
    assert [column.key for column, _ in fit_columns(COLUMNS, 46)] == ["name", "state", "note"]
    assert [column.key for column, _ in fit_columns(COLUMNS, 30)] == ["name", "state"]


@given(st.integers(20, 200))
def test_the_width_is_used_to_the_last_cell(width: int) -> None:
    fitted = fit_columns(COLUMNS, width)
    assert sum(cells + 2 for _, cells in fitted) == max(width, 18)


def test_a_screen_too_narrow_for_the_rest_shrinks_what_grows() -> None:
    assert fit_columns(COLUMNS[:2], 16) == [(COLUMNS[0], 6), (COLUMNS[1], 8)]
