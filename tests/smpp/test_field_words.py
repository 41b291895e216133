"""Values of fields in words; sources are the sections named in the module."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp import field_words
from gateway.smpp.field_words import WORDS_OF_OCTETS, describe_time, quote

AT = datetime(2025, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("describe", "value", "words"),
    [
        ("ton", 5, "alphanumeric"),
        ("npi", 1, "ISDN (E.164)"),
        ("esm_class", 0x00, "a plain message"),
        ("esm_class", 0xC4, "receipt, header in the text (UDHI), reply path"),
        ("esm_class", 0x20, "intermediate notification"),
        ("esm_class", 0x03, "store and forward mode"),
        ("registered_delivery", 0x11, "a receipt of the end, intermediate notifications"),
        ("data_coding", 0x00, "the default alphabet of the SMSC"),
        ("data_coding", 0x08, "UCS-2"),
        ("data_coding", 0x18, "UCS-2, class 0 (flash)"),
        ("data_coding", 0xF5, "8-bit data, class 1 (handset)"),
        ("data_coding", 0xC8, "GSM 03.38, message waiting on, text discarded"),
        ("protocol_id", 0x42, "replaces the last text of type 2 on the handset"),
        ("version", 0x33, "SMPP 3.3"),
        ("state", 8, "REJECTED"),
    ],
)
def test_a_value_is_told_by_its_meaning(describe, value, words):
    assert getattr(field_words, f"describe_{describe}")(value) == words


@pytest.mark.parametrize("name", WORDS_OF_OCTETS)
def test_no_value_of_an_octet_is_without_words(name):
    assert all(WORDS_OF_OCTETS[name](value) for value in range(256))


def test_times_are_told_as_the_moment_they_mean():
    assert describe_time(b"000001000000000R", AT) == "2025-11-23 12:00:00 UTC, relative"
    assert describe_time(b"251122140000008+", AT) == "2025-11-22 12:00:00 UTC, absolute"
    assert describe_time(b"tomorrow", AT) == "not readable as a time"


@given(st.text())
def test_nothing_quoted_moves_a_cursor_or_hides(text):
    quoted = quote(text)
    assert quoted.isprintable()
    assert "\x1b" not in quoted


def test_a_long_string_says_how_much_more_there_is():
    assert quote(b"\x1b[2Ja", most=3) == '"\\x1b[2" and 2 more characters'
