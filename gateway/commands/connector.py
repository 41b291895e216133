"""`estafette connector`: carrier accounts of the running server, how their binds fare, what passes there."""

import argparse
from typing import Any

from gateway.commands import connector_change, connector_probe, connector_trace
from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import format_table, print_document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    listing = words.add_parser(
        "list",
        help="every connector with its binds",
        description="Every connector with its binds: state, speed, window, last error and next retry.",
    )
    add_server_options(listing)
    connector_change.add_words(words)
    connector_probe.add_arguments(
        words.add_parser(
            "probe",
            help="send test messages and propose settings, without a server",
            description="Bind as configured, send test messages to a phone in your hand, and propose the "
            "connector's settings from what comes back, with the evidence.",
        )
    )
    connector_trace.add_arguments(
        words.add_parser(
            "trace",
            help="what passes on its binds, in words",
            description="Every PDU that passes on the binds of a connector, in words, until Ctrl-C.",
        )
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.word == "probe":
        return connector_probe.run(arguments)
    if arguments.word == "trace":
        return connector_trace.run(arguments)
    if arguments.word != "list":
        return connector_change.run(arguments)
    answer = connect(arguments).get("/admin/connectors")
    if arguments.json:
        print_document(answer)
    else:
        print(describe_binds(answer["connectors"]))
    return ExitStatus.DONE


def describe_binds(connectors: list[dict[str, Any]]) -> str:
    """A line for each bind, those of other nodes among them, and below in words why one is down."""
    if not connectors:
        return "No connector is configured; see `connectors` in the configuration."
    table = format_table(
        ("connector", "bind", "mode", "state", "since", "host", "window", "speed"),
        [row for connector in connectors for row in _list_binds(connector)],
    )
    troubles = [
        _describe_trouble(connector["name"], bind)
        for connector in connectors
        for bind in connector["binds"]
        if bind["state"] != "bound" and bind["last_error"]
    ]
    changes = [
        f"  {connector['name']}: {_describe_change(override)}"
        for connector in connectors
        for override in connector["overrides"]
    ]
    return "\n".join([table, *troubles, *changes])


def _list_binds(connector: dict[str, Any]) -> list[tuple[object, ...]]:
    """By number; a pair has one for two. Of those on other nodes this one knows whether they are up and their
    share of the speed."""
    rows: list[tuple[int, tuple[object, ...]]] = []
    for bind in connector["binds"]:
        window = f"{bind['in_flight']}/{bind['window']}"
        speed = f"{connector['parts_per_second']:g}/{connector['parts_per_second_limit']:g}"
        since = bind["since"][:19].replace("T", " ")
        words = (bind["mode"], bind["state"], since, bind["endpoint"], window, speed)
        rows.append((bind["bind"], words))
    for bind in connector["elsewhere"]:
        where = f"on node {bind['node']}, {bind['host']}"
        state = "bound" if bind["is_up"] else "down"
        rows.append((bind["bind"], ("-", state, "-", where, "-", f"{bind['parts_per_second']:g}")))
    return [(connector["name"], number, *words) for number, words in sorted(rows, key=lambda row: row[0])]


def _describe_change(override: dict[str, Any]) -> str:
    """What somebody changed for a while, beside what the configuration says."""
    what = "taken down" if override["key"] == "down" else f"{override['key']} {override['value']:g}"
    until = override["expires_at"]
    ends = f" until {until[:16].replace('T', ' ')} UTC" if until else " until it is undone"
    reason = f": {override['reason']}" if override["reason"] else ""
    return f"{what} by {override['author']}{ends}{reason}"


def _describe_trouble(name: str, bind: dict[str, Any]) -> str:
    at = bind["next_retry_at"]
    retry = f"; tries again at {at[:19].replace('T', ' ')} UTC" if at else ""
    return f"  {name}, bind {bind['bind']}: {bind['last_error']}{retry}"
