"""`estafette bench`: its words and options, and one JSON object or a few plain lines as the result."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from bench.acceptance import HttpOptions, run_http
from bench.campaign import CampaignFigures, CampaignOptions, run_campaign
from bench.chaos import SETTLE_SECONDS, ChaosOptions, run_chaos
from bench.chaos_telling import tell_chaos
from bench.cycle import DEFAULT_CARRIER, CycleOptions, run_cycle
from bench.fault_table import write_table
from bench.faults import FaultsOptions, run_faults
from bench.figures import Figures, take_median
from bench.imports import ImportFigures, run_import
from bench.redirect import RedirectFigures, RedirectOptions, run_redirect
from bench.server import Carrier


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `estafette bench`."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    cycle = words.add_parser(
        "cycle",
        help="queued message to answered receipt, everything durable",
        description="Fill a fresh database by the API, release, and time until the last receipt is answered.",
    )
    cycle.add_argument("--messages", type=_positive, default=100_000, metavar="N")
    cycle.add_argument("--parts", type=_positive, default=1, metavar="P", help="SMS that each text fills")
    cycle.add_argument(
        "--smsc", metavar="HOST:PORT", help="an SMSC that you started; never a carrier: the numbers are real"
    )
    cycle.add_argument("--connectors", type=_positive, default=DEFAULT_CARRIER.connectors, metavar="K")
    cycle.add_argument("--binds", type=_positive, default=DEFAULT_CARRIER.binds, metavar="B", help="of each")
    cycle.add_argument(
        "--window", type=_positive, default=DEFAULT_CARRIER.window, metavar="W", help="of a bind"
    )
    cycle.add_argument(
        "--with-acceptance", action="store_true", help="start the clock with the first request"
    )
    _add_common(cycle)
    acceptance = words.add_parser(
        "http",
        help="requests to the API, answered when durable",
        description="Post messages over keep-alive connections while sending is held.",
    )
    acceptance.add_argument("--messages", type=_positive, default=50_000, metavar="N")
    acceptance.add_argument(
        "--batch", type=int, default=0, metavar="M", help="messages in each request; 0: single"
    )
    acceptance.add_argument("--connections", type=_positive, default=64, metavar="C")
    _add_common(acceptance)
    campaign = words.add_parser(
        "campaign",
        help="a campaign from its start to the last receipt, or killed on the way",
        description="Start a campaign, pause it once and let it end; or SIGKILL the server now and then.",
    )
    campaign.add_argument("--recipients", type=_positive, default=100_000, metavar="N")
    campaign.add_argument("--kills", type=int, default=0, metavar="K", help="SIGKILLs on the way")
    campaign.add_argument("--seed", type=int, default=1, metavar="S", help="of the moments of the kills")
    campaign.add_argument("--json", action="store_true", help="print one JSON object")
    chaos = words.add_parser(
        "chaos",
        help="gateways and Postgres killed at random under load, and every message accounted for",
        description="SIGKILL under load; then compare the SMSC's own log with what was accepted and stored.",
    )
    chaos.add_argument("--kills", type=int, default=50, metavar="K", help="SIGKILLs on the way")
    chaos.add_argument("--messages", type=_positive, default=50_000, metavar="N")
    chaos.add_argument(
        "--nodes", type=_positive, default=1, metavar="M", help="servers on one database; 1: with its own"
    )
    chaos.add_argument("--pauses", type=int, default=0, metavar="P", help="SIGSTOPs of a node for 15 s")
    chaos.add_argument("--seed", type=int, default=1, metavar="S", help="of order and moments")
    chaos.add_argument(
        "--settle", type=float, default=SETTLE_SECONDS, metavar="SECONDS",
        help="that unknown outcomes may take to be resolved; below 90 they are shown and not judged",
    )  # fmt: skip
    chaos.add_argument("--json", action="store_true", help="print one JSON object")
    imports = words.add_parser(
        "import",
        help="a file of people into contacts, list members and consents",
        description="Upload a file, bring it in, and bring it in again.",
    )
    imports.add_argument("--rows", type=_positive, default=1_000_000, metavar="N")
    imports.add_argument("--json", action="store_true", help="print one JSON object")
    redirect = words.add_parser(
        "redirect",
        help="short links followed, each click durable before its redirect",
        description="Open links over keep-alive connections, nine in ten from a set that is opened again.",
    )
    redirect.add_argument("--requests", type=_positive, default=100_000, metavar="N")
    redirect.add_argument("--links", type=_positive, default=1_000_000, metavar="L", help="that there are")
    redirect.add_argument("--connections", type=_positive, default=64, metavar="C")
    redirect.add_argument("--json", action="store_true", help="print one JSON object")
    faults = words.add_parser(
        "faults",
        help="broken lines to the carrier and to Postgres: nothing lost, nothing doubled",
        description="Break both lines of one gateway in every way, one after another, while messages flow.",
    )
    faults.add_argument("--messages", type=_positive, default=400, metavar="N", help="under each fault")
    faults.add_argument("--seed", type=int, default=1, metavar="S", help="of moments and octets")
    faults.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and return 0 only when the ledger balanced."""
    if arguments.word == "faults":
        return _run_faults(arguments)
    if arguments.word == "redirect":
        return _run_redirect(arguments)
    if arguments.word == "import":
        return _run_import(arguments)
    if arguments.word == "campaign":
        return _run_campaign(arguments)
    if arguments.word == "chaos":
        return _run_chaos(arguments)
    measure = _choose(arguments)
    runs = []
    for number in range(arguments.repeat):
        runs.append(measure())
        if arguments.repeat > 1:
            print(f"run {number + 1}: {runs[-1].rate_per_second:,.0f} messages/s", file=sys.stderr)
    figures = take_median(runs)
    print(json.dumps(figures.as_document()) if arguments.json else _in_words(figures))
    return 0 if figures.ledger_balanced else 1


