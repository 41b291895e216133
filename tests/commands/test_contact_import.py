"""Columns named on the command line."""

from pathlib import Path

import pytest

from gateway.commands.contact_import import map_columns, refuse_unwritable
from gateway.commands.errors import CommandError

HEADING = ["Nom", "Mobile", "Ville", "Ville"]
SUGGESTED = ["last_name", "number", "attribute:ville", "ignore"]


def test_a_role_given_by_hand_is_taken_from_the_column_that_had_it() -> None:
    assert map_columns(HEADING, SUGGESTED, ["Nom=first_name", "4=attribute:ville"]) == [
        "first_name",
        "number",
        "ignore",
        "attribute:ville",
    ]


def test_columns_without_a_heading_are_named_by_number() -> None:
    assert map_columns([], ["number", "ignore"], ["2=tag"]) == ["number", "tag"]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("Ville=tag", "2 columns"),
        ("Pays=country", "no column Pays"),
        ("5=tag", "no column 5"),
        ("Nom", "does not"),
    ],
)
def test_a_column_that_is_not_plain_is_refused(mapping: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        map_columns(HEADING, SUGGESTED, [mapping])


def test_a_place_where_refused_rows_cannot_be_written_is_refused_before_anybody_is_changed(
    tmp_path: Path,
) -> None:
    refuse_unwritable(tmp_path / "refused.csv")
    for path in (tmp_path, tmp_path / "none" / "refused.csv"):
        with pytest.raises(CommandError, match="cannot be written"):
            refuse_unwritable(path)
