"""`estafette alerts`: what whoever is on call was told, and whether telling works."""

import argparse
from typing import Any

from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import format_table, print_document

_SHOWN_ENDED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "word",
        nargs="?",
        choices=("list", "test"),
        default="list",
        help="list (as without a word), or test: tell a test alert by command and webhook",
    )
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    client = connect(arguments)
    if arguments.word == "test":
        return _test(client.post("/admin/alerts/test"), as_json=arguments.json)
    answer = client.get("/admin/alerts")
    if arguments.json:
        print_document(answer)
    else:
        print(describe_alerts(answer))
    return ExitStatus.DONE


def _test(answer: dict[str, Any], *, as_json: bool) -> int:
    """Exits with 1 when somebody could not be told, or nobody is to be told."""
    tried = answer["tried"]
    if as_json:
        print_document(answer)
    elif not tried:
        print("Nobody is told: set alerts.command or alerts.webhook_url in the configuration.")
    for each in () if as_json else tried:
        print(f"{each['by']}: {'told' if each['told'] else each['fault']}")
    is_good = bool(tried) and all(each["told"] for each in tried)
    return ExitStatus.DONE if is_good else ExitStatus.REFUSED


def tell_gone(alert: dict[str, Any]) -> str:
    """Of an alert whose cause is gone, while it is seen whether it stays so."""
    return f", gone since {alert['gone_since'][11:19]} UTC" if alert["gone_since"] else ""


def describe_alerts(answer: dict[str, Any]) -> str:
    """Those that stand, one sentence each, then the newest that ended."""
    blocks = []
    if answer["alerts"]:
        lines = [
            f"{_short(alert['raised_at'])}  {alert['kind']}, {alert['subject']}{tell_gone(alert)}\n"
            f"  {alert['sentence']}"
            for alert in answer["alerts"]
        ]
        blocks.append("\n".join(lines))
    else:
        blocks.append("No alert stands.")
    ended = answer["recent"][:_SHOWN_ENDED]
    if ended:
        rows = [
            (_short(alert["raised_at"]), _short(alert["cleared_at"]), alert["kind"], alert["subject"])
            for alert in ended
        ]
        blocks.append(format_table(("began", "ended", "kind", "about"), rows))
    blocks.append("What each means and what to do: docs/3am.md")
    return "\n\n".join(blocks)


def _short(moment: str) -> str:
    return moment[:16].replace("T", " ")
