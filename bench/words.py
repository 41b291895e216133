"""The words of `estafette bench` that measure speed: their options, and how each becomes one run.

A word is a row of `WORDS`; `command` makes the parser of it, and `report` runs lines through that parser.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.acceptance import CONNECTIONS, CONNECTIONS_OF_BATCHES, HttpOptions, run_http
from bench.connectors import ConnectorsOptions, run_connectors
from bench.cycle import DEFAULT_CARRIER, CycleOptions, run_cycle
from bench.figures import Figures, take_median
from bench.growth import GrowthOptions, run_growth
from bench.idle import run_idle
from bench.inbound import AS_FAST_AS_IT_GOES, InboundOptions, run_inbound
from bench.otp import OtpOptions, run_otp
from bench.redirect import RedirectOptions, run_redirect
from bench.server import Carrier
from bench.window import WindowOptions, run_window


@dataclass(frozen=True, slots=True)
class Word:
    """`add_arguments` adds the options to a parser, `run` measures once with what was given."""

    name: str
    help: str
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Figures]


def repeat(word: Word, arguments: argparse.Namespace, say: Callable[[str], None]) -> Figures:
    """As many runs as `--repeat` says, and their median."""
    runs: list[Figures] = []
    for number in range(arguments.repeat):
        runs.append(word.run(arguments))
        if arguments.repeat > 1:
            say(f"run {number + 1}: {runs[-1].rate_per_second:,.0f} a second, p99 {runs[-1].p99_ms:,.1f} ms")
    return take_median(runs)


def add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", type=positive, default=1, metavar="R", help="runs; the median is printed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=positive, default=1, metavar="W", help="processes of the server, 1 to 8"
    )


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def _positive_number(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _add_cycle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=positive, default=100_000, metavar="N")
    parser.add_argument("--parts", type=positive, default=1, metavar="P", help="SMS that each text fills")
    parser.add_argument(
        "--smsc", metavar="HOST:PORT", help="an SMSC that you started; never a carrier: the numbers are real"
    )
    parser.add_argument("--connectors", type=positive, default=DEFAULT_CARRIER.connectors, metavar="K")
    parser.add_argument("--binds", type=positive, default=DEFAULT_CARRIER.binds, metavar="B", help="of each")
    parser.add_argument(
        "--window", type=positive, default=DEFAULT_CARRIER.window, metavar="W", help="of a bind"
    )
    parser.add_argument(
        "--with-acceptance", action="store_true", help="start the clock with the first request"
    )
    add_workers(parser)


def _run_cycle(arguments: argparse.Namespace) -> Figures:
    speed = DEFAULT_CARRIER.parts_per_second
    carrier = Carrier(arguments.connectors, arguments.binds, arguments.window, speed)
    options = CycleOptions(
        messages=arguments.messages,
        parts=arguments.parts,
        smsc=arguments.smsc,
        carrier=carrier,
        with_acceptance=arguments.with_acceptance,
        workers=arguments.workers,
    )
    return run_cycle(options)


def _add_http(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=positive, default=50_000, metavar="N")
    parser.add_argument(
        "--batch", type=int, default=0, metavar="M", help="recipients in each request; 0: single sends"
    )
    parser.add_argument(
        "--connections", type=positive, metavar="C",
        help=f"without it {CONNECTIONS}, or {CONNECTIONS_OF_BATCHES} with batches",
    )  # fmt: skip
    add_workers(parser)


def _run_http(arguments: argparse.Namespace) -> Figures:
    usual = CONNECTIONS_OF_BATCHES if arguments.batch else CONNECTIONS
    connections = arguments.connections or usual
    return run_http(HttpOptions(arguments.messages, arguments.batch, connections, arguments.workers))


def _add_otp(parser: argparse.ArgumentParser) -> None:
    default = OtpOptions()
    parser.add_argument(
        "--recipients", type=positive, default=default.recipients, metavar="N", help="of the campaign"
    )
    parser.add_argument("--passwords", type=positive, default=default.passwords, metavar="P", help="at most")
    parser.add_argument(
        "--rate", type=_positive_number, default=default.per_second, metavar="R", help="passwords a second"
    )
    add_workers(parser)


def _add_redirect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=positive, default=100_000, metavar="N")
    parser.add_argument(
        "--links", type=positive, metavar="L", help="that there are; without it ten for each request"
    )
    parser.add_argument("--connections", type=positive, default=64, metavar="C")
    add_workers(parser)


def _add_inbound(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=positive, default=InboundOptions().messages, metavar="N")
    parser.add_argument(
        "--rate", type=positive, default=AS_FAST_AS_IT_GOES, metavar="R",
        help="texts a second from the sink; without it as many as the gateway takes",
    )  # fmt: skip


def _add_window(parser: argparse.ArgumentParser) -> None:
    default = WindowOptions()
    parser.add_argument("--messages", type=positive, default=default.messages, metavar="N")
    parser.add_argument("--window", type=positive, default=default.window, metavar="W", help="of the bind")
    parser.add_argument(
        "--latency", type=_positive_number, default=default.latency_ms, metavar="MS", help="of the SMSC"
    )


def _add_connectors(parser: argparse.ArgumentParser) -> None:
    default = ConnectorsOptions()
    parser.add_argument(
        "--connectors", type=positive, default=default.connectors, metavar="K", help="at most 256"
    )
    parser.add_argument("--binds", type=positive, default=default.binds, metavar="B", help="of each")
    parser.add_argument(
        "--speed", type=_positive_number, default=default.parts_per_second, metavar="PARTS",
        help="a second, of each connector",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=_positive_number, default=default.seconds, metavar="S", help="that are judged"
    )


def _add_idle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=_positive_number, default=30.0, metavar="S", help="that are measured"
    )


def _add_growth(parser: argparse.ArgumentParser) -> None:
    default = GrowthOptions()
    parser.add_argument(
        "--messages", type=positive, default=default.messages, metavar="N", help="stored beforehand"
    )
    parser.add_argument(
        "--cycle", type=positive, default=default.cycle, metavar="C", help="messages of each measurement"
    )
    parser.add_argument(
        "--recipients", type=positive, default=default.recipients, metavar="R", help="of the campaign"
    )
    parser.add_argument("--passwords", type=positive, default=default.passwords, metavar="P", help="at most")


WORDS: Final = (
    Word(
        "cycle",
        "queued message to answered receipt, everything durable",
        "Fill a fresh database by the API, release, and time until the last receipt is answered.",
        _add_cycle,
        _run_cycle,
    ),
    Word(
        "http",
        "requests to the API, answered when durable",
        "Post messages over keep-alive connections while sending is held.",
        _add_http,
        _run_http,
    ),
    Word(
        "otp",
        "one-time passwords while a campaign goes out at full speed",
        "Time one-time passwords from the request to the SMSC, while a campaign is on its way.",
        _add_otp,
        lambda given: run_otp(OtpOptions(given.recipients, given.passwords, given.rate, given.workers)),
    ),
    Word(
        "redirect",
        "short links followed, each click durable before its redirect",
        "Open links over keep-alive connections, nine in ten from a set that is opened again.",
        _add_redirect,
        lambda given: run_redirect(
            RedirectOptions(
                given.requests, given.links or 10 * given.requests, given.connections, given.workers
            )
        ),
    ),
    Word(
        "inbound",
        "texts from handsets, each stored before it is acknowledged",
        "Let the SMSC send texts from handsets, and time until the last is acknowledged.",
        _add_inbound,
        lambda given: run_inbound(InboundOptions(given.messages, given.rate)),
    ),
    Word(
        "window",
        "how much of a slow carrier's window is used",
        "Send over one bind to an SMSC that takes its time, and compare with window ÷ latency.",
        _add_window,
        lambda given: run_window(WindowOptions(given.messages, given.window, given.latency)),
    ),
    Word(
        "connectors",
        "many slow connectors: how late parts are against an even schedule",
        "Send over many connectors at their own speed, and see at the SMSC when each part comes.",
        _add_connectors,
        lambda given: run_connectors(
            ConnectorsOptions(given.connectors, given.binds, given.speed, given.seconds)
        ),
    ),
    Word(
        "idle",
        "CPU and memory of a server that has nothing to do",
        "Bind two connectors, send nothing, and see what the server uses.",
        _add_idle,
        lambda given: run_idle(given.seconds),
    ),
    Word(
        "growth",
        "the cycle and one-time passwords on top of many stored messages",
        "Store messages by SQL, then measure again, and compare with the empty database.",
        _add_growth,
        lambda given: run_growth(
            GrowthOptions(given.messages, given.cycle, given.recipients, given.passwords)
        ),
    ),
)
