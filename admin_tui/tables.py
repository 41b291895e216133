"""A table over a list of the API: pages by key, cells updated in place, the cursor stays on its row.

Textual paints large tables well and fills them slowly (100,000 rows take 29 s), so rows come by pages of 200
as the cursor reaches the end. Rows move only when nobody has pressed a key for three seconds, or on `s`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import DataTable
from textual.widgets.data_table import CellDoesNotExist

from admin_tui.cells import clean, fit
from admin_tui.client import Failure, Json, Query
from admin_tui.columns import Column, Row, fit_columns
from admin_tui.desk import Desk
from admin_tui.keys import bind

PAGE_ROWS: Final = 200
MOST_ROWS: Final = 2_000
"""Beyond it a person filters; filling more makes every change slow."""
_NEAR_END_ROWS: Final = 20
_IDLE_SECONDS: Final = 3.0
_SCROLLBAR_CELLS: Final = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: `path` and `query` are asked anew for each page, `plural` names the list in the
    answer, `make_row` draws one item. `limit` None is for short lists that know no pages; `cursor` is the
    parameter that continues, `next_cursor` where an answer tells it."""

    path: Callable[[], str]
    plural: str
    make_row: Callable[[Json], Row]
    query: Callable[[], Query] = dict
    limit: int | None = PAGE_ROWS
    cursor: str = "cursor"
    next_cursor: Callable[[Json], str | None] = lambda answer: answer.get("next_cursor")


