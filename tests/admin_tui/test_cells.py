"""Text in cells: nothing drives the terminal, widths are those on screen."""

from hypothesis import given
from hypothesis import strategies as st

from admin_tui.cells import cells, clean, cut, fit


def test_control_characters_and_direction_overrides_do_not_get_through() -> None:
    assert clean("a\x1b[2Jb") == "a·[2Jb"
    assert clean("gro\u202eflow") == "groflow"
    assert clean("one\r\ntwo\tthree") == "one  two three"


def test_wide_emoji_and_right_to_left_names_are_cut_by_their_width() -> None:
    assert fit("📦📦📦", 4) == "📦… "
    assert fit("مريم", 6) == "مريم  "
    assert cut("Boutique", 5) == "Bout…"
    assert fit("12", 5, "right") == "   12"


@given(st.text(st.one_of(st.characters(), st.sampled_from("📦漢é\u0301م")), max_size=40), st.integers(1, 30))
def test_fitted_text_takes_exactly_its_cells(text: str, width: int) -> None:
    assert cells(fit(clean(text), width)) == width


@given(st.text(max_size=40))
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    assert all(character.isprintable() or character in "\u200c\u200d" for character in clean(text))
