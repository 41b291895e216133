import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from gateway.domain.countries import COUNTRIES, UNKNOWN_COUNTRY, UnknownCountry
from gateway.domain.phone import InvalidNumber, Number, NumberFault, normalise_number

FRENCH = Number("33612345678", "FR")


@pytest.mark.parametrize(
    "text",
    [
        "+33612345678",
        "33612345678",
        "0033612345678",
        "00 33 6 12 34 56 78",
        "+33 6 12 34 56 78",
        "+33 (0)6 12 34 56 78",
        "(+33) 6-12-34-56-78",
        "+33.6.12.34.56.78",
        "+33/6/12345678",
        "+33\u00a06\u00a012\u202f34\u200956\u300078",
        "+33–6–12—34−56‑78",
        "＋３３６１２３４５６７８",
        "+٣٣٦١٢٣٤٥٦٧٨",
        "\u202a+33 6 12 34 56 78\u202c",
        "\ufeff+33612345678",
        " +33612345678\n",
        "tel:+33612345678",
        "+330612345678",
    ],
)
def test_every_customary_international_form_is_the_same_number(text: str) -> None:
    assert normalise_number(text) == FRENCH


@pytest.mark.parametrize(
    "text", ["0612345678", "06 12 34 56 78", "612345678", "06.12.34.56.78", "(06)12345678", "33612345678"]
)
def test_national_forms_take_the_default_country(text: str) -> None:
    assert normalise_number(text, default_country="FR") == FRENCH


@pytest.mark.parametrize("country", ["FR", "US", "AU", "SN", "BR"])
def test_international_forms_ignore_the_default_country(country: str) -> None:
    assert normalise_number("+33612345678", default_country=country) == FRENCH
    assert normalise_number("0033 612345678", default_country=country) == FRENCH


def test_the_dialling_prefix_of_the_default_country_counts() -> None:
    assert normalise_number("011 33 612345678", default_country="US") == FRENCH
    assert normalise_number("0011 33 612345678", default_country="AU") == FRENCH


def test_digits_of_another_country_need_a_plus_once_a_default_country_is_set() -> None:
    with pytest.raises(InvalidNumber):
        normalise_number("4915112345678", default_country="FR")


@pytest.mark.parametrize(
    ("text", "country", "address"),
    [
        ("320 123 4567", "IT", "393201234567"),
        ("+39 320 123 4567", None, "393201234567"),
        ("011 15-2345-6789", "AR", "5491123456789"),
        ("+54 9 11 2345 6789", None, "5491123456789"),
        ("+52 55 1234 5678", None, "525512345678"),
        ("+225 07 07 12 34 56", None, "2250707123456"),
        ("+225 (0)7 07 12 34 56", None, "2250707123456"),
        ("(11) 96123-4567", "BR", "5511961234567"),
        ("0 15 11 96123-4567", "BR", "5511961234567"),
        ("(201) 555-0123", "US", "12015550123"),
        ("1-201-555-0123", "US", "12015550123"),
        ("77 123 45 67", "SN", "221771234567"),
        ("0712 345 678", "RO", "40712345678"),
        ("8 (912) 345-67-89", "RU", "79123456789"),
    ],
)
def test_national_habits_are_those_of_the_library(text: str, country: str | None, address: str) -> None:
    assert normalise_number(text, default_country=country).address == address


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("12015550123", "US"),
        ("16135550123", "CA"),
        ("17875550123", "PR"),
        ("447400123456", "GB"),
        ("447911123456", "GG"),
        ("447700312345", "JE"),
        ("77710009998", "KZ"),
        ("79123456789", "RU"),
        ("262692123456", "RE"),
        ("262639012345", "YT"),
        ("881612345678", UNKNOWN_COUNTRY),
    ],
)
def test_countries_that_share_a_calling_code_are_told_apart(address: str, country: str) -> None:
    assert normalise_number("+" + address) == Number(address, country)


@pytest.mark.parametrize(
    ("text", "country", "fault"),
    [
        ("", "FR", NumberFault.EMPTY),
        (" - ", "FR", NumberFault.EMPTY),
        ("+", None, NumberFault.EMPTY),
        ("+33612345678" * 4, None, NumberFault.TOO_LONG_TEXT),
        ("0612345678x", "FR", NumberFault.STRANGE_CHARACTER),
        ("+33612345678 ext. 5", None, NumberFault.STRANGE_CHARACTER),
        ("+33612345678;ext=5", None, NumberFault.STRANGE_CHARACTER),
        ("+336+12345678", None, NumberFault.STRANGE_CHARACTER),
        ("++33612345678", None, NumberFault.STRANGE_CHARACTER),
        ("1-800-FLOWERS", "US", NumberFault.STRANGE_CHARACTER),
        ("\x00", None, NumberFault.STRANGE_CHARACTER),
        ("\ud800", None, NumberFault.STRANGE_CHARACTER),
        ("🙂", None, NumberFault.STRANGE_CHARACTER),
        ("0612345678", None, NumberFault.NO_COUNTRY),
        ("+999123456", None, NumberFault.UNKNOWN_CALLING_CODE),
        ("+3361234567", None, NumberFault.TOO_SHORT),
        ("36105", "FR", NumberFault.TOO_SHORT),
        ("+336123456789", None, NumberFault.TOO_LONG),
        ("+33612345678901234567", None, NumberFault.TOO_LONG),
        ("06 12 34 56 78 / 06 12 34 56 79", "FR", NumberFault.TOO_LONG),
        ("+33639970000", None, NumberFault.UNASSIGNED),
        ("+33123456789", None, NumberFault.FIXED_LINE),
        ("+33891123456", None, NumberFault.PREMIUM_RATE),
        ("+33884012345", None, NumberFault.SHARED_COST),
        ("+33801234567", None, NumberFault.TOLL_FREE),
        ("+33912345678", None, NumberFault.VOIP),
        ("+447012345678", None, NumberFault.PERSONAL),
        ("+447640123456", None, NumberFault.PAGER),
        ("+33806123456", None, NumberFault.COMPANY),
    ],
)
def test_each_fault_is_named(text: str, country: str | None, fault: NumberFault) -> None:
    with pytest.raises(InvalidNumber) as refused:
        normalise_number(text, default_country=country)
    assert refused.value.reason is fault