class PagedTable(DataTable[Text]):
    """Rows of `source`. Posts `RowSelected` on Enter like every DataTable; `focused_item` is the item."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("open", "select_cursor"),
        bind("up", "cursor_up", is_shown=False),
        bind("down", "cursor_down", is_shown=False),
        bind("top", "scroll_top", is_shown=False),
        bind("bottom", "scroll_bottom", is_shown=False),
        bind("sort", is_shown=False),
        bind("sort_reverse", is_shown=False),
    ]

    class MoreWanted(Message):
        """The cursor comes near the last row, and the server has more."""

        def __init__(self, table: "PagedTable") -> None:
            super().__init__()
            self.table = table

    def __init__(
        self,
        desk: Desk,
        columns: Sequence[Column],
        source: Source,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own word
    ) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False, cell_padding=1)
        self._desk = desk
        self._all_columns = tuple(columns)
        self._source = source
        self._fitted: list[tuple[Column, int]] = []
        self._cursor: str | None = None
        self._is_loading_more = False
        self._pressed_at = 0.0
        self._next_rows: dict[str, Row] = {}
        self._sorted_by: tuple[str, bool] | None = None
        self._order: list[str] = []
        self._drawn: dict[str, Row] = {}
        self.items: dict[str, Json] = {}
        """What the API said of each row, by the row's key."""

    async def load(self) -> Failure | None:
        """Ask for the first page anew and show it; later pages that were loaded stay below it."""
        answer = await self._desk.client.get(self._source.path(), self._page_query(None))
        if isinstance(answer, Failure):
            return answer
        items: list[Json] = answer[self._source.plural]
        cursor = self._source.next_cursor(answer)
        rows = self._take(items)
        later = [] if cursor is None else self._find_later(rows)
        if not later:
            self._cursor = cursor
        self._show([*rows, *later])
        return None

    def _find_later(self, rows: Mapping[str, Row]) -> list[str]:
        """The rows loaded before that follow the last of this first page: new ones on top push others out of
        the page, and those must not vanish between it and the next."""
        known = [place for place, key in enumerate(self._order) if key in rows]
        return [key for key in self._order[known[-1] + 1 :] if key not in rows] if known else []

    def show_items(self, items: Sequence[Json]) -> None:
        """Show these and no others: for lists that came with something else."""
        self._cursor = None
        self._show(list(self._take(items)))

    async def load_more(self) -> Failure | None:
        """Ask for the page after the last row; nothing where there is none."""
        if self._cursor is None or self._is_loading_more or len(self._order) >= MOST_ROWS:
            return None
        self._is_loading_more = True
        try:
            answer = await self._desk.client.get(self._source.path(), self._page_query(self._cursor))
        finally:
            self._is_loading_more = False
        if isinstance(answer, Failure):
            return answer
        rows = self._take(answer[self._source.plural])
        self._cursor = self._source.next_cursor(answer)
        self._show([*self._order, *(key for key in rows if key not in self._order)])
        return None

    def forget(self) -> None:
        """Drop every row: the next page is of another list."""
        self.clear()
        self.items, self._drawn, self._order, self._cursor = {}, {}, [], None

    @property
    def has_more(self) -> bool:
        """Whether the server has rows beyond those loaded."""
        return self._cursor is not None

    @property
    def focused_key(self) -> str | None:
        if not self.row_count:
            return None
        try:
            return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value
        except CellDoesNotExist:
            return None

    @property
    def focused_item(self) -> Json | None:
        """What the API said of the row under the cursor."""
        key = self.focused_key
        return None if key is None else self.items.get(key)

    def on_key(self, event: events.Key) -> None:
        self._pressed_at = monotonic()

    def on_resize(self) -> None:
        fitted = fit_columns(self._all_columns, self.size.width - _SCROLLBAR_CELLS)
        if fitted != self._fitted:
            self._fitted = fitted
            self._rebuild()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        if event.cursor_row >= self.row_count - _NEAR_END_ROWS and self._cursor is not None:
            self.post_message(self.MoreWanted(self))

    def action_sort(self) -> None:
        """Sort by the next column that can be sorted; after the last, the server's order again."""
        keys = [column.key for column, _ in self._fitted if self._can_sort(column.key)]
        current = None if self._sorted_by is None else self._sorted_by[0]
        following = keys[keys.index(current) + 1 :] if current in keys else keys
        self._sorted_by = (following[0], True) if following else None
        self._rebuild()

    def action_sort_reverse(self) -> None:
        if self._sorted_by is not None:
            self._sorted_by = (self._sorted_by[0], not self._sorted_by[1])
            self._rebuild()

    def _can_sort(self, key: str) -> bool:
        return any(key in row.order for row in self._drawn.values())

    def _page_query(self, cursor: str | None) -> Query:
        return {"limit": self._source.limit, **self._source.query(), self._source.cursor: cursor}

    def _take(self, items: Sequence[Json]) -> dict[str, Row]:
        rows = {}
        for item in items:
            row = self._source.make_row(item)
            rows[row.key] = row
            self.items[row.key] = item
        self._next_rows = rows
        return rows

    def _show(self, order: Sequence[str]) -> None:
        """Update what is there in place; rebuild where rows came, went or moved and nobody is typing."""
        fresh = {**self._drawn, **self._next_rows}
        is_same_set = set(order) == set(self._order)
        is_still = monotonic() - self._pressed_at >= _IDLE_SECONDS
        moved = list(order) != self._order
        known = [key for key in order if key in self._drawn]
        changed = [key for key in known if fresh[key] != self._drawn[key]]
        self._drawn = {key: fresh[key] for key in order}
        self.items = {key: self.items[key] for key in order}
        if not is_same_set or (moved and is_still) or not self._fitted:
            self._order = list(order)
            self._rebuild()
            return
        for key in changed:
            for column, width in self._fitted:
                self.update_cell(key, column.key, self._cell(fresh[key], column, width))

    def _rebuild(self) -> None:
        if not self._fitted:
            return
        held, offset = self.focused_key, self.scroll_y
        held_row = self.cursor_row
        self.clear(columns=True)
        for column, width in self._fitted:
            self.add_column(self._heading(column, width), width=width, key=column.key)
        for key in self._in_order():
            row = self._drawn[key]
            self.add_row(*(self._cell(row, column, width) for column, width in self._fitted), key=key)
        if held in self._drawn:
            self.move_cursor(row=self.get_row_index(held), animate=False, scroll=False)
            self.scroll_to(y=offset, animate=False, immediate=True)
        elif held is not None:
            self.move_cursor(row=min(held_row, self.row_count - 1), animate=False)

    def _in_order(self) -> list[str]:
        if self._sorted_by is None:
            return self._order
        name, is_descending = self._sorted_by
        known = [key for key in self._order if self._drawn[key].order.get(name) is not None]
        unknown = [key for key in self._order if self._drawn[key].order.get(name) is None]
        return sorted(known, key=lambda key: self._drawn[key].order[name], reverse=is_descending) + unknown

    def _heading(self, column: Column, width: int) -> Text:
        label = self._desk.say(column.label)
        if self._sorted_by is not None and self._sorted_by[0] == column.key:
            label += "▼" if self._sorted_by[1] else "▲"
        return Text(fit(label, width, column.align), no_wrap=True)

    def _cell(self, row: Row, column: Column, width: int) -> Text:
        value = row.cells.get(column.key, "")
        if isinstance(value, str):
            return Text(fit(clean(value), width, column.align), no_wrap=True)
        shown = value.copy()
        shown.no_wrap = True
        if column.align == "right":
            shown.pad_left(max(0, width - shown.cell_len))
        shown.truncate(width, overflow="ellipsis")
        return shown
