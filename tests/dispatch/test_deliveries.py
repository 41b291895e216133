"""Receipts read by a connector's rules: ids, dates, errors, and what is no receipt of ours after all."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from gateway.config.carriers import FailureKind, IdConversion, IdFormConfig, ReceiptMode, UnknownReceipt
from gateway.dispatch.deliveries import DeliveryReader
from gateway.domain.failures import FailureClass
from gateway.domain.message import MessageState
from gateway.smpp.pdus import DataSm, DeliverSm
from gateway.store.evidence import InboundSeen, ReceiptSeen
from tests.dispatch.carrier_fakes import make_config

NOW = datetime(2026, 7, 1, 12, 0, 30, tzinfo=UTC)
S = MessageState


def reader(**config: Any) -> DeliveryReader:
    return DeliveryReader(1, make_config(**config), {})


def read(
    text: bytes = b"", esm_class: int = 4, *, by: DeliveryReader | None = None, **fields: Any
) -> ReceiptSeen:
    pdu = DeliverSm(short_message=text, esm_class=esm_class, **fields)
    seen = (by or reader()).read(pdu, None, NOW)  # type: ignore[arg-type]  # nobody is to be answered
    assert isinstance(seen, ReceiptSeen)
    return seen


HEX = IdFormConfig(receipt=IdConversion.HEX_TO_DEC)


def test_an_id_is_looked_up_by_the_connectors_rule_and_kept_as_written() -> None:  # quirk 50
    seen = read(b"id:00FF stat:DELIVRD", by=reader(id_form=HEX))
    assert (seen.carrier_id, seen.written_id) == ("255", "00FF")


def test_both_ids_are_looked_up_by_the_connectors_rule() -> None:  # quirk 51
    form = IdFormConfig(strip_zeros=True, strip_prefix="SMSC-")
    seen = read(b"id:smsc-0012 stat:DELIVRD", by=reader(id_form=form), tlvs=((0x1E, b"SMSC-000c\0"),))
    assert (seen.carrier_id, seen.other_id) == ("c", "12")
    assert (seen.written_id, seen.written_other_id) == ("SMSC-000c", "smsc-0012")


def test_ids_are_compared_without_case() -> None:
    assert read(b"id:AbC stat:DELIVRD").carrier_id == "abc"


def test_an_id_in_a_field_of_fixed_width_is_compared_without_its_spaces() -> None:  # quirk 50
    seen = read(b"id:7 stat:DELIVRD", tlvs=((0x1E, b"AbC     \0"),))
    assert (seen.carrier_id, seen.written_id) == ("abc", "AbC     ")


def test_a_date_is_brought_from_the_carriers_clock_to_utc() -> None:  # quirk 49
    text = b"id:7 sub:001 dlvrd:001 submit date:2607011357 done date:2607011359 stat:DELIVRD err:000 text:"
    seen = read(text, by=reader(time_zone="Europe/Paris"))
    assert seen.carrier_at == datetime(2026, 7, 1, 11, 59, tzinfo=UTC)
    assert seen.submitted_at == datetime(2026, 7, 1, 11, 57, tzinfo=UTC)


@pytest.mark.parametrize("date", [b"0000000000", b"nonsense", b"", b"99999999999999"])
def test_a_date_of_nonsense_leaves_the_receipt_whole(date: bytes) -> None:  # quirk 48
    seen = read(b"id:7 submit date:" + date + b" done date:" + date + b" stat:DELIVRD err:000")
    assert (seen.carrier_id, seen.wanted, seen.carrier_at) == ("7", S.DELIVERED, None)


def test_the_connectors_table_says_what_an_err_means() -> None:
    by = reader(receipt_errors={"005": FailureKind.ABSENT, "027": FailureKind.INVALID_NUMBER})
    assert read(b"id:7 stat:UNDELIV err:005", by=by).failure_class == FailureClass.ABSENT
    assert read(b"id:7 stat:UNDELIV err:006", by=by).failure_class == FailureClass.UNKNOWN
    assert read(b"id:7 stat:DELIVRD err:005", by=by).failure_class == FailureClass.NONE
    tlvs = ((0x1E, b"7\0"), (0x427, b"\x05"), (0x423, b"\x03\x00\x1b"))
    assert read(b"", by=by, tlvs=tlvs).failure_class == FailureClass.INVALID_NUMBER


def test_a_network_error_of_gsm_means_the_same_at_every_carrier() -> None:
    tlvs = ((0x1E, b"7\0"), (0x427, b"\x05"), (0x423, b"\x03\x00\x1b"))
    seen = read(b"", tlvs=tlvs)
    assert (seen.failure_class, seen.err) == (FailureClass.ABSENT, "027")


def test_unknown_ends_a_message_or_waits_as_the_connector_says() -> None:  # quirk 56
    assert read(b"id:7 stat:UNKNOWN").wanted is S.UNKNOWN
    assert read(b"id:7 stat:UNKNOWN", by=reader(unknown_receipts=UnknownReceipt.WAIT)).wanted is None


def test_a_word_without_a_meaning_ends_nothing_and_is_kept() -> None:  # quirk 56
    seen = read(b"id:7 stat:BUFFERED err:9")
    assert (seen.wanted, seen.receipt_state, seen.stat, seen.err) == (None, -1, "BUFFERED", "9")


def test_of_a_word_or_an_error_without_end_the_beginning_is_kept() -> None:
    seen = read(b"id:7 stat:%s err:%s" % (b"S" * 120, b"9" * 120))
    assert (seen.stat, seen.err) == ("S" * 64, "9" * 64)


def test_an_intermediate_notification_ends_nothing_whatever_it_says() -> None:  # quirk 57
    assert read(b"id:7 stat:DELIVRD", 0x20).wanted is None


def test_a_carrier_with_one_receipt_for_all_parts_says_so_in_each() -> None:  # quirk 59
    assert read(b"id:7 stat:DELIVRD", by=reader(receipts=ReceiptMode.PER_MESSAGE)).ends_message
    assert not read(b"id:7 stat:DELIVRD").ends_message


def test_addresses_are_kept_as_the_carrier_wrote_them() -> None:  # quirk 62
    seen = read(b"id:7 stat:DELIVRD", source_addr=b"SHOP\xe9", destination_addr=b"+33612345678")
    assert (seen.from_address, seen.to_address) == ("SHOP\u00e9", "+33612345678")


BARE = b"id:7 sub:001 dlvrd:001 submit date:2607011157 done date:2607011159 stat:DELIVRD err:000 text:hello"


def test_a_bare_text_is_from_a_person_unless_the_connector_says_otherwise() -> None:  # quirk 55
    pdu = DeliverSm(short_message=BARE, source_addr=b"33612345678")
    assert isinstance(reader().read(pdu, None, NOW), InboundSeen)  # type: ignore[arg-type]
    seen = read(BARE, 0, by=reader(receipts_without_esm_class=True), source_addr=b"33612345678")
    assert (seen.carrier_id, seen.wanted) == ("7", S.DELIVERED)
    assert seen.otherwise is not None
    assert (seen.otherwise.text, seen.otherwise.from_address) == (BARE.decode(), "33612345678")
    assert read(BARE, 4, by=reader(receipts_without_esm_class=True)).otherwise is None


@given(
    st.binary(max_size=120),
    st.integers(0, 255),
    st.integers(0, 255),
    st.lists(st.tuples(st.sampled_from([0x1E, 0x427, 0x423, 0x424]), st.binary(max_size=70)), max_size=4),
    st.booleans(),
)
def test_nothing_a_carrier_sends_fails_or_holds_what_cannot_be_stored(
    text: bytes, esm_class: int, data_coding: int, tlvs: list[tuple[int, bytes]], as_data_sm: bool
) -> None:
    by = reader(receipts_without_esm_class=True, id_form=HEX, time_zone="Asia/Kolkata")
    kind: Any = DataSm if as_data_sm else DeliverSm
    fields = {} if as_data_sm else {"short_message": text}
    pdu = kind(esm_class=esm_class, data_coding=data_coding, tlvs=tuple(tlvs), **fields)
    seen = by.read(pdu, None, NOW)  # type: ignore[arg-type]
    strings = [field for field in astuple(seen) if isinstance(field, str)]
    assert not any("\0" in string for string in strings)
    assert all(string.encode("utf-8") is not None for string in strings)
