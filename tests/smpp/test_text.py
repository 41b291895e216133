"""What a data_coding means, and reading whatever arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.errors import TextNotEncodable
from gateway.smpp.text import (
    Alphabet,
    alphabet_of,
    data_coding_for,
    decode_text,
    encode_text,
    replace_typographic_characters,
)


def test_alphabet_numbers_are_stored_and_so_fixed():
    assert {a.name: a.value for a in Alphabet} == {"GSM7": 0, "LATIN1": 1, "ASCII": 2, "UCS2": 3, "BINARY": 4}


@pytest.mark.parametrize("alphabet", Alphabet)
def test_a_data_coding_of_ours_is_read_back(alphabet):
    assert alphabet_of(data_coding_for(alphabet)) is alphabet


# 3GPP TS 23.038 §4; quirk 68.
@pytest.mark.parametrize(
    ("data_coding", "alphabet"),
    [
        (0x10, Alphabet.GSM7),
        (0x18, Alphabet.UCS2),
        (0x14, Alphabet.BINARY),
        (0xF0, Alphabet.GSM7),
        (0xF1, Alphabet.GSM7),
        (0xF5, Alphabet.BINARY),
        (0xC8, Alphabet.GSM7),
        (0xE0, Alphabet.UCS2),
        (0x02, Alphabet.BINARY),
        (0x20, Alphabet.BINARY),
        (0x48, Alphabet.UCS2),
    ],
)
def test_group_codings(data_coding, alphabet):
    assert alphabet_of(data_coding) is alphabet


@given(st.binary(max_size=40), st.integers(0, 255))
def test_any_octets_under_any_coding_give_a_text(octets, data_coding):
    assert isinstance(decode_text(octets, data_coding), str)


@given(st.text())
def test_ucs2_survives(text):
    assert decode_text(encode_text("x" + text, Alphabet.UCS2), 8) == "x" + text


@pytest.mark.parametrize(
    ("octets", "data_coding", "text"),
    [
        (b"\x00", 0, "@"),
        (b"caf\x05", 0, "café"),
        ("café".encode("latin-1"), 0, "café"),
        ("café".encode(), 0, "café"),
        ("café".encode("latin-1"), 3, "café"),
        ("café".encode(), 1, "café"),
        ("hé".encode("utf-16-be") + b"\x00", 8, "hé"),
        (b"\xff\xfeh\x00", 8, "h"),
        (b"\xfe\xff\x00h", 8, "h"),
        (b"\xd8\x3d", 8, "\ufffd"),
        ("Привет".encode("iso8859-5"), 6, "Привет"),
        (b"\x01\xab", 4, "01 ab"),
        (b"", 0, ""),
    ],
)
def test_received_texts(octets, data_coding, text):
    assert decode_text(octets, data_coding) == text


@pytest.mark.parametrize(
    ("alphabet", "text", "characters"),
    [
        (Alphabet.GSM7, "a“b", ("“",)),
        (Alphabet.LATIN1, "é€", ("€",)),
        (Alphabet.ASCII, "é€é", ("é", "€")),
        (Alphabet.UCS2, "a\ud800", ("\ud800",)),
        (Alphabet.BINARY, "ab", ("a", "b")),
    ],
)
def test_what_an_alphabet_lacks_is_named(alphabet, text, characters):
    with pytest.raises(TextNotEncodable) as caught:
        encode_text(text, alphabet)
    assert caught.value.characters == characters


def test_typographic_characters_become_plain_and_letters_stay():
    assert replace_typographic_characters("“L’été”\u00a0– 5…") == '"L\'été" - 5...'
    assert replace_typographic_characters("e\u0301 șç ß") == "é șç ß"
