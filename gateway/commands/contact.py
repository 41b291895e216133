"""`estafette contact`: people of one shop: found, added, kept from marketing, imported, exported, forgotten.

Whom a word means is said by number or by id. What is typed here is audited under the caller's user.
"""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from gateway.commands.admin_client import AdminClient
from gateway.commands.contact_export import write_people
from gateway.commands.contact_import import add_import_arguments, run_import
from gateway.commands.contact_list import find_list
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, add_shop_option, choose_shop, connect
from gateway.commands.person import find_person
from gateway.commands.tables import format_table, print_answer

_MOST_SHOWN = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    listing = words.add_parser("list", help="find people", description="People of the shop, newest first.")
    listing.add_argument("search", nargs="?", help="a number, digits of one, or the beginning of a name")
    listing.add_argument("--list", metavar="NAME", help="on this list only")
    listing.add_argument("--consent", choices=("unknown", "opted_in", "opted_out"), help="to marketing")
    listing.add_argument("--suppressed", choices=("none", "marketing", "all"), help="kept from")
    listing.add_argument("--tag", metavar="TAG", help="with this tag only")
    listing.add_argument(
        "--limit", type=_read_limit, default=50, metavar="N", help="at most so many, 1 to 200"
    )
    show = _add_word(words, "show", "one person, with everything they said about marketing")
    put = _add_word(words, "put", "add a person, or change what is given")
    put.add_argument("--first-name", metavar="NAME")
    put.add_argument("--last-name", metavar="NAME")
    put.add_argument("--language", metavar="LL", help="such as fr")
    put.add_argument("--tag", action="append", metavar="TAG", help="all tags, once for each")
    put.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="one of the shop's own fields"
    )
    put.add_argument("--list", metavar="NAME", help="and put the person on this list")
    erase = _add_word(words, "erase", "forget a person: number and texts too, in every message")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    opt_out = _add_word(words, "opt-out", "keep a person from marketing, or from everything")
    opt_out.add_argument("--scope", choices=("marketing", "all"), default="marketing")
    opt_out.add_argument("--reason", metavar="TEXT", help="shown with the opt-out")
    lift = _add_word(words, "lift", "end an opt-out; what the person withdrew themselves stays unknown")
    lift.add_argument("--scope", choices=("marketing", "all"), default="marketing")
    lift.add_argument("--reason", metavar="TEXT", help="kept in the audit log")
    opt_in = _add_word(words, "opt-in", "record that a person agreed to marketing")
    opt_in.add_argument("--source", required=True, metavar="TEXT", help="where it was said, such as “till”")
    opt_in.add_argument("--wording", metavar="TEXT", help="the words agreed to")
    opt_in.add_argument(
        "--said-at", metavar="TIME", help="when, such as 2026-03-01T10:00:00+01:00, or now; ends an opt-out"
    )
    add_import_arguments(
        words.add_parser("import", help="a file of people", description="Bring in a file of people.")
    )
    export = words.add_parser(
        "export", help="everybody, as CSV", description="People of the shop as CSV on standard output."
    )
    export.add_argument("--list", metavar="NAME", help="of this list only")
    for one in (listing, show, put, erase, opt_out, lift, opt_in, export):
        add_shop_option(one)
        add_server_options(one)


def run(arguments: argparse.Namespace) -> int:
    if arguments.word == "import":
        return run_import(arguments)
    client = connect(arguments)
    shop = choose_shop(client, arguments.shop)
    if arguments.word == "export":
        list_id = find_list(client, shop, arguments.list)["id"] if arguments.list else None
        write_people(client, shop, list_id, sys.stdout, as_json=arguments.json)
        return ExitStatus.DONE
    answer, text = _ANSWERS[arguments.word](client, shop, arguments)
    print_answer(answer, text, as_json=arguments.json)
    return ExitStatus.DONE


def _read_limit(text: str) -> int:
    limit = int(text)
    if not 1 <= limit <= _MOST_SHOWN:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {_MOST_SHOWN}")
    return limit


