"""`estafette status`: the server on one screen of 24 lines, and first in words what limits sending now."""

import argparse
import textwrap
from typing import Any, Final

from gateway.commands.alerts import tell_gone
from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import format_table, print_document

WIDTH: Final = 80
_SHOWN_LIMITS: Final = 6
_SHOWN_ALERTS: Final = 4
_SHOWN_CONNECTORS: Final = 6
_SHOWN_STREAMS: Final = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    status = connect(arguments).get("/admin/status")
    if arguments.json:
        print_document(status)
    else:
        print(describe_status(status))
    return ExitStatus.DONE


def describe_status(status: dict[str, Any]) -> str:
    """What limits sending, then who is down, what waits and what was told. Longer lists are cut with the
    command that shows them whole."""
    return "\n".join(
        [
            *_describe_limits(status),
            *_describe_alerts(status["alerts"]),
            *_describe_connectors(status["connectors"]),
            *_describe_queue(status["queue"]),
            *_describe_rest(status),
        ]
    )


def _describe_limits(status: dict[str, Any]) -> list[str]:
    speed = f"{status['parts_per_second']:g} parts/s leave"
    limits = status["limits"]
    if limits:
        shown = _cut(limits, _SHOWN_LIMITS, "estafette status --json")
        return [f"What limits sending now ({speed}):", *_indent(shown)]
    if status["queue"]:
        return [f"Nothing limits sending now; {speed}."]
    return [f"Nothing waits, nothing limits sending; {speed}."]


def _describe_alerts(alerts: list[dict[str, Any]]) -> list[str]:
    if not alerts:
        return ["No alert stands."]
    told = [f"{alert['sentence']} [{alert['kind']}{tell_gone(alert)}]" for alert in alerts]
    return [
        f"{len(alerts)} alert{'s' if len(alerts) > 1 else ''}:",
        *_indent(_cut(told, _SHOWN_ALERTS, "estafette alerts")),
    ]


def _describe_connectors(connectors: list[dict[str, Any]]) -> list[str]:
    """One line a connector, and what other nodes have of it; its binds are in `estafette connector list`."""
    if not connectors:
        return ["", "No connector is configured; see `connectors` in the configuration."]
    heads = ["connector", "binds up", "window", "parts/s", "changed by hand"]
    has_others = any(connector["elsewhere"] for connector in connectors)
    if has_others:
        heads.insert(2, "elsewhere")
    rows = []
    for connector in connectors[:_SHOWN_CONNECTORS]:
        binds = connector["binds"]
        up = sum(bind["state"] == "bound" for bind in binds)
        in_flight = sum(bind["in_flight"] for bind in binds)
        window = sum(bind["window"] for bind in binds)
        speed = f"{connector['parts_per_second']:g}/{connector['parts_per_second_limit']:g}"
        rows.append(
            (
                connector["name"],
                f"{up}/{len(binds)}",
                *([_count_elsewhere(connector["elsewhere"])] if has_others else []),
                f"{in_flight}/{window}",
                speed,
                _tell_changes(connector),
            )
        )
    lines = format_table(heads, rows).split("\n")
    left = len(connectors) - _SHOWN_CONNECTORS
    if left > 0:
        lines.append(f"… and {left} more: estafette connector list")
    return ["", *(_fit(line) for line in lines)]


def _count_elsewhere(binds: list[dict[str, Any]]) -> str:
    """Binds on other nodes; windows and speeds in the table are those of this node."""
    return f"{sum(bind['is_up'] for bind in binds)}/{len(binds)}"


def _tell_changes(connector: dict[str, Any]) -> str:
    """What somebody changed for a while, in a few words."""
    words = []
    for override in connector["overrides"]:
        value = "" if override["value"] is None else f" {override['value']:g}"
        until = f" until {override['expires_at'][5:16].replace('T', ' ')}" if override["expires_at"] else ""
        words.append(f"{_SHORT[override['key']]}{value}{until}")
    return ", ".join(words)


_SHORT: Final = {"down": "down", "parts_per_second": "speed", "window": "window"}


def _describe_queue(queue: list[dict[str, Any]]) -> list[str]:
    if not queue:
        return []
    table = format_table(
        ("waiting for", "lane", "category", "messages", "oldest"),
        [
            (
                line["connector"],
                line["lane"],
                line["category"],
                f"{line['messages']:,}{' or more' if line['is_at_least'] else ''}",
                f"{line['oldest_seconds']} s",
            )
            for line in queue[:_SHOWN_STREAMS]
        ],
    ).split("\n")
    left = len(queue) - _SHOWN_STREAMS
    if left > 0:
        table.append(f"… and {left} more: estafette status --json")
    return ["", *(_fit(line) for line in table)]


def _describe_rest(status: dict[str, Any]) -> list[str]:
    node, disk, clicks, webhooks = status["node"], status["disk"], status["clicks"], status["webhooks"]
    figures = [
        f"database {status['database']}",
        f"{status['nodes_alive']} nodes" if status["nodes_alive"] > 1 else "",
        f"disk {disk['free_percent']:g} % free" if disk else "",
        _count(status["receipts_unmatched"], "receipt", "without a message"),
        _count(status["unknown_messages"], "message", "of unknown outcome"),
        _count(status["waiting_to_be_stored"], "outcome", "to be stored"),
        _count(webhooks["due"], "webhook", "due"),
        f"clicks: {clicks['waiting']:,} to be stored, {clicks['lost']:,} lost"
        if clicks["waiting"] or clicks["lost"]
        else "",
    ]
    words = "; ".join(figure for figure in figures if figure)
    about = f"node {node['node_no']} on {node['host']}, version {node['version']}, up since "
    return [
        "",
        *textwrap.wrap(words, WIDTH),
        _fit(about + node["started_at"][:16].replace("T", " ") + " UTC"),
    ]


def _count(number: int, noun: str, rest: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'} {rest}" if number else ""


def _cut(lines: list[str], most: int, command: str) -> list[str]:
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"… and {len(lines) - most + 1} more: {command}"]


def _indent(lines: list[str]) -> list[str]:
    """Each on as many lines as it takes, the further ones a little deeper."""
    return [
        wrapped
        for line in lines
        for wrapped in textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]


def _fit(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
