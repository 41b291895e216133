"""The GSM alphabet against the table of 3GPP TS 23.038 and against smpplib's."""

import time

import pytest
import smpplib.consts
import smpplib.gsm
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.gsm import (
    CHARACTERS,
    EXTENSION_CHARACTERS,
    decode_gsm,
    encode_gsm,
    list_forcing_characters,
    pack_septets,
    unpack_septets,
)

gsm_texts = st.text(st.sampled_from(sorted(CHARACTERS)))


@given(gsm_texts)
def test_every_text_of_the_alphabet_survives(text):
    septets = encode_gsm(text)
    assert decode_gsm(septets) == text
    assert len(septets) == len(text) + sum(character in EXTENSION_CHARACTERS for character in text)
    assert septets.isascii()


@given(st.binary())
def test_any_octets_give_a_text(octets):
    assert isinstance(decode_gsm(octets), str)


def test_has_the_137_characters_of_the_standard():
    assert len(CHARACTERS) == 127 + 10


# Values from TS 23.038 §6.2.1 and §6.2.1.1.
@pytest.mark.parametrize(
    ("character", "septets"),
    [
        ("@", "00"),
        ("$", "02"),
        ("_", "11"),
        ("¤", "24"),
        ("§", "5f"),
        ("à", "7f"),
        ("Ω", "15"),
        ("Ç", "09"),
        ("€", "1b65"),
        ("[", "1b3c"),
        ("\\", "1b2f"),
        ("\f", "1b0a"),
        ("^", "1b14"),
        ("|", "1b40"),
    ],
)
def test_codes_of_the_standard(character, septets):
    assert encode_gsm(character) == bytes.fromhex(septets)


def test_agrees_with_smpplib():
    # Its table puts the backtick in place of § and lacks the form feed (quirk 72).
    for character in CHARACTERS - set("§\f\x1b"):
        assert encode_gsm(character) == smpplib.gsm.gsm_encode(character), character


@pytest.mark.parametrize("character", "`çα\t\u00a0“ş😀")
def test_what_looks_like_gsm_and_is_not(character):
    assert encode_gsm(f"a{character}b") is None


def test_an_unknown_escape_shows_the_basic_character():
    assert decode_gsm(b"a\x1bAb") == "aAb"
    assert decode_gsm(b"a\x1b") == "a "
    assert decode_gsm(b"\x1b\x1be") == " €"


def test_forcing_characters_are_listed_once_in_order():
    assert list_forcing_characters("z“a”“ș€") == ("“", "”", "ș")


# Packed septets: hand-worked from 3GPP TS 23.038 §6.1.2.1.1 (“hello” is in many tutorials).


@pytest.mark.parametrize(
    ("septets", "octets"),
    [
        (b"", ""),
        (b"1", "31"),
        (b"12", "31 19"),
        (b"hello", "e8 32 9b fd 06"),
        (b"hellohello", "e8 32 9b fd 46 97 d9 ec 37"),
    ],
)
def test_eight_septets_take_seven_octets(septets, octets):
    assert pack_septets(septets) == bytes.fromhex(octets)
    assert unpack_septets(bytes.fromhex(octets)) == septets


def test_seven_spare_bits_are_filled_with_a_carriage_return_and_never_read_as_an_at_sign():
    packed = pack_septets(b"1234567")
    assert len(packed) == 7
    assert packed[-1] >> 1 == 0x0D
    assert unpack_septets(packed) == b"1234567"


def test_a_carriage_return_at_an_octet_border_is_not_taken_for_the_filler():
    packed = pack_septets(b"1234567\r")
    assert unpack_septets(packed) == b"1234567\r\r"


def test_a_real_at_sign_in_the_last_place_is_kept():
    assert unpack_septets(pack_septets(b"1234567\0")) == b"1234567\0"


def test_septets_behind_a_header_of_six_octets_begin_at_the_second_bit():
    assert pack_septets(b"A", fill_bits=1) == bytes((0x41 << 1,))
    full = pack_septets(bytes(range(32, 127)) + b"x" * 58, fill_bits=1)
    assert len(full) == 134
    assert unpack_septets(full, fill_bits=1) == bytes(range(32, 127)) + b"x" * 58


@given(gsm_texts, st.integers(0, 6))
def test_packed_texts_survive(text, fill_bits):
    text = text.rstrip("\r")
    septets = encode_gsm(text)
    packed = pack_septets(septets, fill_bits=fill_bits)
    assert len(packed) == -(-(fill_bits + 7 * len(septets)) // 8)
    assert unpack_septets(packed, fill_bits=fill_bits) == septets


@pytest.mark.parametrize("fill_bits", range(7))
def test_septets_of_any_length_are_unpacked(fill_bits):
    septets = bytes(place * 5 % 127 + 1 for place in range(1_000))
    for count in (*range(150, 175), 320, 1_000):
        packed = pack_septets(septets[:count], fill_bits=fill_bits)
        assert unpack_septets(packed, fill_bits=fill_bits).rstrip(b"\r") == septets[:count].rstrip(b"\r")


def test_the_longest_payload_does_not_hold_the_loop():
    started = time.process_time()
    unpack_septets(b"\x55" * 65_535)
    assert time.process_time() - started < 0.15  # 0.012 s; as one number it took 0.5 s
