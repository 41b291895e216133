"""Fields of a shop's own: names, kinds, typed values and values as people write them in tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.attributes import (
    AttributeKind,
    BadAttribute,
    check_field_name,
    check_value,
    find_nearest,
    guess_kind_of_texts,
    guess_kind_of_value,
    read_value,
)
from gateway.domain.template import compile_template

TEXT, NUMBER, DATE, BOOLEAN = AttributeKind


@pytest.mark.parametrize("name", ["city", "loyalty_points", "_x", "a" * 40])
def test_a_name_that_a_field_may_have_can_be_asked_for_in_a_text(name: str) -> None:
    assert compile_template(f"{{{{ {check_field_name(name)} }}}}").fields == (name,)


@pytest.mark.parametrize("name", ["", "City", "a b", "é", "1st", "a" * 41, "a-b", "first_name", "stop_link"])
def test_other_names_and_names_that_mean_something_already_are_refused(name: str) -> None:
    with pytest.raises(BadAttribute):
        check_field_name(name)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(TEXT, "Lyon"), (TEXT, ""), (NUMBER, 3), (NUMBER, -4.5), (DATE, "2024-02-29"), (BOOLEAN, False)],
)
def test_a_value_of_its_kind_is_kept_as_it_is(kind: AttributeKind, value: object) -> None:
    kept = check_value(kind, value)
    assert (kept, type(kept)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TEXT, 3),
        (TEXT, "x" * 501),
        (NUMBER, "3"),
        (NUMBER, True),
        (NUMBER, float("inf")),
        (NUMBER, float("nan")),
        (NUMBER, 2**53 + 1),
        (DATE, "2023-02-29"),
        (DATE, "28/02/1990"),
        (BOOLEAN, 1),
        (BOOLEAN, "yes"),
    ],
)
def test_a_value_of_another_kind_is_refused(kind: AttributeKind, value: object) -> None:
    with pytest.raises(BadAttribute):
        check_value(kind, value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (TEXT, "  Lyon ", "Lyon"),
        (NUMBER, "1 234,50", 1234.5),
        (NUMBER, "1\u202f234", 1234),
        (NUMBER, "-12.5", -12.5),
        (NUMBER, "+7", 7),
        (DATE, "2024-02-29", "2024-02-29"),
        (DATE, "2024-02-29 00:00:00", "2024-02-29"),
        (DATE, "29.2.2024", "2024-02-29"),
        (DATE, "29/02/2024", "2024-02-29"),
        (BOOLEAN, "Oui", True),
        (BOOLEAN, "SÌ", True),
        (BOOLEAN, "adevărat", True),
        (BOOLEAN, "nu", False),
        (BOOLEAN, "0", False),
    ],
)
def test_written_values_are_read_in_four_languages(kind: AttributeKind, text: str, value: object) -> None:
    read = read_value(kind, text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"),
    [(NUMBER, "1,234,5"), (NUMBER, "12 34"), (NUMBER, "٣"), (NUMBER, "9" * 17), (DATE, "02/29/2024"),
     (DATE, "yesterday"), (BOOLEAN, "maybe"), (TEXT, "x" * 501)],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_named(kind: AttributeKind, text: str) -> None:
    with pytest.raises(BadAttribute):
        read_value(kind, text)


@pytest.mark.parametrize("kind", AttributeKind)
def test_an_empty_cell_is_no_value(kind: AttributeKind) -> None:
    assert read_value(kind, " \u00a0 ") is None


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2,5", ""], NUMBER),
        (["0", "1"], NUMBER),
        (["69001", "01000"], TEXT),
        (["1990-01-02", "3.4.1991"], DATE),
        (["oui", "non", ""], BOOLEAN),
        (["oui", "Lyon"], TEXT),
        (["", " "], TEXT),
        ([], TEXT),
    ],
)
def test_the_kind_of_a_column_is_guessed_from_its_examples(texts: list[str], kind: AttributeKind) -> None:
    assert guess_kind_of_texts(texts) is kind


@given(st.lists(st.text(max_size=20), max_size=5))
def test_every_column_is_read_by_the_kind_that_was_guessed_for_it(texts: list[str]) -> None:
    kind = guess_kind_of_texts(texts)
    for text in texts:
        read_value(kind, text)


@given(st.text(max_size=100), st.sampled_from(AttributeKind))
def test_any_text_is_read_or_refused_and_what_was_read_is_a_value_of_its_kind(
    text: str, kind: AttributeKind
) -> None:
    try:
        value = read_value(kind, text)
    except BadAttribute:
        return
    if value is not None:
        assert check_value(kind, value) == value


def test_the_kind_of_a_typed_value_and_the_nearest_name() -> None:
    kinds = [guess_kind_of_value(value) for value in (True, 1, 1.5, "2024-02-29", "Lyon")]
    assert kinds == [BOOLEAN, NUMBER, NUMBER, DATE, TEXT]
    with pytest.raises(BadAttribute):
        guess_kind_of_value([])
    assert find_nearest("birtday", {"birthday", "city"}) == "birthday"
    assert find_nearest("zzz", {"birthday", "city"}) is None
