"""`estafette connector down|up|speed|window|retry`: what whoever is on call may do to a carrier account.

What is changed outlives a restart, ends by itself with `--for`, and is shown with its author.
"""

import argparse
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from gateway.commands.durations import read_duration
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import print_document

FILE: Final = "file"
"""In place of a figure: what the configuration says holds again."""


def add_words(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The words that change something."""
    for word, purpose, act in (
        ("down", "drain and unbind in order; messages wait, or go where the routes lead", _take_down),
        ("up", "bind again what was taken down", _bring_up),
        ("speed", "send at so many parts a second for a while", _change_speed),
        ("window", "let so many submits await their answer for a while", _change_window),
        ("retry", "have binds that are down try again at once", _retry),
    ):
        parser = words.add_parser(word, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        parser.add_argument("name", metavar="CONNECTOR", help="its name in the configuration")
        if word == "speed":
            parser.add_argument("value", metavar="PARTS_PER_SECOND", help=_FIGURE_HELP)
        elif word == "window":
            parser.add_argument("value", metavar="SUBMITS", help=_FIGURE_HELP)
        if word in ("down", "speed", "window"):
            parser.add_argument(
                "--for", dest="seconds", type=read_duration, metavar="TIME", help="such as 30m, 2h or 1d"
            )
        if word != "retry":
            parser.add_argument(
                "--reason", default="", metavar="TEXT", help="for the audit log and the next on call"
            )
        add_server_options(parser)
        parser.set_defaults(act=act)


_FIGURE_HELP: Final = f"a figure, or `{FILE}` for what the configuration says"


def run(arguments: argparse.Namespace) -> int:
    """Does what the word says. Raises `CommandError`."""
    act: Callable[[argparse.Namespace], tuple[Any, str]] = arguments.act
    answer, words = act(arguments)
    if arguments.json:
        print_document(answer)
    else:
        print(words)
    return ExitStatus.DONE


def _path(arguments: argparse.Namespace, word: str = "") -> str:
    return f"/admin/connectors/{quote(arguments.name, safe='')}" + (f"/{word}" if word else "")


def _take_down(arguments: argparse.Namespace) -> tuple[Any, str]:
    body = {"for_seconds": arguments.seconds, "reason": arguments.reason}
    answer = connect(arguments).post(_path(arguments, "down"), body)
    return answer, (
        f"{arguments.name} drains and unbinds{_until(answer, 'down')}; `estafette connector up "
        f"{arguments.name}` brings it back"
    )


def _bring_up(arguments: argparse.Namespace) -> tuple[Any, str]:
    answer = connect(arguments).post(_path(arguments, "up"), {"reason": arguments.reason})
    return answer, f"{arguments.name} {'binds again' if answer['changed'] else 'was not taken down'}"


def _change_speed(arguments: argparse.Namespace) -> tuple[Any, str]:
    return _change(arguments, "parts_per_second", "parts a second", float)


def _change_window(arguments: argparse.Namespace) -> tuple[Any, str]:
    return _change(arguments, "window", "submits may await their answer on each bind", int)


def _change(
    arguments: argparse.Namespace, key: str, unit: str, read: Callable[[str], float]
) -> tuple[Any, str]:
    try:
        value = None if arguments.value == FILE else read(arguments.value)
    except ValueError:
        raise CommandError(f"{arguments.value} is no figure; write one, or `{FILE}`") from None
    body = {key: value, "for_seconds": arguments.seconds, "reason": arguments.reason}
    answer = connect(arguments).patch(_path(arguments), body)
    if value is None:
        return answer, f"{arguments.name}: the configuration's {key} holds again"
    return answer, f"{arguments.name}: {value:g} {unit}{_until(answer, key)}"


def _retry(arguments: argparse.Namespace) -> tuple[Any, str]:
    answer = connect(arguments).post(_path(arguments, "retry"))
    return answer, f"{arguments.name}: binds that are down try again now"


def _until(answer: Any, key: str) -> str:
    """Until when a change holds, as the server answered."""
    ends = [each["expires_at"] for each in answer.get("overrides", ()) if each["key"] == key]
    return f", until {ends[0][:16].replace('T', ' ')} UTC" if ends and ends[0] else ""
