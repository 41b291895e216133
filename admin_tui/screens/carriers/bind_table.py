"""The binds of all connectors as a table: a line each, and one for a connector that has none."""

from typing import ClassVar, Final

from textual import events
from textual.binding import BindingType

from admin_tui.client import Failure, Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, day_time, short, span
from admin_tui.keys import bind
from admin_tui.screens.carriers.pictures import find_override, tell_elsewhere, tell_limit
from admin_tui.states import CHANGED, show_state
from admin_tui.tables import PagedTable, Source

COLUMNS: Final = (
    Column("connector", "carriers.connector", 12),
    Column("bind", "carriers.bind", 4, align="right"),
    Column("state", "carriers.state", 13),
    Column("window", "carriers.window", 9, align="right", rank=2),
    Column("speed", "carriers.speed", 11, align="right", rank=1),
    Column("since", "carriers.since", 11, rank=4),
    Column("told", "carriers.told", 12, rank=3, grows=True),
)


class BindTable(PagedTable):
    """Rows from the node's status, which `status` keeps. An item is the connector and, under `bind`, one of
    its binds on this node, or None: then `elsewhere` is one on another node, or None for a connector that
    has no bind now, such as one that somebody took down."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("open", "select_cursor", label="carriers.keys.open")]

    def __init__(self, desk: Desk) -> None:
        source = Source(lambda: "/admin/status", "binds", self._make_row)
        super().__init__(desk, COLUMNS, source, id="table")
        self.status: Json = {}
        self._missed = ""

    async def load(self) -> Failure | None:
        """By name, for the server lists what is taken down last."""
        answer = await self._desk.client.get("/admin/status")
        if isinstance(answer, Failure):
            return answer
        self.status = answer
        held = self.focused_item
        if held is not None and not self._missed:
            self._missed = held["connector"]["name"]
        self.show_items(
            [
                {"connector": connector, "bind": bind_, "elsewhere": elsewhere}
                for connector in sorted(answer["connectors"], key=lambda each: str(each["name"]))
                for bind_, elsewhere in _list_binds(connector)
            ]
        )
        self._stay()
        return None

    def _stay(self) -> None:
        """Keep the cursor on its connector when its rows are others than before. One that is being brought up
        has none for a moment: the cursor goes back to it, unless somebody has pressed a key."""
        now = self.focused_item
        if now is not None and (now["connector"]["name"] == self._missed or self.point_at(self._missed)):
            self._missed = ""

    def on_key(self, event: events.Key) -> None:
        self._missed = ""

    def point_at(self, connector: str) -> bool:
        """Put the cursor on the first bind of a connector; False where there is no such connector."""
        for key in self.items:
            if key.startswith(f"{connector}/"):
                self.move_cursor(row=self.get_row_index(key), animate=False)
                return True
        return False

    def _make_row(self, item: Json) -> Row:
        words, connector, bind_ = self._desk.words, item["connector"], item["bind"]
        name, speed = connector["name"], short(words, connector["parts_per_second"])
        limit = short(words, connector["parts_per_second_limit"])
        cells = {
            "connector": name,
            "speed": f"{speed}/{_mark(connector, 'parts_per_second')}{limit}",
            "told": tell_limit(self._desk, connector) or NOTHING,
        }
        elsewhere = item["elsewhere"]
        if elsewhere is not None:
            return Row(
                f"{name}/{elsewhere['bind']}@{elsewhere['node']}",
                {
                    **cells,
                    "bind": str(elsewhere["bind"]),
                    "state": show_state(words, "bound" if elsewhere["is_up"] else "down"),
                    "window": NOTHING,
                    "speed": f"{short(words, elsewhere['parts_per_second'])}/{limit}",
                    "told": tell_elsewhere(self._desk, elsewhere),
                },
            )
        if bind_ is None:
            state = show_state(words, "taken_down" if find_override(connector, "down") else "down")
            return Row(f"{name}/", {**cells, "bind": NOTHING, "state": state, "window": NOTHING})
        state = show_state(words, bind_["state"])
        if bind_["next_retry_at"]:
            state.append(f" {span(words, max(0.0, -self._desk.seconds_since(bind_['next_retry_at'])))}")
        if bind_["state"] != "bound" and bind_["last_error"]:
            cells["told"] = bind_["last_error"]
        return Row(
            f"{name}/{bind_['bind']}",
            {
                **cells,
                "bind": str(bind_["bind"]),
                "state": state,
                "window": f"{bind_['in_flight']}/{_mark(connector, 'window')}{bind_['window']}",
                "since": day_time(self._desk.local(bind_["since"]), self._desk.now()),
            },
        )


def _list_binds(connector: Json) -> list[tuple[Json | None, Json | None]]:
    """Its binds on this node and on others, by number; one line where it has none."""
    own = [(bind_["bind"], (bind_, None)) for bind_ in connector["binds"]]
    others = [(each["bind"], (None, each)) for each in connector.get("elsewhere", ())]
    lines = [line for _, line in sorted([*own, *others], key=lambda numbered: int(numbered[0]))]
    return lines or [(None, None)]


def _mark(connector: Json, key: str) -> str:
    """What somebody changed for a while is not what the file says."""
    return CHANGED if find_override(connector, key) else ""
