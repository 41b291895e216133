"""`estafette ledger`: every pair of counts that must agree, and which messages stand where. With `--verify`
everything is recounted from the rows, and laid beside the carrier's own log where there is one.

Asks the server; where none answers it counts in the database itself. The exit status is 1 when anything
differs.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from gateway.commands.errors import CommandError, ExitStatus, ServerUnreachable
from gateway.commands.ledger_words import describe_ledger, describe_verification
from gateway.commands.local_database import open_database
from gateway.commands.options import add_server_options, connect, read_configuration
from gateway.commands.tables import print_answer
from gateway.config import Config
from gateway.ledger.accounts import read_ledger
from gateway.ledger.carrier_account import compare_with_carrier
from gateway.ledger.carrier_log import BadCarrierLog
from gateway.ledger.verification import verify_ledger

_READING_SECONDS: Final = 3_600.0
"""The ledger reads every row there is, which takes minutes where millions are stored."""
_LINES_AT_ONCE: Final = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_server_options(parser)
    parser.add_argument("--all", action="store_true", help="show every comparison, not only what differs")
    parser.add_argument(
        "--verify", action="store_true", help="recount everything from the rows, and compare with every total"
    )
    parser.add_argument(
        "--from", dest="first", metavar="DAY", type=_read_day, help="with --verify: not before this UTC day"
    )
    parser.add_argument(
        "--to", dest="last", metavar="DAY", type=_read_day, help="with --verify: not after this UTC day"
    )
    parser.add_argument(
        "--carrier-log",
        metavar="[CONNECTOR,…=]FILE",
        action="append",
        default=[],
        help="with --verify: the log of a simulator, to compare submit by submit with what went to these "
        "connectors (default: all); may be given again",
    )
    parser.epilog = "The exit status is 0 when everything agrees, 1 when anything differs."


def run(arguments: argparse.Namespace) -> int:
    if arguments.verify:
        return _verify(arguments)
    if arguments.carrier_log or arguments.first or arguments.last:
        raise CommandError("--carrier-log, --from and --to go with --verify")
    try:
        report = connect(arguments, timeout_seconds=_READING_SECONDS).get("/admin/ledger")
    except ServerUnreachable:
        if arguments.socket:
            raise
        report = asyncio.run(_count(read_configuration(arguments.config)))
    print_answer(report, describe_ledger(report, shows_all=arguments.all), as_json=arguments.json)
    return ExitStatus.DONE if report["balanced"] else ExitStatus.REFUSED


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.first and arguments.last and arguments.first > arguments.last:
        raise CommandError("--from is after --to; turn them round")
    logs = [_read_log_option(given) for given in arguments.carrier_log]
    for _, path in logs:
        _open(path).close()  # found out before minutes of counting, not after
    try:
        report = _verify_by_server(arguments, logs)
    except ServerUnreachable:
        if arguments.socket:
            raise
        report = asyncio.run(_verify_here(read_configuration(arguments.config), arguments, logs))
    print_answer(report, describe_verification(report, shows_all=arguments.all), as_json=arguments.json)
    return ExitStatus.DONE if report["verified"] else ExitStatus.REFUSED


def _verify_by_server(
    arguments: argparse.Namespace, logs: Sequence[tuple[tuple[str, ...], Path]]
) -> dict[str, Any]:
    client = connect(arguments, timeout_seconds=_READING_SECONDS)
    days = {"from": arguments.first, "to": arguments.last}
    query = {name: day.isoformat() for name, day in days.items() if day}
    report: dict[str, Any] = client.get("/admin/ledger/verification", query)
    accounts = []
    for connectors, path in logs:
        with _open(path) as file:
            asked = {"connectors": ",".join(connectors)} if connectors else {}
            accounts.append((path, client.send_file("/admin/ledger/carrier-log", asked, file)))
    return _join(report, accounts)


async def _verify_here(
    config: Config, arguments: argparse.Namespace, logs: Sequence[tuple[tuple[str, ...], Path]]
) -> dict[str, Any]:
    accounts = []
    async with open_database(config) as database:
        found = await verify_ledger(
            database,
            now=_now(),
            lookup_days=config.retention.receipt_map_days,
            first=arguments.first,
            last=arguments.last,
        )
        for connectors, path in logs:
            with _open(path) as file, _refusals_of(path):
                account = await compare_with_carrier(
                    database, _batches(file), connectors=connectors, clock=_now
                )
            accounts.append((path, account.as_json()))
    return _join(found.as_json(), accounts)


def _join(report: dict[str, Any], accounts: Sequence[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    """One report of both: it is in order when every account is."""
    logs = [{"file": str(path), **account} for path, account in accounts]
    is_verified = report["verified"] and all(log["agrees"] for log in logs)
    return {**report, "verified": is_verified, "carrier_logs": logs}


@contextmanager
def _refusals_of(path: Path) -> Iterator[None]:
    try:
        yield
    except BadCarrierLog as exc:
        raise CommandError(f"{path}: {exc}") from exc
    except KeyError as exc:
        raise CommandError(f"there is no connector {exc}; see estafette connector list") from exc


async def _batches(file: BinaryIO) -> AsyncIterator[Sequence[bytes]]:
    while lines := list(islice(file, _LINES_AT_ONCE)):
        yield lines


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as exc:
        raise CommandError(f"the log {path} cannot be read: {exc.strerror}") from exc


def _read_log_option(given: str) -> tuple[tuple[str, ...], Path]:
    """`a,b=FILE`, or `FILE` for all connectors."""
    names, has_names, file = given.partition("=")
    if not has_names:
        return (), Path(given)
    return tuple(name for name in names.split(",") if name), Path(file)


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-11-22") from exc


def _now() -> datetime:
    return datetime.now(UTC)


async def _count(config: Config) -> dict[str, Any]:
    async with open_database(config) as database:
        report = await read_ledger(database, now=_now(), lookup_days=config.retention.receipt_map_days)
    return report.as_json()
