"""Walking received headers and joining parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.split import concat_udh, plan_text
from gateway.smpp.text import decode_text
from gateway.smpp.udh import Concatenation, UserData, find_concatenation, join_parts, split_user_data


def test_a_header_is_taken_off_only_when_announced():
    octets = concat_udh(7, 2, 1) + b"hi"
    assert split_user_data(0x40, octets) == UserData(((0, b"\x07\x02\x01"),), b"hi")
    assert split_user_data(0x00, octets) == UserData((), octets)


@pytest.mark.parametrize(
    "octets", [b"", b"\x05\x00\x03", b"\x04\x00\x03\x01\x02hi", b"\x01\x00hi", b"\xff" * 9]
)
def test_a_header_that_makes_no_sense_leaves_the_text_whole(octets):
    assert split_user_data(0x40, octets) == UserData((), octets)


def test_other_elements_may_come_first():
    octets = bytes.fromhex("0b 0504 0b84 23f0 0003 2a 03 02") + b"x"
    user_data = split_user_data(0x44, octets)
    assert user_data.find(0x05) == b"\x0b\x84\x23\xf0"
    assert find_concatenation(user_data) == Concatenation(0x2A, 8, 3, 2)


def test_wide_references_are_a_space_of_their_own():
    user_data = split_user_data(0x40, concat_udh(0x012A, 3, 3, wide=True))
    assert find_concatenation(user_data) == Concatenation(0x012A, 16, 3, 3)


def test_sar_tlvs_say_it_too():
    tlvs = ((0x020C, b"\x01\x2a"), (0x020E, b"\x02"), (0x020F, b"\x01"))
    assert find_concatenation(UserData((), b"x"), tlvs) == Concatenation(0x012A, 16, 2, 1)


@pytest.mark.parametrize(("total", "number"), [(0, 0), (1, 1), (2, 0), (2, 3)])
def test_impossible_part_numbers_stand_alone(total, number):
    assert find_concatenation(UserData(((0, bytes((9, total, number))),), b"x")) is None


@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_octets_give_a_text_and_elements(esm_class, octets):
    user_data = split_user_data(esm_class, octets)
    assert octets.endswith(user_data.body)
    find_concatenation(user_data)


def test_parts_join_in_order_once_all_are_there():
    text = "😀ș" * 100
    parts = plan_text(text).parts
    bodies = {number: part for number, part in enumerate(parts, 1) if number != 2}
    assert join_parts(len(parts), bodies) is None
    assert decode_text(join_parts(len(parts), bodies | {2: parts[1]}), 8) == text


def test_a_pair_cut_by_a_phone_joins_before_it_is_read():
    whole = "😀".encode("utf-16-be")
    assert decode_text(join_parts(2, {2: whole[2:], 1: whole[:2]}), 8) == "😀"
