"""Options that several words share: which server, which configuration, and JSON for scripts.

Owns where a configuration is looked for. Reads it only when a word needs it.
"""

import argparse
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gateway.commands.admin_client import TIMEOUT_SECONDS, AdminClient
from gateway.commands.errors import CommandError
from gateway.config import Config, load_config
from gateway.hosting.state import resolve_state_directory

ADMIN_SOCKET: Final = "admin.sock"
SYSTEM_CONFIG: Final = Path("/etc/estafette/config.yaml")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document, for scripts")


def add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        help=f"configuration; else $ESTAFETTE_CONFIG, ./config.yaml, or {SYSTEM_CONFIG}",
    )


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """`--config`, `--socket` and `--json`: for words that ask a running server."""
    add_config_option(parser)
    parser.add_argument(
        "--socket", metavar="PATH", help="admin socket of the server, when the configuration is elsewhere"
    )
    add_json_option(parser)


def add_shop_option(parser: argparse.ArgumentParser) -> None:
    """`--shop`: whose people, lists, campaigns or orders; may be left out where there is only one shop."""
    parser.add_argument("--shop", metavar="NAME", help="the shop (default: the only one there is)")


def choose_shop(client: AdminClient, given: str | None) -> str:
    """The path of the shop's endpoints. Raises `CommandError` where several shops leave it open."""
    if given is None:
        names = [shop["name"] for shop in client.get("/admin/shops")["shops"]]
        if len(names) != 1:
            known = (
                f"say which with --shop: {', '.join(names)}" if names else "make one: estafette shop create"
            )
            raise CommandError(f"there are {len(names)} shops; {known}")
        given = str(names[0])
    return f"/admin/shops/{quote(given, safe='')}"


def find_config(given: str | None) -> Path | None:
    """The configuration to use, or None when there is none. Raises `CommandError` if `given` is missing."""
    named = given or os.environ.get("ESTAFETTE_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise CommandError(f"there is no configuration {path}; copy config.example.yaml there to begin")
        return path.absolute()
    return next((path.absolute() for path in (Path("config.yaml"), SYSTEM_CONFIG) if path.is_file()), None)


def read_configuration(given: str | None) -> Config:
    """The configuration to use; without any file, the defaults. Raises `ConfigError` or `CommandError`."""
    path = find_config(given)
    return Config() if path is None else load_config(path, os.environ)


def state_directory_of(config: Config) -> Path:
    return resolve_state_directory(config.node.state_directory, os.environ, os.geteuid())


def admin_socket_of(config: Config) -> Path:
    """Where the server of this configuration listens for us."""
    return Path(config.admin.socket) if config.admin.socket else state_directory_of(config) / ADMIN_SOCKET


def connect(arguments: argparse.Namespace, *, timeout_seconds: float = TIMEOUT_SECONDS) -> AdminClient:
    """The server that `--socket`, `--config` or the defaults name; it is not asked anything yet."""
    path = (
        Path(arguments.socket) if arguments.socket else admin_socket_of(read_configuration(arguments.config))
    )
    return AdminClient(path, timeout_seconds=timeout_seconds)
