import phonenumbers
import pytest

from gateway.domain.countries import (
    COUNTRIES,
    UNKNOWN_COUNTRY,
    UnknownCountry,
    check_country,
    country_in_sentence,
    country_name,
    main_country_of_calling_code,
)


def test_every_country_with_numbers_has_a_name_and_no_other() -> None:
    assert frozenset(phonenumbers.SUPPORTED_REGIONS) == COUNTRIES
    assert len({country_name(country) for country in COUNTRIES}) == len(COUNTRIES)


def test_unknown_is_not_a_country() -> None:
    assert UNKNOWN_COUNTRY not in COUNTRIES
    assert country_name(UNKNOWN_COUNTRY) == "an international network"


def test_a_country_is_written_in_any_case() -> None:
    assert check_country(" fr ") == "FR"


@pytest.mark.parametrize("text", ["", "F", "XX", "FRA", "France", "ＦＲ", "f\x00"])
def test_a_word_that_is_no_country_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UnknownCountry, match="two letters of ISO 3166"):
        check_country(text)


def test_a_sentence_takes_the_article_that_a_list_leaves_out() -> None:
    assert (country_name("NL"), country_in_sentence("NL")) == ("Netherlands", "the Netherlands")
    assert country_in_sentence("FR") == "France"


def test_a_shared_calling_code_belongs_to_its_main_country() -> None:
    assert main_country_of_calling_code(1) == "US"
    assert main_country_of_calling_code(44) == "GB"
    assert main_country_of_calling_code(881) == UNKNOWN_COUNTRY
    assert main_country_of_calling_code(999) == UNKNOWN_COUNTRY
