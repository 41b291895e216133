"""`estafette bench`: its words and options, and one JSON object or a few plain lines as the result."""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bench.campaign import CampaignFigures, CampaignOptions, run_campaign
from bench.chaos import SETTLE_SECONDS, ChaosOptions, run_chaos
from bench.chaos_telling import tell_chaos
from bench.cost import Cost
from bench.fault_table import write_table
from bench.faults import FaultsOptions, run_faults
from bench.imports import ImportFigures, run_import
from bench.report import run_report, write_documents, write_report
from bench.telling import tell
from bench.words import WORDS, Word, add_common, add_workers, positive, repeat


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `estafette bench`."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    for word in WORDS:
        one = words.add_parser(word.name, help=word.help, description=word.description)
        word.add_arguments(one)
        add_common(one)
    report = words.add_parser(
        "report",
        help="all that measures speed, as one table in Markdown",
        description="Run every word that measures speed and print one table: figures, musts and goals.",
    )
    report.add_argument("--quick", action="store_true", help="short forms: whether all runs, not how fast")
    report.add_argument(
        "--only", action="append", default=[], choices=[word.name for word in WORDS], metavar="WORD",
        help="rows of this word; may be repeated",
    )  # fmt: skip
    add_common(report)
    campaign = words.add_parser(
        "campaign",
        help="a campaign from its start to the last receipt, or killed on the way",
        description="Start a campaign, pause it once and let it end; or SIGKILL the server now and then.",
    )
    campaign.add_argument("--recipients", type=positive, default=100_000, metavar="N")
    campaign.add_argument("--kills", type=int, default=0, metavar="K", help="SIGKILLs on the way")
    campaign.add_argument("--seed", type=int, default=1, metavar="S", help="of the moments of the kills")
    add_workers(campaign)
    campaign.add_argument("--json", action="store_true", help="print one JSON object")
    chaos = words.add_parser(
        "chaos",
        help="gateways and Postgres killed at random under load, and every message accounted for",
        description="SIGKILL under load; then compare the SMSC's own log with what was accepted and stored.",
    )
    chaos.add_argument("--kills", type=int, default=50, metavar="K", help="SIGKILLs on the way")
    chaos.add_argument("--messages", type=positive, default=50_000, metavar="N")
    chaos.add_argument(
        "--nodes", type=positive, default=1, metavar="M", help="servers on one database; 1: with its own"
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
    imports.add_argument("--rows", type=positive, default=1_000_000, metavar="N")
    imports.add_argument("--json", action="store_true", help="print one JSON object")
    faults = words.add_parser(
        "faults",
        help="broken lines to the carrier and to Postgres: nothing lost, nothing doubled",
        description="Break both lines of one gateway in every way, one after another, while messages flow.",
    )
    faults.add_argument("--messages", type=positive, default=400, metavar="N", help="under each fault")
    faults.add_argument("--seed", type=int, default=1, metavar="S", help="of moments and octets")
    faults.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, and return 0 only when the ledger balanced and nothing else was wrong."""
    others = {
        "campaign": _run_campaign,
        "chaos": _run_chaos,
        "faults": _run_faults,
        "import": _run_import,
        "report": _run_report,
    }
    if arguments.word in others:
        return others[arguments.word](arguments)
    figures = repeat(_find_word(arguments.word), arguments, _say)
    print(json.dumps(figures.as_document()) if arguments.json else tell(figures))
    return 0 if figures.is_good else 1


def _find_word(name: str) -> Word:
    return next(word for word in WORDS if word.name == name)


def _run_report(arguments: argparse.Namespace) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    def measure(line: str, once: bool) -> dict[str, Any]:
        repeats = 1 if once else arguments.repeat
        given = parser.parse_args([*line.split(), "--repeat", str(repeats)])
        return repeat(_find_word(given.word), given, _say).as_document()

    results = run_report(quick=arguments.quick, only=arguments.only, measure=measure, say=_say)
    print(write_documents(results) if arguments.json else write_report(results, now=datetime.now(UTC)))
    return 0 if all(result.is_good for result in results) else 1


def _run_faults(arguments: argparse.Namespace) -> int:
    figures = run_faults(FaultsOptions(arguments.messages, arguments.seed), _say)
    print(json.dumps({"name": "faults", **asdict(figures)}) if arguments.json else write_table(figures))
    return 0 if figures.is_good else 1


def _run_campaign(arguments: argparse.Namespace) -> int:
    options = CampaignOptions(arguments.recipients, arguments.kills, arguments.seed, arguments.workers)
    figures = run_campaign(options)
    print(json.dumps(figures.as_document()) if arguments.json else _tell_campaign(figures))
    return 0 if figures.is_good else 1


def _tell_campaign(figures: CampaignFigures) -> str:
    pause = "" if figures.pause_seconds is None else f", pause after {figures.pause_seconds:.2f} s"
    lines = [
        f"campaign: {figures.recipients:,} recipients in {figures.seconds:.1f} s, "
        f"{figures.rate_per_second:,.0f} messages/s",
        f"  latency     first message after {figures.first_message_seconds:.2f} s{pause}",
        *_tell_cost(figures.cost, "a message"),
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
            *_tell_cost(figures.cost, "a row"),
            f"  counts      {'right' if figures.is_good else 'WRONG'}: {figures.counts}",
        )
    )


def _tell_cost(cost: Cost | None, each: str) -> list[str]:
    if cost is None:
        return []
    return [
        f"  CPU         gateway {cost.gateway_cpu_us:.0f} µs {each}, Postgres {cost.postgres_cpu_us:.0f} µs",
        f"  memory      {cost.rss_peak_mb:.0f} MB peak of the gateway",
    ]


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
