"""`estafette connector trace`: what passes on a carrier's binds, in words, while it passes."""

import argparse
import json
import sys
from urllib.parse import quote

from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.trace_lines import format_pdu


def add_trace_options(parser: argparse.ArgumentParser) -> None:
    """How PDUs are shown; `message trace` has them too."""
    parser.add_argument("--brief", action="store_true", help="one line for each PDU, without the words below")
    parser.add_argument("--hex", action="store_true", help="show the octets too")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the connector, as `estafette connector list` shows it")
    parser.add_argument(
        "--number", metavar="NUMBER", help="only what concerns this number: submits, answers, receipts, texts"
    )
    parser.add_argument(
        "--for",
        metavar="SECONDS",
        type=int,
        dest="seconds",
        help="end after so many seconds (default: Ctrl-C)",
    )
    add_trace_options(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    query = {}
    if arguments.number:
        query["number"] = arguments.number
    if arguments.seconds is not None:
        query["for_seconds"] = str(arguments.seconds)
    with connect(arguments).stream(
        f"/admin/connectors/{quote(arguments.name, safe='')}/trace", query
    ) as lines:
        if not arguments.json and sys.stderr.isatty():
            print(f"tracing {arguments.name}, times in UTC; Ctrl-C ends it", file=sys.stderr)
        for line in lines:
            if arguments.json:
                print(line.decode().rstrip("\n"), flush=True)
                continue
            pdu = json.loads(line)
            print(format_pdu(pdu, is_brief=arguments.brief, shows_hex=arguments.hex), flush=True)
    return ExitStatus.DONE
