"""`estafette campaign`: campaigns of one shop, from a draft in a JSON file to what they came to."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, add_shop_option, choose_shop, connect
from gateway.commands.paging import read_pages
from gateway.commands.tables import format_table, print_answer

_WORDS = (
    ("list", "every campaign", "Every campaign of the shop, newest first."),
    ("show", "one campaign", "One campaign: what it is, and how far it is."),
    ("create", "write a draft", "Write a draft from a JSON file with the fields of POST /v1/campaigns."),
    (
        "change",
        "change it",
        "Change it by a JSON file with the fields of PATCH /v1/campaigns; drafts wholly, running"
        " ones in name, speed, send_until and failure share.",
    ),
    ("duplicate", "the same again", "The same again, as a new draft."),
    ("delete", "throw a draft away", "Throw a draft away."),
    ("estimate", "what it would come to", "People, parts, cost and time if it started now. Sends nothing."),
    ("test", "try it on own numbers", "Send its text to up to five own numbers. They are paid for."),
    ("start", "start it", "Start it, at once or at its time. Asks for the estimate's number of recipients."),
    ("unplan", "make it a draft again", "Make a planned campaign a draft again, before its time."),
    ("pause", "stop it within a second", "Stop a running campaign; `resume` lets it go on."),
    ("resume", "let it go on", "Let a paused campaign go on."),
    ("cancel", "end it for good", "End it: what waits is cancelled, what has left cannot be called back."),
    ("report", "what it came to", "What it came to, from its report."),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    for word, summary, description in _WORDS:
        one = words.add_parser(word, help=summary, description=description)
        if word == "list":
            one.add_argument("--state", help="only campaigns in this state, such as running")
        elif word == "create":
            one.add_argument("file", help="a JSON file, or - for standard input")
        else:
            one.add_argument("campaign", help="its id such as cmp_1nGf0K2aQbL, or its name")
        if word == "change":
            one.add_argument("file", help="a JSON file, or - for standard input")
        if word == "test":
            one.add_argument("numbers", nargs="+", metavar="NUMBER", help="such as +33612345678")
            one.add_argument("--contact", metavar="ID", help="the person whom it is written for")
        if word == "start":
            one.add_argument("--recipients", type=int, required=True, metavar="N", help="as estimated")
        if word == "cancel":
            one.add_argument("--confirm", type=int, required=True, metavar="N", help="its recipients")
        add_shop_option(one)
        add_server_options(one)


def run(arguments: argparse.Namespace) -> int:
    client = connect(arguments)
    shop = choose_shop(client, arguments.shop)
    answer, text = _ANSWERS[arguments.word](client, shop, arguments)
    print_answer(answer, text, as_json=arguments.json)
    return ExitStatus.DONE


def _find(client: AdminClient, shop: str, named: str) -> dict[str, Any]:
    """The campaign of this id or name. Raises `CommandError` when there is none, or several of the name."""
    if named.startswith("cmp_"):
        found: dict[str, Any] = client.get(f"{shop}/campaigns/{quote(named, safe='')}")
        return found
    matching = [
        each for each in read_pages(client, f"{shop}/campaigns", "campaigns") if each["name"] == named
    ]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise CommandError(f"{len(matching)} campaigns are called {named}; give the id of the one you mean")
    raise CommandError(f"there is no campaign {named}; `estafette campaign list` shows them")


def _path(shop: str, campaign: dict[str, Any], word: str) -> str:
    return f"{shop}/campaigns/{quote(campaign['id'], safe='')}/{word}"


def _list(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    query = {"state": arguments.state} if arguments.state else None
    campaigns = list(read_pages(client, f"{shop}/campaigns", "campaigns", query))
    if not campaigns:
        none = f"No campaign is {arguments.state}." if arguments.state else "There is no campaign."
        return {"campaigns": []}, f"{none} `estafette campaign create FILE` writes a draft."
    rows = [
        (
            each["id"],
            each["state"],
            each["progress"]["recipients"],
            each["progress"]["sent"],
            each["progress"]["delivered"],
            each["progress"]["failed"],
            each["name"],
        )
        for each in campaigns
    ]
    headings = ("id", "state", "recipients", "sent", "delivered", "failed", "name")
    return {"campaigns": campaigns}, format_table(headings, rows)


def _show(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    found = _find(client, shop, arguments.campaign)
    return found, _describe(found)


def _create(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    made = client.post(f"{shop}/campaigns", read_fields(arguments.file))
    return made, (
        f"campaign {made['name']} is a draft: {made['id']}\nnext: estafette campaign estimate {made['id']}"
    )


def read_fields(name: str) -> dict[str, object]:
    """The JSON object in a file, or in standard input for `-`. Raises `CommandError`."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        fields = json.loads(text)
    except OSError as exc:
        raise CommandError(f"{name} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise CommandError(f"{name} cannot be read as JSON: {exc}") from exc
    if not isinstance(fields, dict):
        raise CommandError(f"{name} holds no JSON object; see campaigns in docs/api.md")
    return fields


def _change(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    campaign = _find(client, shop, arguments.campaign)
    fields = {"version": campaign["version"], **read_fields(arguments.file)}
    changed = client.patch(f"{shop}/campaigns/{quote(campaign['id'], safe='')}", fields)
    return changed, f"campaign {changed['name']} is at version {changed['version']}"


def _duplicate(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    made = client.post(_path(shop, _find(client, shop, arguments.campaign), "duplicate"))
    return made, f"campaign {made['name']} is a draft: {made['id']}"


def _delete(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    campaign = _find(client, shop, arguments.campaign)
    client.delete(f"{shop}/campaigns/{quote(campaign['id'], safe='')}")
    return {"deleted": campaign["id"]}, f"campaign {campaign['name']} is deleted"


def _estimate(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    campaign = _find(client, shop, arguments.campaign)
    found = client.post(_path(shop, campaign, "estimate"))
    return found, _describe_estimate(campaign, found)


def _test(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    campaign = _find(client, shop, arguments.campaign)
    body: dict[str, object] = {"to": arguments.numbers}
    if arguments.contact:
        body["contact"] = arguments.contact
    answer = client.post(_path(shop, campaign, "test"), body)
    rows = [(each["id"], each["to"], each["part_count"]) for each in answer["messages"]]
    return answer, format_table(("message", "to", "parts"), rows)


def _start(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    campaign = _find(client, shop, arguments.campaign)
    body = {"recipients": arguments.recipients, "version": campaign["version"]}
    return _moved(client.post(_path(shop, campaign, "start"), body))


def _move(word: str) -> "Callable[[AdminClient, str, argparse.Namespace], tuple[Any, str]]":
    def move(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
        campaign = _find(client, shop, arguments.campaign)
        body: dict[str, object] | None = {"confirm": arguments.confirm} if word == "cancel" else None
        return _moved(client.post(_path(shop, campaign, word), body))

    return move


def _moved(campaign: dict[str, Any]) -> tuple[Any, str]:
    return campaign, f"campaign {campaign['name']} is {campaign['state']}"


def _report(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    campaign = _find(client, shop, arguments.campaign)
    found = client.get(_path(shop, campaign, "report"))
    names = ("people", "recipients", "messages", "parts", "sent", "delivered", "failed", "expired", "waiting")
    rows = [(name, found[name]) for name in names if name in found]
    rows.append(("clicks", found["clicks"]["people"]))
    rows.append(("opt-outs", found["opt_outs"]["people"]))
    lines = [format_table((campaign["name"], ""), rows)]
    lines += [f"cost: {money['amount']} {money['currency']}" for money in found["cost"]]
    lines += [f"revenue: {money['amount']} {money['currency']}" for money in found["orders"]["revenue"]]
    return found, "\n".join(lines)


def _describe(campaign: dict[str, Any]) -> str:
    progress = campaign["progress"]
    state = campaign["state"]
    if campaign["pause_reason"]:
        state += f" ({campaign['pause_reason'].replace('_', ' ')})"
    eta = progress["eta_seconds"]
    fields = (
        ("id", campaign["id"]),
        ("name", campaign["name"]),
        ("state", state),
        ("category", campaign["category"]),
        ("text", campaign["text"]),
        ("people", f"{progress['people']}, of them {progress['excluded']} left out"),
        (
            "messages",
            f"{progress['expanded']} of {progress['recipients']} made, {progress['waiting']} waiting",
        ),
        ("sent", f"{progress['sent']}, delivered {progress['delivered']}, failed {progress['failed']}"),
        ("speed", f"{progress['parts_per_second']} parts/s" + (f", done in {eta} s" if eta else "")),
    )
    return "\n".join(f"{name:10} {value}" for name, value in fields)


def _describe_estimate(campaign: dict[str, Any], found: dict[str, Any]) -> str:
    parts, finish = found["parts"], found["finish"]
    lines = [
        f"{found['recipients']} of {found['people']} people would get it",
        *(f"  {count} left out: {reason.replace('_', ' ')}" for reason, count in found["excluded"].items()),
        f"parts: {parts['total']} in all; {parts['best']} to {parts['worst']} a message, "
        f"mostly {parts['median']}",
        *(f"cost: {money['amount']} {money['currency']}" for money in found["cost"]),
        f"limited by {finish['limited_by']}; done {finish['finishes_at'] or 'never: nothing can be sent'}",
    ]
    if found["unpriced_recipients"]:
        lines.append(f"no price is known for {found['unpriced_recipients']} recipients")
    if found["deferred"]["recipients"]:
        lines.append(
            f"{found['deferred']['recipients']} wait for lawful hours, until {found['deferred']['until']}"
        )
    if found["too_late"]:
        lines.append(f"{found['too_late']} would expire: send_until leaves them no lawful moment")
    lines += [f"warning: {warning['detail']}" for warning in found["warnings"]]
    lines.append(f"next: estafette campaign start {campaign['id']} --recipients {found['recipients']}")
    return "\n".join(lines)


_ANSWERS = {
    "list": _list,
    "show": _show,
    "create": _create,
    "change": _change,
    "duplicate": _duplicate,
    "delete": _delete,
    "estimate": _estimate,
    "test": _test,
    "start": _start,
    "unplan": _move("unplan"),
    "pause": _move("pause"),
    "resume": _move("resume"),
    "cancel": _move("cancel"),
    "report": _report,
}
