"""What is sent, and what is tried when it is refused."""

import pytest

from gateway.config.carriers import AddressForm, BindMode, Concatenation, InterfaceVersion, ValidityForm
from gateway.doctor.plan import (
    PROBING,
    Purpose,
    next_bind_form,
    remedies_for,
    splittings,
    with_changes,
    write_probe,
)
from gateway.smpp.split import plan_text
from tests.doctor.evidence_values import connector


@pytest.mark.parametrize("way", list(Concatenation))
@pytest.mark.parametrize(
    ("purpose", "parts"), [*((p, 1) for p in Purpose if "LONG" not in p.name), (Purpose.LONG, 2)]
)
def test_messages_have_the_parts_that_are_billed(purpose: Purpose, parts: int, way: Concatenation) -> None:
    text = write_probe(purpose, 117, "SHOP").text
    assert len(plan_text(text, concat=way.value).parts) == parts


@pytest.mark.parametrize("parts", [3, 4, 10])
def test_the_longest_text_has_the_parts_that_are_asked_for(parts: int) -> None:
    text = write_probe(Purpose.LONGEST, 117, "SHOP", parts=parts).text
    assert len(plan_text(text).parts) == parts
    assert text.endswith("END")


def test_the_characters_in_question_stand_within_what_receipts_quote() -> None:
    assert write_probe(Purpose.ALPHABET, 2, "SHOP").text.startswith(PROBING)
    assert len(PROBING) < 20


def test_a_named_refusal_is_answered_by_what_it_names() -> None:
    config = connector()
    assert list(remedies_for(0x62, config, "SHOP", "FR")) == [
        {"validity": ValidityForm.ABSOLUTE},
        {"validity": ValidityForm.NONE},
    ]
    recipient = list(remedies_for(0x0B, config, "SHOP", "FR"))
    assert recipient[:2] == [
        {"address_form.recipient": AddressForm.PLUS},
        {"address_form.recipient": AddressForm.ZEROS},
    ]
    assert all("source_ton" in each for each in remedies_for(0x0A, config, "36180", "FR"))


def test_a_refusal_without_a_meaning_tries_everything() -> None:
    paths = {path for each in remedies_for(0x45, connector(), "SHOP", "FR") for path in each}
    assert {"validity", "address_form.recipient", "source_ton", "service_type"} <= paths


def test_a_number_of_no_country_has_no_national_form() -> None:
    for each in remedies_for(0x0B, connector(), "SHOP", "ZZ"):
        assert each.get("address_form.recipient") is not AddressForm.NATIONAL


def test_the_configured_splitting_goes_first_and_tlvs_only_where_they_are_sent() -> None:
    config = connector(concatenation=Concatenation.SAR)
    assert next(iter(splittings(config, sends_tlvs=True))) is Concatenation.SAR
    assert list(splittings(connector(), sends_tlvs=False)) == [Concatenation.UDH8, Concatenation.UDH16]


def test_changes_reach_inner_keys() -> None:
    config = with_changes(connector(), {"address_form.recipient": AddressForm.PLUS, "service_type": "CMT"})
    assert config.address_form.recipient is AddressForm.PLUS
    assert config.service_type == "CMT"


def test_a_refused_transceiver_is_tried_as_a_pair_then_as_33() -> None:
    config = connector()
    pair = next_bind_form(config, {}, 0x0D, [{}])
    assert pair == {"bind_mode": BindMode.TRANSMITTER_RECEIVER}
    old = next_bind_form(config, pair, 0x0D, [{}, pair])
    assert old == {**pair, "interface_version": InterfaceVersion.V33}
    assert next_bind_form(config, old, 0x0D, [{}, pair, old]) is None


@pytest.mark.parametrize("status", [0x05, 0x0E, 0x0F, None])
def test_a_bind_that_no_form_can_help_is_not_repeated(status: int | None) -> None:
    assert next_bind_form(connector(), {}, status, [{}]) is None


def test_a_wanted_system_type_is_guessed_from_the_usual_ones() -> None:
    assert next_bind_form(connector(), {}, 0x53, [{}]) == {"system_type": "SMPP"}
