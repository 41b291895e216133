"""Where fields lie: the same values as the codec reads, and a place for each octet."""

from hypothesis import given

from gateway.smpp.codec import LAYOUTS, encode
from gateway.smpp.dissection import dissect
from gateway.smpp.pdus import DeliverSm, UnknownPdu
from tests.smpp.strategies import any_pdu


@given(any_pdu)
def test_every_field_is_found_with_the_value_that_the_codec_wrote(pdu):
    octets = encode(pdu)
    found = dissect(octets)
    assert (found.command_id, found.sequence_number) == (pdu.command_id, pdu.sequence_number)
    if isinstance(pdu, UnknownPdu):
        assert octets[found.rest_start :] == pdu.body
        return
    assert not found.faults
    assert found.rest_start == len(octets)
    for field in found.fields:
        assert field.value == getattr(pdu, field.name)
        if isinstance(field.value, bytes):
            assert octets[field.start : field.end] == field.value
    if LAYOUTS[pdu.command_id].has_tlvs:
        assert tuple((tlv.tag, octets[tlv.start : tlv.end]) for tlv in found.tlvs) == pdu.tlvs


def test_what_is_broken_is_told_with_its_figures():
    octets = encode(DeliverSm(short_message=b"hello", tlvs=((0x001E, b"12345"),)))
    cut = dissect(octets[:-3])
    assert cut.faults == (
        f"command_length says {len(octets)} octets and {len(octets) - 3} are here",
        "TLV 0x001e says 5 octets, and the PDU has 2 left",
    )
    assert dissect(octets[:20]).faults[1] == "the PDU ends before dest_addr_ton"
    assert dissect(b"\0\0\0").faults == ("the header has 16 octets and only 3 are here",)


def test_octets_after_the_last_field_are_told_and_belong_to_nothing():
    octets = bytes.fromhex("00000012 00000015 00000000 00000001 abcd")
    found = dissect(octets)
    assert found.rest_start == 16
    assert found.faults == ("2 octets after the last field belong to nothing",)


def test_a_response_without_its_body_is_not_broken():
    assert not dissect(bytes.fromhex("00000010 80000004 00000058 00000007")).faults
