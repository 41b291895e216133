"""`estafette admin`: starts the console, which is a program of its own and speaks HTTP to the server.

Owns finding the server's socket. Everything else on the line is handed on: the console reads its own options.
"""

import argparse
import os
import sys

from gateway.commands.options import add_config_option, admin_socket_of, read_configuration

CONSOLE_MODULE = "admin_tui"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_option(parser)
    server = parser.add_mutually_exclusive_group()
    server.add_argument(
        "--socket", metavar="PATH", help="admin socket of the server, when the configuration is elsewhere"
    )
    server.add_argument("--url", help="address of an admin API that is reached over TCP")
    parser.add_argument(
        "--token-file", metavar="FILE", help="file with the token for --url; else $ESTAFETTE_TOKEN"
    )
    parser.add_argument("--read-only", action="store_true", help="look, change nothing")
    parser.add_argument(
        "--language", metavar="LANGUAGE", help="en, fr, it or ro; else that of the environment"
    )
    parser.add_argument("--shop", metavar="NAME", help="the shop to begin with")
    parser.add_argument("--screenshot", metavar="SCREEN", help="draw this screen into --out and exit")
    parser.add_argument("--size", metavar="COLUMNSxROWS", help="of the drawn screen, such as 120x40")
    parser.add_argument("--out", metavar="FILE.svg", help="where the drawing goes")
    parser.add_argument(
        "--keys", metavar="KEYS", help="keys to press before drawing, with commas between; type:TEXT types"
    )
    parser.add_argument("--at", metavar="TIME", help="draw as if it were this time (RFC 3339)")


def run(arguments: argparse.Namespace) -> int:
    """Becomes the console: this process is replaced, so that the terminal has one owner."""
    command = [sys.executable, "-m", CONSOLE_MODULE, *console_arguments(arguments)]
    sys.stdout.flush()
    os.execv(command[0], command)


def console_arguments(arguments: argparse.Namespace) -> list[str]:
    """The console's own command line for ours."""
    if arguments.url:
        line = ["--url", arguments.url]
    else:
        socket = arguments.socket or str(admin_socket_of(read_configuration(arguments.config)))
        line = ["--socket", socket]
    for name in ("token_file", "language", "shop", "screenshot", "size", "out", "keys", "at"):
        value = getattr(arguments, name)
        if value:
            line += [f"--{name.replace('_', '-')}", value]
    return [*line, "--read-only"] if arguments.read_only else line
