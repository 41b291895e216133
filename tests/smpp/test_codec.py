"""PDUs to octets and back: legal ones survive, strange ones are read, hostile ones raise only `BadPdu`."""

import pytest
import smpplib.client
import smpplib.smpp
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.smpp import pdus
from gateway.smpp.codec import LAYOUTS, decode, encode
from gateway.smpp.constants import CommandId
from gateway.smpp.errors import BadPdu, RuleBroken
from gateway.smpp.framing import Framer
from gateway.smpp.statuses import CommandStatus

from .strategies import any_pdu


def read(octets):
    buffer, frames = Framer().feed(octets)
    (frame,) = frames
    return decode(buffer, frame)


@given(any_pdu)
@settings(max_examples=300)
def test_every_legal_pdu_survives_the_round_trip(pdu):
    assert read(encode(pdu)) == pdu


def test_every_command_has_a_layout():
    assert set(LAYOUTS) == {command.value for command in CommandId}


@given(st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=120), st.integers(0, 0xFFFFFFFF))
@settings(max_examples=500)
def test_any_body_gives_a_pdu_or_says_what_to_answer(command_id, body, command_status):
    header = b"".join(
        value.to_bytes(4, "big") for value in (16 + len(body), command_id, command_status, 0xFFFFFFFF)
    )
    pdu, error = attempt(header + body)
    if error is None:
        assert pdu.sequence_number == 0xFFFFFFFF
    else:
        assert error.command_status in (CommandStatus.ESME_RINVCMDLEN, CommandStatus.ESME_RINVMSGLEN)
        assert (error.command_id, error.sequence_number) == (command_id, 0xFFFFFFFF)
        assert not LAYOUTS[command_id].is_response


def attempt(octets):
    try:
        return read(octets), None
    except BadPdu as error:
        return None, error


# Vectors. The first is the example of SMPP 3.4 §3.2.3; the others are from reports in smpp-quirks 7, 27 and
# 28.
def test_reads_the_bind_transmitter_of_the_specification():
    octets = bytes.fromhex(
        "0000002F000000020000000000000001534D50503354455354007365637265743038005355424D4954310000010100"
    )
    pdu = read(octets)
    assert pdu == pdus.BindTransmitter(
        system_id=b"SMPP3TEST",
        password=b"secret08",
        system_type=b"SUBMIT1",
        interface_version=0,
        addr_ton=1,
        addr_npi=1,
        sequence_number=1,
    )
    assert encode(pdu) == octets


def test_an_error_response_needs_no_body():
    pdu = read(bytes.fromhex("00000010800000040000005800000007"))
    assert pdu == pdus.SubmitSmResp(command_status=0x58, sequence_number=7)


def test_an_error_response_may_carry_a_message_id():
    pdu = read(bytes.fromhex("00000021800000040000000b00000002") + b"0A000000A3D323A1\0")
    assert (pdu.command_status, pdu.message_id) == (0x0B, b"0A000000A3D323A1")


def test_a_generic_nack_may_name_no_request():
    assert read(bytes.fromhex("00000010800000000000000300000000")) == pdus.GenericNack(command_status=3)


def test_a_message_id_without_nul_is_taken_to_the_end():
    assert read(bytes.fromhex("00000013800000040000000000000001") + b"abc").message_id == b"abc"


def test_a_bind_response_without_body_is_a_success():
    pdu = read(bytes.fromhex("00000010800000090000000000000001"))
    assert (pdu.command_status, pdu.system_id, pdu.tlvs) == (0, b"", ())


def test_an_enquire_link_may_have_a_body():
    assert read(bytes.fromhex("00000013000000150000000000000009") + b"abc").sequence_number == 9


def stretch(octets, extra):
    return (len(octets) + len(extra)).to_bytes(4, "big") + octets[4:] + extra


def test_a_nul_after_the_text_is_ignored():
    pdu = pdus.DeliverSm(source_addr=b"1", short_message=b"hi")
    assert read(stretch(encode(pdu), b"\0")) == pdu


def test_a_broken_tlv_ends_the_tlvs_and_not_the_pdu():
    pdu = pdus.DeliverSm(short_message=b"hi", tlvs=((0x1E, b"7\0"),))
    assert read(stretch(encode(pdu), b"\x04\x27\x00\x09\x02")) == pdu


