"""`estafette nodes`: the servers that share this database, what each holds and how far behind it is."""

import argparse
from typing import Any

from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import format_table, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="show nodes that are gone, too")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    answer = connect(arguments).get("/admin/nodes")
    print_answer(answer, describe_nodes(answer["nodes"], shows_gone=arguments.all), as_json=arguments.json)
    return ExitStatus.DONE


def describe_nodes(nodes: list[dict[str, Any]], *, shows_gone: bool) -> str:
    """A line for each node, then one for each bind."""
    shown = [node for node in nodes if shows_gone or node["state"] != "gone"]
    lines = [
        (
            f"{node['node']}{' (this)' if node['is_this'] else ''}",
            node["state"],
            f"{node['host']}:{node['pid'] or '-'}",
            node["version"],
            node["started_at"][:19].replace("T", " "),
            f"{node['renewed_seconds_ago']:g} s ago",
            sum(bind["is_up"] for bind in node["binds"]),
            node["shards"],
            node["slots"],
            _tell_lag(node["lag"]),
        )
        for node in shown
    ]
    heads = (
        "node",
        "state",
        "process",
        "version",
        "started",
        "renewed",
        "binds up",
        "shards",
        "slots",
        "behind",
    )
    blocks = [format_table(heads, lines)]
    binds = [
        (
            bind["connector"],
            bind["bind"],
            node["node"],
            "up" if bind["is_up"] else "down",
            bind["parts_per_second"],
        )
        for node in shown
        for bind in node["binds"]
    ]
    if binds:
        blocks.append(format_table(("connector", "bind", "node", "state", "parts/s"), sorted(binds)))
    return "\n\n".join(blocks)


def _tell_lag(lag: dict[str, float]) -> str:
    """What waits on the node; nothing where it keeps up."""
    waiting = lag.get("intake_rows_waiting", 0) + lag.get("outcomes_waiting", 0)
    words = [f"{lag['loop_lag_seconds'] * 1000:.0f} ms"] if lag.get("loop_lag_seconds", 0) >= 0.1 else []
    return ", ".join([*words, *([f"{waiting:.0f} rows"] if waiting >= 100 else [])]) or "-"
