from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.simulator.profile import Charset, ReceiptForm, ReceiptText, TextRules
from gateway.simulator.profile_reading import parse_profile
from gateway.simulator.reading import TextReader
from gateway.simulator.receipt_forms import ReceiptWriter, TakenMessage
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DataSm, DeliverSm, find_tlv
from gateway.smpp.receipts import ReceiptState, parse_receipt

TAKEN_AT = datetime(2025, 1, 31, 11, 59, 58, tzinfo=UTC).timestamp()
DONE_AT = datetime(2025, 1, 31, 12, 0, 7, tzinfo=UTC).timestamp()


def message(receipt_id: str = "0123456789") -> TakenMessage:
    return TakenMessage(
        receipt_id=receipt_id,
        account="shop",
        session_number=1,
        source_ton=5,
        source_npi=0,
        source=b"SHOP",
        destination_ton=1,
        destination_npi=1,
        destination=b"33600000001",
        taken_at=TAKEN_AT,
        quoted="Ciao è pronto",
    )


def write(yaml: str, stat: str = "DELIVRD", err: str = "000", **fields: str) -> DeliverSm | DataSm:
    writer = ReceiptWriter(parse_profile(f"receipts: {{{yaml}}}", source="test").receipts)
    return writer.write(message(**fields), stat, err, is_final=True, done_at=DONE_AT)


def text_of(pdu: DeliverSm | DataSm) -> str:
    assert isinstance(pdu, DeliverSm)
    return pdu.short_message.decode("ascii")


def test_the_nominal_text_is_that_of_the_specification() -> None:
    assert text_of(write("form: text")) == (
        "id:0123456789 sub:001 dlvrd:001 submit date:2501311159 done date:2501311200 "
        "stat:DELIVRD err:000 text:Ciao \x04 pronto"
    )


@pytest.mark.parametrize(
    ("variant", "beginning"),
    [
        ("short", "id:0123456789 submit date:2501311159 done date:2501311200 stat:UNDELIV err:001 "),
        ("seconds", "id:0123456789 sub:001 dlvrd:000 submit date:250131115958 done date:250131120007 "),
        ("underscored", "id:0123456789 sub:001 dlvrd:000 submit_date:2501311159 done_date:2501311200 "),
        ("capitals", "ID:0123456789 SUB:001 DLVRD:000 SUBMIT DATE:2501311159 DONE DATE:2501311200 STAT:"),
        ("century", "id:0123456789 sub:001 dlvrd:000 submit date:202501311159 done date:202501311200 "),
        ("nonsense", "id:0123456789 sub:001 dlvrd:000 submit date:0000000000 done date:0000000000 "),
        (
            "shuffled",
            "stat:UNDELIV err:001 done date:2501311200 submit date:2501311159 dlvrd:000 sub:001 id:",
        ),
        ("unlabelled", "id:0123456789 sub:001 dlvrd:000 submit date:2501311159 done date:2501311200 UNDELIV"),
        ("spaced", "id: 0123456789 sub: 001 dlvrd: 000 submit date: 2501311159 done date: 2501311200 "),
    ],
)
def test_the_variants_of_the_text(variant: str, beginning: str) -> None:
    assert text_of(write(f"form: text, text: {variant}", "UNDELIV", "001")).startswith(beginning)


def test_full_words_stand_in_their_variant() -> None:
    assert "stat:UNDELIVERABLE err" in text_of(write("form: text, text: words", "UNDELIV", "001"))
    assert "stat:BLACKLST err" in text_of(write("form: text, text: words", "BLACKLST", "001"))


@pytest.mark.parametrize("form", [form.value for form in ReceiptForm])
@pytest.mark.parametrize("variant", [variant.value for variant in ReceiptText])
@pytest.mark.parametrize(
    "extra",
    [
        "",
        ", data_coding: 8",
        ", as_data_sm: true",
        ", with_udh: true",
        ", with_udh: true, data_coding: 8, as_data_sm: true",
        ", broken_tlvs: true",
        ", sender_first: true, bare_addresses: true",
    ],
)
def test_every_form_is_read_back_by_the_gateway(form: str, variant: str, extra: str) -> None:
    pdu = write(f"form: {form}, text: {variant}{extra}", "UNDELIV", "021")
    receipt = parse_receipt(pdu)
    assert receipt is not None
    assert receipt.carrier_id == "0123456789"
    assert receipt.state is ReceiptState.UNDELIVERABLE


