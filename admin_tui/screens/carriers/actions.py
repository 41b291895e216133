"""What an operator may do to a connector while it runs: take it down, bring it up, change its speed or window
for a while, have it try again at once.

Each asks as much as it costs, calls the API once and says what happened. Knows no table.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from admin_tui.client import Failure, FailureKind, Json
from admin_tui.dialogs.confirm import ConfirmTerms
from admin_tui.dialogs.form import Field, Form
from admin_tui.figures import NOTHING
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.carriers.pictures import find_override

_SPANS: Final = (
    ("3600", "carriers.for.hour"),
    ("900", "carriers.for.quarter"),
    ("14400", "carriers.for.four_hours"),
    ("43200", "carriers.for.half_day"),
    ("until_undone", "carriers.for.until_undone"),
)
"""Seconds that a change holds. An hour is the first: what is forgotten undoes itself."""


class ConnectorActions:
    """Actions for `screen`, which is loaded again after each. Run them in workers: they wait for answers."""

    def __init__(self, screen: ConsoleScreen) -> None:
        self._screen = screen
        self._desk = screen.desk

    async def toggle(self, connector: Json | None, status: Json) -> None:
        """Take down what runs, bring up what somebody took down."""
        if connector is not None and find_override(connector, "down") is not None:
            await self.bring_up(connector)
        else:
            await self.take_down(connector, status)

    async def take_down(self, connector: Json | None, status: Json) -> None:
        """Ask with what waits for it and is under way, for how long and why; then have it unbind in order."""
        if connector is None:
            return
        name = connector["name"]
        terms = await self._screen.app.push_screen_wait(
            ConfirmTerms(
                self._desk,
                self._desk.say("carriers.ask.down", connector=name),
                self._desk.say(
                    "carriers.ask.down_cost",
                    waiting=_count_waiting(status, name, self._desk.words.number),
                    in_flight=connector["in_flight"],
                ),
                _list_terms(),
            )
        )
        if terms is not None and await self._post(name, "down", _read_terms(terms)):
            self._screen.tell("carriers.did.down", connector=name)

    async def bring_up(self, connector: Json | None) -> None:
        """Costs nothing: messages that wait leave again."""
        if connector is not None and await self._post(connector["name"], "up", {}):
            self._screen.tell("carriers.did.up", connector=connector["name"])

    async def retry(self, connector: Json | None) -> None:
        """Have the binds that wait for their next try connect now."""
        if connector is not None and await self._post(connector["name"], "retry", {}):
            self._screen.tell("carriers.did.retry", connector=connector["name"])

    async def change(self, connector: Json | None, *, parts_per_second: str = "") -> None:
        """Ask for speed and window; what is left empty goes back to what the file says."""
        if connector is None:
            return
        path = _path(connector["name"])

        async def send(values: Mapping[str, str]) -> Json | Failure:
            wanted: Json = {}
            for key, is_whole in (("parts_per_second", False), ("window", True)):
                if values[key]:
                    figure = _read_figure(values[key], is_whole=is_whole)
                    if figure is None:
                        return self._refuse("carriers.no_figure", key)
                    wanted[key] = figure
                elif find_override(connector, key) is not None:
                    wanted[key] = None
            if not wanted:
                return self._refuse("carriers.nothing_changed", "parts_per_second")
            return await self._desk.client.patch(path, wanted | _read_terms(values))

        fields = [
            self._field(connector, "parts_per_second", parts_per_second),
            self._field(connector, "window"),
            *_list_terms(),
        ]
        title = self._desk.say("carriers.ask.change", connector=connector["name"])
        answer = await self._screen.app.push_screen_wait(Form(self._desk, title, fields, send))
        if answer is not None:
            self._screen.tell("carriers.did.change", connector=connector["name"])
            self._screen.reload()

    def _field(self, connector: Json, key: str, value: str = "") -> Field:
        """What holds now, over what the file says."""
        override = find_override(connector, key)
        configured = (connector.get("configured") or {}).get(key)
        told = NOTHING if configured is None else f"{configured:g}"
        return Field(
            key,
            f"carriers.{'speed_allowed' if key == 'parts_per_second' else 'window_each'}",
            hint=self._desk.say("carriers.file_says", value=told),
            value=value or ("" if override is None else f"{override['value']:g}"),
        )

    def _refuse(self, key: str, field: str) -> Failure:
        return Failure(FailureKind.REFUSED, self._desk.say(key), path=field)

    async def _post(self, name: str, verb: str, body: Json) -> bool:
        answer = await self._desk.client.post(f"{_path(name)}/{verb}", body)
        if isinstance(answer, Failure):
            self._screen.tell_failure(answer)
        self._screen.reload()
        return not isinstance(answer, Failure)


def _path(name: str) -> str:
    return f"/admin/connectors/{quote(name, safe='')}"


def _list_terms() -> Sequence[Field]:
    return (
        Field("for_seconds", "carriers.for_how_long", choices=_SPANS),
        Field("reason", "carriers.reason", hint="carriers.reason_hint"),
    )


def _read_terms(values: Mapping[str, str]) -> Json:
    seconds = values["for_seconds"]
    return {"for_seconds": int(seconds) if seconds.isdigit() else None, "reason": values["reason"]}


def _read_figure(text: str, *, is_whole: bool) -> float | int | None:
    """A number as people write it, with a comma or a point; None where it is none."""
    try:
        return int(text) if is_whole else float(text.replace(",", "."))
    except ValueError:
        return None


def _count_waiting(status: Json, name: str, write: Callable[[float], str]) -> str:
    """Messages that wait for a connector; beyond what the server counts, at least so many."""
    lines = [line for line in status["queue"] if line["connector"] == name]
    at_least = "≥" if any(line["is_at_least"] for line in lines) else ""
    return at_least + write(sum(line["messages"] for line in lines))