def _run_faults(arguments: argparse.Namespace) -> int:
    figures = run_faults(FaultsOptions(arguments.messages, arguments.seed), _say)
    print(json.dumps({"name": "faults", **asdict(figures)}) if arguments.json else write_table(figures))
    return 0 if figures.is_good else 1


def _run_campaign(arguments: argparse.Namespace) -> int:
    figures = run_campaign(CampaignOptions(arguments.recipients, arguments.kills, arguments.seed))
    print(json.dumps({"name": "campaign", **asdict(figures)}) if arguments.json else _tell_campaign(figures))
    return 0 if figures.is_good else 1


def _tell_campaign(figures: CampaignFigures) -> str:
    pause = "" if figures.pause_seconds is None else f", pause after {figures.pause_seconds:.2f} s"
    lines = [
        f"campaign: {figures.recipients:,} recipients in {figures.seconds:.1f} s, "
        f"{figures.rate_per_second:,.0f} messages/s",
        f"  latency     first message after {figures.first_message_seconds:.2f} s{pause}",
        f"  CPU         gateway {figures.gateway_cpu_us:.0f} µs a message, "
        f"Postgres {figures.postgres_cpu_us:.0f} µs",
        f"  memory      {figures.rss_peak_mb:.0f} MB peak of the gateway",
        f"  recipients  {figures.recipients_once:,} once, {figures.recipients_never:,} never, "
        f"{figures.recipients_twice:,} twice; {figures.messages_unknown:,} messages of unknown outcome",
        f"  ledger      {'balanced' if figures.ledger_balanced else 'DOES NOT BALANCE'}",
    ]
    for kill in figures.kills:
        lines.append(
            f"  kill {kill['kill']:>2}     {kill['state']}, {kill['doing']}: {kill['frozen_slots']} slots "
            f"frozen, {kill['expanded_slots']} expanded, {kill['messages']:,} messages"
        )
    return "\n".join(lines)


