"""What whoever is on call reads: every alert, limit, figure and command of these pages is there and real."""

import argparse
import importlib
import re
from pathlib import Path
from typing import cast

import pytest

from gateway.cli import COMMANDS, CommandModule
from gateway.oncall.alerts import AlertKind
from gateway.oncall.metrics import CATALOGUE, PROCESS_METRICS
from gateway.oncall.telling import TELLING_FIELDS

DOCS = Path(__file__).parents[2] / "docs"
GATEWAY = Path(__file__).parents[2] / "gateway"
NIGHT = (DOCS / "3am.md").read_text(encoding="utf-8")
ALERTS = (DOCS / "alerts.md").read_text(encoding="utf-8")
METRICS = (DOCS / "metrics.md").read_text(encoding="utf-8")

LIMITS = (
    "The database does not answer",
    "This node's lease has run out",
    "is held by",
    "has paused",
    "taken down by",
    "Messages wait for",
    "no bind is up",
    "limited by carrier: ",
    "submits await their answer, the oldest for",
    "the window is full",
    "at its parts_per_second",
)
"""How the sentences of `limits` are known."""


@pytest.mark.parametrize("kind", AlertKind, ids=lambda kind: kind.value)
def test_every_alert_has_its_section_with_what_to_see_look_at_know_and_do(kind: AlertKind) -> None:
    _, _, section = NIGHT.partition(f"\n### {kind.value}\n")
    section = section.partition("\n### ")[0]
    assert "**You see**" in section
    if kind is not AlertKind.TEST:
        assert f"| `{kind.value}` |" in ALERTS
        assert all(f"**{word}**" in section for word in ("Look", "It means", "Do"))


def test_no_section_is_about_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^### (\w+)$", NIGHT, re.MULTILINE)) == {kind.value for kind in AlertKind}


@pytest.mark.parametrize("words", LIMITS)
def test_every_limit_is_explained_in_the_words_of_the_server(words: str) -> None:
    rooms = (GATEWAY / room for room in ("dispatch", "node", "oncall"))
    assert any(words in path.read_text("utf-8") for room in rooms for path in room.glob("*.py"))
    table = NIGHT.partition("## What limits sending")[2].partition("## Alerts")[0]
    assert words.strip() in table


def parser_of(word: str) -> argparse.ArgumentParser:
    command = next(command for command in COMMANDS if command.word == word)
    parser = argparse.ArgumentParser(prog=f"estafette {word}")
    cast(CommandModule, importlib.import_module(command.module)).add_arguments(parser)
    return parser


def words_below(parser: argparse.ArgumentParser) -> set[str]:
    """What may stand right after a command's word."""
    return {
        str(choice)
        for action in parser._actions
        if action.choices is not None and not action.option_strings
        for choice in action.choices
    }


@pytest.mark.parametrize("page", ["3am.md", "alerts.md"])
def test_every_command_that_is_named_exists(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    commands = [words.split() for words in re.findall(r"`estafette ([^`\n]+)`", text)]
    assert commands
    for word, *rest in commands:
        choices = words_below(parser_of(word))
        if rest and choices and not rest[0].startswith("-"):
            assert rest[0] in choices, (word, rest)


def test_every_figure_stands_in_the_table_with_kind_labels_and_meaning() -> None:
    for spec in CATALOGUE.values():
        labels = ", ".join(f"`{label}`" for label in spec.labels) or "–"
        row = f"| `{spec.name}` | {spec.kind.value} | {labels} | {spec.meaning} |"
        assert row in METRICS.splitlines(), f"put this row in:\n{row}"
    rows = set(re.findall(r"^\| `(\w+)` \| (?:gauge|counter)", METRICS, re.MULTILINE))
    assert rows == CATALOGUE.keys() | PROCESS_METRICS.keys()


def test_figures_that_are_used_in_examples_exist() -> None:
    names = {name for page in (METRICS, ALERTS) for name in re.findall(r"\bestafette_\w+", page)}
    assert names <= CATALOGUE.keys()


@pytest.mark.parametrize("field", TELLING_FIELDS)
def test_every_field_of_the_document_is_described(field: str) -> None:
    table = ALERTS.partition("## The document")[2]
    assert f"`{field}`" in table
    assert f'"{field}":' in table
