"""Any cut of a stream gives the same PDUs, and garbage ends in one clear fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.codec import encode
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import EnquireLink, SubmitSmResp

PDU = encode(SubmitSmResp(message_id=b"0a1b", sequence_number=7))


def collect(chunks, **settings):
    framer = Framer(**settings)
    pdus = []
    for chunk in chunks:
        buffer, frames = framer.feed(chunk)
        pdus += [buffer[start:end] for *_, start, end in frames]
    return pdus, None if framer.fault is None else framer.fault.command_length


def test_one_read_may_hold_many_pdus():
    pdus, fault = collect([PDU * 3])
    assert (pdus, fault) == ([PDU] * 3, None)


def test_a_pdu_may_come_octet_by_octet():
    assert collect([bytes((octet,)) for octet in PDU + PDU]) == ([PDU, PDU], None)


@given(st.binary(max_size=80), st.integers(0, 4), st.data())
def test_every_cut_gives_the_same_frames_and_the_same_fault(garbage, whole, data):
    stream = PDU * whole + garbage
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert collect(chunks) == collect([stream])


def test_lengths_below_a_header_or_beyond_the_cap_lose_the_stream():
    for length in (0, 15, 1001, 0x7FFFFFFF, int.from_bytes(b"HTTP", "big")):
        pdus, fault = collect([PDU + length.to_bytes(4, "big"), PDU], max_pdu_octets=1000)
        assert (pdus, fault) == ([PDU], length)


def test_a_pdu_of_exactly_the_cap_passes():
    body = b"\0" * (1000 - 16)
    pdu = (1000).to_bytes(4, "big") + (0x15).to_bytes(4, "big") + bytes(8) + body
    assert collect([pdu], max_pdu_octets=1000) == ([pdu], None)


def test_what_is_held_is_bounded_by_one_pdu():
    framer = Framer()
    framer.feed(encode(EnquireLink())[:15])
    assert framer.held_octets == 15
    framer.feed(encode(EnquireLink())[15:])
    assert framer.held_octets == 0


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (bytes.fromhex("15030300020246"), "the peer speaks TLS here"),
        (b"HTTP/1.1 400 Bad Request\r\n", "the peer speaks HTTP"),
        (bytes(16), "outside 16..66000; the connection"),
    ],
)
def test_what_is_no_smpp_is_called_by_its_name(octets, words):
    framer = Framer()
    framer.feed(octets)
    assert words in str(framer.fault)
