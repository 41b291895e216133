"""The `estafette` command: knows every word of it, and imports what a word needs only when it is used.

So `estafette --help` answers in some tens of milliseconds, and a server's libraries are not loaded to print a
status. Errors end as one sentence on standard error; standard output carries only what was asked for.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from gateway.commands.errors import CommandError, ExitStatus
from gateway.errors import EstafetteError


class CommandModule(Protocol):
    """What a module behind a word gives."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


@dataclass(frozen=True, slots=True)
class Command:
    """One word: the module behind it, and what it does in a line."""

    word: str
    module: str
    purpose: str


COMMANDS: Final = (
    Command(
        "demo", "gateway.demo.command", "try everything on this machine: database, carrier, shop, 300 texts"
    ),
    Command("serve", "gateway.commands.serve", "run the server in the foreground"),
    Command(
        "status", "gateway.commands.status", "one screen: binds, queues, speed, and what limits sending now"
    ),
    Command("admin", "gateway.commands.admin", "the console: campaigns, messages, people, carriers"),
    Command("hold", "gateway.commands.hold", "stop sending marketing, or everything, within a second"),
    Command("release", "gateway.commands.hold", "send again what was held"),
    Command("nodes", "gateway.commands.nodes", "the servers that share this database, and what each holds"),
    Command("alerts", "gateway.commands.alerts", "what needs somebody now; try out how it is told"),
    Command("connector", "gateway.commands.connector", "carriers: list, down, up, speed, probe, trace"),
    Command("message", "gateway.commands.message", "show, trace, resend or cancel one message"),
    Command("unknown", "gateway.commands.unknown", "messages without an answer: list, send again, close"),
    Command("receipt", "gateway.commands.receipt", "list receipts that belong to no message"),
    Command("contact", "gateway.commands.contact", "people of a shop: find, add, import, export, erase"),
    Command("campaign", "gateway.commands.campaign", "write, estimate, start, pause and end campaigns"),
    Command("list", "gateway.commands.contact_list", "lists of people: make, show, rename, delete"),
    Command("order", "gateway.commands.order", "orders of a shop: import a file, show one"),
    Command("shop", "gateway.commands.shop", "create, change and list shops"),
    Command("key", "gateway.commands.key", "create, list and revoke API keys"),
    Command("ledger", "gateway.commands.ledger", "prove that every message is accounted for"),
    Command("db", "gateway.commands.db", "bring the database up to date"),
    Command("check-config", "gateway.commands.check_config", "say what is wrong in a configuration file"),
    Command("simulator", "gateway.simulator.command", "run a pretend carrier to develop against"),
    Command("bench", "gateway.commands.bench", "measure this machine: messages, requests, memory, disk"),
    Command("version", "gateway.commands.version", "print the version"),
)

_EXITS: Final = """\
exit status:
  0    done
  1    refused: not found, not allowed, not balanced, or faults in a configuration
  2    the command line was not understood
  3    no server or no database answered
  130  ended by Ctrl-C

`estafette WORD --help` explains a word. Documentation: docs/ in the source."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _top_parser()
    if not words:
        parser.print_help(sys.stderr)
        return ExitStatus.USAGE
    command = next((command for command in COMMANDS if command.word == words[0]), None)
    if command is None:
        return _refuse(parser, words)
    try:
        return _run(command, words[1:])
    except EstafetteError as exc:
        print(f"estafette: {exc}", file=sys.stderr)
        return exc.exit_status if isinstance(exc, CommandError) else ExitStatus.REFUSED
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (`| head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.DONE


def _run(command: Command, words: list[str]) -> int:
    module = cast(CommandModule, importlib.import_module(command.module))
    parser = argparse.ArgumentParser(
        prog=f"estafette {command.word}",
        description=f"{command.purpose[0].upper()}{command.purpose[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return module.run(parser.parse_args(words))


def _top_parser() -> argparse.ArgumentParser:
    width = max(len(command.word) for command in COMMANDS)
    listing = "\n".join(f"  {command.word:{width}}  {command.purpose}" for command in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="estafette",
        usage="estafette WORD ...",
        description=f"A self-hosted SMPP gateway and SMS campaign server.\n\n{listing}",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument("word", nargs="?", help=argparse.SUPPRESS)
    return parser


def _refuse(parser: argparse.ArgumentParser, words: list[str]) -> int:
    """Answer a line that begins with no word of ours: `--help`, `--version`, or a slip of the finger."""
    arguments, _ = parser.parse_known_args(words)
    if arguments.version:
        version = next(command for command in COMMANDS if command.word == "version")
        return _run(version, [])
    from difflib import get_close_matches

    nearest = get_close_matches(words[0], [command.word for command in COMMANDS], n=1)
    hint = f"did you mean `{nearest[0]}`?" if nearest else "`estafette --help` lists the words."
    print(f"estafette: there is no command `{words[0]}`; {hint}", file=sys.stderr)
    return ExitStatus.USAGE


if __name__ == "__main__":
    sys.exit(main())
