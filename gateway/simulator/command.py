"""The command `estafette simulator`: its options, its console, its start and stop."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from gateway.errors import EstafetteError
from gateway.simulator.commands import HELP, obey, parse_line
from gateway.simulator.errors import CommandRefused
from gateway.simulator.profile_reading import load_profile, shipped_profiles
from gateway.simulator.smsc import Simulator

DEFAULT_PORT: Final = 2775
"""The port that IANA registers for SMPP."""
DEFAULT_CONTROL_PORT: Final = 2780


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `estafette simulator`."""
    parser.add_argument(
        "--profile", default="default", metavar="NAME|FILE", help="a shipped profile, or a YAML file of yours"
    )
    parser.add_argument("--list-profiles", action="store_true", help="show the shipped profiles and stop")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="SMPP port, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--control-port",
        type=int,
        default=DEFAULT_CONTROL_PORT,
        help="HTTP port for commands, on 127.0.0.1 only; 0 for a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="append every submit and receipt to this file"
    )
    parser.add_argument("--seed", type=int, help="draw the same chances again in each run")
    parser.add_argument("--json", action="store_true", help="say the ports and the final counts as JSON")


def run(namespace: argparse.Namespace) -> int:
    """Run the simulator until Ctrl-C, SIGTERM or `quit`; return the exit status."""
    if namespace.list_profiles:
        for name in shipped_profiles():
            print(f"{name:16} {load_profile(name).description}")
        return 0
    try:
        return asyncio.run(_run(namespace))
    except (EstafetteError, OSError) as exc:
        print(f"estafette simulator: {exc}", file=sys.stderr)
        return 1


async def _run(namespace: argparse.Namespace) -> int:
    simulator = Simulator(
        load_profile(namespace.profile),
        host=namespace.host,
        port=namespace.port,
        control_port=namespace.control_port,
        log_path=namespace.log,
        random=Random(namespace.seed),
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with simulator:
        _announce(simulator, namespace)
        waits = [asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(simulator.wait_failed())]
        if sys.stdin.isatty():
            waits.append(asyncio.ensure_future(_serve_console(simulator)))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in done:
                wait.result()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        _say_counts(simulator, as_json=namespace.json)
    return 0


def _announce(simulator: Simulator, namespace: argparse.Namespace) -> None:
    if namespace.json:
        ports = {"host": namespace.host, "port": simulator.port, "control_port": simulator.control_port}
        print(msgspec.json.encode(ports).decode(), flush=True)
        return
    print(
        f"SMSC on {namespace.host}:{simulator.port}, profile {namespace.profile}. "
        f"Commands: http://127.0.0.1:{simulator.control_port}/"
        + (", or type here (`help`)." if sys.stdin.isatty() else ". Ctrl-C stops it."),
        flush=True,
    )


def _say_counts(simulator: Simulator, *, as_json: bool) -> None:
    stats = simulator.stats
    if as_json:
        print(msgspec.json.encode(stats).decode(), flush=True)
        return
    print(
        f"{stats.submits} submits, {stats.taken} taken; {stats.receipts_acknowledged} receipts acknowledged, "
        f"{stats.pending} pending.",
        flush=True,
    )


async def _serve_console(simulator: Simulator) -> None:
    """Obey lines of the terminal until `quit` or the end of input."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while raw := await reader.readline():
            line = raw.decode("utf-8", "replace").strip()
            if line in ("quit", "exit"):
                return
            if line:
                print(HELP if line == "help" else await _answer(simulator, line), flush=True)
    finally:
        transport.close()


async def _answer(simulator: Simulator, line: str) -> str:
    try:
        answer = await obey(simulator, parse_line(line))
    except CommandRefused as exc:
        return f"! {exc}"
    return "\n".join(f"  {name} {value}" for name, value in answer.items())
