"""`estafette status`: the server on one screen, and in words what keeps messages from leaving faster."""

import argparse
from typing import Any

from gateway.commands.connector import describe_binds
from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import format_table, print_document


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
    """Node, binds, queue, and last the limits: what is looked for at 3 a.m. stands above the prompt."""
    node = status["node"]
    blocks = [
        f"node {node['node_no']} on {node['host']}, version {node['version']}, "
        f"up since {node['started_at']}\n"
        f"binds {status['binds_up']} of {status['binds']} up; {status['parts_per_second']:g} parts/s leave; "
        f"database {status['database']}",
        describe_binds(status["connectors"]),
    ]
    if status["queue"]:
        blocks.append(_describe_queue(status["queue"]))
    if status["clicks"]["noted"] or status["clicks"]["lost"]:
        blocks.append(_describe_clicks(status["clicks"]))
    blocks.append(_describe_limits(status["limits"], has_queue=bool(status["queue"])))
    return "\n\n".join(blocks)


def _describe_queue(queue: list[dict[str, Any]]) -> str:
    return format_table(
        ("waiting for", "lane", "category", "messages", "oldest"),
        [
            (
                line["connector"],
                line["lane"],
                line["category"],
                f"{line['messages']:,}{' or more' if line['is_at_least'] else ''}",
                f"{line['oldest_seconds']} s",
            )
            for line in queue
        ],
    )


def _describe_clicks(clicks: dict[str, Any]) -> str:
    """Clicks since the start; those lost came while the database was away for longer than memory lasted."""
    return (
        f"clicks {clicks['noted']:,} since the start; {clicks['waiting']:,} wait to be stored, "
        f"{clicks['late']:,} were stored late, {clicks['lost']:,} lost"
    )


def _describe_limits(limits: list[str], *, has_queue: bool) -> str:
    if limits:
        return "What limits sending now:\n" + "\n".join(f"  {limit}" for limit in limits)
    return "Nothing limits sending now." if has_queue else "Nothing waits, nothing limits sending."
