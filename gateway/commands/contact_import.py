"""`estafette contact import`: a file of people into the running server, with a dry run and a summary.

Sends the file and asks how far it came; everything is decided and done by the server.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from gateway.commands.admin_client import AdminClient
from gateway.commands.contact_list import find_list
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, add_shop_option, choose_shop, connect
from gateway.commands.tables import format_table, print_document

_POLL_SECONDS: Final = 0.25
_STANDARD_INPUT: Final = "-"
_AT_WORK: Final = frozenset(("waiting", "reading", "merging"))
_SHOWN_FAULTS: Final = 10
_COUNTS: Final = (
    ("rows", "rows in the file"),
    ("new", "new people"),
    ("updated", "brought up to date"),
    ("unchanged", "known already"),
    ("consents", "agreements recorded"),
    ("opted_out", "opted out, and stay so"),
    ("duplicates", "repeated in the file"),
    ("refused", "refused"),
)


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `estafette contact import`."""
    parser.add_argument("file", metavar="FILE", help="CSV, XLSX, ODS or XLS; - for standard input")
    parser.add_argument("--list", metavar="NAME", help="put everybody on this list; it is made if it is new")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=ROLE",
        help="what a column holds, by its heading or its number from 1: number, first_name, last_name, "
        "language, country, tag, consent, consent_date, attribute:NAME, ignore",
    )
    parser.add_argument(
        "--country", metavar="CC", help="country of numbers that name none (default: the shop's)"
    )
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="put on everybody")
    parser.add_argument(
        "--keep", action="store_true", help="leave people who are known as they are (default: update them)"
    )
    parser.add_argument("--consent-source", metavar="TEXT", help="where people agreed to marketing")
    parser.add_argument("--wording", metavar="TEXT", help="the words that they agreed to")
    parser.add_argument(
        "--said-at", metavar="TIME", help="when they agreed, such as 2026-03-01T10:00:00+01:00"
    )
    parser.add_argument("--delimiter", metavar="C", help="where the detected one is wrong; `tab` for a tab")
    parser.add_argument("--encoding", metavar="NAME", help="utf-8, utf-16-le, utf-16-be or windows-1252")
    parser.add_argument("--no-header", action="store_true", help="the first row is a person")
    parser.add_argument("--dry-run", action="store_true", help="count everything and change no one")
    parser.add_argument("--faults", metavar="FILE", help="write refused rows with their reasons here, as CSV")
    add_shop_option(parser)
    add_server_options(parser)


