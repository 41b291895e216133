"""Texts for SMSCs that read data_coding 0, or UCS-2, in a way of their own (quirks 15, 66, 69, 70, 74)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.carrier_text import AS_USUAL, CarrierText, DefaultAlphabet, plan_carrier_text, spell_parts
from gateway.smpp.gsm import CHARACTERS, decode_gsm, unpack_septets
from gateway.smpp.split import Concat, plan_text
from gateway.smpp.text import Alphabet

LATIN1, ASCII, UTF8, PACKED = (
    CarrierText(default=default)
    for default in (
        DefaultAlphabet.LATIN1,
        DefaultAlphabet.ASCII,
        DefaultAlphabet.UTF8,
        DefaultAlphabet.GSM_PACKED,
    )
)
LITTLE = CarrierText(is_ucs2_little_endian=True)

any_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=700)
gsm_texts = st.text(st.sampled_from(sorted(CHARACTERS - {"\r"})), max_size=500)


@given(any_texts)
def test_an_smsc_as_the_standard_has_it_gets_the_plain_plan(text: str) -> None:
    plan = plan_carrier_text(text, AS_USUAL)
    assert plan == plan_text(text)
    assert spell_parts(plan.parts, plan.alphabet, AS_USUAL) == plan.parts


def test_data_coding_0_holds_the_octets_that_the_smsc_reads_there() -> None:
    assert plan_carrier_text("10 @ é", LATIN1).parts == (b"10 @ \xe9",)
    assert plan_carrier_text("10 @ é", UTF8).parts == ("10 @ é".encode(),)
    assert plan_carrier_text("10 @ _", ASCII).parts == (b"10 @ _",)
    assert plan_carrier_text("10 @ _", AS_USUAL).parts == (b"10 \x00 \x11",)
    for wants in (LATIN1, UTF8, ASCII, AS_USUAL):
        assert plan_carrier_text("10 @ _", wants).data_coding == 0


@pytest.mark.parametrize("text", ["ç", "ê", "œ", "`", "a\tb", "Ş"])
def test_latin_1_is_for_what_gsm_can_show_too_and_the_rest_goes_as_ucs_2(text: str) -> None:
    assert plan_carrier_text(text, LATIN1).data_coding == 8


@pytest.mark.parametrize(
    ("text", "wants"), [("5 €", LATIN1), ("ΓΔ", LATIN1), ("é", ASCII), ("5 €", ASCII), ("§", ASCII)]
)
def test_what_the_alphabet_of_the_smsc_lacks_makes_the_text_ucs_2(text: str, wants: CarrierText) -> None:
    plan = plan_carrier_text(text, wants)
    assert (plan.alphabet, plan.data_coding) == (Alphabet.UCS2, 8)
    assert plan.parts == (text.encode("utf-16-be"),)


@given(gsm_texts, st.sampled_from([LATIN1, ASCII, UTF8]), st.sampled_from(list(Concat)))
def test_any_text_arrives_whole_and_fits(text: str, wants: CarrierText, concat: Concat) -> None:
    wants = CarrierText(concat, wants.default)
    plan = plan_carrier_text(text, wants)
    codec = "utf-16-be" if plan.alphabet is Alphabet.UCS2 else str(wants.codec)
    assert b"".join(plan.parts).decode(codec) == text
    if plan.alphabet is Alphabet.GSM7:
        assert len(plan.parts) == len(plan_text(text, concat=concat).parts), "billed as the phone gets it"
    if concat is not Concat.PAYLOAD:
        assert max(map(len, plan.parts)) <= (247 if len(plan.parts) > 1 else 254)


def test_a_text_whose_utf_8_would_not_fit_a_part_goes_as_ucs_2() -> None:
    assert plan_carrier_text("é" * 127, UTF8).data_coding == 0
    assert plan_carrier_text("é" * 128, UTF8).data_coding == 8


@given(gsm_texts, st.sampled_from([Concat.UDH8, Concat.UDH16, Concat.SAR]))
def test_packed_septets_of_a_part_never_exceed_140_octets_with_their_header(
    text: str, concat: Concat
) -> None:
    plan = plan_carrier_text(text, PACKED)
    header_octets = {Concat.UDH8: 6, Concat.UDH16: 7, Concat.SAR: 0}[concat] if len(plan.parts) > 1 else 0
    plan = plan_carrier_text(text, CarrierText(concat, DefaultAlphabet.GSM_PACKED))
    packed = spell_parts(plan.parts, plan.alphabet, PACKED, header_octets=header_octets)
    fill_bits = {0: 0, 6: 1, 7: 0}[header_octets]
    for part, octets in zip(plan.parts, packed, strict=True):
        assert header_octets + len(octets) <= 140
        assert unpack_septets(octets, fill_bits=fill_bits) == part
    assert decode_gsm(b"".join(plan.parts)) == text


def test_packing_leaves_ucs_2_alone() -> None:
    plan = plan_carrier_text("Ş", PACKED)
    assert spell_parts(plan.parts, plan.alphabet, PACKED) == plan.parts


@given(any_texts)
def test_little_endian_ucs_2_is_the_same_text_turned_round(text: str) -> None:
    plan = plan_carrier_text(text, LITTLE)
    spelt = spell_parts(plan.parts, plan.alphabet, LITTLE)
    if plan.alphabet is Alphabet.UCS2:
        assert b"".join(spelt).decode("utf-16-le") == text
    else:
        assert spelt == plan.parts


@pytest.mark.parametrize("way", ["sar", "payload"])
def test_without_tlvs_the_header_in_the_text_joins_the_parts(way: str) -> None:
    assert CarrierText.of(concat=way, default="gsm", ucs2="big", sends_tlvs=False) == AS_USUAL
    assert CarrierText.of(concat=way, default="gsm", ucs2="big", sends_tlvs=True).needs_tlvs
    assert not CarrierText.of(concat="udh16", default="gsm", ucs2="big", sends_tlvs=False).needs_tlvs


@pytest.mark.parametrize("concat", [Concat.SAR, Concat.PAYLOAD])
@given(text=any_texts)
def test_the_cuts_for_tlvs_are_those_of_the_header(concat: Concat, text: str) -> None:
    assert plan_text(text, concat=concat) == plan_text(text)
