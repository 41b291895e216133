"""`estafette ledger`: every pair of counts that must agree, and which messages stand where.

Asks the server; where none answers it counts in the database itself. The exit status is 1 when anything
differs.
"""

import argparse
import asyncio
from datetime import UTC, datetime
from typing import Any

from gateway.commands.errors import ExitStatus, ServerUnreachable
from gateway.commands.local_database import open_database
from gateway.commands.options import add_server_options, connect, read_configuration
from gateway.commands.tables import format_table, print_answer
from gateway.config import Config
from gateway.ledger.accounts import read_ledger

_PAIR_KEYS = frozenset({"name", "agrees", "ids"})
_MOST_IDS = 20
"""Ids told of one difference; `--json` has all of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_server_options(parser)
    parser.add_argument("--all", action="store_true", help="show every comparison, not only what differs")
    parser.epilog = "The exit status is 0 when everything agrees, 1 when anything differs."


def run(arguments: argparse.Namespace) -> int:
    try:
        report = connect(arguments).get("/admin/ledger")
    except ServerUnreachable:
        if arguments.socket:
            raise
        report = asyncio.run(_count(read_configuration(arguments.config)))
    print_answer(report, describe_ledger(report, shows_all=arguments.all), as_json=arguments.json)
    return ExitStatus.DONE if report["balanced"] else ExitStatus.REFUSED


def describe_ledger(report: dict[str, Any], *, shows_all: bool) -> str:
    """The ledger on a screen: where messages stand, what differs (or all that was compared), the verdict."""
    states = [(state, count) for state, count in report["messages_by_state"].items() if count]
    blocks = [format_table(("state", "messages"), states)]
    shown = [pair for pair in report["pairs"] if shows_all or not pair["agrees"]]
    if shown:
        rows = [
            ("agrees" if pair["agrees"] else "DIFFERS", pair["name"], _show_counts(pair)) for pair in shown
        ]
        blocks.append(format_table(("", "what", "counts"), rows))
    blocks += [_name_ids(pair) for pair in shown if pair["ids"]]
    if report["receipts_unmatched_open"]:
        blocks.append(f"{report['receipts_unmatched_open']} receipts wait for the message they belong to.")
    return "\n\n".join([*blocks, _judge(report)])


def _show_counts(pair: dict[str, Any]) -> str:
    counts = [
        f"{count} {label.replace('_', ' ')}" for label, count in pair.items() if label not in _PAIR_KEYS
    ]
    return (" = " if pair["agrees"] else " ≠ ").join(counts)


def _name_ids(pair: dict[str, Any]) -> str:
    ids = pair["ids"]
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    return f"{pair['name']}: look at {', '.join(ids[:_MOST_IDS])}{more}"


def _judge(report: dict[str, Any]) -> str:
    compared = len(report["pairs"])
    if report["balanced"]:
        return (
            f"The ledger balances: {report['messages']:,} messages, each in one known state; "
            f"{compared} comparisons agree."
        )
    differing = sum(not pair["agrees"] for pair in report["pairs"])
    return f"The ledger DOES NOT BALANCE: {differing} of {compared} comparisons differ."


async def _count(config: Config) -> dict[str, Any]:
    async with open_database(config) as database:
        report = await read_ledger(
            database, now=datetime.now(UTC), lookup_days=config.retention.receipt_map_days
        )
    return report.as_json()
