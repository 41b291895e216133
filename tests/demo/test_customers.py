"""The demonstration's people and texts: fictitious, valid, and of every kind that costs differently."""

from gateway.demo.customers import VARIANTS, read_customers, write_texts
from gateway.domain.phone import normalise_number
from gateway.simulator.magic import find_magic_number
from gateway.smpp.split import plan_text
from gateway.smpp.text import Alphabet


def test_every_number_is_reserved_for_fiction() -> None:
    addresses = [
        normalise_number(customer.phone, default_country="FR").address for customer in read_customers()
    ]
    assert len(addresses) == len(set(addresses)) == 320
    assert all(address.startswith("3363998") and len(address) == 11 for address in addresses)


def test_set_outcomes_among_them_come_to_an_end_at_once() -> None:
    magic = {
        number.suffix
        for customer in read_customers()
        if (
            number := find_magic_number(
                normalise_number(customer.phone, default_country="FR").address.encode()
            )
        )
    }
    assert magic == {"00", "01", "02", "03", "04", "09"}


def test_numbers_are_written_as_people_write_them() -> None:
    forms = {
        "".join("9" if character.isdigit() else character for character in customer.phone)
        for customer in read_customers()
    }
    assert len(forms) >= 4


def test_texts_are_personal_and_within_what_the_api_takes() -> None:
    texts = [text for _, text in write_texts(read_customers())]
    assert len(set(texts)) == len(texts)
    assert all("{{" not in text and len(text) <= 500 for text in texts)


def test_texts_show_every_alphabet_and_several_parts() -> None:
    plans = [plan_text(text) for _, text in write_texts(read_customers())]
    kinds = {(plan.alphabet, len(plan.parts) > 1) for plan in plans}
    assert kinds == {
        (Alphabet.GSM7, False),
        (Alphabet.GSM7, True),
        (Alphabet.UCS2, False),
        (Alphabet.UCS2, True),
    }


def test_every_language_has_every_variant() -> None:
    languages = {customer.language for customer in read_customers()}
    assert languages == {"fr", "it", "ro", "en"}
    one_of_each = [
        next(customer for customer in read_customers() if customer.language == language)
        for language in languages
    ]
    for customer in one_of_each:
        assert len({text for _, text in write_texts([customer] * len(VARIANTS))}) == len(set(VARIANTS))