def _add_word(words: Any, word: str, purpose: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = words.add_parser(
        word, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
    )
    parser.add_argument("person", help="a number such as +33612345678, or an id such as ctc_1nGf0K2aQbL")
    return parser


def _list(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    query = {
        "q": arguments.search,
        "list": find_list(client, shop, arguments.list)["id"] if arguments.list else None,
        "consent": arguments.consent,
        "suppressed": arguments.suppressed,
        "tag": arguments.tag,
        "limit": str(arguments.limit),
    }
    answer = client.get(f"{shop}/contacts", {name: value for name, value in query.items() if value})
    if not answer["contacts"]:
        return answer, "Nobody is found."
    rows = [
        (
            each["number"],
            " ".join(name for name in (each["first_name"], each["last_name"]) if name),
            each["country"],
            each["marketing_consent"],
            "" if each["suppressed"] == "none" else each["suppressed"],
            each["id"],
        )
        for each in answer["contacts"]
    ]
    table = format_table(("number", "name", "country", "consent", "kept from", "id"), rows)
    return answer, table + ("\nThere are more." if answer["next_cursor"] else "")


def _show(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    person = find_person(client, shop, arguments.person)
    proof = client.get(f"{shop}/contacts/{quote(person['id'], safe='')}/consents")
    shown = {**person, **{f"· {name}": value for name, value in person["attributes"].items()}}
    del shown["attributes"]
    shown["tags"] = ", ".join(person["tags"])
    lines = [f"{name:18} {value}" for name, value in shown.items() if value not in (None, "")]
    said = [(each["said_at"], each["state"], each["source"], each["wording"]) for each in proof["consents"]]
    if said:
        lines += ["", format_table(("said", "state", "source", "wording"), said)]
    kept = [(each["created_at"], each["scope"], each["source"]) for each in proof["opt_outs"]]
    if kept:
        lines += ["", format_table(("since", "kept from", "source"), kept)]
    return proof, "\n".join(lines)


def _put(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    person: dict[str, object] = {"number": arguments.person}
    if arguments.person.startswith("ctc_"):
        person["number"] = find_person(client, shop, arguments.person)["number"]
    for name in ("first_name", "last_name", "language"):
        if getattr(arguments, name) is not None:
            person[name] = getattr(arguments, name) or None
    if arguments.tag is not None:
        person["tags"] = arguments.tag
    if arguments.set:
        kinds = {each["name"]: each["kind"] for each in client.get(f"{shop}/contact-fields")["fields"]}
        person["attributes"] = dict(_read_setting(setting, kinds) for setting in arguments.set)
    if arguments.list:
        person["lists"] = [find_list(client, shop, arguments.list)["id"]]
    stored = client.post(f"{shop}/contacts", person)
    return stored, f"{stored['number']} is stored as {stored['id']}"


def _read_setting(setting: str, kinds: dict[str, str]) -> tuple[str, object]:
    """FIELD=VALUE with the value as its field holds it; an empty one takes the value away."""
    name, sign, text = setting.partition("=")
    if not sign:
        raise CommandError(f"write --set {setting}=VALUE")
    if not text:
        return name, None
    kind = kinds.get(name)
    if kind == "number":
        try:
            return name, float(text) if "." in text else int(text)
        except ValueError as exc:
            raise CommandError(f"{name} holds numbers, and {text[:40]} is none") from exc
    if kind == "boolean":
        if text not in ("true", "false", "yes", "no"):
            raise CommandError(f"{name} holds yes or no, not {text[:40]}")
        return name, text in ("true", "yes")
    return name, text


def _erase(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    if not arguments.yes and not arguments.json:
        _confirm(arguments.person)
    answer = client.delete(f"{shop}/contacts/{quote(arguments.person, safe='')}")
    counts = answer["erased"]
    named = ", ".join(f"{counts[name]} {name}" for name in ("messages", "inbound", "clicks", "orders"))
    return answer, f"forgotten; emptied: {named}. An opt-out stays, known by its hash only."


def _confirm(person: str) -> None:
    """Nothing brings an erased person back, so the number is typed once more."""
    print(f"Erasing {person} cannot be undone. Type it once more: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != person:
        raise CommandError("nothing is erased: what was typed is something else (in scripts, use --yes)")


def _opt_out(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    body: dict[str, object] = {"number": _number_of(client, shop, arguments.person), "scope": arguments.scope}
    if arguments.reason:
        body["reason"] = arguments.reason
    answer = client.post(f"{shop}/opt-outs", body)
    what = "marketing" if answer["scope"] == "marketing" else "everything"
    return answer, f"{arguments.person} is kept from {what}, since {answer['created_at']}"


def _lift(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    number = _number_of(client, shop, arguments.person)
    query = {"scope": arguments.scope, **({"reason": arguments.reason} if arguments.reason else {})}
    client.delete(f"{shop}/opt-outs/{quote(number, safe='')}?{urlencode(query)}")
    what = "marketing" if arguments.scope == "marketing" else "everything"
    answer = {"number": number, "scope": arguments.scope}
    return answer, (
        f"{arguments.person} is no longer kept from {what}; `estafette contact show` tells what they said"
    )


def _opt_in(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    consent: dict[str, object] = {"state": "opted_in", "source": arguments.source}
    if arguments.wording:
        consent["wording"] = arguments.wording
    if arguments.said_at:
        is_now = arguments.said_at == "now"
        consent["said_at"] = datetime.now(UTC).isoformat() if is_now else arguments.said_at
    number = _number_of(client, shop, arguments.person)
    answer = client.post(f"{shop}/contacts", {"number": number, "consent": consent})
    return answer, f"{answer['number']} has opted in to marketing"


def _number_of(client: AdminClient, shop: str, person: str) -> str:
    return str(find_person(client, shop, person)["number"]) if person.startswith("ctc_") else person


_ANSWERS = {
    "list": _list,
    "show": _show,
    "put": _put,
    "erase": _erase,
    "opt-out": _opt_out,
    "lift": _lift,
    "opt-in": _opt_in,
}
