"""What is told below the binds: what limits sending and what waits; one bind in full; its last changes.

Draws what the API said. Words of limits and changes are the reader's, errors are the carrier's.
"""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from admin_tui.cells import clean, fit
from admin_tui.client import Json
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, day_time, span
from admin_tui.states import CHANGED, DULL, show_state

_LABEL_CELLS = 20


def find_override(connector: Json, key: str) -> Json | None:
    """What somebody changed of a connector for a while: `down`, `parts_per_second` or `window`."""
    return next((each for each in connector.get("overrides", ()) if each["key"] == key), None)


def tell_limit(desk: Desk, connector: Json) -> str:
    """Why no more leaves than does, in words; empty where nothing limits."""
    taken_down = find_override(connector, "down")
    if taken_down is not None and not connector["is_up"]:
        return tell_override(desk, connector, taken_down)
    limit = connector.get("limit") or {}
    cause = limit.get("cause")
    if cause is None:
        return ""
    key = f"carriers.limit.{cause}"
    if not desk.words.has(key):
        return str(connector["limited_by"])
    return desk.say(
        key,
        status=limit["command_status"] or "",
        now=_figure(desk, limit["parts_per_second"]),
        of=_figure(desk, limit["of"]),
        count=connector["in_flight"],
    )


def tell_override(desk: Desk, connector: Json, override: Json) -> str:
    """What was changed, from what the file says, by whom, until when and why."""
    key, configured = override["key"], connector.get("configured") or {}
    ends = override["expires_at"]
    until = day_time(desk.local(ends), desk.now()) if ends else ""
    value, before = override["value"], configured.get(key)
    told = desk.say(
        f"carriers.changed.{key}",
        author=clean(override["author"]),
        value=NOTHING if value is None else _figure(desk, value),
        configured=NOTHING if before is None else _figure(desk, before),
    )
    told += ", " + (desk.say("carriers.until", time=until) if ends else desk.say("carriers.until_undone"))
    return f"{told}: {clean(override['reason'])}" if override["reason"] else told


def tell_elsewhere(desk: Desk, elsewhere: Json) -> str:
    """Which node holds a bind that is not this one's."""
    return desk.say("carriers.elsewhere", node=elsewhere["node"], host=clean(elsewhere["host"]))


def draw_standing(desk: Desk, status: Json) -> Text:
    """What limits sending, what is held, and what waits by connector and lane."""
    words, text = desk.words, Text(no_wrap=False)
    limits = status["limits"]
    text.append(desk.say("carriers.limits" if limits else "carriers.no_limits") + "\n", "bold")
    for limit in limits:
        text.append(f"▲ {clean(limit)}\n", "yellow")
    if count := status.get("unknown_messages", 0):
        text.append(f"▲ {desk.say('carriers.unknown_messages', count=count)}\n", "yellow")
    text.append("\n" + desk.say("carriers.queue" if status["queue"] else "carriers.no_queue") + "\n", "bold")
    for line in status["queue"]:
        at_least = "≥" if line["is_at_least"] else ""
        text.append(fit(clean(line["connector"]), 14))
        text.append(fit(desk.say(f"frame.lane.{line['lane']}"), 16))
        text.append(f"{at_least}{words.number(line['messages'])}".rjust(9))
        text.append("  " + desk.say("carriers.oldest", age=span(words, line["oldest_seconds"])) + "\n")
    text.rstrip()
    return text


def draw_focused(desk: Desk, item: Json) -> Table:
    """Everything that is known of one bind and of its connector, in columns that wrap."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    if item["elsewhere"] is not None:
        grid.add_row(
            Text(fit(desk.say("carriers.held_by"), _LABEL_CELLS), DULL, no_wrap=True),
            Text(tell_elsewhere(desk, item["elsewhere"])),
        )
    for label, value in _list_facts(desk, item["connector"], item["bind"]):
        grid.add_row(
            Text(fit(desk.say(f"carriers.{label}"), _LABEL_CELLS), DULL, no_wrap=True),
            value if isinstance(value, Text) else Text(clean(value)),
        )
    return grid


def _list_facts(desk: Desk, connector: Json, bind: Json | None) -> Iterator[tuple[str, str | Text]]:
    words = desk.words
    for override in connector.get("overrides", ()):
        yield "change", Text(f"{CHANGED} {tell_override(desk, connector, override)}", "yellow")
    yield "limited_by", tell_limit(desk, connector) or NOTHING
    if bind is None:
        return
    yield "endpoint", f"{bind['endpoint']} · {bind['mode']}"
    yield "last_error", bind["last_error"] or NOTHING
    if bind["next_retry_at"]:
        wait = span(words, max(0.0, -desk.seconds_since(bind["next_retry_at"])))
        yield "retry", desk.say("carriers.retry_told", wait=wait, count=bind["failures"])
    yield "submitted", words.number(bind["submitted"])
    troubles = {name: bind.get(name, 0) for name in ("bad_pdus", "late_answers", "stray_responses")}
    for name, count in troubles.items():
        if count or name == "bad_pdus":
            yield name, words.number(count)
    for remark in bind.get("remarks", ()):
        yield "remark", remark


def draw_history(desk: Desk, item: Json) -> Table | Text:
    """The last changes of a bind, newest first, with the error or the address of each."""
    changes = (item["bind"] or {}).get("history", ())
    if not changes:
        return Text(desk.say("carriers.no_history"), DULL)
    grid = Table.grid(padding=(0, 1, 0, 0))
    for change in changes:
        at = desk.local(change["at"])
        grid.add_row(
            Text(f"{day_time(at, desk.now())}{at::%S}" if at else NOTHING, DULL, no_wrap=True),
            show_state(desk.words, change["state"]),
            Text(clean(change["error"] or change["endpoint"] or "")),
        )
    return grid


def _figure(desk: Desk, value: float) -> str:
    """A speed or a window: whole where it is whole."""
    return desk.words.number(value, decimals=0 if value == int(value) else 1)
