"""The table of all measurements: figures beside their bars, and nothing hidden that went wrong."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.command import add_arguments
from bench.errors import BenchError
from bench.report import ROWS, Bar, Result, run_report, write_documents, write_number, write_report
from bench.words import WORDS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "name": "cycle",
    "messages": 100,
    "rate_per_second": 12_345.6,
    "p50_ms": 5.04,
    "p99_ms": 61.0,
    "gateway_cpu_us": 20.4,
    "postgres_cpu_us": 30.0,
    "smsc_cpu_us": 2.0,
    "wal_bytes": 1_700.0,
    "disk_bytes": 500.0,
    "pss_peak_mb": 80.0,
    "postgres_pss_mb": 150.0,
    "smsc_pss_mb": 3.0,
    "ledger_balanced": True,
    "wrong": [],
    "parameters": {"smsc": "smsc_sink", "postgres": {"server_version": "18.6", "fsync": "on"}},
}
BARS = (Bar("rate_per_second", "messages/s", 10_000, 20_000), Bar("p99_ms", "ms p99", 50, at_most=True))


def parse(line: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(line.split())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.line)
def test_each_row_and_its_short_form_is_a_command_that_can_be_typed(row: Any) -> None:
    assert parse(row.line).word == parse(row.quick_line).word == row.line.split()[0]


def test_every_word_that_measures_speed_has_a_row() -> None:
    assert {row.line.split()[0] for row in ROWS} == {word.name for word in WORDS}


def test_a_figure_is_bold_where_it_is_as_it_must_be() -> None:
    table = write_report([Result("cycle --messages 100", BARS, DOCUMENT)], now=NOW)
    assert table.splitlines()[-1] == (
        "| `cycle --messages 100` | **12,346 messages/s**<br>61 ms p99 | ≥ 10,000<br>≤ 50 | ≥ 20,000<br>– "
        "| 5.0 / 61.0 | 20 / 30 / 2 | 1,700 / 500 | 80 / 150 / 3 | balanced |"
    )
    assert table.startswith("2026-03-01, ")
    assert "Postgres 18.6: fsync on." in table


def test_what_went_wrong_stands_in_the_table_and_below_it() -> None:
    lost = {**DOCUMENT, "ledger_balanced": False, "wrong": ["2 clicks lost"]}
    simulated = {**DOCUMENT, "parameters": {"smsc": "simulator"}}
    results = [
        Result("http", BARS, None, "3 requests\nrefused"),
        Result("redirect", BARS, lost),
        Result("window", BARS, simulated),
    ]
    table = write_report(results, now=NOW)
    assert "| `http` | **failed** |" in table
    assert "**NOT BALANCED**" in table
    assert (
        "- `http` failed: 3 requests refused\n- `redirect`: 2 clicks lost\n- `window`: the SMSC was" in table
    )
    assert [result.is_good for result in results] == [False, False, True]
    rows = json.loads(write_documents(results))["rows"]
    assert [row["fault"] for row in rows] == ["3 requests\nrefused", "", ""]


def test_a_row_that_fails_does_not_keep_the_others_from_being_measured() -> None:
    measured: list[tuple[str, bool]] = []

    def measure(line: str, once: bool) -> dict[str, Any]:
        measured.append((line, once))
        if line.startswith("http"):
            raise BenchError("no compiler")
        return DOCUMENT

    results = run_report(
        quick=False, only=["http", "growth", "window"], measure=measure, say=lambda words: None
    )
    assert measured == [
        (row.line, row.is_long) for row in ROWS if row.line.split()[0] in ("http", "growth", "window")
    ]
    assert [result.fault for result in results] == [
        "no compiler" if line.startswith("http") else "" for line, _ in measured
    ]


@pytest.mark.parametrize(
    ("value", "written"), [(12_345.6, "12,346"), (99.94, "99.9"), (9.99, "9.99"), (0.951, "0.95"), (50, "50")]
)
def test_numbers_have_three_figures(value: float, written: str) -> None:
    assert write_number(value) == written
