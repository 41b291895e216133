from datetime import UTC, datetime

import pytest

from gateway.simulator.profile import ReceiptForm, ReceiptText
from gateway.simulator.profile_reading import parse_profile
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
@pytest.mark.parametrize("extra", ["", ", data_coding: 8", ", as_data_sm: true"])
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
