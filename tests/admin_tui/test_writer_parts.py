"""The writer without its screen: drafts, times as people type them, completions, costly characters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_tui.screens.importing.mapping import ImportSettings, attribute_name, targets_of
from admin_tui.screens.importing.paths import common_beginning, list_matches
from admin_tui.screens.importing.qr import render_qr
from admin_tui.screens.writer.costly import mark_costly, replace_costly, show_character
from admin_tui.screens.writer.draft import Draft, DraftLink, Step
from admin_tui.screens.writer.kept_drafts import KeptDrafts
from admin_tui.screens.writer.moments import (
    as_utc_text,
    from_utc_text,
    moment_text,
    parse_moment,
    parse_span,
    span_text,
)
from admin_tui.screens.writer.placeholders import complete_field
from admin_tui.screens.writer.recipients import parse_numbers

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=timezone(timedelta(hours=1)))
FULL = Draft(
    id="cmp_1",
    version=3,
    name="Soldes 🌞",
    text="Bonjour {{ first_name }} \ud83d",
    sender="BOUTIQUE",
    links=(DraftLink("link", "https://x.example/a"),),
    lists=("lst_1", "lst_2"),
    exclude_received_days=7,
    spread_seconds=7_200,
)


def test_a_draft_comes_back_from_what_the_server_was_sent() -> None:
    assert Draft.of_campaign({"id": "cmp_1", "version": 3, **FULL.body()}) == FULL


def test_a_draft_says_which_steps_are_unfinished() -> None:
    assert Draft().unfinished() == {Step.KIND, Step.AUDIENCE, Step.MESSAGE}
    assert FULL.unfinished() == frozenset()


def test_links_are_numbered_without_taking_a_name_twice() -> None:
    assert Draft().next_link_name() == "link"
    assert FULL.next_link_name() == "link2"


def test_a_kept_draft_comes_back_even_with_half_a_character(tmp_path: Path) -> None:
    kept = KeptDrafts(tmp_path / "drafts")
    assert kept.keep("boutique", FULL, now=NOW)
    found = kept.find("boutique", "cmp_1")
    assert found is not None
    assert (found.draft, found.kept_at) == (FULL, NOW)
    assert kept.find("officina", "cmp_1") is None
    assert (tmp_path / "drafts" / "boutique.cmp_1.json").stat().st_mode & 0o077 == 0


def test_a_broken_file_is_no_draft_and_a_dropped_one_is_gone(tmp_path: Path) -> None:
    kept = KeptDrafts(tmp_path)
    kept.keep("boutique", FULL, now=NOW)
    (tmp_path / "boutique.new.json").write_text('{"format": 1')
    assert kept.find("boutique", None) is None
    kept.drop("boutique", "cmp_1")
    assert kept.find("boutique", "cmp_1") is None


def test_a_folder_that_cannot_be_made_only_loses_the_safety_net(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert KeptDrafts(tmp_path / "file" / "drafts").keep("boutique", FULL, now=NOW) is False


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("18:30", "2026-11-22 18:30"),
        ("9h", "2026-11-23 09:00"),
        ("demain 9h", "2026-11-23 09:00"),
        ("tomorrow 9:00", "2026-11-23 09:00"),
        ("oggi 18h05", "2026-11-22 18:05"),
        ("mâine 9:15", "2026-11-23 09:15"),
        ("24/11 9:00", "2026-11-24 09:00"),
        ("3.2 9h", "2027-02-03 09:00"),
        ("24/11/2027 9:00", "2027-11-24 09:00"),
        ("2026-12-01 09:00", "2026-12-01 09:00"),
        ("2026-12-01T09:00+01:00", "2026-12-01 09:00"),
        ("+2h", "2026-11-22 16:00"),
        ("+90m", "2026-11-22 15:30"),
    ],
)
def test_times_are_understood_as_people_type_them(typed: str, meant: str) -> None:
    moment = parse_moment(typed, now=NOW)
    assert moment is not None
    assert moment_text(moment) == meant


@pytest.mark.parametrize("typed", ["", "soon", "25:00", "31/02 9:00", "9", "tomorrow", "+0h", "+99999h"])
def test_what_is_no_time_is_not_guessed(typed: str) -> None:
    assert parse_moment(typed, now=NOW) is None


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_times(typed: str) -> None:
    parse_moment(typed, now=NOW)
    parse_span(typed)


@given(st.datetimes(min_value=datetime(2026, 12, 1), max_value=datetime(2030, 1, 1)))
def test_a_shown_moment_is_read_as_the_same_one(moment: datetime) -> None:
    shown = moment_text(moment.replace(tzinfo=UTC))
    again = parse_moment(shown, now=NOW.astimezone(UTC))
    assert again is not None
    assert moment_text(from_utc_text(as_utc_text(again), now=NOW.astimezone(UTC))) == shown


@pytest.mark.parametrize(
    ("typed", "seconds"), [("3h", 10_800), ("90m", 5_400), ("1,5h", 5_400), ("2", 7_200)]
)
def test_spans_are_understood(typed: str, seconds: int) -> None:
    assert parse_span(typed) == seconds
    assert parse_span(span_text(seconds)) == seconds


def test_open_braces_are_completed_with_a_fallback_where_names_are_often_missing() -> None:
    found = complete_field("Bonjour {{ fir", ["city", "first_name"], fallback="l'ami")
    assert [(one.field, one.typed, one.insert) for one in found] == [
        ("first_name", 6, "{{ first_name | default('lami') }}")
    ]
    assert complete_field("Bonjour }} fir", ["first_name"], fallback="") == []
    assert [one.field for one in complete_field("{{", ["city", "link"], fallback="")] == ["city", "link"]


def test_costly_characters_are_marked_and_replaced_where_something_may_stand_for_them() -> None:
    forcing = [
        {"character": "’", "positions": [1], "replacement": "'"},
        {"character": "👩‍👧", "positions": [3], "replacement": None},
    ]
    assert replace_costly("l’été l’hiver 👩‍👧", forcing) == ("l'été l'hiver 👩‍👧", 2)
    marked = mark_costly("l’an 👩‍👧!", forcing)
    assert [(span.start, span.end) for span in marked.spans] == [(1, 2), (5, 8)]
    assert show_character("\u00a0") == "U+00A0"


def test_numbers_come_apart_from_what_people_put_between_digits() -> None:
    assert parse_numbers("+33 6 12-34 56.78; 0612345678,\n0612345678") == ["+33612345678", "0612345678"]


def test_a_meaning_that_only_one_column_may_have_moves() -> None:
    settings = ImportSettings(("number", "ignore", "tag", "tag")).with_column(1, "number")
    assert settings.columns == ("ignore", "number", "tag", "tag")
    assert settings.with_column(0, "tag").columns == ("tag", "number", "tag", "tag")
    assert not replace(settings, columns=("tag",)).has_number()


def test_a_heading_becomes_a_field_that_the_server_takes() -> None:
    assert attribute_name("Date de  naissance (é)") == "date_de_naissance_e"
    assert attribute_name("2e prénom") == "field_2e_prenom"
    assert targets_of("Ville", ["city"])[-2:] == ["attribute:city", "attribute:ville"]


def test_paths_are_completed_with_folders_first_and_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "clients").mkdir()
    for name in ("clients.csv", "clients.xlsx", "client.key", ".clients.csv"):
        (tmp_path / name).write_text("x")
    matches = list_matches(f"{tmp_path}/cli")
    names = [entry.path.removeprefix(f"{tmp_path}/") for entry in matches]
    assert names == ["clients/", "clients.csv", "clients.xlsx"]
    assert common_beginning(matches) == f"{tmp_path}/clients"
    assert list_matches(f"{tmp_path}/nowhere/x") == []


def test_a_code_is_black_on_white_whatever_the_theme() -> None:
    code = render_qr("https://l.example.com/upload/Zk3mQ9xW2bT7")
    assert str(code.style) == "#000000 on #ffffff"
    assert len({len(line) for line in code.plain.split("\n")}) == 1
