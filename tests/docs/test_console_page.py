"""The console's page names every key, command word, screen and option."""

from pathlib import Path

import pytest

from admin_tui.__main__ import make_parser
from admin_tui.commands import COMMAND_WORDS
from admin_tui.keys import KEYS, Key, show_key
from admin_tui.screens.registry import SCREENS
from admin_tui.words import Words

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "console.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key.id))
def test_every_key_is_described(key: Key) -> None:
    row = next((line for line in PAGE.splitlines() if f"| `{key.id}` |" in line), "")
    assert row, f"docs/console.md has no row for {key.id}"
    for name in key.keys.split(","):
        assert f"`{show_key(name)}`" in row


def test_every_command_word_is_described() -> None:
    assert not [entry.word for entry in COMMAND_WORDS if f"`:{entry.word}" not in PAGE]


def test_every_screen_is_described_under_its_number() -> None:
    words = Words("en")
    for screen in SCREENS:
        assert f"| {screen.number} | {words.say(f'frame.screens.{screen.name}')} |" in PAGE


def test_every_option_is_described() -> None:
    options = [name for action in make_parser()._actions for name in action.option_strings]
    assert not [name for name in options if name.startswith("--") and name != "--help" and name not in PAGE]
