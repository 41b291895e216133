"""`estafette key`: API keys of shops. A key is shown once, when it is made.

Asks the server; where none answers it works on the database itself, so that a key can be revoked while the
server is down.
"""

import argparse
from typing import Any

from gateway.commands.errors import ExitStatus, ServerUnreachable
from gateway.commands.options import add_server_options, connect, read_configuration
from gateway.commands.tables import format_table, print_document
from gateway.intake.keys import SCOPES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    create = words.add_parser("create", help="make a key", description="Make a key and show it, this once.")
    create.add_argument("--shop", required=True, metavar="NAME")
    mode = create.add_mutually_exclusive_group(required=True)
    mode.add_argument("--live", dest="mode", action="store_const", const="live", help="sends to carriers")
    mode.add_argument(
        "--test", dest="mode", action="store_const", const="test", help="never leaves the simulator"
    )
    create.add_argument("--label", default="", metavar="TEXT", help="to know it by")
    create.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        help="what it may do, once for each (default: everything)",
    )
    add_server_options(create)
    listing = words.add_parser(
        "list", help="every key", description="Every key, by its first and last letters."
    )
    listing.add_argument("--shop", metavar="NAME", help="of this shop only")
    add_server_options(listing)
    revoke = words.add_parser(
        "revoke",
        help="end a key within a second",
        description="End a key; no request with it is answered again.",
    )
    revoke.add_argument("id", type=int, help="its number, as `key list` shows it")
    add_server_options(revoke)


def run(arguments: argparse.Namespace) -> int:
    try:
        answer = _ask_server(arguments)
    except ServerUnreachable:
        if arguments.socket:
            raise
        answer = _ask_database(arguments)
    if arguments.json:
        print_document(answer)
    elif arguments.word == "create":
        print(f"{answer['key']}\nKeep it now: it is not shown again.")
    elif arguments.word == "revoke":
        print(f"key {answer['id']} of shop {answer['shop']} ({answer['hint']}) is revoked")
    else:
        print(_describe_all(answer["keys"]))
    return ExitStatus.DONE


def _ask_server(arguments: argparse.Namespace) -> Any:
    client = connect(arguments)
    if arguments.word == "create":
        wanted: dict[str, object] = {"shop": arguments.shop, "mode": arguments.mode, "label": arguments.label}
        if arguments.scope:
            wanted["scopes"] = arguments.scope
        return client.post("/admin/keys", wanted)
    if arguments.word == "revoke":
        return client.delete(f"/admin/keys/{arguments.id}")
    return client.get("/admin/keys", {"shop": arguments.shop} if arguments.shop else None)


def _ask_database(arguments: argparse.Namespace) -> dict[str, Any]:
    from gateway.commands.stored_keys import (
        StoredKeys,
    )  # loads the database's libraries, which a server spares

    keys = StoredKeys(read_configuration(arguments.config))
    if arguments.word == "create":
        return keys.create(arguments.shop, arguments.mode, arguments.label, arguments.scope)
    if arguments.word == "revoke":
        return keys.revoke(arguments.id)
    return keys.list(arguments.shop)


def _describe_all(keys: list[dict[str, Any]]) -> str:
    if not keys:
        return "There is no key. `estafette key create --shop NAME --test` makes one."
    return format_table(
        ("id", "shop", "mode", "key", "label", "scopes", "made", "revoked"),
        [
            (
                key["id"],
                key["shop"],
                key["mode"],
                key["hint"],
                key["label"],
                " ".join(key["scopes"]),
                key["created_at"][:10],
                (key["revoked_at"] or "")[:10],
            )
            for key in keys
        ],
    )