def test_tlvs_alone_leave_the_text_empty() -> None:
    pdu = write("form: tlv", "EXPIRED", "027")
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message == b""
    assert find_tlv(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) == b"0123456789\0"
    assert find_tlv(pdu.tlvs, Tag.MESSAGE_STATE) == b"\x03"
    assert find_tlv(pdu.tlvs, Tag.NETWORK_ERROR_CODE) == b"\x03\x00\x1b"


def test_text_alone_carries_no_tlv() -> None:
    assert write("form: text").tlvs == ()


def test_a_receipt_goes_from_the_handset_to_the_sender() -> None:
    pdu = write("form: both")
    assert (pdu.source_addr, pdu.source_addr_ton) == (b"33600000001", 1)
    assert (pdu.destination_addr, pdu.dest_addr_ton) == (b"SHOP", 5)


def test_esm_class_tells_final_from_intermediate_unless_the_carrier_omits_it() -> None:
    rules = parse_profile("", source="test").receipts
    intermediate = ReceiptWriter(rules).write(message(), "ENROUTE", "000", is_final=False, done_at=DONE_AT)
    assert (write("").esm_class, intermediate.esm_class) == (0x04, 0x20)
    assert write("without_esm_class: true").esm_class == 0


def test_a_text_too_long_for_its_field_goes_to_the_payload() -> None:
    pdu = write("form: text, data_coding: 8", receipt_id="0a1b2c3d-1234-4abc-9def-0123456789ab")
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message == b""
    payload = find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD)
    assert payload is not None
    assert payload.decode("utf-16-be").startswith("id:0a1b2c3d-1234-4abc-9def-0123456789ab sub:001")


def test_every_wording_comes_in_its_turn() -> None:
    writer = ReceiptWriter(parse_profile("receipts: {text: varied, form: text}", source="test").receipts)
    texts = {
        text_of(writer.write(message(), "DELIVRD", "000", is_final=True, done_at=DONE_AT))
        for _ in ReceiptText
    }
    assert len(texts) == len(ReceiptText) - 1


def test_addresses_can_stand_the_wrong_way_round_and_bare() -> None:
    pdu = write("sender_first: true, bare_addresses: true")
    assert (pdu.source_addr, pdu.destination_addr) == (b"SHOP", b"33600000001")
    assert {pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi} == {0}


def test_dates_are_of_the_carriers_own_clock() -> None:
    text = text_of(write("form: text, utc_offset_minutes: 120"))
    assert "submit date:2501311359 done date:2501311400" in text


def test_a_header_that_says_nothing_of_parts_can_stand_in_front() -> None:
    pdu = write("form: text, with_udh: true")
    assert isinstance(pdu, DeliverSm)
    assert pdu.esm_class == 0x44
    assert pdu.short_message[: pdu.short_message[0] + 4].endswith(b"id:")


def test_broken_tlvs_are_broken_in_every_way_that_was_seen() -> None:
    tlvs = write("form: tlv, broken_tlvs: true").tlvs
    values = dict(tlvs)
    assert values[Tag.RECEIPTED_MESSAGE_ID] == b"0123456789"
    assert len(values[Tag.MESSAGE_STATE]) == 4
    assert len(tlvs) == len(values) + 1
    assert 0x1401 in values


def test_the_tlv_can_have_an_id_of_another_form() -> None:
    rules = parse_profile("", source="test").receipts
    taken = replace(message("26"), receipt_tlv_id="1A")
    pdu = ReceiptWriter(rules).write(taken, "DELIVRD", "000", is_final=True, done_at=DONE_AT)
    assert text_of(pdu).startswith("id:26 ")
    assert find_tlv(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) == b"1A\0"


def test_the_text_is_repeated_in_the_alphabet_of_the_carrier() -> None:
    reader = TextReader(TextRules(default_charset=Charset.LATIN1))
    rules = parse_profile("", source="test").receipts
    pdu = ReceiptWriter(rules, reader).write(message(), "DELIVRD", "000", is_final=True, done_at=DONE_AT)
    assert isinstance(pdu, DeliverSm)
    assert pdu.short_message.endswith("text:Ciao è pronto".encode("latin-1"))
