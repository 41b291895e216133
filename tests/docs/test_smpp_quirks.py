"""`docs/smpp-quirks.md` answers for every quirk of the catalogue, by tests and settings that exist."""

import ast
import re
from pathlib import Path

import pytest
from configuration_keys import KEYS

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "smpp-quirks.md"
LAST_QUIRK = 95
_ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)

ROWS = {int(row[0]): row[1:] for row in _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))}


def names_of_tests(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_quirk_has_its_row() -> None:
    assert sorted(ROWS) == list(range(1, LAST_QUIRK + 1))


@pytest.mark.parametrize("number", sorted(ROWS))
def test_what_is_said_of_a_quirk_is_held_by_tests_and_settings_that_exist(number: int) -> None:
    _, does, held_by = ROWS[number]
    assert len(does) > 20
    references = re.findall(r"`([^`]+)`", held_by)
    tests = [reference for reference in references if "::" in reference]
    assert tests, "a behaviour without a test is a wish"
    known = {key.path for key in KEYS}
    for reference in references:
        if "::" in reference:
            file, _, name = reference.partition("::")
            assert name in names_of_tests(ROOT / file), f"{file} has no {name}"
        else:
            assert reference in known, f"no key is called {reference}"
