"""The page about performance describes every measurement, and every figure that one prints."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from bench.cost import Cost
from bench.figures import Figures
from bench.report import ROWS
from bench.words import WORDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
OWN_FIGURE = re.compile(r'(?:^ {4,}|own=\{|own\[|, )"(\w+)"[:\]]', re.MULTILINE)
NO_FIGURES = {
    *(
        "stat_hour",
        "stat_shop",
        "stat_submission",
        "stat_receipt",
        "stat_delay",
        "id",
        "receipt_id",
        "carrier_id",
    ),
    *("to", "from", "category", "text", "messages", "trusted_proxies"),
}
"""Other keys of the same modules: tables and columns, bodies of requests, settings."""


@pytest.mark.parametrize("word", [word.name for word in WORDS])
def test_each_measurement_has_its_line(word: str) -> None:
    assert re.search(rf"^\| `{word}[ `]", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    "key",
    sorted(
        {each.name for each in (*fields(Figures), *fields(Cost))} - {"cost", "own"}
        | {bar.key for row in ROWS for bar in row.bars}
    ),
)
def test_each_figure_is_described(key: str) -> None:
    assert f"`{key}`" in PAGE


def test_figures_and_parameters_of_single_measurements_are_described_too() -> None:
    names = ("acceptance", "connectors", "cycle", "growth", "idle", "inbound", "otp", "redirect", "window")
    modules = ((ROOT / "bench" / f"{name}.py").read_text(encoding="utf-8") for name in (*names, "parameters"))
    keys = {key for module in modules for key in OWN_FIGURE.findall(module)}
    assert {"late_p999_ms", "passwords", "share_of_limit", "seed"} <= keys
    missing = sorted(key for key in keys - NO_FIGURES if f"`{key}`" not in PAGE)
    assert not missing
