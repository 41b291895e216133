"""PDUs in words: what is told of each command, what is hidden, and that nothing makes it fail."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.smpp import pdus
from gateway.smpp.codec import LAYOUTS, encode
from gateway.smpp.wording import BLANK, word_pdu
from tests.smpp.strategies import any_pdu

AT = datetime(2025, 11, 22, 12, tzinfo=UTC)
WAY = {"source_addr": b"SHOP", "destination_addr": b"33639981234"}


def word(pdu, *, shows_text=True):
    octets = pdu if isinstance(pdu, bytes) else encode(pdu, sequence_number=7)
    return word_pdu(octets, at=AT, shows_text=shows_text)


# One for each command that we know: summary and the lines that make it.
GOLDEN = [
    (pdus.BindTransmitter(system_id=b"shop"), 'system_id "shop"', "interface_version 0x34 SMPP 3.4"),
    (pdus.BindReceiver(system_id=b"shop", password=b"x"), 'system_id "shop"', "password hidden"),
    (
        pdus.BindTransceiver(system_id=b"s", addr_ton=1, address_range=b"^33"),
        'system_id "s"',
        "addr_ton 1 international",
    ),
    (pdus.BindTransmitterResp(system_id=b"smsc"), 'system_id "smsc"', 'system_id "smsc"'),
    (
        pdus.BindReceiverResp(command_status=0x0E),
        "",
        "command_status 0x0e ESME_RINVPASWD: The bind failed: wrong password.",
    ),
    (
        pdus.BindTransceiverResp(tlvs=((0x0210, b"\x34"),)),
        "",
        "sc_interface_version (0x0210) 0x34 SMPP 3.4",
    ),
    (pdus.Outbind(system_id=b"smsc", password=b"x"), 'system_id "smsc"', "password hidden"),
    (pdus.SubmitSm(**WAY, short_message=b"hi"), "SHOP → 33639981234", 'short_message of 2 octets: text "hi"'),
    (pdus.SubmitSmResp(message_id=b"0A1"), 'message_id "0A1"', 'message_id "0A1"'),
    (
        pdus.SubmitSmResp(command_status=0x58),
        "",
        "command_status 0x58 ESME_RTHROTTLED: Too fast: the account is over its allowed messages per second.",
    ),
    (
        pdus.DeliverSm(**WAY, esm_class=4, short_message=b"id:7 stat:DELIVRD"),
        'receipt of "7": DELIVRD',
        'receipt: id "7", stat "DELIVRD" DELIVERED',
    ),
    (pdus.DeliverSmResp(), "", "empty or 0: message_id"),
    (
        pdus.DataSm(**WAY, data_coding=8, tlvs=((0x0424, b"\0h\0i"),)),
        "SHOP → 33639981234",
        'message_payload (0x0424) of 4 octets: text "hi"',
    ),
    (pdus.DataSmResp(message_id=b"7"), 'message_id "7"', 'message_id "7"'),
    (pdus.QuerySm(message_id=b"7", source_addr=b"SHOP"), 'message_id "7"', 'source_addr "SHOP"'),
    (pdus.QuerySmResp(message_id=b"7", message_state=2), 'message_id "7"', "message_state 2 DELIVERED"),
    (pdus.CancelSm(message_id=b"7", **WAY), "SHOP → 33639981234", 'message_id "7"'),
    (pdus.CancelSmResp(command_status=0x11), "", None),
    (
        pdus.ReplaceSm(message_id=b"7", validity_period=b"000001000000000R"),
        'message_id "7"',
        'validity_period "000001000000000R": 2025-11-23 12:00:00 UTC, relative',
    ),
    (pdus.ReplaceSmResp(), "", None),
    (pdus.EnquireLink(), "", None),
    (pdus.EnquireLinkResp(), "", None),
    (
        pdus.AlertNotification(source_addr=b"336", tlvs=((0x0422, b"\0"),)),
        'source_addr "336"',
        "ms_availability_status (0x0422) 0 available",
    ),
    (pdus.Unbind(), "", None),
    (pdus.UnbindResp(), "", None),
    (
        pdus.GenericNack(command_status=3),
        "",
        "command_status 0x03 ESME_RINVCMDID: The other side does not support this command.",
    ),
]


@pytest.mark.parametrize(("pdu", "summary", "line"), GOLDEN, ids=lambda value: type(value).__name__)
def test_each_command_is_told_in_words(pdu, summary, line):
    told = word(pdu)
    assert (told.summary, told.sequence_number) == (summary, 7)
    assert told.command == f"{type(pdu).__name__[0].lower()}" + "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in type(pdu).__name__[1:]
    )
    assert line is None or line in told.words
    assert told.hex.replace(BLANK, "78").replace(" ", "") == encode(pdu, sequence_number=7).hex()


def test_the_golden_list_has_every_command():
    assert {pdu.command_id for pdu, _, _ in GOLDEN} == set(LAYOUTS)


def test_a_whole_submit_reads_field_by_field():
    told = word(
        pdus.SubmitSm(
            source_addr_ton=5,
            source_addr=b"SHOP",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=b"33639981234",
            esm_class=0x40,
            registered_delivery=1,
            short_message=b"\5\0\3\x2a\2\1Bonjour \0",
        )
    )
    assert told.status == ""
    assert told.summary == "SHOP → 33639981234, part 1 of 2"
    assert told.words == (
        "source_addr_ton 5 alphanumeric",
        "source_addr_npi 0 unknown",
        'source_addr "SHOP"',
        "dest_addr_ton 1 international",
        "dest_addr_npi 1 ISDN (E.164)",
        'destination_addr "33639981234"',
        "esm_class 0x40 header in the text (UDHI)",
        "registered_delivery 1 a receipt of the end",
        "data_coding 0x00 the default alphabet of the SMSC",
        'short_message of 15 octets: header of 6 octets: part 1 of 2, reference 42; text "Bonjour @"',
        "empty or 0: service_type, protocol_id, priority_flag, schedule_delivery_time, validity_period, "
        "replace_if_present_flag, sm_default_msg_id",
    )


def test_a_status_is_told_by_number_and_name():
    assert word(pdus.SubmitSmResp()).status == "0x00 ESME_ROK"
    assert word(pdus.SubmitSmResp(command_status=0x14)).status == "0x14 ESME_RMSGQFUL"
    assert word(pdus.SubmitSmResp(command_status=0x401)).status == "0x00000401"


def test_a_broken_pdu_says_what_and_where():
    cut = encode(pdus.SubmitSm(**WAY, short_message=b"hello"))[:-3]
    assert word(cut).words[-1] == "broken: short_message says 5 octets, and the PDU has 2 left"
    assert word(b"\0\0").command == "broken PDU"
    assert "it names no request" in word(encode(pdus.GenericNack(command_status=1), sequence_number=0)).words


def test_an_unknown_command_is_told_by_its_number():
    told = word(pdus.UnknownPdu(0x21, b"text of a submit_multi"), shows_text=False)
    assert told.command == "command 0x00000021"
    assert told.hex == f"00 00 00 26 00 00 00 21 00 00 00 00 00 00 00 07{f' {BLANK}' * 22}"


def test_a_hostile_number_of_tlvs_is_told_in_part():
    told = word(pdus.DataSm(tlvs=((0x1401, b""),) * 5_000))
    assert len(told.words) < 100
    assert "and 4936 more TLVs" in told.words


def test_a_receipt_for_eyes_that_must_not_read_texts_keeps_its_keys_and_hides_its_quote():
    told = word(
        pdus.DeliverSm(esm_class=4, short_message=b"id:7 stat:DELIVRD text:Code 1234"), shows_text=False
    )
    assert "1234" not in " ".join(told.words)
    assert b"stat:DELIVRD".hex(" ") in told.hex
    assert b"1234".hex(" ") not in told.hex


SECRET = b"\xf7SECRET\xf7"


@pytest.mark.parametrize(
    "pdu",
    [
        pdus.SubmitSm(**WAY, short_message=SECRET),
        pdus.SubmitSm(**WAY, esm_class=0x40, short_message=b"\5\0\3\1\2\1" + SECRET),
        pdus.SubmitSm(**WAY, esm_class=0x40, short_message=b"\xff" + SECRET),
        pdus.DeliverSm(**WAY, short_message=SECRET, tlvs=((0x1401, b"vendor"),)),
        pdus.DeliverSm(**WAY, esm_class=4, short_message=SECRET),
        pdus.DataSm(**WAY, tlvs=((0x0424, SECRET),)),
        pdus.DataSm(**WAY, tlvs=(*((0x1401, b""),) * 70, (0x0424, SECRET))),
        pdus.SubmitSm(**WAY, tlvs=((0x7777, SECRET),)),
        pdus.ReplaceSm(message_id=b"7", short_message=SECRET),
        pdus.UnknownPdu(0x21, SECRET),
        encode(pdus.EnquireLink()) + SECRET,
        encode(pdus.SubmitSm(**WAY, short_message=SECRET * 2))[: -len(SECRET)],
    ],
    ids=lambda pdu: type(pdu).__name__,
)
def test_a_text_is_hidden_in_words_and_in_hex(pdu):
    told = word(pdu, shows_text=False)
    assert "SECRET" not in " ".join((told.summary, *told.words))
    assert SECRET.hex(" ")[:12] not in told.hex
    assert BLANK in told.hex


@pytest.mark.parametrize(
    "command", [pdus.BindTransmitter, pdus.BindReceiver, pdus.BindTransceiver, pdus.Outbind]
)
@pytest.mark.parametrize("shows_text", [True, False])
def test_a_password_is_always_hidden(command, shows_text):
    octets = encode(command(system_id=b"shop", password=b"p4ssw0rd"))
    for end in range(16, len(octets) + 1):
        told = word(octets[:end], shows_text=shows_text)
        assert "p4s" not in " ".join((told.summary, *told.words))
        assert b"p4s".hex(" ") not in told.hex


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=300)
def test_no_octets_make_it_fail(octets, shows_text):
    told = word(octets, shows_text=shows_text)
    assert all(line.isprintable() for line in (told.command, told.summary, *told.words))
    assert len(told.hex.split()) == len(octets)


@given(any_pdu, st.data())
@settings(max_examples=300)
def test_no_damage_to_a_pdu_makes_it_fail(pdu, data):
    octets = bytearray(encode(pdu))
    place = data.draw(st.integers(16, max(16, len(octets) - 1)))
    octets[place:] = bytes((data.draw(st.integers(0, 255)),)) + octets[place + 1 :]
    del octets[data.draw(st.integers(16, len(octets))) :]
    told = word(bytes(octets), shows_text=data.draw(st.booleans()))
    assert all(line.isprintable() for line in (told.summary, *told.words))
    assert len(told.hex.split()) == len(octets)
