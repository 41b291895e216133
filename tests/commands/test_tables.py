"""Tables for people."""

from gateway.commands.tables import count_columns, format_table


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
