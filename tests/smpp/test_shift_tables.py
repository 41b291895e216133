"""National language tables: every septet of each against a list made from transcriptions of the annex."""

from pathlib import Path

import pytest

from gateway.smpp.gsm import EXTENSION, LETTERS, decode_gsm
from gateway.smpp.shift_tables import Language, extension_of, letters_of

ESCAPE = 0x1B
LISTED = [
    (Language[name.upper()], kind, points)
    for line in Path(__file__).with_name("shift_tables.txt").read_text().splitlines()
    if not line.startswith("#")
    for name, kind, *points in [line.split()]
]


@pytest.mark.parametrize(
    ("language", "kind", "points"), LISTED, ids=[f"{language.name}-{kind}" for language, kind, _ in LISTED]
)
def test_each_septet_shows_what_the_annex_says(language: Language, kind: str, points: list[str]) -> None:
    assert len(points) == 128
    letters, extension = letters_of(language), extension_of(language)
    for septet, point in enumerate(points):
        if point == "esc":
            continue
        if kind == "locking":
            shown = decode_gsm(bytes((septet,)), letters, extension)
            assert shown == chr(int(point, 16)), hex(septet)
        else:
            shown = decode_gsm(bytes((ESCAPE, septet)), letters, extension)
            expected = letters[septet] if point == "-" else chr(int(point, 16))
            assert shown == expected, hex(septet)


def test_every_language_has_a_single_table_and_all_but_spanish_a_locking_one() -> None:
    single = {language for language, kind, _ in LISTED if kind == "single"}
    locking = {language for language, kind, _ in LISTED if kind == "locking"}
    assert single == set(Language)
    assert locking == set(Language) - {Language.SPANISH}
    assert letters_of(Language.SPANISH) == LETTERS


@pytest.mark.parametrize("language", [None, 0, 14, 255])
def test_a_language_that_nobody_defined_is_read_by_the_default_tables(language: int | None) -> None:
    assert letters_of(language) is LETTERS
    assert extension_of(language) is EXTENSION


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"a\x1b", "a "),
        (b"\x1b\x1b\x65", " €"),
        (b"\x1bs\x1bS", "şŞ"),
        (b"\x1bA", "A"),
        (b"\x80", "\ufffd"),
    ],
)
def test_escapes_of_a_language_are_read_as_those_of_the_default_table(octets: bytes, text: str) -> None:
    assert decode_gsm(octets, LETTERS, extension_of(Language.TURKISH)) == text
