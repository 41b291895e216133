"""What a person typed into a search box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audience.searching import Search, read_search


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("+33612345678", Search(address="33612345678")),
        ("06 12.34-56 78", Search(address="33612345678")),
        ("(0039) 333 1234567", Search(address="393331234567")),
        ("06 12", Search(digits="612")),
        ("00", Search(digits="00")),
        ("5678", Search(digits="5678")),
        ("Anna", Search(names=("Anna",))),
        ("  Anna   Rossi Verdi", Search(names=("Anna", "Rossi"))),
        ("4th", Search(names=("4th",))),
        ("", Search()),
        ("+", Search()),
    ],
)
def test_numbers_digits_and_names_are_told_apart(text: str, search: Search) -> None:
    assert read_search(text, default_country="FR") == search


@given(st.text(max_size=60))
def test_any_text_is_some_search(text: str) -> None:
    search = read_search(text, default_country="FR")
    assert sum(map(bool, (search.address, search.digits, search.names))) <= 1
