"""`estafette receipt`: receipts that carriers sent and that belong to no message we know."""

import argparse
from collections.abc import Sequence
from typing import Any

from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.paging import read_pages
from gateway.commands.tables import format_table, print_document

_PATH = "/admin/receipts/unmatched"
_WORDS = {"waiting": "waiting", "given_up": "given up", "too_late": "too late", "inferred": "inferred"}
_LONGEST_ID = 64
"""Characters of an id in the table, as many as SMPP 3.4 §5.2.23 allows: a carrier may send 64 KiB of them."""
_MOST_SHOWN = 200
"""Rows of the table for people, one page; `--json` prints every one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    listing = words.add_parser(
        "unmatched",
        help="receipts without a message, newest first",
        description="Receipts without a message, newest first. Those that wait are looked up again for 72 h.",
    )
    listing.add_argument("--connector", metavar="NAME", help="of this connector only")
    listing.add_argument("--state", choices=tuple(_WORDS), help="in this state only")
    add_server_options(listing)


def run(arguments: argparse.Namespace) -> int:
    query = {"connector": arguments.connector, "state": arguments.state}
    wanted = {name: value for name, value in query.items() if value}
    client = connect(arguments)
    if arguments.json:
        print_document({"receipts": list(read_pages(client, _PATH, "receipts", wanted))})
        return ExitStatus.DONE
    answer = client.get(_PATH, {**wanted, "limit": str(_MOST_SHOWN)})
    print(describe_unmatched(answer["receipts"], has_more=answer["next_cursor"] is not None))
    return ExitStatus.DONE


def describe_unmatched(receipts: Sequence[dict[str, Any]], *, has_more: bool) -> str:
    """A line for each receipt, and what to look at when they are many."""
    if not receipts:
        return "Every receipt has its message."
    table = format_table(
        ("received", "connector", "state", "carrier's id", "id in the text", "stat", "err", "from", "to"),
        [
            (
                receipt["received_at"][:19].replace("T", " "),
                receipt["connector"],
                _WORDS[receipt["state"]],
                _shorten(receipt["carrier_id"]),
                _shorten(receipt["text_carrier_id"] or ""),
                receipt["stat"],
                receipt["err"],
                receipt["from"],
                receipt["to"],
            )
            for receipt in receipts
        ],
    )
    lines = [table]
    if has_more:
        lines.append(f"These are the newest {len(receipts)}; --json prints all.")
    if any(receipt["state"] == "waiting" for receipt in receipts):
        lines.append(
            "Many of one connector: compare the ids with those of `estafette message show`, see id_form."
        )
    return "\n".join(lines)


def _shorten(carrier_id: str) -> str:
    return carrier_id if len(carrier_id) <= _LONGEST_ID else f"{carrier_id[:_LONGEST_ID]}…"
