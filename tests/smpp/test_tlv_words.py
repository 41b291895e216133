"""Optional parameters by name and value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.constants import Tag
from gateway.smpp.tlv_words import describe_tlv_value, may_hold_text, name_tlv


@pytest.mark.parametrize(
    ("tag", "value", "words"),
    [
        (Tag.RECEIPTED_MESSAGE_ID, b"0A1\0", '"0A1"'),
        (Tag.MESSAGE_STATE, b"\2", "2 DELIVERED"),
        (Tag.MESSAGE_STATE, b"\0\0\0\2", "2 DELIVERED"),  # four octets from some, quirk 53
        (Tag.NETWORK_ERROR_CODE, b"\3\0\x1b", "GSM error 27"),
        (Tag.NETWORK_ERROR_CODE, b"\3", "03"),
        (Tag.SC_INTERFACE_VERSION, b"\x34", "0x34 SMPP 3.4"),
        (Tag.SAR_MSG_REF_NUM, b"\1\0", "256"),
        (Tag.DELIVERY_FAILURE_REASON, b"\3", "3 temporary network error"),
        (Tag.DELIVERY_FAILURE_REASON, b"\x09", "9 reserved"),
        (0x0381, b"\1\1\x01336", '"336" (ton 1 international, npi 1 ISDN (E.164))'),
        (0x1401, b"\xab\xcd", "ab cd"),
        (0x001E, b"", "empty"),
    ],
)
def test_a_value_is_told_by_its_meaning(tag, value, words):
    assert describe_tlv_value(tag, value) == words


def test_every_tag_that_is_used_by_name_has_one_here():
    assert all(name_tlv(tag) == f"{tag.name.lower()} (0x{tag:04x})" for tag in Tag)
    assert name_tlv(0x1401) == "vendor TLV 0x1401"
    assert name_tlv(0x7777) == "unknown TLV 0x7777"


def test_texts_are_in_the_payload_and_perhaps_in_what_nobody_knows():
    assert may_hold_text(Tag.MESSAGE_PAYLOAD)
    assert may_hold_text(0x7777)
    assert not may_hold_text(Tag.RECEIPTED_MESSAGE_ID)
    assert not may_hold_text(0x1401)


@given(st.integers(0, 0xFFFF), st.binary(max_size=300))
def test_no_tlv_makes_it_fail(tag, value):
    assert name_tlv(tag)
    assert describe_tlv_value(tag, value).isprintable()