def run_import(arguments: argparse.Namespace) -> int:
    """0 when people were brought in, or would be; 1 when the file is refused or the import fails."""
    client = connect(arguments)
    shop = choose_shop(client, arguments.shop)
    if arguments.faults:
        refuse_unwritable(Path(arguments.faults))
    uploaded = _upload(client, shop, arguments.file)
    path = f"{shop}/imports/{uploaded['id']}"
    try:
        settings = _choose_settings(client, shop, uploaded, arguments)
        client.post(f"{path}/{'check' if arguments.dry_run else 'start'}", settings)
        ended = _follow(client, path)
    except KeyboardInterrupt:
        ended = client.post(f"{path}/cancel")
        print(f"\n{ended['fault']}", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except CommandError:
        client.post(f"{path}/cancel")
        raise
    if arguments.faults and ended["counts"]["refused"]:
        Path(arguments.faults).write_bytes(client.download(f"{path}/faults.csv"))
    if arguments.json:
        print_document(ended)
    else:
        print(_describe(client, path, ended, arguments))
    return ExitStatus.DONE if ended["state"] in ("checked", "finished") else ExitStatus.REFUSED


def refuse_unwritable(path: Path) -> None:
    """Raises `CommandError` where no file can be written: better before people are changed than after."""
    is_writable = os.access(path if path.exists() else path.parent, os.W_OK)
    if path.is_dir() or not is_writable:
        raise CommandError(f"{path} cannot be written; name a file in a folder that you may write to")


def _upload(client: AdminClient, shop: str, name: str) -> dict[str, Any]:
    if name == _STANDARD_INPUT:
        return _send(client, shop, "standard input", sys.stdin.buffer)
    try:
        with open(name, "rb") as file:
            return _send(client, shop, os.path.basename(name), file)
    except OSError as exc:
        raise CommandError(f"{name} cannot be read: {exc.strerror}") from exc


def _send(client: AdminClient, shop: str, name: str, file: BinaryIO) -> dict[str, Any]:
    printable = "".join(character for character in name if character.isprintable())
    uploaded: dict[str, Any] = client.send_file(f"{shop}/imports", {"file_name": printable[-200:]}, file)
    return uploaded


def _choose_settings(
    client: AdminClient, shop: str, uploaded: dict[str, Any], arguments: argparse.Namespace
) -> dict[str, object]:
    detected = uploaded["detected"]
    has_header = detected["has_header"] and not arguments.no_header
    heading = detected["columns"] if has_header else []
    settings: dict[str, object] = {
        "columns": map_columns(heading, detected["suggested"], arguments.map),
        "has_header": has_header,
        "delimiter": "\t" if arguments.delimiter == "tab" else arguments.delimiter,
        "encoding": arguments.encoding,
        "default_country": arguments.country,
        "on_known": "keep" if arguments.keep else "update",
        "tags": arguments.tag,
    }
    if arguments.consent_source or arguments.wording:
        settings["consent"] = {
            "state": "opted_in",
            "source": arguments.consent_source or "",
            "wording": arguments.wording or "",
            "said_at": arguments.said_at,
        }
    if arguments.list:
        settings |= _choose_list(client, shop, arguments.list)
    return settings


def _choose_list(client: AdminClient, shop: str, name: str) -> dict[str, object]:
    try:
        return {"list": find_list(client, shop, name)["id"]}
    except CommandError:
        return {"new_list": name}


def map_columns(heading: Sequence[str], suggested: Sequence[str], mappings: Sequence[str]) -> list[str]:
    """The suggested roles with those of `COLUMN=ROLE` put in; a role given by hand is taken from the column
    that had it. Raises `CommandError` for a column that is not there, or whose name two columns have."""
    roles = list(suggested)
    for mapping in mappings:
        column, equals, role = mapping.rpartition("=")
        if not equals or not role:
            raise CommandError(f"--map {mapping} does not say what the column holds; write COLUMN=ROLE")
        place = _find_column(column, heading, len(roles))
        if role not in ("tag", "ignore"):
            roles = ["ignore" if each == role else each for each in roles]
        roles[place] = role
    return roles


def _find_column(column: str, heading: Sequence[str], width: int) -> int:
    places = [place for place, name in enumerate(heading) if name == column]
    if len(places) > 1:
        raise CommandError(f"{len(places)} columns are called {column}; name one by its number, from 1")
    if places:
        return places[0]
    if column.isdecimal() and 1 <= int(column) <= width:
        return int(column) - 1
    known = ", ".join(heading) or f"1 to {width}"
    raise CommandError(f"there is no column {column}; there are {known}")


def _follow(client: AdminClient, path: str) -> dict[str, Any]:
    """Wait for the end; tell on standard error how far it is, where somebody looks."""
    is_watched = sys.stderr.isatty()
    while True:
        job: dict[str, Any] = client.get(path)
        progress = job["progress"]
        if progress["phase"] not in _AT_WORK or job["waits_for"]:
            if is_watched:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
            return job
        if is_watched:
            print(f"\r\033[K{_tell_progress(progress)}", end="", file=sys.stderr, flush=True)
        time.sleep(_POLL_SECONDS)


def _tell_progress(progress: dict[str, Any]) -> str:
    if progress["phase"] == "waiting" or not progress["rows_total"]:
        return f"{progress['phase']} …"
    left = "" if progress["eta_seconds"] is None else f", {progress['eta_seconds']} s left"
    done, total = progress["rows_done"], progress["rows_total"]
    return f"{progress['phase']} {done:,} of {total:,} ({progress['rows_per_second']:,.0f}/s{left})"


def _describe(client: AdminClient, path: str, job: dict[str, Any], arguments: argparse.Namespace) -> str:
    counts = job["counts"]
    lines = [f"{job['file_name']}: {job['state']}"]
    if job["fault"]:
        lines.append(job["fault"])
    if job["waits_for"]:
        lines.append(job["waits_for"])
    rows = [(counts[key], words) for key, words in _COUNTS if counts[key] or key in ("rows", "new")]
    lines.append(format_table(("", ""), rows).lstrip("\n"))
    for field, kind in counts["new_fields"].items():
        lines.append(f"new field {field}: {kind}")
    if counts["refused"]:
        shown = client.get(f"{path}/faults", {"limit": str(_SHOWN_FAULTS)})["faults"]
        lines.append("")
        lines.extend(f"row {fault['row']}: {fault['detail']}" for fault in shown)
        if counts["refused"] > len(shown):
            rest = counts["refused"] - len(shown)
            where = f"in {arguments.faults}" if arguments.faults else "written to a file by --faults FILE"
            lines.append(f"and {rest:,} more, {where}")
    if job["state"] == "checked":
        lines.append("Nobody was changed. Run it again without --dry-run to bring them in.")
    return "\n".join(lines)
