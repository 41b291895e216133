"""`bench report`: every word in one table, each figure beside what it must be and what is aimed at.

A row is a command line of `estafette bench`, so that whoever doubts a figure can run it alone.
"""

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure by its key, and where it must come; at most for times and memory, else at least."""

    key: str
    unit: str
    must: float | None = None
    goal: float | None = None
    at_most: bool = False

    def is_met(self, value: float) -> bool | None:
        """None where there is nothing to meet."""
        if self.must is None:
            return None
        return value <= self.must if self.at_most else value >= self.must


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is measured; `quick_line` shows only whether it runs. One that `is_long` is not repeated."""

    line: str
    quick_line: str
    bars: tuple[Bar, ...]
    is_long: bool = False


def _rate(unit: str, must: float, goal: float, key: str = "rate_per_second") -> Bar:
    return Bar(key, unit, must, goal)


_FAULT_CHARACTERS: Final = 300
_LATENCY: Final = Bar("p99_ms", "ms p99", 50, at_most=True)
_GROWTH: Final = (
    Bar("rate_per_second", "messages/s"),
    Bar("share_of_empty", "of the empty database's"),
    Bar("otp_p99_ms", "ms p99 of passwords"),
)

ROWS: Final = (
    Row("cycle --messages 200000", "cycle --messages 3000", (_rate("messages/s", 10_000, 20_000),)),
    Row(
        "cycle --messages 200000 --workers 2",
        "cycle --messages 3000 --workers 2",
        (_rate("messages/s", 10_000, 20_000),),
    ),
    Row(
        "cycle --messages 200000 --parts 2",
        "cycle --messages 2000 --parts 2",
        (_rate("parts/s", 10_000, 20_000, "parts_per_second"),),
    ),
    Row(
        "cycle --messages 200000 --with-acceptance",
        "cycle --messages 3000 --with-acceptance",
        (Bar("rate_per_second", "messages/s"),),
    ),
    Row(
        "cycle --messages 2000000",
        "cycle --messages 4000",
        (
            Bar("rate_per_second", "messages/s"),
            Bar("last_quarter_share", "last quarter ÷ first", 0.9),
            Bar("rss_peak_mb", "MB RSS", 256, 150, at_most=True),
            Bar("pss_peak_mb", "MB PSS"),
        ),
        is_long=True,
    ),
    Row(
        "http --messages 50000",
        "http --messages 2000",
        (_rate("requests/s", 4_000, 7_000, "requests_per_second"), _LATENCY),
    ),
    Row(
        "http --messages 500000 --batch 1000",
        "http --messages 10000 --batch 1000",
        (_rate("recipients/s", 40_000, 80_000, "recipients_per_second"), Bar("p99_ms", "ms p99")),
    ),
    Row(
        "http --messages 500000 --batch 1000 --workers 2",
        "http --messages 10000 --batch 1000 --workers 2",
        (_rate("recipients/s", 40_000, 80_000, "recipients_per_second"), Bar("p99_ms", "ms p99")),
    ),
    Row(
        "otp --recipients 1000000",
        "otp --recipients 40000 --passwords 30 --rate 60",
        (Bar("p99_ms", "ms p99", 250, 50, at_most=True), Bar("rate_per_second", "texts/s meanwhile")),
    ),
    Row(
        "redirect --requests 100000",
        "redirect --requests 4000",
        (_rate("redirects/s", 5_000, 7_000), _LATENCY),
    ),
    Row("inbound --messages 200000", "inbound --messages 4000", (_rate("texts/s", 8_000, 15_000),)),
    Row(
        "window --messages 10000",
        "window --messages 1000",
        (Bar("share_of_limit", "of window ÷ latency", 0.95, 0.99),),
    ),
    Row(
        "connectors --seconds 60",
        "connectors --connectors 20 --seconds 4",
        (Bar("late_p999_ms", "ms late p99.9", 50, 10, at_most=True), Bar("late_p99_ms", "ms late p99")),
    ),
    Row(
        "idle --seconds 30",
        "idle --seconds 3",
        (
            Bar("gateway_cpu_percent", "% CPU", 1, at_most=True),
            Bar("pss_peak_mb", "MB", 120, at_most=True),
        ),
    ),
    Row(
        "growth --messages 1000000 --cycle 200000",
        "growth --messages 20000 --cycle 3000 --recipients 40000 --passwords 30",
        _GROWTH,
        is_long=True,
    ),
    Row(
        "growth --messages 10000000 --cycle 200000",
        "growth --messages 20000 --cycle 3000 --recipients 40000 --passwords 30",
        _GROWTH,
        is_long=True,
    ),
)

