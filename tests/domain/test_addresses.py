"""Addresses in the forms of quirks 62, 83 and 84, with the numbering plans of `phonenumbers` as oracle."""

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from gateway.domain.addresses import AddressForm, read_address, write_number
from gateway.domain.countries import COUNTRIES
from gateway.domain.number_plan import country_of_mobile


@pytest.mark.parametrize(
    ("form", "country", "digits", "written"),
    [
        (AddressForm.DIGITS, None, "33612345678", "33612345678"),
        (AddressForm.PLUS, None, "33612345678", "+33612345678"),
        (AddressForm.ZEROS, None, "33612345678", "0033612345678"),
        (AddressForm.NATIONAL, "FR", "33612345678", "0612345678"),
        (AddressForm.NATIONAL, "FR", "33123456789", "0123456789"),
        (AddressForm.NATIONAL, "IT", "393201234567", "3201234567"),
        (AddressForm.NATIONAL, "RO", "40712345678", "0712345678"),
        (AddressForm.NATIONAL, "SN", "221771234567", "771234567"),
        (AddressForm.NATIONAL, "HU", "36201234567", "06201234567"),
        (AddressForm.NATIONAL, "US", "12015550123", "2015550123"),
        (AddressForm.NATIONAL, "AR", "5491123456789", "0111523456789"),
    ],
)
def test_a_number_is_written_in_the_form_that_the_carrier_wants(
    form: AddressForm, country: str | None, digits: str, written: str
) -> None:
    assert write_number(digits, form, country) == written
    assert read_address(written.encode(), country) == digits


@pytest.mark.parametrize("digits", ["4915112345678", "262692123456", "16135550123", "999", "x", ""])
def test_numbers_of_other_countries_stay_international_digits(digits: str) -> None:
    assert write_number(digits, AddressForm.NATIONAL, "FR") == digits
    assert write_number(digits, AddressForm.NATIONAL, "US") == digits


@pytest.mark.parametrize(
    ("field", "country", "address"),
    [
        (b"+33612345678", None, "33612345678"),
        (b"0033612345678", None, "33612345678"),
        (b"33612345678", None, "33612345678"),
        (b"0612345678", None, "0612345678"),
        (b"0612345678", "FR", "33612345678"),
        (b"612345678", "FR", "33612345678"),
        (b"33612345678", "FR", "33612345678"),
        (b"+4915112345678", "FR", "4915112345678"),
        (b"004915112345678", "FR", "4915112345678"),
        (b"4915112345678", "FR", "4915112345678"),
        (b"0123456789", "FR", "33123456789"),
        (b"3201234567", "IT", "393201234567"),
        (b"20123456", "DK", "4520123456"),
        (b"36105", "FR", "36105"),
        (b"+36105", None, "36105"),
        (b"00123", None, "00123"),
        (b"007", "FR", "007"),
        (b"", "FR", ""),
        (b"+", "FR", "+"),
        (b" 33612345678 ", None, "33612345678"),
        (b"MyShop", "FR", "MyShop"),
        (b"+MyShop", None, "+MyShop"),
        (b"00Shop", None, "00Shop"),
        (b"Caf\xe9\x01", None, "Caf??"),
        (b"99999999999999999999", "FR", "99999999999999999999"),
    ],
)
def test_every_form_that_carriers_send_becomes_the_one_kept(
    field: bytes, country: str | None, address: str
) -> None:
    assert read_address(field, country) == address


def _mobiles(country: str, count: int) -> list[str]:
    """Mobile numbers of a country, with its calling code; few or none where the plan is small."""
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    if example is None:
        return []
    chance = random.Random(country)
    national = phonenumbers.national_significant_number(example)
    found = {f"{example.country_code}{national}"}
    for _ in range(count):
        kept = chance.randint(1, len(national))
        tail = "".join(chance.choices("0123456789", k=len(national) - kept))
        found.add(f"{example.country_code}{national[:kept]}{tail}")
    return [digits for digits in sorted(found) if country_of_mobile("+" + digits) == country]


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_the_national_form_is_the_one_of_the_library_and_is_read_back(country: str) -> None:
    for digits in _mobiles(country, 25):
        parsed = phonenumbers.parse("+" + digits, None)
        national = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
        written = write_number(digits, AddressForm.NATIONAL, country)
        assert written == "".join(filter(str.isdigit, national))
        assert read_address(written.encode(), country) == digits
        assert read_address(digits.encode(), country) == digits


@given(st.binary(max_size=70), st.sampled_from([None, "FR", "IT", "US", "AR", "BR", "NO"]))
def test_any_octets_read_as_printable_text_that_reads_the_same_again(
    field: bytes, country: str | None
) -> None:
    address = read_address(field, country)
    assert address.isascii()
    assert address.isprintable()
