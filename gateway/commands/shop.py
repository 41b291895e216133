"""`estafette shop`: tenants of the running server."""

import argparse
from typing import Any
from urllib.parse import quote

from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import format_table, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    create = words.add_parser("create", help="add a shop", description="Add a shop; then make it a key.")
    create.add_argument("name", help="1 to 32 lower-case letters, digits and hyphens")
    create.add_argument("--country", required=True, metavar="CC", help="its own country, such as FR")
    create.add_argument("--currency", metavar="CUR", help="of its spending caps (default: EUR)")
    create.add_argument("--sender", metavar="NAME", help="sender of messages that name none")
    create.add_argument(
        "--to", metavar="CC,CC", help="countries it may send to, * for any (default: its own)"
    )
    create.add_argument("--spend-day", metavar="AMOUNT", help="most that it may spend a day, such as 50.00")
    create.add_argument("--spend-month", metavar="AMOUNT", help="most that it may spend a month")
    _add_on_unknown(create, "(default: hold)")
    add_server_options(create)
    change = words.add_parser(
        "set", help="change a shop", description="Change a shop; what is not named stays as it is."
    )
    change.add_argument("name", help="the shop")
    change.add_argument("--sender", metavar="NAME", help="sender of messages that name none; - clears it")
    change.add_argument("--to", metavar="CC,CC", help="countries it may send to, * for any")
    change.add_argument("--spend-day", metavar="AMOUNT", help="most that it may spend a day; - lifts the cap")
    change.add_argument("--spend-month", metavar="AMOUNT", help="most that it may spend a month; - lifts it")
    _add_on_unknown(change, "")
    add_server_options(change)
    listing = words.add_parser("list", help="every shop", description="Every shop with its limits.")
    add_server_options(listing)


def run(arguments: argparse.Namespace) -> int:
    client = connect(arguments)
    if arguments.word == "create":
        answer = client.post("/admin/shops", _describe_new(arguments))
        text = (
            f"shop {answer['name']} is made; its webhooks are signed with {answer['webhook_secret']}\n"
            f"next: estafette key create --shop {answer['name']} --test"
        )
    elif arguments.word == "set":
        changes = {name: None if value == "-" else value for name, value in _read_settings(arguments).items()}
        if not changes:
            raise CommandError("nothing is to be changed; name a setting, such as --on-unknown resend")
        answer = client.patch(f"/admin/shops/{quote(arguments.name, safe='')}", changes)
        text = _describe_all([answer])
    else:
        answer = client.get("/admin/shops")
        text = _describe_all(answer["shops"])
    print_answer(answer, text, as_json=arguments.json)
    return ExitStatus.DONE


def _add_on_unknown(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--on-unknown",
        choices=("hold", "resend"),
        help="what becomes of a transactional message that no carrier answered: kept, or sent again, which "
        f"may reach a person twice {default}".rstrip(),
    )


def _describe_new(arguments: argparse.Namespace) -> dict[str, object]:
    wanted = {"name": arguments.name, "country": arguments.country, "currency": arguments.currency}
    named = {name: value for name, value in wanted.items() if value is not None}
    return {**named, **_read_settings(arguments)}


def _read_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """What may be set of a shop when it is made and later, as far as it was named."""
    wanted = {
        "default_sender": arguments.sender,
        "countries": arguments.to.split(",") if arguments.to else None,
        "spend_day": arguments.spend_day,
        "spend_month": arguments.spend_month,
        "on_unknown": arguments.on_unknown,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _describe_all(shops: list[dict[str, Any]]) -> str:
    if not shops:
        return "There is no shop yet. `estafette shop create NAME --country CC` makes one."
    return format_table(
        ("shop", "country", "sends to", "sender", "a day", "a month", "currency", "unknown", ""),
        [
            (
                shop["name"],
                shop["country"],
                " ".join(shop["countries"]),
                shop["default_sender"],
                shop["spend_day"],
                shop["spend_month"],
                shop["currency"],
                shop["on_unknown"],
                "closed" if shop["closed_at"] else None,
            )
            for shop in shops
        ],
    )