def test_repeated_and_unknown_tlvs_are_kept_in_order():
    pdu = pdus.DataSm(tlvs=((0x1400, b"a"), (0x1400, b""), (0x0424, b"text")))
    assert read(encode(pdu)) == pdu


def test_overlong_strings_are_read_and_not_written():
    pdu = pdus.SubmitSm(source_addr=b"9" * 21)
    with pytest.raises(RuleBroken, match="source_addr has 21 octets"):
        encode(pdu)
    octets = encode(pdus.SubmitSm(source_addr=b"9" * 20))
    assert read(stretch(octets[:19] + b"9" + octets[19:], b"")).source_addr == b"9" * 21


def test_a_text_length_beyond_the_pdu_is_answered_as_a_wrong_length():
    octets = encode(pdus.SubmitSm(short_message=b"abc", sequence_number=5))
    with pytest.raises(BadPdu) as caught:
        read((len(octets) - 1).to_bytes(4, "big") + octets[4:-1])
    assert caught.value.command_status == CommandStatus.ESME_RINVMSGLEN


@pytest.mark.parametrize(
    "pdu",
    [
        pdus.SubmitSm(esm_class=256),
        pdus.SubmitSm(short_message=b"x" * 255),
        pdus.SubmitSm(destination_addr=b"1\0002"),
        pdus.SubmitSm(tlvs=((0x0424, b"x" * 65536),)),
    ],
)
def test_what_does_not_fit_is_not_written(pdu):
    with pytest.raises(RuleBroken):
        encode(pdu)


def test_an_error_is_written_without_body_except_to_a_delivery():
    assert len(encode(pdus.SubmitSmResp(message_id=b"1", command_status=8))) == 16
    assert len(encode(pdus.DeliverSmResp(command_status=8))) == 17


def test_credentials_longer_than_the_specification_allows_are_sent():  # quirk 24
    bind = pdus.BindTransceiver(system_id=b"s" * 64, password=b"p" * 100, sequence_number=1)
    assert read(encode(bind)) == bind


def test_a_password_is_never_shown():
    assert "secret" not in repr(pdus.BindTransceiver(password=b"secret"))
    assert "secret" not in repr(pdus.Outbind(password=b"secret"))


# smpplib as an oracle that we did not write. Its PDUs want a client for their numbers; it never connects.
ORACLE = smpplib.client.Client("localhost", 1, allow_unknown_opt_params=True)
ORACLE_FIELDS = {
    "service_type": b"CMT",
    "source_addr_ton": 5,
    "source_addr_npi": 0,
    "source_addr": b"ACME",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"393331234567",
    "esm_class": 0x40,
    "registered_delivery": 1,
    "data_coding": 8,
    "short_message": b"\x05\x00\x03\x07\x02\x01\x00h\x00i",
}


@pytest.mark.parametrize(
    ("command", "pdu_type"), [("submit_sm", pdus.SubmitSm), ("deliver_sm", pdus.DeliverSm)]
)
def test_smpplib_writes_the_same_message(command, pdu_type):
    fields = {
        name: value.decode() if isinstance(value, bytes) and name != "short_message" else value
        for name, value in ORACLE_FIELDS.items()
    }
    theirs = smpplib.smpp.make_pdu(command, client=ORACLE, **fields)
    theirs.sequence = 42
    assert encode(pdu_type(**ORACLE_FIELDS, sequence_number=42)) == theirs.generate()


def test_smpplib_reads_our_bind():
    ours = encode(
        pdus.BindTransceiver(
            system_id=b"acme", password=b"pw", system_type=b"T", addr_ton=1, sequence_number=3
        )
    )
    theirs = smpplib.smpp.parse_pdu(ours, client=ORACLE)
    assert (theirs.command, theirs.sequence) == ("bind_transceiver", 3)
    assert (theirs.system_id, theirs.password, theirs.system_type, theirs.addr_ton) == (
        b"acme",
        b"pw",
        b"T",
        1,
    )


def test_smpplib_reads_our_receipt_tlvs():
    ours = encode(pdus.DeliverSm(tlvs=((0x001E, b"abc\0"), (0x0427, b"\x02")), sequence_number=3))
    theirs = smpplib.smpp.parse_pdu(ours, client=ORACLE)
    assert (theirs.receipted_message_id, theirs.message_state) == (b"abc", 2)
