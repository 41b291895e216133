from struct import unpack

from gateway.simulator.bending import PduBender, needs_bending
from gateway.simulator.profile_reading import load_profile, parse_profile
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.framing import Framer


def bender(yaml: str) -> PduBender:
    profile = parse_profile(yaml, source="test")
    assert needs_bending(profile)
    return PduBender(profile)


def header(octets: bytes) -> tuple[int, ...]:
    return unpack(">IIII", octets[:16])


BIND_RESP = encode(pdus.BindTransceiverResp(system_id=b"SMSC", tlvs=((0x210, b"\x34"),)), sequence_number=1)
REFUSAL = encode(pdus.BindTransceiverResp(command_status=0x0D), sequence_number=1)


def test_a_usual_profile_needs_nothing_between_a_session_and_its_connection() -> None:
    assert not needs_bending(load_profile("default"))
    assert needs_bending(parse_profile("faults: {drop: reset}", source="test"))


def test_a_bind_response_can_lack_its_version_or_everything() -> None:
    bent = bender("bind: {response: without_version, system_id: X}").bend_out(BIND_RESP)
    assert bent[16:] == b"X\0"
    assert bender("bind: {response: empty}").bend_out(BIND_RESP) == BIND_RESP[:3] + b"\x10" + BIND_RESP[4:16]
    assert bender("bind: {version: 0x33, system_id: X}").bend_out(BIND_RESP)[16:] == b"X\0\x02\x10\0\1\x33"


def test_a_bind_response_can_bear_a_foreign_number() -> None:
    one = bender("bind: {foreign_number: true}")
    first, second = header(one.bend_out(BIND_RESP))[3], header(one.bend_out(BIND_RESP))[3]
    assert first != 1
    assert second == first + 1


def test_a_refusal_can_have_a_body_or_be_a_generic_nack() -> None:
    assert bender("bind: {refusal: full, system_id: X}").bend_out(REFUSAL)[16:] == b"X\0"
    assert header(bender("bind: {refusal: nack}").bend_out(REFUSAL)) == (16, 0x80000000, 0x0D, 1)


def test_requests_are_numbered_from_above_and_their_answers_find_back() -> None:
    one = bender("wire: {high_numbers: true}")
    deliver = encode(pdus.DeliverSm(), sequence_number=5)
    number = header(one.bend_out(deliver))[3]
    assert number > 0x7FFFFFFF
    answer = encode(pdus.DeliverSmResp(), sequence_number=number)
    assert header(one.bend_in(answer))[3] == 5
    response = encode(pdus.SubmitSmResp(b"1"), sequence_number=7)
    assert one.bend_out(response) == response


def test_octets_too_many_stand_within_the_length() -> None:
    bent = bender("wire: {trailing_octets: 3}").bend_out(encode(pdus.EnquireLinkResp(), sequence_number=1))
    assert header(bent)[0] == len(bent) == 19


def test_a_receipt_can_end_in_a_tlv_that_runs_past_it() -> None:
    deliver = encode(pdus.DeliverSm(tlvs=((0x1E, b"1"),)), sequence_number=5)
    bent = bender("receipts: {broken_tlvs: true}").bend_out(deliver)
    assert (header(bent)[0], bent[-3:]) == (len(bent), b"\0\xff\x61")


def test_strays_of_every_kind_come_once_the_client_is_bound() -> None:
    one = bender("wire: {strays_every: 1}")
    enquiry = encode(pdus.EnquireLink(), sequence_number=9)
    assert one.bend_out(enquiry) == enquiry
    seen = set()
    for octets in (one.bend_out(BIND_RESP), *(one.bend_out(enquiry) for _ in range(5))):
        _, frames = Framer().feed(octets)
        assert len(frames) == 2
        seen.add((frames[1][0], frames[1][2] == 0))
    assert (0x80000000, True) in seen
    assert {command_id for command_id, _ in seen} >= {0x102, 0x10200, 0x80010200, 0x0B, 0x80000004}


def test_a_transmitter_is_told_to_the_session_as_a_transceiver() -> None:
    one = bender("wire: {receipts_on_transmitters: true}")
    bind = encode(pdus.BindTransmitter(system_id=b"shop"), sequence_number=1)
    assert header(one.bend_in(bind))[1] == 0x09
    assert one.is_transmitter
    assert header(one.bend_out(BIND_RESP))[1] == 0x80000002
