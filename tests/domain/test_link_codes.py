"""Codes and tokens: committed vectors, a permutation both ways, and text that is neither."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.link_codes import ALPHABET, SEQ_LIMIT, LinkCodes, OptoutTokens

SECRET = bytes(range(32))
CODES = LinkCodes(SECRET)
TOKENS = OptoutTokens(SECRET)

# Made by this code when it was written. Codes in texts already sent depend on them: never to be changed.
VECTORS = [
    (0, "azlvv9w", "h7y66B8PuoC"),
    (1, "8TAsA9x", "2NrGg5PnSSq"),
    (2, "BkwCjPb", "UxhUyGAbn3L"),
    (99, "7CQBIvh", "LVqIa4pxisJ"),
    (100_000_000, "xiVtNce", "hKl4wQSNtD1"),
    (SEQ_LIMIT - 1, "JETLFN9", "ks7KQdZUFLB"),
]


@pytest.mark.parametrize(("seq", "code", "token"), VECTORS)
def test_codes_sent_once_stay_readable(seq: int, code: str, token: str) -> None:
    assert (CODES.encode(seq), TOKENS.encode(seq)) == (code, token)
    assert CODES.decode(code) == seq == TOKENS.decode(token)


@given(st.integers(0, SEQ_LIMIT - 1))
def test_every_number_comes_back_from_its_code_and_its_token(seq: int) -> None:
    assert CODES.decode(CODES.encode(seq)) == seq
    assert TOKENS.decode(TOKENS.encode(seq)) == seq


@given(st.text(ALPHABET, min_size=7, max_size=7))
def test_every_seven_characters_are_the_code_of_one_number(code: str) -> None:
    seq = CODES.decode(code)
    assert seq is not None
    assert CODES.encode(seq) == code


def test_codes_of_a_block_are_those_of_its_numbers_and_differ() -> None:
    seqs = range(5_000_000, 5_020_000)
    codes = CODES.encode_many(seqs)
    assert len(set(codes)) == len(seqs)
    assert codes[:100] == [CODES.encode(seq) for seq in seqs[:100]]
    assert TOKENS.encode_many(seqs[:9]) == [TOKENS.encode(seq) for seq in seqs[:9]]


def test_neighbours_share_no_more_characters_than_chance_has_it() -> None:
    codes = CODES.encode_many(range(1_000_000, 1_010_000))
    alike = sum(a == b for one, after in pairwise(codes) for a, b in zip(one, after, strict=True))
    # 69,993 pairs of characters, of which one in 62 is alike by chance: 1,129 with a deviation of 33.
    assert 950 < alike < 1_310


def test_every_place_of_a_code_uses_the_whole_alphabet_evenly() -> None:
    codes = CODES.encode_many(range(31_000))
    for place in range(7):
        counts = [sum(code[place] == character for code in codes) for character in ALPHABET]
        assert 380 < min(counts) <= max(counts) < 625  # 500 each, with a deviation of 22


def test_another_secret_gives_other_codes() -> None:
    other = LinkCodes(bytes(32))
    assert not set(other.encode_many(range(1_000))) & set(CODES.encode_many(range(1_000)))


@pytest.mark.parametrize(
    "text", ["", "abc", "azlvv9", "azlvv9ww", "azlvv9!", "azlvv é", "é" * 7, "favicon", "/../../"]
)
def test_text_of_another_length_or_alphabet_is_no_code(text: str) -> None:
    if text == "favicon":  # looks like a code, and is the code of some number that nobody was given
        assert CODES.decode(text) is not None
    else:
        assert CODES.decode(text) is None
        assert TOKENS.decode(text) is None


def test_a_guessed_token_is_hardly_ever_even_possible() -> None:
    possible = sum(TOKENS.decode(f"{number:011d}") is not None for number in range(20_000))
    assert possible <= 1  # one in 14.8 million is


@pytest.mark.parametrize("seq", [-1, SEQ_LIMIT])
def test_a_number_beyond_seven_characters_is_refused(seq: int) -> None:
    with pytest.raises(ValueError, match="seven characters"):
        CODES.encode(seq)
    with pytest.raises(ValueError, match="seven characters"):
        TOKENS.encode_many([seq])
