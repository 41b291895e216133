"""Walking received headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.split import concat_udh
from gateway.smpp.udh import (
    Concatenation,
    Ports,
    UserData,
    find_concatenation,
    find_ports,
    read_elements,
    split_user_data,
)


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


def test_an_element_that_nobody_knows_is_kept_and_walked_over():
    user_data = split_user_data(0x40, bytes.fromhex("0a 7003aabbcc 0003070201") + b"x")
    assert user_data.find(0x70) == b"\xaa\xbb\xcc"
    assert find_concatenation(user_data) == Concatenation(7, 8, 2, 1)


def test_a_header_without_elements_is_one():
    assert split_user_data(0x40, b"\x00hi") == UserData((), b"hi")


@pytest.mark.parametrize(
    ("elements", "tlvs", "ports"),
    [
        (((0x05, b"\x0b\x84\x23\xf0"),), (), Ports(2948, 9200)),
        (((0x04, b"\xf0\xf1"),), (), Ports(240, 241)),
        (((0x05, b"\x0b"),), (), None),
        ((), ((0x020B, b"\x0b\x84"), (0x020A, b"\x23\xf0")), Ports(2948, 9200)),
        ((), ((0x020B, b"\x0b\x84"),), Ports(2948, 0)),
        ((), (), None),
    ],
)
def test_ports_come_from_the_header_or_the_tlvs(elements, tlvs, ports):
    assert find_ports(UserData(elements, b"x"), tlvs) == ports


@given(st.binary(max_size=40))
def test_elements_fill_their_header_or_are_none(header):
    elements = read_elements(header)
    if elements:
        assert sum(2 + len(data) for _, data in elements) == header[0]


@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_octets_give_a_text_and_elements(esm_class, octets):
    user_data = split_user_data(esm_class, octets)
    assert octets.endswith(user_data.body)
    find_concatenation(user_data)
