"""`estafette unknown`: messages that no carrier answered: list them, send them again, close them.

Owns the question before many are decided about at once. What may be sent again, the server says.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.paging import read_pages
from gateway.commands.tables import format_table, print_document

_PATH: Final = "/admin/unknown"
_CATEGORIES: Final = ("otp", "transactional", "marketing")
_MOST_SHOWN: Final = 200
"""Rows of the table for people, one page; `--json` prints every one."""
_MOST_IDS: Final = 1_000
"""Ids of one request."""
_WORDS: Final = {
    "resend": (
        "send them again",
        "Send messages of unknown outcome again, as they are. Where the carrier took one after all, a person "
        "gets it twice. Name ids, or a filter.",
    ),
    "close": (
        "leave them as they are, off the list",
        "Close messages of unknown outcome: they stay unknown and leave the list. A later receipt still "
        "counts. Name ids, or a filter.",
    ),
}
_DONE: Final = {"resend": "sent again", "close": "closed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    listing = words.add_parser(
        "list",
        help="those that nobody decided about, newest first",
        description="Messages that no carrier answered and nobody decided about, newest first.",
    )
    _add_filter(listing)
    add_server_options(listing)
    for word, (purpose, description) in _WORDS.items():
        deciding = words.add_parser(word, help=purpose, description=description)
        deciding.add_argument("ids", nargs="*", metavar="ID", help="such as msg_1nGf0K2aQbLx")
        _add_filter(deciding)
        deciding.add_argument("--all", action="store_true", help="every one on the list")
        deciding.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit log")
        deciding.add_argument("--yes", action="store_true", help="do not ask")
        add_server_options(deciding)


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connector", metavar="NAME", help="of this connector only")
    parser.add_argument("--shop", metavar="NAME", help="of this shop only")
    parser.add_argument("--category", choices=_CATEGORIES, help="of this category only")


def run(arguments: argparse.Namespace) -> int:
    client = connect(arguments)
    named = {name: getattr(arguments, name) for name in ("connector", "shop", "category")}
    chosen = {name: value for name, value in named.items() if value is not None}
    if arguments.word == "list":
        _list(client, chosen, as_json=arguments.json)
        return ExitStatus.DONE
    if bool(arguments.ids) == bool(chosen or arguments.all):
        raise CommandError("say which messages: either ids, or a filter such as --connector, or --all")
    if arguments.ids:
        total = _decide_by_ids(client, arguments)
    else:
        total = _decide_by_filter(client, chosen, arguments)
    if arguments.json:
        print_document(total)
    else:
        print(describe_decided(total, _DONE[arguments.word]))
    return ExitStatus.DONE if total["changed"] or not total["refused_count"] else ExitStatus.REFUSED


def _list(client: AdminClient, chosen: dict[str, str], *, as_json: bool) -> None:
    answer = client.get(_PATH, {**chosen, "limit": str(_MOST_SHOWN)})
    if as_json:
        messages = list(read_pages(client, _PATH, "messages", chosen))
        print_document({"messages": messages, "counts": answer["counts"]})
    else:
        print(describe_unknown(answer))


def describe_unknown(answer: dict[str, Any]) -> str:
    """A line for each message, and how many there are of each connector and category."""
    if not answer["messages"]:
        return "Every message was answered, or somebody has decided about it."
    table = format_table(
        ("message", "since", "shop", "connector", "category", "to", "tries", "parts unknown", "valid for"),
        [
            (
                message["id"],
                message["since"][:19].replace("T", " "),
                message["shop"],
                message["connector"],
                message["category"],
                message["to"],
                message["attempts"],
                f"{message['parts_unknown']} of {message['parts']}",
                _tell_validity(message["valid_seconds"]),
            )
            for message in answer["messages"]
        ],
    )
    counts = format_table(
        ("connector", "category", "messages", "parts"),
        [(each["connector"], each["category"], each["messages"], each["parts"]) for each in answer["counts"]],
    )
    lines = [table, "", counts]
    if answer["is_at_least"]:
        lines.append("There are more: only the first of them were counted.")
    if answer["next_cursor"] is not None:
        lines.append(f"These are the newest {len(answer['messages'])}; --json prints all.")
    return "\n".join(lines)


def describe_decided(total: dict[str, Any], done: str) -> str:
    """How many were changed, and why the others were not; each by its id where they are few."""
    lines = [f"{total['changed']} {done}"]
    if total["refused_count"]:
        lines[0] += f", {total['refused_count']} refused"
        reasons = Counter((refused["reason"], refused["detail"]) for refused in total["refused"])
        for (reason, detail), count in reasons.most_common():
            ids = [refused["id"] for refused in total["refused"] if refused["reason"] == reason]
            which = " ".join(ids) if len(ids) <= 3 else f"{count} messages"
            lines.append(f"{which}: {detail}")
    return "\n".join(lines)


def _tell_validity(seconds: int) -> str:
    if not seconds:
        return "over"
    if seconds < 7_200:
        return f"{seconds // 60} min"
    return f"{seconds // 3_600} h"


def _decide_by_ids(client: AdminClient, arguments: argparse.Namespace) -> dict[str, Any]:
    answers = [
        client.post(
            f"{_PATH}/{arguments.word}",
            {"ids": arguments.ids[start : start + _MOST_IDS], "reason": arguments.reason},
        )
        for start in range(0, len(arguments.ids), _MOST_IDS)
    ]
    return _add_up(answers)


def _decide_by_filter(
    client: AdminClient, chosen: dict[str, str], arguments: argparse.Namespace
) -> dict[str, Any]:
    """What comes on the list after the count is left alone: nobody has seen it."""
    before = datetime.now(UTC).isoformat()
    counted = client.get(_PATH, {**chosen, "before": before, "limit": "1"})
    if counted["counts"] and not arguments.yes:
        _ask(counted, arguments.word)
    wanted: dict[str, object] = {**chosen, "before": before}
    answers: list[dict[str, Any]] = []
    while not answers or answers[-1]["next_cursor"] is not None:
        if answers:
            wanted["cursor"] = answers[-1]["next_cursor"]
        body = {"filter": wanted, "reason": arguments.reason}
        answers.append(client.post(f"{_PATH}/{arguments.word}", body))
    return _add_up(answers)


def _ask(counted: dict[str, Any], word: str) -> None:
    messages = sum(each["messages"] for each in counted["counts"])
    more = "at least " if counted["is_at_least"] else ""
    sentence = (
        f"{more}{messages} messages are sent again, which carriers bill again ({add_prices(counted)}). "
        "Where a carrier took one after all, a person gets it twice."
        if word == "resend"
        else f"{more}{messages} messages are closed and stay unknown."
    )
    print(f"{sentence} Type {messages} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != str(messages):
        raise CommandError("nothing was changed: what was typed is something else (in scripts, use --yes)")


def add_prices(counted: dict[str, Any]) -> str:
    """What all of them cost, by currency, as far as prices are known."""
    amounts: dict[str, Decimal] = {}
    for each in counted["counts"]:
        price = each["price"]
        if price is None:
            continue
        amounts[price["currency"]] = amounts.get(price["currency"], Decimal(0)) + Decimal(price["amount"])
    told = ", ".join(f"{amount} {currency}" for currency, amount in sorted(amounts.items()))
    if all(each["price"] is not None for each in counted["counts"]):
        return told
    return f"{told} and some without a known price" if told else "no price is known"


def _add_up(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "changed": sum(answer["changed"] for answer in answers),
        "refused_count": sum(answer["refused_count"] for answer in answers),
        "refused": [refused for answer in answers for refused in answer["refused"]],
    }