def test_the_sentence_names_the_country_and_hides_the_number() -> None:
    with pytest.raises(InvalidNumber) as refused:
        normalise_number("+3361234567")
    assert str(refused.value) == "The number is too short for France; digits are missing."
    assert refused.value.country == "FR"
    assert refused.value.text == "+3361234567"


@pytest.mark.parametrize("fault", list(NumberFault))
def test_every_fault_has_a_finished_sentence(fault: NumberFault) -> None:
    sentence = str(InvalidNumber("", fault, country="NL", detail="“x”"))
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert sentence[0] not in "tn"


def test_a_default_country_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownCountry):
        normalise_number("0612345678", default_country="XX")


def test_numbers_reserved_for_fiction_are_accepted_as_the_magic_numbers_of_test_keys() -> None:
    assert normalise_number("+33639980001") == Number("33639980001", "FR")
    assert normalise_number("06 39 98 00 01", default_country="FR") == Number("33639980001", "FR")


# The oracle: what the library alone would say of digits, without any of our own reading.


def _judge(digits: str, country: str | None) -> Number | None:
    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.number_type(parsed) not in (
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
    ):
        return None
    region = phonenumbers.region_code_for_number(parsed)
    address = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(address[1:], region if region in COUNTRIES else UNKNOWN_COUNTRY)


def _normalise(digits: str, country: str | None) -> Number | None:
    try:
        return normalise_number(digits, default_country=country)
    except InvalidNumber:
        return None


def _variants(digits: str, chance: random.Random, count: int) -> list[str]:
    """`digits` with its tail partly redrawn, sometimes longer or shorter."""
    variants = [digits]
    for _ in range(count):
        kept = chance.randint(1, len(digits))
        length = len(digits) + chance.choice((0, 0, 0, 0, 1, -1))
        variants.append(digits[:kept] + "".join(chance.choices("0123456789", k=max(0, length - kept))))
    return variants


def _examples(country: str) -> list[str]:
    """A national number of each type that the country has."""
    types = PhoneNumberType.values()
    found = (phonenumbers.example_number_for_type(country, kind) for kind in types)
    return [phonenumbers.national_significant_number(example) for example in found if example is not None]


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_international_digits_agree_with_the_library(country: str) -> None:
    chance = random.Random(country)
    calling_code = phonenumbers.country_code_for_region(country)
    for example in _examples(country):
        for national in _variants(example, chance, 12):
            written = f"+{calling_code}{national}"
            assert _normalise(written, None) == _judge(written, None), written


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_national_digits_agree_with_the_library(country: str) -> None:
    chance = random.Random(country)
    trunk = phonenumbers.ndd_prefix_for_region(country, True) or ""
    calling_code = str(phonenumbers.country_code_for_region(country))
    # Numbers of every country with the same calling code: a neighbour's number must not be misread.
    neighbours = phonenumbers.region_codes_for_country_code(int(calling_code))[:4]
    for neighbour in {country, *neighbours}:
        for example in _examples(neighbour):
            for national in _variants(example, chance, 3):
                for prefix in {"", trunk, calling_code}:
                    written = prefix + national
                    if not written.startswith("00"):  # there we know more than the library
                        assert _normalise(written, country) == _judge(written, country), written


@given(st.integers(min_value=0, max_value=10**16).map(str))
def test_random_digits_agree_with_the_library(digits: str) -> None:
    assert _normalise("+" + digits, None) == _judge("+" + digits, None)


@given(st.text(max_size=60), st.sampled_from([None, "FR", "US", "BR"]))
def test_any_text_is_a_number_or_a_named_fault(text: str, country: str | None) -> None:
    number = _normalise(text, country)
    if number is not None:
        assert number.address.isascii()
        assert number.address.isdigit()
        assert 7 <= len(number.address) <= 15


@given(st.sampled_from(sorted(COUNTRIES)))
def test_a_normalised_number_normalises_to_itself(country: str) -> None:
    for national in _examples(country):
        number = _normalise(national, country)
        if number is not None:
            assert normalise_number("+" + number.address) == number
            assert normalise_number(number.address) == number
