"""What receipts are like: what is proposed, what is only remarked, and what is said to be unknown."""

from gateway.config.carriers import Concatenation
from gateway.doctor.evidence import Vehicle
from gateway.doctor.findings import Diagnosis
from gateway.doctor.plan import Purpose
from gateway.smpp.receipts import ReceiptState
from tests.doctor.evidence_values import long_text, read, receipt, submit

ONE = [submit(Purpose.OPENING, 1)]
TWO_PARTS = [*ONE, submit(Purpose.ALPHABET, 2), *long_text(3, ["p1", "p2"], Concatenation.UDH8)]


def says(diagnosis: Diagnosis, words: str) -> bool:
    return any(words in sentence for sentence in diagnosis.remarks)


def test_without_any_receipt_nothing_is_said_of_ids() -> None:
    diagnosis = read(ONE)
    assert any("none came within 60 s" in sentence for sentence in diagnosis.unseen)
    assert diagnosis.value_of("id_form.response") is None
    assert diagnosis.value_of("receipts_without_esm_class") is None


def test_a_receipt_for_each_part_is_seen() -> None:
    receipts = [receipt(each) for each in ("id1", "id2", "p1", "p2")]
    assert read(TWO_PARTS, receipts).value_of("receipts") == "per_part"


def test_one_receipt_for_a_long_text_is_per_message_when_single_texts_got_theirs() -> None:
    receipts = [receipt(each) for each in ("id1", "id2", "p2")]
    diagnosis = read(TWO_PARTS, receipts)
    assert diagnosis.value_of("receipts") == "per_message"
    assert "only the last got a receipt" in next(
        p.because for p in diagnosis.proposals if p.path == "receipts"
    )


def test_a_missing_receipt_proves_nothing_when_single_texts_lack_theirs_too() -> None:
    diagnosis = read(TWO_PARTS, [receipt("p1"), receipt("id1")])
    assert diagnosis.value_of("receipts") is None
    assert any("each part of a long text" in sentence for sentence in diagnosis.unseen)


def test_a_receipt_known_only_by_its_text_needs_the_key() -> None:
    diagnosis = read(ONE, [receipt("id1", esm_class=0)])
    assert diagnosis.value_of("receipts_without_esm_class") is True


def test_a_text_that_only_reads_like_a_receipt_does_not_propose_the_key() -> None:
    diagnosis = read(ONE, [receipt("stranger", esm_class=0)])
    assert diagnosis.value_of("receipts_without_esm_class") is None


def test_a_receipt_told_by_its_tlvs_needs_no_key() -> None:
    diagnosis = read(ONE, [receipt("", tlv_id="id1", esm_class=0)])
    assert diagnosis.value_of("receipts_without_esm_class") is None
    assert says(diagnosis, "needs no setting")


def test_forms_that_are_read_by_themselves_are_named() -> None:
    seen = receipt("id1", vehicle=Vehicle.DATA_SM, data_coding=8, esm_class=0x44)
    diagnosis = read(ONE, [seen])
    assert says(diagnosis, "in data_sm")
    assert says(diagnosis, "data_coding 0x08")
    assert says(diagnosis, "user data header")


def test_early_receipts_and_those_on_another_bind_are_counted() -> None:
    diagnosis = read(ONE, [receipt("id1", order=1, bind_no=2)])
    assert says(diagnosis, "1 of 1 receipts overtook the answer")
    assert says(diagnosis, "1 of 1 came on another bind")


def test_intermediate_repeated_and_contradicting_receipts_are_counted() -> None:
    enroute = receipt("id1", state=ReceiptState.ENROUTE, stat="ENROUTE", is_intermediate=True)
    failed = receipt("id1", state=ReceiptState.UNDELIVERABLE, stat="UNDELIV", err="001")
    diagnosis = read(ONE, [enroute, receipt("id1"), receipt("id1"), failed])
    assert says(diagnosis, "1 of 4 receipts were intermediate")
    assert says(diagnosis, "1 receipt came twice")
    assert says(diagnosis, "two different final receipts")
    assert says(diagnosis, "UNDELIV with err 001")


def test_a_word_without_meaning_is_shown() -> None:
    assert says(read(ONE, [receipt("id1", state=None, stat="BLACKLST")]), '"BLACKLST"')


def test_a_sender_that_the_carrier_replaced_is_named() -> None:
    assert says(read(ONE, [receipt("id1", destination="36180")]), "named 36180 as the sender")


def test_addresses_the_wrong_way_round_are_no_other_sender() -> None:
    diagnosis = read(ONE, [receipt("id1", source="SHOP", destination="33639981234")])
    assert says(diagnosis, "where the handset belongs")
    assert not says(diagnosis, "as the sender: the carrier")
