"""The command line behind `:`: which words there are, what each takes, and how a line completes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Argument(Enum):
    """What follows a word."""

    NOTHING = "nothing"
    TEXT = "text"
    OPTIONAL = "optional"
    SHOP = "shop"
    LANGUAGE = "language"
    CONNECTOR = "connector"


class ConnectorVerb(Enum):
    """What may follow the name of a connector."""

    DOWN = "down"
    UP = "up"
    SPEED = "speed"
    """Takes a figure."""
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class ConnectorWish:
    """A connector, and what to do there; without a verb it is only looked at."""

    name: str
    verb: ConnectorVerb | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class CommandWord:
    """One word; its sentence is `frame.command.<word>`."""

    word: str
    argument: Argument = Argument.NOTHING


COMMAND_WORDS: Final = (
    CommandWord("overview"),
    CommandWord("campaigns"),
    CommandWord("messages"),
    CommandWord("audience"),
    CommandWord("carriers"),
    CommandWord("system"),
    CommandWord("msg", Argument.TEXT),
    CommandWord("to", Argument.TEXT),
    CommandWord("connector", Argument.CONNECTOR),
    CommandWord("shop", Argument.SHOP),
    CommandWord("language", Argument.LANGUAGE),
    CommandWord("hold", Argument.OPTIONAL),
    CommandWord("release"),
    CommandWord("help"),
    CommandWord("quit"),
)

_BY_WORD: Final = {entry.word: entry for entry in COMMAND_WORDS}


@dataclass(frozen=True, slots=True)
class Command:
    """A line that was understood."""

    word: str
    argument: str = ""


def parse_command(line: str) -> Command | None:
    """The command of a line; a beginning that only one word has is enough. None where none fits."""
    typed, _, rest = line.strip().removeprefix(":").strip().partition(" ")
    argument = rest.strip()
    found = [word for word in _BY_WORD if word == typed] or [
        word for word in _BY_WORD if typed and word.startswith(typed)
    ]
    if len(found) != 1:
        return None
    takes = _BY_WORD[found[0]].argument
    if takes is Argument.NOTHING and argument:
        return None
    if takes not in (Argument.NOTHING, Argument.OPTIONAL) and not argument:
        return None
    if takes is Argument.CONNECTOR and read_connector_wish(argument) is None:
        return None
    return Command(found[0], argument)


def read_connector_wish(argument: str) -> ConnectorWish | None:
    """`smsc-a`, `smsc-a down` or `smsc-a speed 40`; None where it is none of these."""
    name, *rest = argument.split()
    if not rest:
        return ConnectorWish(name)
    verb = next((verb for verb in ConnectorVerb if verb.value == rest[0]), None)
    if verb is None or len(rest) != (2 if verb is ConnectorVerb.SPEED else 1):
        return None
    return ConnectorWish(name, verb, "".join(rest[1:]))


def complete(line: str, choices: Mapping[Argument, Sequence[str]]) -> str | None:
    """The whole line that `line` begins, or None. `choices` are the names known for an argument."""
    word, gap, typed = line.partition(" ")
    if not gap:
        found = next((entry for entry in COMMAND_WORDS if line and entry.word.startswith(word)), None)
        if found is None:
            return None
        return found.word + ("" if found.argument is Argument.NOTHING else " ")
    known = _BY_WORD.get(word)
    if known is None or not typed:
        return None
    names = list(choices.get(known.argument, ()))
    if known.argument is Argument.CONNECTOR:
        names += [f"{name} {verb.value}" for name in names for verb in ConnectorVerb]
    name = next((name for name in names if name.startswith(typed)), None)
    return None if name is None else f"{word} {name}"
