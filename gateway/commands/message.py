"""`estafette message`: one message with every hop it took, its PDUs, and the two things an operator may do to
it."""

import argparse
from typing import Any
from urllib.parse import quote

from gateway.commands.connector_trace import add_trace_options
from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import format_table, print_document
from gateway.commands.trace_lines import format_pdu

_WORDS = {
    "show": "its fields, its parts and its timeline",
    "cancel": "take it back; possible until it is handed to a carrier",
    "resend": "send its content again as a new message; possible once it ended or is unknown",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    for word, purpose in _WORDS.items():
        one = words.add_parser(word, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        one.add_argument("id", help="such as msg_1nGf0K2aQbLx")
        add_server_options(one)
    trace = words.add_parser(
        "trace",
        help="its PDUs that are still in memory, in words",
        description="The PDUs of one message that the server still has in memory, in words.",
    )
    trace.add_argument("id", help="such as msg_1nGf0K2aQbLx")
    add_trace_options(trace)
    add_server_options(trace)


def run(arguments: argparse.Namespace) -> int:
    client = connect(arguments)
    path = f"/admin/messages/{quote(arguments.id, safe='')}"
    if arguments.word == "trace":
        _show_trace(client.get(f"{path}/trace"), arguments)
        return ExitStatus.DONE
    answer = client.get(path) if arguments.word == "show" else client.post(f"{path}/{arguments.word}")
    if arguments.json:
        print_document(answer)
    elif arguments.word == "show":
        print(_describe(answer))
    elif arguments.word == "resend":
        print(f"sent again as {answer['id']}")
    else:
        print(f"{arguments.id} is {answer['state']}")
    return ExitStatus.DONE


def _show_trace(answer: dict[str, Any], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_document(answer)
        return
    for pdu in answer["pdus"]:
        print(format_pdu(pdu, is_brief=arguments.brief, shows_hex=arguments.hex))
    if not answer["pdus"]:
        since = f"memory goes back to {answer['kept_since']}" if answer["kept_since"] else "none are kept"
        print(f"No PDU of {answer['id']} is in memory; {since}. See trace.keep_octets.")


def _describe(message: dict[str, Any]) -> str:
    price = message.get("price")
    fields = [
        ("id", message["id"]),
        ("state", _join(message["state"], message.get("reason"))),
        ("shop", message.get("shop")),
        ("to", _join(message.get("to"), message.get("country"))),
        ("from", message.get("from")),
        ("category", message.get("category")),
        ("connector", message.get("connector")),
        ("parts", _join(message.get("part_count"), message.get("alphabet"))),
        ("price", f"{price['amount']} {price['currency']}" if price else None),
        ("reference", message.get("client_reference")),
    ]
    lines = [f"{name:10} {value}" for name, value in fields if value is not None]
    failure = message.get("failure")
    if failure:
        codes = [f"{name} {failure[name]}" for name in ("command_status", "stat", "err") if failure.get(name)]
        lines.append(f"{'failure':10} {failure.get('sentence', '')} ({', '.join(codes) or 'no code'})")
    timeline = [(entry["at"], entry["what"], entry["detail"]) for entry in message.get("timeline", [])]
    return "\n".join([*lines, "", format_table(("at", "what", "detail"), timeline)])


def _join(*values: object) -> str | None:
    return ", ".join(str(value) for value in values if value is not None) or None
