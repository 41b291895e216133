"""Receipts in the forms seen in the field; each case names its quirk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.smpp.receipts import ReceiptState, parse_receipt

NOMINAL = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2501311159 done date:2501311200 "
    b"stat:DELIVRD err:000 text:hello"
)


def read(text, esm_class=4, **fields):
    return parse_receipt(DeliverSm(short_message=text, esm_class=esm_class, **fields))


def test_the_nominal_text():
    receipt = read(NOMINAL)
    assert (receipt.carrier_id, receipt.state, receipt.stat, receipt.err) == (
        "0123456789",
        ReceiptState.DELIVERED,
        "DELIVRD",
        "000",
    )
    assert (receipt.submitted_text, receipt.done_text) == ("2501311159", "2501311200")
    assert receipt.is_final


@pytest.mark.parametrize(
    ("text", "carrier_id", "state", "err"),
    [  # quirk 46
        (
            b"id:7 submit date:2501311159 done date:2501311200 stat:DELIVRD err:000 Text:",
            "7",
            "DELIVERED",
            "000",
        ),
        (b"ID:7 STAT:UNDELIV ERR:a1", "7", "UNDELIVERABLE", "a1"),
        (b"stat:EXPIRED id:7", "7", "EXPIRED", ""),
        (b"id: 7 stat: DELIVERED err: 1", "7", "DELIVERED", "1"),
        (b"id:7 submit_date:2501311159 stat:REJECTED err:0045", "7", "REJECTED", "0045"),
        (b"id:7 sub:001 DELIVRD err:000", "7", "DELIVERED", "000"),
        (b"id:a/b-c_d.e stat:ENROUTE", "a/b-c_d.e", "ENROUTE", ""),
        (b"id:0 stat:UNKNOWN", "0", "UNKNOWN", ""),
        (b"id:7 stat:5", "7", "UNDELIVERABLE", ""),
        (b"id: stat:DELIVRD", "", "DELIVERED", ""),
        (
            b"id:7 sub:001 dlvrd:000 submit date:0000000000 done date:nonsense stat:DELETED err:",
            "7",
            "DELETED",
            "",
        ),
        (b"done date:2501311200 err:12 stat:DELIVRD sub:001 id:7", "7", "DELIVERED", "12"),
        (b"id:7,sub:001,dlvrd:001,stat:EXPIRED,err:0B", "7", "EXPIRED", "0B"),
        (b"id:7 err: stat:DELIVRD", "7", "DELIVERED", ""),
        (b"id:7 status:REJECTD error:-1", "7", "REJECTED", "-1"),
        (b"id:7 stat: err:000 SKIPPED", "7", "SKIPPED", "000"),
        (b"id:7 stat:SCHEDULED", "7", "SCHEDULED", ""),
        (b"id:7\0 stat:DELIVRD", "7", "DELIVERED", ""),
    ],
)
def test_variants_of_the_text(text, carrier_id, state, err):
    receipt = read(text)
    assert (receipt.carrier_id, receipt.state, receipt.err) == (carrier_id, ReceiptState[state], err)


def test_a_vendor_word_is_kept_without_a_meaning():  # quirk 56
    receipt = read(b"id:7 stat:FROBBED err:9")
    assert (receipt.state, receipt.stat, receipt.is_final) == (None, "FROBBED", False)


def test_the_quoted_text_is_not_searched():  # quirk 47
    receipt = read(b"id:7 err:001 text:id:8 stat:DELIVRD")
    assert (receipt.carrier_id, receipt.state) == ("7", None)
    assert read(b"id:7 stat:UNDELIV text:stat:DELIVRD").state is ReceiptState.UNDELIVERABLE
    receipt = read(b"stat:DELIVRD err:000 Text: id:8 is my order")
    assert (receipt.carrier_id, receipt.state) == ("", ReceiptState.DELIVERED), "no stranger's id"


def test_tlvs_alone_are_enough():  # quirk 52
    receipt = read(b"", tlvs=((0x001E, b"abc\0"), (0x0427, b"\x05"), (0x0423, b"\x03\x00\x1b")))
    assert (receipt.carrier_id, receipt.state, receipt.stat) == ("abc", ReceiptState.UNDELIVERABLE, "5")
    assert (receipt.network_error_type, receipt.network_error_code) == (3, 27)
    assert receipt.err == "027", "what the text would say after err:"


def test_the_network_error_code_stands_behind_the_err_of_the_text():
    tlvs = ((0x001E, b"abc\0"), (0x0427, b"\x05"), (0x0423, b"\x03\x00\x1b"))
    receipt = read(b"id:abc stat:UNDELIV err:1A", tlvs=tlvs)
    assert (receipt.err, receipt.network_error_code) == ("1A", 27)


def test_a_network_error_code_of_a_wrong_length_is_left_out():  # quirk 53
    receipt = read(b"", tlvs=((0x001E, b"abc\0"), (0x0427, b"\x05"), (0x0423, b"\x1b")))
    assert (receipt.state, receipt.network_error_code, receipt.err) == (ReceiptState.UNDELIVERABLE, None, "")


def test_of_repeated_tlvs_the_first_counts():  # quirk 53
    tlvs = ((0x001E, b"abc\0"), (0x0427, b"\x02"), (0x001E, b"xyz\0"), (0x0427, b"\x05"))
    receipt = read(b"", tlvs=tlvs)
    assert (receipt.carrier_id, receipt.state) == ("abc", ReceiptState.DELIVERED)


@pytest.mark.parametrize("message_id", [b"abc", b"abc\0", b"abc\0\0"])
@pytest.mark.parametrize("state", [b"\x02", b"\x00\x00\x00\x02"])
def test_tlvs_of_odd_lengths(message_id, state):  # quirk 53
    receipt = read(b"", tlvs=((0x0427, state), (0x1400, b"?"), (0x001E, message_id)))
    assert (receipt.carrier_id, receipt.state) == ("abc", ReceiptState.DELIVERED)


def test_both_ids_are_kept_when_they_differ():  # quirk 51
    receipt = read(b"id:255 stat:DELIVRD", tlvs=((0x001E, b"ff\0"),))
    assert (receipt.carrier_id, receipt.text_carrier_id) == ("ff", "255")
    assert read(b"id:ff stat:DELIVRD", tlvs=((0x001E, b"ff\0"),)).text_carrier_id == ""


@pytest.mark.parametrize("esm_class", [0x04, 0x44, 0x84, 0xC4, 0x07])
def test_the_type_is_masked_out_of_esm_class(esm_class):  # quirk 55
    assert read(NOMINAL, esm_class).carrier_id == "0123456789"


@pytest.mark.parametrize("esm_class", [0x00, 0x08, 0x10, 0x18, 0x40])
def test_other_types_are_messages(esm_class):
    assert read(NOMINAL, esm_class) is None


def test_both_tlvs_make_a_receipt_without_esm_class():  # quirk 55
    tlvs = ((0x001E, b"abc\0"), (0x0427, b"\x02"))
    assert read(b"", 0, tlvs=tlvs).carrier_id == "abc"
    assert read(b"", 0, tlvs=tlvs[:1]) is None


def test_text_alone_makes_one_only_on_request():  # quirk 55
    pdu = DeliverSm(short_message=NOMINAL)
    assert parse_receipt(pdu) is None
    receipt = parse_receipt(pdu, text_without_esm_class=True)
    assert (receipt.carrier_id, receipt.is_guess) == ("0123456789", True)
    assert not read(NOMINAL).is_guess
    assert parse_receipt(DeliverSm(short_message=b"hello id: you"), text_without_esm_class=True) is None


def test_an_intermediate_notification_is_never_final():  # quirk 57
    receipt = read(NOMINAL, 0x20)
    assert receipt.is_intermediate
    assert not receipt.is_final


def test_data_sm_and_message_payload():  # quirk 54
    receipt = parse_receipt(DataSm(esm_class=4, tlvs=((0x0424, NOMINAL),)))
    assert (receipt.carrier_id, receipt.state) == ("0123456789", ReceiptState.DELIVERED)
    assert read(b"", tlvs=((0x0424, NOMINAL),)).carrier_id == "0123456789"


@pytest.mark.parametrize(
    ("text", "esm_class", "data_coding"),
    [  # quirk 63
        (NOMINAL.decode().encode("utf-16-be"), 4, 8),
        (NOMINAL.decode().encode("utf-16-le"), 4, 8),
        (NOMINAL.decode().encode("utf-16"), 4, 8),
        (NOMINAL, 4, 8),
        (NOMINAL, 4, 3),
        (b"\x05\x00\x03\x01\x02\x01" + NOMINAL, 0x44, 0),
        (b"\x06\x00" + NOMINAL, 0x44, 0),
    ],
)
def test_other_codings_and_headers(text, esm_class, data_coding):
    assert read(text, esm_class, data_coding=data_coding).carrier_id == "0123456789"


@given(
    st.binary(max_size=200),
    st.integers(0, 255),
    st.integers(0, 255),
    st.lists(st.tuples(st.sampled_from([0x001E, 0x0427, 0x0423, 0x0424]), st.binary(max_size=9)), max_size=4),
)
def test_no_receipt_ever_fails(text, esm_class, data_coding, tlvs):
    pdu = DeliverSm(short_message=text, esm_class=esm_class, data_coding=data_coding, tlvs=tuple(tlvs))
    receipt = parse_receipt(pdu, text_without_esm_class=True)
    assert receipt is None or isinstance(receipt.is_final, bool)
