"""`estafette connector probe`: sends test messages over a carrier account and proposes its settings.

Works by itself from the configuration, before any server runs. Asks a running server only whether it holds
the account's binds.
"""

import argparse
import sys
from random import Random

import msgspec

from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_config_option, add_json_option, admin_socket_of, read_configuration
from gateway.commands.tables import print_document
from gateway.config import Config, ConnectorConfig, HostPort
from gateway.config.findings import name_nearest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the connector, as the configuration names it")
    parser.add_argument(
        "--to", required=True, metavar="NUMBER", help="a phone in your hand; the messages are real and billed"
    )
    parser.add_argument(
        "--sender",
        action="append",
        default=[],
        metavar="SENDER",
        help="sender to use (default: defaults.sender); each further one is tried with one message",
    )
    parser.add_argument("--host", metavar="HOST:PORT", help="another address than the configured ones")
    parser.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="longest wait for receipts (default: %(default)g)",
    )
    parser.add_argument(
        "--thorough",
        action="store_true",
        help="look for the limits of window, speed and parts, too: 280 parts at most instead of 15",
    )
    parser.add_argument("--yes", action="store_true", help="send without asking")
    add_config_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    # Takes 0.2 s to import, and the other words of `connector` do not need it.
    from gateway.doctor import consultation, report

    config = read_configuration(arguments.config)
    connector = _find_connector(config, arguments.name)
    if arguments.host is None:
        _refuse_held_binds(config, connector)
    else:
        connector = msgspec.structs.replace(connector, hosts=(_read_host(arguments.host),))
    terms = consultation.agree_on_terms(
        config,
        connector,
        to=arguments.to,
        senders=arguments.sender,
        is_thorough=arguments.thorough,
        wait_seconds=max(arguments.wait, 0.0),
    )
    if not arguments.yes:
        _ask(consultation.state_cost(config, connector, terms))
    came = consultation.examine(connector, terms, random=Random(), tell=_tell)
    if arguments.json:
        print_document(report.document_diagnosis(came.diagnosis, connector, billed_parts=came.billed_parts))
    else:
        print(report.describe_diagnosis(came.diagnosis, connector, billed_parts=came.billed_parts))
    return ExitStatus.DONE if came.is_taken else ExitStatus.REFUSED


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _find_connector(config: Config, name: str) -> ConnectorConfig:
    found = next((connector for connector in config.connectors if connector.name == name), None)
    if found is None:
        names = [connector.name for connector in config.connectors]
        raise CommandError(f"no connector is named {name!r}{name_nearest(name, names)}")
    return found


def _read_host(text: str) -> HostPort:
    try:
        return HostPort.parse(text)
    except ValueError as exc:
        raise CommandError(f"--host {text!r} is no address; allowed: {exc}") from exc


def _refuse_held_binds(config: Config, connector: ConnectorConfig) -> None:
    """Raises `CommandError` while a running server holds binds of the connector (quirk 17)."""
    client = AdminClient(admin_socket_of(config))
    if not client.answers():
        return
    for shown in client.get("/admin/connectors")["connectors"]:
        if shown["name"] == connector.name and any(bind["state"] != "down" for bind in shown["binds"]):
            raise CommandError(
                f"a running server holds {connector.name}, and a second bind may be refused or throw it out; "
                f"first `estafette connector down {connector.name}`, then probe, then "
                f"`estafette connector up {connector.name}`"
            )


def _ask(sentence: str) -> None:
    """Wait for a yes to `sentence`. Raises `CommandError` for anything else."""
    if not sys.stdin.isatty():
        raise CommandError(f"nothing was sent. {sentence} Say --yes if it may")
    print(f"{sentence} Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was sent")
