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
    return Command(found[0], argument)


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
    name = next((name for name in choices.get(known.argument, ()) if name.startswith(typed)), None)
    return None if name is None else f"{word} {name}"
