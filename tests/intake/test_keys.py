"""What a key looks like."""

import hashlib

import pytest

from gateway.intake.keys import RANDOM_OCTETS, is_well_formed, make_key


def test_a_key_says_its_mode_and_has_one_form() -> None:
    live = make_key(bytes(range(RANDOM_OCTETS)), is_test=False)
    test = make_key(bytes(range(RANDOM_OCTETS)), is_test=True)
    assert live.text == "est_live_00A7dl5PEW67zZCpFU9uKaHnGgOvQKAR0GBOvD"
    assert test.text.startswith("est_test_")
    assert len(live.text) == len(test.text) == 47
    assert is_well_formed(live.text)
    assert is_well_formed(test.text)
    assert live.hash == hashlib.sha256(live.text.encode()).digest()


def test_all_octets_matter() -> None:
    texts = {make_key(bytes([n] * RANDOM_OCTETS), is_test=False).text for n in range(256)}
    assert len(texts) == 256


def test_one_wrong_character_is_noticed() -> None:
    text = make_key(b"\x07" * RANDOM_OCTETS, is_test=False).text
    for place in range(9, len(text)):
        wrong = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        assert not is_well_formed(wrong)


@pytest.mark.parametrize(
    "text", ["", "est_live_", "est_live_" + "0" * 38 + "\n", "est_prod_" + "0" * 38, "é" * 47]
)
def test_other_text_is_no_key(text: str) -> None:
    assert not is_well_formed(text)


def test_a_key_does_not_show_itself_in_a_log() -> None:
    key = make_key(b"\x07" * RANDOM_OCTETS, is_test=False)
    assert key.text not in repr(key)
    assert key.hint.startswith("est_live_")


def test_too_few_random_octets_are_refused() -> None:
    with pytest.raises(ValueError, match="24 octets"):
        make_key(b"short", is_test=False)
