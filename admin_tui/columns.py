"""Which columns of a table fit on a screen, and how wide each is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from admin_tui.cells import Align

GAP_CELLS = 2
"""A cell of space on either side of a column."""


@dataclass(frozen=True, slots=True)
class Column:
    """`label` is a key of the words; `width` the cells it needs. Where space is short, the columns with the
    highest `rank` go first; rank 0 always stays. What is left over goes to the columns that grow."""

    key: str
    label: str
    width: int
    align: Align = "left"
    rank: int = 0
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its cells by column, and `order`, what the column sorts by where it can be sorted."""

    key: str
    cells: Mapping[str, str | Text]
    order: Mapping[str, Any] = field(default_factory=dict)


def fit_columns(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that `width` cells hold, in their order, with the width of each."""
    kept = list(columns)
    while len(kept) > 1 and _needed(kept) > width:
        last = max(kept, key=lambda column: (column.rank, kept.index(column)))
        if last.rank == 0:
            break
        kept.remove(last)
    spare = width - _needed(kept)
    growing = [column for column in kept if column.grows]
    widths = {column.key: column.width for column in kept}
    if spare < 0 and growing:
        widths[growing[0].key] = max(6, growing[0].width + spare)
    elif growing:
        share, rest = divmod(spare, len(growing))
        for number, column in enumerate(growing):
            widths[column.key] += share + (1 if number < rest else 0)
    return [(column, widths[column.key]) for column in kept]


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width + GAP_CELLS for column in columns)
