"""The commands that a running simulator takes, the same over HTTP and on its console, and obeying them.

Owns their words. Refuses to know sockets and terminals: it gets a line or a JSON body and gives back values.
"""

import shlex
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from gateway.simulator.errors import CommandRefused
from gateway.simulator.mo import MoRequest

if TYPE_CHECKING:
    from gateway.simulator.smsc import Simulator

STALL_SECONDS_MOST: Final = 86_400


class Drop(Struct, frozen=True, forbid_unknown_fields=True):
    """Cut connections without a word."""

    system_id: str | None = None
    """The account whose sessions are meant; without it all."""


class Unbind(Struct, frozen=True, forbid_unknown_fields=True):
    """Unbind sessions in order."""

    system_id: str | None = None
    """The account whose sessions are meant; without it all."""


class Stall(Struct, frozen=True, forbid_unknown_fields=True):
    """Stop reading, answering and sending."""

    seconds: Annotated[float, Meta(gt=0, le=STALL_SECONDS_MOST)]
    """How long, unless `resume` ends it."""


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """End a stall."""


class Throttle(Struct, frozen=True, forbid_unknown_fields=True):
    """Change the speed limit of each account."""

    parts_per_second: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """Submits a second; null or absent lifts the limit."""


class Stats(Struct, frozen=True, forbid_unknown_fields=True):
    """Show the counters."""


Command: TypeAlias = MoRequest | Drop | Unbind | Stall | Resume | Throttle | Stats

BODIES: Final[dict[str, type[Any]]] = {
    "mo": MoRequest,
    "drop": Drop,
    "unbind": Unbind,
    "stall": Stall,
    "resume": Resume,
    "throttle": Throttle,
}
"""Commands by their HTTP path, and what their body holds."""

HELP: Final = """\
  mo FROM TO TEXT...   send a message from a handset, for instance: mo 33639981234 36180 STOP
  drop [SYSTEM_ID]     cut the connections of one account, or all, without a word
  unbind [SYSTEM_ID]   unbind them in order
  stall SECONDS        stop reading, answering and sending for so long
  resume               end a stall
  throttle N|off       take at most N submits a second of each account
  stats                show what was counted
  quit                 stop the simulator"""


def parse_line(line: str) -> Command:
    """The command in a line of the console. Raises `CommandRefused`, saying how it is written."""
    try:
        words = shlex.split(line)
    except ValueError as exc:
        raise CommandRefused(f"{exc}; quotes come in pairs") from exc
    if not words:
        raise CommandRefused("type a command; `help` lists them")
    name, arguments = words[0], words[1:]
    build = _LINES.get(name)
    if build is None:
        raise CommandRefused(f"no command is called {name!r}; `help` lists them")
    return _convert(build(arguments), BODIES.get(name, Stats))


def parse_body(name: str, body: bytes) -> Command:
    """The command `name` with a JSON body; an empty body means no field. Raises `CommandRefused`."""
    try:
        raw = msgspec.json.decode(body) if body.strip() else {}
    except msgspec.DecodeError as exc:
        raise CommandRefused(f"the body is not JSON: {exc}") from exc
    return _convert(raw, BODIES[name])


async def obey(simulator: "Simulator", command: Command) -> dict[str, object]:
    """Do what `command` says; return what there is to tell. Raises `CommandRefused`."""
    match command:
        case MoRequest():
            outcome = await simulator.deliver_mo(command)
            return {"parts": outcome.parts, "statuses": list(outcome.statuses)}
        case Drop(system_id=system_id):
            return {"dropped": simulator.drop(system_id)}
        case Unbind(system_id=system_id):
            return {"unbinding": simulator.unbind(system_id)}
        case Stall(seconds=seconds):
            simulator.stall(seconds)
            return {"stalled_seconds": seconds}
        case Resume():
            simulator.resume()
            return {"stalled_seconds": 0}
        case Throttle(parts_per_second=parts_per_second):
            simulator.throttle(parts_per_second)
            return {"parts_per_second": parts_per_second}
        case Stats():
            return asdict(simulator.stats) | {"parts_per_second": simulator.parts_per_second}


def _convert(raw: object, kind: type[Any]) -> Command:
    try:
        command: Command = msgspec.convert(raw, kind)
    except msgspec.ValidationError as exc:
        raise CommandRefused(str(exc).replace("`$.", "`")) from exc
    return command


def _read_mo(words: list[str]) -> dict[str, object]:
    if len(words) < 3:
        raise CommandRefused("write: mo FROM TO TEXT...")
    return {"from": words[0], "to": words[1], "text": " ".join(words[2:])}


def _read_account(words: list[str]) -> dict[str, object]:
    if len(words) > 1:
        raise CommandRefused("write one account, or none for all")
    return {"system_id": words[0]} if words else {}


def _read_seconds(words: list[str]) -> dict[str, object]:
    try:
        (word,) = words
        return {"seconds": float(word)}
    except ValueError as exc:
        raise CommandRefused("write: stall SECONDS") from exc


def _read_limit(words: list[str]) -> dict[str, object]:
    try:
        (word,) = words
        return {"parts_per_second": None if word == "off" else int(word)}
    except ValueError as exc:
        raise CommandRefused("write: throttle N, or throttle off") from exc


def _read_nothing(words: list[str]) -> dict[str, object]:
    if words:
        raise CommandRefused("this command stands alone")
    return {}


_LINES: Final[dict[str, Callable[[list[str]], dict[str, object]]]] = {
    "mo": _read_mo,
    "drop": _read_account,
    "unbind": _read_account,
    "stall": _read_seconds,
    "resume": _read_nothing,
    "throttle": _read_limit,
    "stats": _read_nothing,
}
