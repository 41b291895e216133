"""What is added to a marketing text, and when it says enough itself."""

import pytest

from gateway.domain.country_rules import CountryRules, RuleChange
from gateway.domain.lanes import Category
from gateway.domain.sender import SenderKind
from gateway.domain.stop_mention import LANGUAGES, choose_stop_mention, has_stop_mention
from gateway.domain.template import compile_template
from gateway.smpp.gsm import encode_gsm

RULES = CountryRules([RuleChange("FR", stop_number="36111")])


def mention(
    text: str,
    *,
    category: Category = Category.MARKETING,
    sender: SenderKind = SenderKind.NAME,
    country: str = "FR",
    language: str | None = None,
    rules: CountryRules = RULES,
) -> str:
    fields = compile_template(text).fields
    return choose_stop_mention(
        text, fields, category=category, sender=sender, rule=rules.rule_for(country), language=language
    )


def test_a_name_in_france_gets_the_number_that_takes_the_stop() -> None:
    assert mention("Soldes chez Boutique") == " STOP au 36111"


def test_a_name_without_a_number_gets_the_unsubscribe_link() -> None:
    assert mention("Soldes", rules=CountryRules()) == " Stop pub: {{ stop_link }}"


def test_a_sender_that_can_be_answered_asks_for_an_answer() -> None:
    assert mention("Soldes", sender=SenderKind.SHORT_CODE) == " Stop pub: répondez STOP"
    assert mention("Sale", sender=SenderKind.NUMBER, country="US") == " Reply STOP to opt out"


def test_where_no_answer_arrives_the_link_is_used_whatever_the_sender() -> None:
    assert mention("Promo", sender=SenderKind.SHORT_CODE, country="SN") == " Stop pub: {{ stop_link }}"


@pytest.mark.parametrize("category", [Category.OTP, Category.TRANSACTIONAL])
def test_only_marketing_gets_a_mention(category: Category) -> None:
    assert mention("Your order is there", category=category) == ""


@pytest.mark.parametrize(
    "text", ["Soldes. STOP au 36180", "Soldes {{ stop_link }}", "ARRET: 36111", "STOP SMS 36105"]
)
def test_a_name_whose_text_says_it_gets_nothing_more(text: str) -> None:
    assert mention(text) == ""


@pytest.mark.parametrize("text", ["Sale. Reply STOP to end", "Saldi. CANCELLA", "Reduceri: DEZABONARE"])
def test_an_answerable_text_that_says_it_gets_nothing_more(text: str) -> None:
    assert mention(text, sender=SenderKind.NUMBER) == ""


@pytest.mark.parametrize("text", ["Don't stop now", "NON-STOP", "NON STOP sale", "STOPPING", "Laptop"])
def test_words_that_only_look_like_it_do_not_count(text: str) -> None:
    assert not has_stop_mention(text, (), SenderKind.NUMBER)


def test_the_word_alone_is_no_way_out_under_a_name() -> None:
    assert not has_stop_mention("Soldes, STOP", (), SenderKind.NAME)


def test_operators_words_go_before_ours() -> None:
    rules = CountryRules([RuleChange("FR", stop_number="36111", stop_wording="STOP={number}")])
    assert mention("Soldes", rules=rules) == " STOP=36111"
    linked = CountryRules([RuleChange("IT", stop_wording="Basta? {link}")])
    assert mention("Saldi", country="IT", rules=linked) == " Basta? {{ stop_link }}"


@pytest.mark.parametrize("language", [*LANGUAGES, "pl", "fr-FR"])
@pytest.mark.parametrize("sender", list(SenderKind))
def test_every_mention_is_in_the_gsm_alphabet_and_says_enough(language: str, sender: SenderKind) -> None:
    for rules in (RULES, CountryRules()):
        for country in ("FR", "SN", "US"):
            added = mention("Hi", sender=sender, language=language, country=country, rules=rules)
            template = compile_template(added)
            assert encode_gsm(template.render({"stop_link": "https://l.example.com/12345678901"}))
            assert has_stop_mention(added, template.fields, sender)


def test_the_campaigns_language_goes_before_the_countrys() -> None:
    assert mention("Sale", country="IT", sender=SenderKind.NUMBER, language="ro") == (
        " Dezabonare: raspundeti STOP"
    )
