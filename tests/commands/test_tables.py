"""Tables for people."""

import json
from typing import Any

from gateway.commands.tables import count_columns, format_table, print_document


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    table = format_table(("shop", "keys", "country"), [("alpha", 2, "FR"), ("b", 140, None)])
    assert table.splitlines() == [
        "shop   keys  country",
        "alpha     2  FR",
        "b       140",
    ]


def test_headings_alone_are_a_table() -> None:
    assert format_table(("at", "what"), []) == "at  what"


def test_wide_and_combining_characters_count_as_they_show() -> None:
    assert count_columns("日本") == 4
    assert count_columns("e\u0301te\u0301") == 3
    rows = format_table(("name", "x"), [("日本", "y"), ("Zoé", "y")]).splitlines()
    assert rows[1] == "日本  y"
    assert rows[2] == "Zoé   y"


def test_what_a_carrier_wrote_moves_no_cursor() -> None:
    table = format_table(("id", "stat"), [("a\x1b[2Jb", "c\x9b1Ad")])
    assert table.splitlines()[1] == "a\ufffd[2Jb  c\ufffd1Ad"


def test_json_for_scripts_has_no_control_character_and_says_the_same(capsys: Any) -> None:
    document = {"id": "a\x1b[2J\x9b1A\x7f", "name": "Zoé \\ \u00a0"}
    print_document(document)
    told = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\x7f"} & set(told)
    assert "Zoé" in told
    assert json.loads(told) == document
