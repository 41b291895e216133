"""Carriers' ids: the forms of quirk 50, and two written forms of one number meeting under one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.carrier_ids import IdConversion, normalise_carrier_id

HEX, DEC, AS_IS = IdConversion.HEX_TO_DEC, IdConversion.DEC_TO_HEX, IdConversion.AS_IS


@pytest.mark.parametrize(
    ("text", "conversion", "strip_zeros", "wanted"),
    [
        ("1A2B", AS_IS, False, "1a2b"),
        ("0000123", AS_IS, False, "0000123"),
        ("0000123", AS_IS, True, "123"),
        ("0000", AS_IS, True, "0"),
        ("", AS_IS, True, ""),
        ("1a2b", HEX, False, "6699"),
        ("1A2B", HEX, False, "6699"),
        ("0000001a2b", HEX, False, "6699"),
        ("6699", DEC, False, "1a2b"),
        ("0006699", DEC, False, "1a2b"),
        ("6BA7B810-9DAD-11D1-80B4-00C04FD430C8", HEX, False, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("12x4", HEX, False, "12x4"),
        ("1a2b", DEC, False, "1a2b"),
        ("1_000", DEC, False, "1_000"),
        ("0x1f", HEX, False, "31"),
        (" 12", DEC, False, "c"),
        ("1A2B    ", AS_IS, False, "1a2b"),
        ("  1A2B", HEX, False, "6699"),
        ("   ", AS_IS, True, ""),
        ("+12", DEC, False, "+12"),
        ("-12", HEX, False, "-12"),
        ("١٢", DEC, False, "١٢"),
        ("18446744073709551615", DEC, False, "ffffffffffffffff"),
        ("1" * 21, DEC, False, "1" * 21),
    ],
)
def test_forms_of_an_id(text: str, conversion: IdConversion, strip_zeros: bool, wanted: str) -> None:
    assert normalise_carrier_id(text, conversion=conversion, strip_zeros=strip_zeros) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("msg-1A2B", "6699"), ("MSG-1a2b", "6699"), ("1A2B", "6699"), ("msg-", "msg-"), ("amsg-1", "amsg-1")],
)
def test_a_prefix_goes_before_anything_else_is_done(text: str, wanted: str) -> None:
    assert normalise_carrier_id(text, conversion=HEX, strip_prefix="Msg-") == wanted


@given(st.integers(0, (1 << 64) - 1), st.integers(0, 4))
def test_a_hexadecimal_response_meets_its_decimal_receipt(number: int, zeros: int) -> None:
    response = "0" * min(zeros, 20 - len(f"{number:X}")) + f"{number:X}"
    assert normalise_carrier_id(response, conversion=HEX) == normalise_carrier_id(str(number))
    assert normalise_carrier_id(str(number), conversion=DEC) == normalise_carrier_id(f"{number:X}")


@given(st.text(max_size=70), st.sampled_from(IdConversion), st.booleans())
def test_any_text_has_a_form(text: str, conversion: IdConversion, strip_zeros: bool) -> None:
    assert isinstance(normalise_carrier_id(text, conversion=conversion, strip_zeros=strip_zeros), str)


@given(st.text(max_size=70), st.text(max_size=70))
def test_nothing_is_converted_unless_the_connector_says_so(one: str, other: str) -> None:
    """ "10" and "16" may be two messages."""
    is_same = normalise_carrier_id(one) == normalise_carrier_id(other)
    assert is_same == (one.lower() == other.lower())
