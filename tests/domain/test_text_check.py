"""Costly characters, the arithmetic of parts, and the warnings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lanes import Category
from gateway.domain.sender import SenderKind
from gateway.domain.text_check import (
    WarningCode,
    find_forcing_characters,
    find_promotional_words,
    find_shorteners,
    list_warnings,
    measure_text,
)
from gateway.smpp.carrier_text import CarrierText
from gateway.smpp.split import Concat, plan_text
from gateway.smpp.text import Alphabet


def test_each_costly_character_is_told_once_with_its_places_and_plain_form() -> None:
    found = find_forcing_characters("L’été ’26 ê", "L’été ’26 ê")
    assert [(each.character, each.positions, each.replacement) for each in found] == [
        ("’", (2, 7), "'"),
        ("ê", (11,), "e"),
    ]


def test_a_character_that_a_value_brought_has_no_place_in_the_text() -> None:
    (found,) = find_forcing_characters("Hi {{ first_name }}", "Hi Łukasz")
    assert (found.character, found.positions) == ("Ł", ())


def test_a_text_in_the_gsm_alphabet_has_none() -> None:
    assert find_forcing_characters("été à 10 €", "été à 10 €") == []


@pytest.mark.parametrize(
    ("text", "alphabet", "characters", "left", "parts"),
    [
        ("a" * 160, Alphabet.GSM7, 160, 0, 1),
        ("a" * 161, Alphabet.GSM7, 161, 145, 2),
        ("€" * 80, Alphabet.GSM7, 160, 0, 1),
        ("ê" * 70, Alphabet.UCS2, 70, 0, 1),
        ("ê" * 71, Alphabet.UCS2, 71, 63, 2),
    ],
)
def test_parts_and_what_is_left(
    text: str, alphabet: Alphabet, characters: int, left: int, parts: int
) -> None:
    measure = measure_text(text)
    assert (measure.alphabet, measure.characters, measure.characters_left, measure.parts) == (
        alphabet,
        characters,
        left,
        parts,
    )


@given(
    st.text("abé€ê😀 ", min_size=1, max_size=500), st.sampled_from([Concat.UDH8, Concat.UDH16, Concat.SAR])
)
def test_what_is_left_fits_and_one_more_does_not(text: str, concat: Concat) -> None:
    measure = measure_text(text, CarrierText(concat))
    filled = text + "a" * measure.characters_left
    assert len(plan_text(filled, concat=concat).parts) == measure.parts
    assert len(plan_text(filled + "a", concat=concat).parts) == measure.parts + 1


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("Voir https://bit.ly/3xYz", ("bit.ly",)),
        ("Voir bit.ly/3xYz.", ("bit.ly",)),
        ("Voir www.TinyURL.com/a et t.co/b", ("tinyurl.com", "t.co")),
        ("Voir https://l.example.com/bit.ly", ()),
        ("notbit.ly/abc", ()),
        ("write to me@bit.ly", ()),
    ],
)
def test_public_short_links_are_found(text: str, hosts: tuple[str, ...]) -> None:
    assert find_shorteners(text) == hosts


@pytest.mark.parametrize(
    "text",
    [
        "Code promo: ETE",
        "-20% demain",
        "20% off today",
        "Réductions",
        "SCONTO",
        "Reduceri",
        "Descuentos",
        "Rabatt",
    ],
)
def test_words_that_sell_are_found(text: str) -> None:
    assert find_promotional_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "Votre commande 1234 est arrivée. Retrait jusqu'à samedi.",
        "Your parcel is on its way: 80% of the route is done.",
        "Il tuo ordine è pronto",
        "Comanda dvs. a fost livrata",
        "Appointment at 10:30 - 20 minutes",
    ],
)
def test_notifications_pass(text: str) -> None:
    assert find_promotional_words(text) == ()


def warn(text: str, **changes: object) -> list[WarningCode]:
    values: dict[str, object] = {
        "category": Category.MARKETING,
        "sender": "36111",
        "sender_kind": SenderKind.SHORT_CODE,
        "shop_name": "la-boutique",
    }
    return [warning.code for warning in list_warnings(text, **{**values, **changes})]  # type: ignore[arg-type]


def test_a_marketing_text_names_its_advertiser() -> None:
    assert warn("Soldes demain") == [WarningCode.NO_ADVERTISER]
    assert warn("Soldes demain à La Boutique !") == []
    assert warn("Soldes demain", sender="SHOP", sender_kind=SenderKind.NAME) == []


def test_a_notification_that_sells_is_told_so() -> None:
    assert warn("-20% ce soir", category=Category.TRANSACTIONAL) == [WarningCode.PROMOTIONAL_WORDS]
    assert warn("-20% ce soir, la boutique") == []


def test_short_links_behind_a_campaigns_own_are_told_too() -> None:
    assert warn("la boutique", link_hosts=["bit.ly"]) == [WarningCode.SHORTENER]


@pytest.mark.parametrize(
    ("character", "replacement"),
    [
        ("ë", "e"),
        ("ç", "c"),
        ("Ê", "E"),
        ("ș", "s"),
        ("ț", "t"),
        ("ă", "a"),
        ("œ", "oe"),
        ("ł", "l"),
        ("’", "'"),
    ],
)
def test_a_letter_that_the_alphabet_lacks_is_offered_without_its_accent(
    character: str, replacement: str
) -> None:
    assert [each.replacement for each in find_forcing_characters(character, character)] == [replacement]


@pytest.mark.parametrize("character", ["🎁", "я", "日", "ا", "\u0301", "₿"])
def test_what_has_no_plain_form_is_left_to_the_person(character: str) -> None:
    assert [each.replacement for each in find_forcing_characters(character, character)] == [None]
