"""The page of promises: every fault has its line, and every test and command that it names is there."""

import argparse
import importlib
import re
from pathlib import Path
from typing import cast

import pytest

from gateway.cli import COMMANDS, CommandModule

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
TABLES = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
CODE = re.findall(r"`([^`]+)`", PAGE)

FAULTS = (
    "SIGKILL",
    "SIGTERM",
    "SIGSTOP",
    "Postgres is killed",
    "5 both",
    "`immediate`",
    "disk of Postgres is full",
    "Postgres is restarted",
    "Failover",
    "All connections are in use",
    "reset",
    "stall",
    "wall clock jumps",
    "between a commit and its answer",
    "One node is killed",
    "Rolling restart",
    "started twice",
    "parts_per_second",
    "cut inside a submit",
    "cut inside a statement",
    "half-close",
    "delay",
    "single octets",
    "black hole",
    "COMMIT",
    "floods",
)
"""What may fail, in the words of the tables."""


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_line(fault: str) -> None:
    assert fault in TABLES


def test_every_line_of_a_fault_names_how_it_was_tried() -> None:
    for section in re.findall(r"^## Faults of [^\n]*\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL):
        lines = [line for line in section.splitlines() if line.startswith("|")][2:]
        assert lines
        untried = [line for line in lines if not re.search(r"`[^`]*test_\w+\.py`", line.split("|")[3])]
        assert not untried


def test_every_test_that_is_named_exists() -> None:
    named = {word for code in CODE for word in re.findall(r"[\w/]*test_\w+\.py", code)}
    assert len(named) > 10
    missing = [
        name for name in sorted(named) if not ((ROOT / name).is_file() or any(ROOT.glob(f"tests/*/{name}")))
    ]
    assert not missing


def test_every_command_that_is_named_is_understood() -> None:
    lines = [
        code.removeprefix("estafette ").split() for code in CODE if re.match(r"(estafette|bench) ", code)
    ]
    assert {("bench", "chaos"), ("bench", "faults"), ("ledger",), ("status",)} <= {
        tuple(word for word in line[:2] if not word.startswith("-")) for line in lines
    }
    for word, *rest in lines:
        command = next(command for command in COMMANDS if command.word == word)
        parser = argparse.ArgumentParser(prog=f"estafette {word}")
        cast(CommandModule, importlib.import_module(command.module)).add_arguments(parser)
        parser.parse_args(rest)  # ends the test where the page asks for what there is not