def _run_chaos(arguments: argparse.Namespace) -> int:
    figures = run_chaos(
        ChaosOptions(
            kills=arguments.kills,
            messages=arguments.messages,
            nodes=arguments.nodes,
            pauses=arguments.pauses,
            seed=arguments.seed,
            settle_seconds=arguments.settle,
        )
    )
    print(json.dumps({"name": "chaos", **asdict(figures)}) if arguments.json else tell_chaos(figures))
    return 0 if figures.is_good else 1


def _run_redirect(arguments: argparse.Namespace) -> int:
    options = RedirectOptions(arguments.requests, arguments.links, arguments.connections)
    figures = run_redirect(options)
    print(json.dumps(figures.as_document()) if arguments.json else _tell_redirect(figures))
    return 0 if figures.is_good else 1


def _tell_redirect(figures: RedirectFigures) -> str:
    return "\n".join(
        (
            f"redirect: {figures.requests:,} links in {figures.seconds:.1f} s, "
            f"{figures.rate_per_second:,.0f} a second",
            f"  latency     p50 {figures.p50_ms:.1f} ms, p99 {figures.p99_ms:.1f} ms",
            f"  CPU         gateway {figures.gateway_cpu_us:.0f} µs a redirect, "
            f"Postgres {figures.postgres_cpu_us:.0f} µs",
            f"  memory      {figures.rss_peak_mb:.0f} MB peak of the gateway",
            f"  clicks      {figures.clicks_stored:,} of {figures.clicks_expected:,} stored, "
            f"{figures.late:,} late, {figures.lost:,} lost",
        )
    )


def _run_import(arguments: argparse.Namespace) -> int:
    figures = run_import(arguments.rows)
    print(json.dumps(figures.as_document()) if arguments.json else _tell_import(figures))
    return 0 if figures.is_good else 1


def _tell_import(figures: ImportFigures) -> str:
    return "\n".join(
        (
            f"import: {figures.rows:,} rows in {figures.seconds:.1f} s, "
            f"{figures.rate_per_second:,.0f} rows/s",
            f"  phases      read {figures.reading_seconds:.1f} s, merged {figures.merging_seconds:.1f} s; "
            f"the same again {figures.again_seconds:.1f} s",
            f"  CPU         gateway and reader {figures.gateway_cpu_us:.0f} µs a row, "
            f"Postgres {figures.postgres_cpu_us:.0f} µs",
            f"  memory      {figures.rss_peak_mb:.0f} MB peak of gateway and reader",
            f"  counts      {'right' if figures.is_good else 'WRONG'}: {figures.counts}",
        )
    )


def _choose(arguments: argparse.Namespace) -> Callable[[], Figures]:
    if arguments.word == "http":
        options = HttpOptions(arguments.messages, arguments.batch, arguments.connections)
        return lambda: run_http(options)
    cycle = CycleOptions(
        messages=arguments.messages,
        parts=arguments.parts,
        smsc=arguments.smsc,
        carrier=Carrier(
            arguments.connectors, arguments.binds, arguments.window, DEFAULT_CARRIER.parts_per_second
        ),
        with_acceptance=arguments.with_acceptance,
    )
    return lambda: run_cycle(cycle)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repeat", type=_positive, default=1, metavar="R", help="runs; the median is printed"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def _in_words(figures: Figures) -> str:
    parameters = figures.parameters
    return "\n".join(
        (
            f"{figures.name}: {figures.messages:,} messages in {figures.seconds:.1f} s, "
            f"{figures.rate_per_second:,.0f} messages/s",
            f"  latency     p50 {figures.p50_ms:.1f} ms, p99 {figures.p99_ms:.1f} ms",
            f"  CPU         gateway {figures.gateway_cpu_us:.0f} µs a message, "
            f"Postgres {figures.postgres_cpu_us:.0f} µs",
            f"  disk        {figures.disk_bytes:.0f} octets, log {figures.wal_bytes:.0f} octets a message",
            f"  memory      {figures.rss_peak_mb:.0f} MB peak of the gateway",
            f"  ledger      {'balanced' if figures.ledger_balanced else 'DOES NOT BALANCE'}",
            f"  carrier     {parameters.get('smsc')}",
        )
    )
