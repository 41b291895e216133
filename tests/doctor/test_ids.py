"""Which rule for ids is found, and that none is found where none is needed."""

import pytest

from gateway.doctor.findings import Confidence
from gateway.doctor.ids import AS_IT_IS, IdRule, match_ids
from gateway.doctor.plan import Purpose
from gateway.domain.carrier_ids import IdConversion
from tests.doctor.evidence_values import answered_ids, read, receipt, submit

HEX_TO_DEC, DEC_TO_HEX, AS_IS = IdConversion.HEX_TO_DEC, IdConversion.DEC_TO_HEX, IdConversion.AS_IS


@pytest.mark.parametrize(
    ("ids", "rule"),
    [
        ({"123": "123", "124": "124"}, AS_IT_IS),
        ({"8E817E38": "2390851128", "8E817E3A": "2390851130"}, IdRule(response=HEX_TO_DEC)),
        ({"2390851128": "8e817e38", "2390851130": "8e817e3a"}, IdRule(receipt=HEX_TO_DEC)),
        ({"0000004711": "4711", "0000004712": "4712"}, IdRule(strip_zeros=True)),
        ({"4711": "smsc1-4711", "4712": "smsc1-4712"}, IdRule(strip_prefix="smsc1-")),
        ({"9994711": "4711", "9994712": "4712"}, IdRule(strip_prefix="999")),
        (
            {"0000004711": "smsc1-4711", "0000004712": "smsc1-4712"},
            IdRule(strip_zeros=True, strip_prefix="smsc1-"),
        ),
        ({"A1B2-C3": "a1b2-c3", "A1B2-C4": "a1b2-c4"}, AS_IT_IS),
        ({"0": "0", "1": "1"}, AS_IT_IS),
    ],
)
def test_the_plainest_rule_that_brings_answers_and_receipts_together_is_found(
    ids: dict[str, str], rule: IdRule
) -> None:
    submits, receipts = answered_ids(ids)
    matching = match_ids(submits, receipts)
    assert matching.rule == rule
    assert matching.matched == len(ids)
    assert not matching.strangers


def test_the_tlvs_id_goes_before_the_texts() -> None:
    submits = [submit(Purpose.BURST, 1, message_id="500"), submit(Purpose.BURST, 2, message_id="501")]
    receipts = [receipt("1f4", tlv_id="500"), receipt("1f5", tlv_id="501")]
    assert match_ids(submits, receipts).rule == AS_IT_IS


def test_an_id_that_was_given_twice_belongs_to_the_newest() -> None:
    submits = [submit(Purpose.BURST, 1, message_id="0"), submit(Purpose.BURST, 2, message_id="0")]
    matching = match_ids(submits, [receipt("0")])
    assert matching.receipts_of(submits[0]) == ()
    assert len(matching.receipts_of(submits[1])) == 1


def test_a_converted_form_is_proposed_with_both_ids_as_evidence() -> None:
    submits, receipts = answered_ids({"FF": "255", "100": "256", "101": "257"})
    diagnosis = read(submits, receipts)
    proposal = next(each for each in diagnosis.proposals if each.path == "id_form.response")
    assert proposal.value == "hex_to_dec"
    assert '"FF"' in proposal.because
    assert '"255"' in proposal.because
    assert proposal.confidence is Confidence.SURE


def test_two_receipts_are_too_few_to_be_sure() -> None:
    diagnosis = read(*answered_ids({"FF": "255", "100": "256"}))
    proposal = next(each for each in diagnosis.proposals if each.path == "id_form.response")
    assert proposal.confidence is Confidence.LIKELY


def test_ids_that_no_rule_explains_are_said_to_be_unknown() -> None:
    diagnosis = read(*answered_ids({"abc": "9x1", "abd": "9x2"}))
    assert diagnosis.value_of("id_form.response") is None
    assert any("How ids are written" in sentence for sentence in diagnosis.unseen)


def test_answers_without_an_id_propose_nothing() -> None:
    diagnosis = read([submit(Purpose.BURST, 1, message_id="")], [receipt("7")])
    assert diagnosis.value_of("id_form.response") is None
    assert any("taken without an id" in sentence for sentence in diagnosis.remarks)
