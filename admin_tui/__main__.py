"""`python -m admin_tui`: reads the command line and the person's settings, then runs the console or draws
one screen of it into a file."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from admin_tui.client import ApiClient, ServerAddress
from admin_tui.settings import ConsoleSettings, read_settings, settings_path
from admin_tui.words import LANGUAGES, choose_language

TOKEN_VARIABLE: Final = "ESTAFETTE_TOKEN"
_DONE, _REFUSED = 0, 1


def make_parser() -> argparse.ArgumentParser:
    """The options of the console, which `estafette admin` hands on as they are."""
    parser = argparse.ArgumentParser(
        prog="estafette admin",
        description="The console: campaigns, messages, people, carriers in the terminal.",
    )
    server = parser.add_mutually_exclusive_group()
    server.add_argument("--socket", metavar="PATH", help="admin socket of the server")
    server.add_argument("--url", help="address of an admin API reached over TCP, with --token-file")
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help=f"file with the token for --url; else ${TOKEN_VARIABLE}",
    )
    parser.add_argument("--read-only", action="store_true", help="look, change nothing")
    parser.add_argument("--language", choices=LANGUAGES, help="else the language of the environment")
    parser.add_argument("--shop", metavar="NAME", help="the shop to begin with")
    shot = parser.add_argument_group("drawing a screen into a file")
    shot.add_argument("--screenshot", metavar="SCREEN", help="a screen by name, such as overview; then exit")
    shot.add_argument(
        "--size", default="120x40", metavar="COLUMNSxROWS", type=_size, help="of the drawn terminal"
    )
    shot.add_argument("--out", metavar="FILE.svg", type=_writable_file, help="where the drawing goes")
    shot.add_argument("--keys", default="", help="keys to press first, with commas between; type:TEXT types")
    shot.add_argument("--at", metavar="TIME", type=_moment, help="draw as if it were this time (RFC 3339)")
    return parser


def _writable_file(text: str) -> str:
    path = Path(text)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text} cannot be written")
    return text


def _size(text: str) -> str:
    columns, _, rows = text.lower().partition("x")
    if not (columns.isdigit() and rows.isdigit()):
        raise argparse.ArgumentTypeError(f"{text} is no size; write it like 120x40")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text} is no time; write it like 2026-03-01T10:00:00Z") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console; the exit status is 1 where a screenshot could not be drawn."""
    parser = make_parser()
    options = parser.parse_args(argv)
    if options.screenshot and not options.out:
        parser.error("--screenshot needs --out FILE.svg")
    if not options.socket and not options.url:
        parser.error("name a server by --socket or --url")
    if options.token_file and not os.access(options.token_file, os.R_OK):
        parser.error(f"argument --token-file: {options.token_file} cannot be read")
    settings = read_settings(settings_path(os.environ))
    return _run(options, settings)


def _run(options: argparse.Namespace, settings: ConsoleSettings) -> int:
    from admin_tui.app import ConsoleApp  # Textual takes 0.3 s to import, which --help need not wait for
    from admin_tui.desk import Desk
    from admin_tui.screens.registry import SCREENS
    from admin_tui.words import Words

    names = [screen.name for screen in SCREENS]
    if options.screenshot and options.screenshot not in names:
        print(f"estafette admin: the screens are {', '.join(names)}", file=sys.stderr)
        return _REFUSED
    language = choose_language(options.language or settings.language, os.environ)
    desk = Desk(
        ApiClient(_read_address(options), language=language),
        Words(language),
        clock=_make_clock(options.at),
        monotonic=time.monotonic,
        shop=options.shop or settings.shop,
        is_read_only=options.read_only,
    )
    app = ConsoleApp(
        desk,
        keymap=settings.keys,
        first_screen=options.screenshot or "overview",
        faults=() if options.screenshot else settings.faults,
    )
    if not options.screenshot:
        app.run()
        return _DONE
    from admin_tui.screenshot import draw_screen, parse_size

    keys = [key for key in options.keys.split(",") if key]
    fault = asyncio.run(draw_screen(app, parse_size(options.size), Path(options.out), keys))
    if fault:
        print(f"estafette admin: {fault}", file=sys.stderr)
    return _REFUSED if fault else _DONE


def _read_address(options: argparse.Namespace) -> ServerAddress:
    if options.socket:
        return ServerAddress(socket_path=Path(options.socket))
    token = os.environ.get(TOKEN_VARIABLE, "")
    if options.token_file:
        token = Path(options.token_file).read_text(encoding="utf-8").strip()
    return ServerAddress(url=options.url, token=token)


def _make_clock(frozen: datetime | None) -> Callable[[], datetime]:
    return (lambda: datetime.now(UTC)) if frozen is None else (lambda: frozen)


if __name__ == "__main__":
    sys.exit(main())