_HEAD: Final = (
    "| `estafette bench …` | measured | must | goal | p50 / p99 ms | CPU µs: gateway / Postgres / SMSC "
    "| octets: log / disk | memory MB: gateway / Postgres / SMSC | ledger |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one row: the document of its median, or in words why there is none."""

    line: str
    bars: tuple[Bar, ...]
    document: dict[str, Any] | None
    fault: str = ""

    @property
    def is_good(self) -> bool:
        """It came to its end with nothing wrong; a bar that is not met makes a figure low, not wrong."""
        return (
            self.document is not None
            and bool(self.document["ledger_balanced"])
            and not self.document["wrong"]
        )


def run_report(
    *,
    quick: bool,
    only: Sequence[str],
    measure: Callable[[str, bool], dict[str, Any]],
    say: Callable[[str], None],
) -> list[Result]:
    """Run each row whose word is in `only`, or all of them; one that raises `BenchError` is told as failed.

    `measure` gives the document of a line, run once if told so.
    """
    results = []
    for row in ROWS:
        if only and row.line.split()[0] not in only:
            continue
        line = row.quick_line if quick else row.line
        say(f"bench {line} …")
        try:
            results.append(Result(line, row.bars, measure(line, row.is_long or quick)))
        except BenchError as exc:
            results.append(Result(line, row.bars, None, str(exc)))
            say(f"  failed: {exc}")
    return results


def write_report(results: Sequence[Result], *, now: datetime) -> str:
    """The table in Markdown, below a line about where and when."""
    settings: dict[str, Any] = next(
        (each.document["parameters"] for each in results if each.document is not None), {}
    )
    postgres = settings.get("postgres", {})
    shown = ", ".join(f"{name} {value}" for name, value in postgres.items() if name != "server_version")
    lines = [
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores for gateway, Postgres, SMSC and load generator together "
        f"({_read_processor()}, {_read_memory_gb():.0f} GB), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, Postgres {postgres.get('server_version', 'unknown')}"
        + (f": {shown}." if shown else "."),
        "",
        _HEAD,
        *(_write_row(result) for result in results),
    ]
    notes = [note for result in results for note in _list_notes(result)]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _write_row(result: Result) -> str:
    document = result.document
    wanted = [_write_bars(result.bars, "must"), _write_bars(result.bars, "goal")]
    if document is None:
        return f"| {' | '.join([f'`{result.line}`', '**failed**', *wanted])} | | | | | |"
    is_idle = not document["messages"]
    cells = [
        f"`{result.line}`",
        "<br>".join(_write_measured(bar, document) for bar in result.bars),
        *wanted,
        "" if is_idle else f"{document['p50_ms']:.1f} / {document['p99_ms']:.1f}",
        "" if is_idle else _join(document, "gateway_cpu_us", "postgres_cpu_us", "smsc_cpu_us"),
        "" if is_idle else _join(document, "wal_bytes", "disk_bytes"),
        _join(document, "pss_peak_mb", "postgres_pss_mb", "smsc_pss_mb"),
        "balanced" if document["ledger_balanced"] else "**NOT BALANCED**",
    ]
    return f"| {' | '.join(cells)} |"


def _write_measured(bar: Bar, document: dict[str, Any]) -> str:
    value = document.get(bar.key)
    if value is None:
        return f"– {bar.unit}"
    figure = f"{write_number(value)} {bar.unit}"
    return f"**{figure}**" if bar.is_met(value) else figure


def _write_bars(bars: Sequence[Bar], which: str) -> str:
    told = []
    for bar in bars:
        wanted = bar.must if which == "must" else bar.goal
        told.append("–" if wanted is None else f"{'≤' if bar.at_most else '≥'} {write_number(wanted)}")
    return "<br>".join(told)


def _join(document: dict[str, Any], *keys: str) -> str:
    return " / ".join(f"{document[key]:,.0f}" for key in keys)


def write_number(value: float) -> str:
    """Three figures, as more would be noise; whole numbers above that."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _list_notes(result: Result) -> list[str]:
    if result.document is None:
        return [f"- `{result.line}` failed: {' '.join(result.fault.split())[:_FAULT_CHARACTERS]}"]
    notes = [f"- `{result.line}`: {words}" for words in result.document["wrong"]]
    if result.document["parameters"]["smsc"] != "smsc_sink":
        notes.append(
            f"- `{result.line}`: the SMSC was {result.document['parameters']['smsc']}; its bars do not count"
        )
    return notes


def write_documents(results: Sequence[Result]) -> str:
    """All of it as one JSON object."""
    rows = [{"line": each.line, "figures": each.document, "fault": each.fault} for each in results]
    return json.dumps({"name": "report", "at": datetime.now(UTC).isoformat(), "rows": rows})


def _read_processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _read_memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
