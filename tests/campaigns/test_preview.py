"""A campaign's text as one person would get it, with what is wrong with it."""

from typing import Any

import pytest

from gateway.campaigns.preview import PreviewTerms, TextPreview, make_example_person, preview_text
from gateway.config import Config, CountryRuleConfig
from gateway.domain.lanes import Category
from gateway.domain.pricing import Price
from gateway.intake.marketing_rules import build_marketing_rules
from gateway.smpp.text import Alphabet
from gateway.store.campaigns import CampaignContent, CampaignLink
from gateway.store.recipients import Person
from tests.intake.values import make_acceptance, make_shop

ANYWHERE = make_shop(allowed_countries=frozenset({"*"}))
LINKS = (CampaignLink("link", "https://shop.example.com/soldes"),)


def preview(text: str, **changes: Any) -> TextPreview:
    country_rules = changes.pop("country_rules", (CountryRuleConfig(country="FR", stop_number="36111"),))
    terms = PreviewTerms(
        make_acceptance(),
        build_marketing_rules(Config(country_rules=country_rules)),
        base_url="https://l.example.com",
        has_public_address=changes.pop("has_public_address", True),
    )
    options = {name: changes.pop(name) for name in ("country", "person", "own_fields") if name in changes}
    content = CampaignContent(name="", text=text, **{"links": LINKS, **changes})
    return preview_text(content, ANYWHERE, terms, **{"own_fields": ["city"], **options})


def camille(**changes: Any) -> Person:
    person = make_example_person("FR")._replace(attributes='{"city": "Lyon"}')
    return person._replace(**changes)


def test_a_text_is_shown_as_a_person_gets_it_with_what_the_rules_add() -> None:
    shown = preview("Bonjour {{ first_name }} de {{ city }}: {{ link }}", person=camille())
    assert shown.text == "Bonjour Camille de Lyon: https://l.example.com/Ab3xZ9k STOP au 36111"
    assert shown.added == " STOP au 36111"
    assert (shown.measure.parts, shown.measure.alphabet) == (1, Alphabet.GSM7)
    assert shown.measure.characters + shown.measure.characters_left == 160
    assert shown.price == Price(45_000, "EUR")
    assert (shown.faults, shown.warnings) == ([], [])


def test_the_fields_that_a_text_may_ask_for_are_told() -> None:
    assert preview("x").fields == [
        "first_name", "last_name", "number", "country", "language", "city", "link", "stop_link",
    ]  # fmt: skip


def test_a_fault_of_the_grammar_is_told_with_its_place_and_the_text_still_measured() -> None:
    shown = preview("Bonjour {{ frist_name }}")
    (fault,) = shown.faults
    assert fault.position == 12
    assert "did you mean first_name?" in fault.fault
    assert shown.measure.characters == len("Bonjour {{ frist_name }}") + 4  # braces cost two septets


def test_a_person_without_a_value_is_pointed_out_and_an_example_stands_in() -> None:
    shown = preview("Bonjour {{ first_name }}", person=camille(first_name=None))
    assert shown.text.startswith("Bonjour (first_name) ")
    assert [warning.code for warning in shown.warnings] == ["value_missing"]
    assert preview("{{ city }}").warnings == []


def test_the_price_counts_parts_of_the_whole_text() -> None:
    assert preview("a" * 160).price == Price(90_000, "EUR")
    assert preview("Hi", country="IT").price is None


def test_forcing_characters_are_marked_in_the_text_as_written() -> None:
    shown = preview("L’offre {{ first_name }}", person=camille(first_name="Łukasz"))
    assert [(each.character, each.positions) for each in shown.forcing] == [("’", (2,)), ("Ł", ())]
    assert shown.measure.alphabet is Alphabet.UCS2


def test_a_text_longer_than_the_country_takes_is_refused() -> None:
    shown = preview("a" * 161, country="SN")
    assert [fault.fault for fault in shown.faults] == ["It is too long: 1 part is the limit in Senegal."]
    assert shown.measure.parts == 2
    assert preview("a" * 161, country="SN", category=Category.TRANSACTIONAL).faults == []


def test_public_short_links_are_refused_where_carriers_refuse_them_and_pointed_out_elsewhere() -> None:
    refused = preview("Sale bit.ly/x", country="GB")
    assert refused.faults[0].position == 6
    behind = preview("Sale {{ link }}", country="PL", links=(CampaignLink("link", "https://bit.ly/x"),))
    assert "bit.ly" in behind.faults[0].fault
    elsewhere = preview("Sale bit.ly/x")
    assert (elsewhere.faults, [warning.code for warning in elsewhere.warnings]) == ([], ["shortener"])


def test_a_link_that_nobody_can_open_is_no_way_out() -> None:
    shown = preview("Sale", country_rules=(), has_public_address=False)
    assert shown.added == " Stop pub: https://l.example.com/Ab3xZ9kQw2e"
    assert [warning.code for warning in shown.warnings] == ["no_stop"]
    assert preview("Sale", has_public_address=False).warnings == []


def test_a_notification_gets_nothing_added() -> None:
    shown = preview("Votre commande est prête", category=Category.TRANSACTIONAL)
    assert (shown.added, shown.text) == (None, "Votre commande est prête")


HARD_TEXTS = {
    "empty": "",
    "open": "{{",
    "closed": "}}",
    "mark of direction": "\u200f",
    "too long": "a" * 2001,
    "as long as can be": "a" * 2000,
    "wide": "😀" * 2000,
    "half an address": "http://[",
    "many links": "{{ link }}" * 50,
}


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=HARD_TEXTS)
@pytest.mark.parametrize("country", ["FR", "GB", "AC"])
def test_no_text_breaks_it(text: str, country: str) -> None:
    shown = preview(text, country=country, links=(CampaignLink("link", "http://["),))
    assert shown.measure.characters >= 0


def test_a_sender_that_is_none_yet_is_read_as_a_name() -> None:
    assert preview("Sale", sender="?!").added == " STOP au 36111"
    assert preview("Sale", sender="36180").added == " Stop pub: répondez STOP"
