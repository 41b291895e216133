"""The fast forms give the same octets and values as the generic codec."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.smpp import pdus
from gateway.smpp.codec import decode, encode, encode_tlvs
from gateway.smpp.errors import BadPdu, RuleBroken
from gateway.smpp.framing import Framer
from gateway.smpp.hotpath import (
    SubmitTemplate,
    decode_deliver_sm,
    decode_message_id,
    decode_submit_sm,
    encode_deliver_sm_resps,
    encode_submit_sm_resp,
)

from .strategies import message_requests

octet = st.integers(0, 255)


def text(most):
    return st.binary(max_size=most).map(lambda value: value.replace(b"\0", b"x"))


@given(
    text(20),
    octet,
    octet,
    octet,
    octet,
    octet,
    octet,
    octet,
    text(16),
    text(5),
    text(20),
    st.binary(max_size=240),
    st.sampled_from([b"", b"\x05\x00\x03\x01\x02\x01"]),
    st.sampled_from([(), ((0x0204, b"\x00\x07"),)]),
)
@settings(max_examples=200)
def test_the_template_writes_what_the_codec_writes(
    source,
    ston,
    snpi,
    dton,
    dnpi,
    coding,
    esm,
    receipt,
    validity,
    service,
    destination,
    message,
    udh,
    tlvs,
):
    template = SubmitTemplate(source, ston, snpi, dton, dnpi, coding, esm, receipt, validity, service)
    expected = pdus.SubmitSm(
        service_type=service,
        source_addr_ton=ston,
        source_addr_npi=snpi,
        source_addr=source,
        dest_addr_ton=dton,
        dest_addr_npi=dnpi,
        destination_addr=destination,
        esm_class=esm | 0x40 if udh else esm,
        validity_period=validity,
        registered_delivery=receipt,
        data_coding=coding,
        short_message=udh + message,
        tlvs=tlvs,
        sequence_number=9,
    )
    assert template.encode(9, destination, message, udh, encode_tlvs(tlvs)) == encode(expected)


def test_the_template_refuses_what_does_not_fit():
    template = SubmitTemplate(b"ACME", 5, 0, 1, 1, 0, 0, 1)
    for arguments in ((b"1" * 21, b""), (b"1\0", b""), (b"1", b"x" * 255)):
        with pytest.raises(RuleBroken):
            template.encode(1, *arguments)
    with pytest.raises(RuleBroken):
        SubmitTemplate(b"A" * 21, 5, 0, 1, 1, 0, 0, 1)
    with pytest.raises(RuleBroken):
        SubmitTemplate(b"A", 256, 0, 1, 1, 0, 0, 1)


def outcome(decoder, buffer, frame):
    try:
        return decoder(buffer, frame)
    except BadPdu as error:
        return str(error)


@given(message_requests, st.binary(max_size=6), st.integers(0, 30))
@settings(max_examples=300)
def test_messages_read_alike_also_when_damaged(pdu, extra, cut):
    octets = encode(pdu) + extra
    octets = octets[: max(16, len(octets) - cut)]
    buffer, (frame,) = Framer().feed(len(octets).to_bytes(4, "big") + octets[4:])
    fast = decode_submit_sm if isinstance(pdu, pdus.SubmitSm) else decode_deliver_sm
    assert outcome(fast, buffer, frame) == outcome(decode, buffer, frame)


@given(st.binary(max_size=100))
@settings(max_examples=300)
def test_any_body_reads_alike(body):
    octets = (16 + len(body)).to_bytes(4, "big") + (5).to_bytes(4, "big") + bytes(8) + body
    buffer, (frame,) = Framer().feed(octets)
    assert outcome(decode_deliver_sm, buffer, frame) == outcome(decode, buffer, frame)


@given(
    st.binary(max_size=40), st.sampled_from([b"", b"\0", b"\0\x00\x1d\x00\x01a"]), st.sampled_from([0, 0x58])
)
def test_message_ids_read_alike(message_id, end, command_status):
    body = message_id.replace(b"\0", b"x") + end
    header = (16 + len(body), 0x80000004, command_status, 1)
    octets = b"".join(value.to_bytes(4, "big") for value in header) + body
    buffer, (frame,) = Framer().feed(b"junk before"[:0] + octets)
    assert decode_message_id(buffer, frame[3], frame[4]) == decode(buffer, frame).message_id


def test_responses_match_the_codec():
    assert encode_deliver_sm_resps([1, 0xFFFFFFFF], 8) == [
        encode(pdus.DeliverSmResp(command_status=8, sequence_number=number)) for number in (1, 0xFFFFFFFF)
    ]
    assert encode_submit_sm_resp(3, b"abc") == encode(pdus.SubmitSmResp(message_id=b"abc", sequence_number=3))
    assert encode_submit_sm_resp(3, b"abc", 8) == encode(
        pdus.SubmitSmResp(command_status=8, sequence_number=3)
    )
