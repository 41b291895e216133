"""One text as one person would get it: rendered, with what the rules add, in parts and in money.

Owns the person who stands for all, a real one or an example, and what is said of the text. Decides as sending
does, by the same texts, rules and routes; stores and sends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import phonenumbers

from gateway.campaigns.texts import CampaignTexts, PersonalText, known_fields
from gateway.domain.countries import country_in_sentence
from gateway.domain.country_rules import CountryRule
from gateway.domain.lanes import Category
from gateway.domain.pricing import Price
from gateway.domain.sender import InvalidSender, SenderKind, check_sender
from gateway.domain.stop_mention import STOP_LINK_FIELD
from gateway.domain.template import InvalidTemplate, MissingValue, ValueTooLong, compile_template
from gateway.domain.text_check import (
    PUBLIC_SHORTENERS,
    ForcingCharacter,
    Measure,
    WarningCode,
    find_forcing_characters,
    find_shorteners,
    host_of_url,
    list_warnings,
    measure_text,
)
from gateway.intake.acceptance import Acceptance
from gateway.intake.bulk import BulkPlanner
from gateway.intake.marketing_rules import MarketingRules
from gateway.intake.planning import NO_CURRENCY
from gateway.intake.refusals import RefusalCode
from gateway.smpp.carrier_text import AS_USUAL, CarrierText
from gateway.smpp.errors import TextNotEncodable, TextTooLong
from gateway.smpp.text import Alphabet
from gateway.store.campaigns import CampaignContent
from gateway.store.recipients import Person
from gateway.store.shops import Shop

_EXAMPLE_CODE: Final = "Ab3xZ9k"
_EXAMPLE_TOKEN: Final = "Ab3xZ9kQw2e"
"""As long as real ones, and all of their characters cost one septet."""
_MOST_MISSING: Final = 50
_OWN_COLUMNS: Final = ("first_name", "last_name", "language")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class TextFault:
    """What keeps the text from being sent; `position` counts its characters as written, from 1."""

    position: int
    fault: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A likely mistake, by a stable code."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class TextPreview:
    """What is known of one text. `text` is rendered; with faults it is as written and nothing is added."""

    text: str
    added: str | None
    measure: Measure
    price: Price | None
    forcing: Sequence[ForcingCharacter]
    faults: Sequence[TextFault]
    warnings: Sequence[Remark]
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class PreviewTerms:
    """What the text is judged by. `has_public_address` is whether links lead anywhere from outside."""

    acceptance: Acceptance
    rules: MarketingRules
    base_url: str
    has_public_address: bool


def preview_text(
    content: CampaignContent,
    shop: Shop,
    terms: PreviewTerms,
    *,
    own_fields: Sequence[str],
    country: str | None = None,
    person: Person | None = None,
) -> TextPreview:
    """The preview of a text for `person`, or for an example of a person in `country` (the shop's own when
    None)."""
    fields = known_fields(content, own_fields)
    sender, kind = _find_sender(content, shop, terms)
    try:
        compile_template(content.text, known_fields=fields)
        texts = CampaignTexts(content, kind)
    except InvalidTemplate as exc:
        return _preview_faulty(content.text, [TextFault(exc.position, exc.fault)], fields)
    reader = person or make_example_person(country or shop.country)
    rule = terms.rules.rule_for(reader.country, reader.address)
    urls = _example_urls(content, terms)
    try:
        rendered, missing = _render(texts.text_for(rule), reader, urls)
    except ValueTooLong as exc:
        return _preview_faulty(content.text, [TextFault(max(1, len(content.text)), str(exc))], fields)
    faults = _find_rule_faults(content, rule)
    wants, price, refusal = _plan(content, shop, terms, reader, rendered, sender, rule)
    if refusal is not None:
        faults.append(TextFault(max(1, len(content.text)), refusal))
    try:
        measure = measure_text(rendered, wants)
    except (TextTooLong, TextNotEncodable) as exc:
        return _preview_faulty(content.text, [TextFault(1, str(exc))], fields)
    mention = texts.mention_for(rule)
    warnings = [Remark("value_missing", str(MissingValue(field))) for field in missing if person is not None]
    warnings += _list_remarks(content, rendered, sender, kind, shop)
    warnings += _warn_of_address(texts.text_for(rule), terms)
    return TextPreview(
        text=rendered,
        added=compile_template(mention).render(urls) if mention else None,
        measure=measure,
        price=price,
        forcing=find_forcing_characters(content.text, rendered),
        faults=faults,
        warnings=warnings,
        fields=fields,
    )


def make_example_person(country: str) -> Person:
    """Somebody with a number of the country's form, so that routes and prices hold as for real people."""
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    address = "" if number is None else f"{number.country_code}{number.national_number}"
    return Person(0, 0, address, country, "Camille", "Martin", None, None, None, None, None)


def _find_sender(content: CampaignContent, shop: Shop, terms: PreviewTerms) -> tuple[str, SenderKind]:
    """The sender as sending would find it; while there is none, one that cannot be answered, for most are."""
    text = content.sender or shop.default_sender or terms.acceptance.terms.default_sender
    try:
        sender = None if text is None else check_sender(text)
    except InvalidSender:
        sender = None
    return ("", SenderKind.NAME) if sender is None else (sender.address, sender.kind)


def _example_urls(content: CampaignContent, terms: PreviewTerms) -> dict[str, str]:
    urls = {link.name: f"{terms.base_url}/{_EXAMPLE_CODE}" for link in content.links}
    return {**urls, STOP_LINK_FIELD: f"{terms.base_url}/{_EXAMPLE_TOKEN}"}


def _render(text: PersonalText, person: Person, urls: dict[str, str]) -> tuple[str, list[str]]:
    """The text, and the fields that the person has no value for: their names stand in, in brackets."""
    missing: list[str] = []
    for _ in range(_MOST_MISSING):
        try:
            return text.render(person, urls), missing
        except MissingValue as exc:
            missing.append(exc.field)
            person = _fill(person, exc.field)
    raise ValueTooLong(missing[-1], 0)


def _fill(person: Person, field: str) -> Person:
    if field in _OWN_COLUMNS:
        return Person(**{**person._asdict(), field: f"({field})"})
    attributes = msgspec.json.decode(person.attributes) if person.attributes else {}
    return person._replace(attributes=_encode({**attributes, field: f"({field})"}).decode())


def _list_remarks(
    content: CampaignContent, rendered: str, sender: str, kind: SenderKind, shop: Shop
) -> list[Remark]:
    warnings = list_warnings(
        rendered,
        category=content.category,
        sender=sender,
        sender_kind=kind,
        shop_name=shop.name,
        link_hosts=_hosts_of(content),
    )
    return [Remark(warning.code.value, warning.detail) for warning in warnings]


def _hosts_of(content: CampaignContent) -> list[str]:
    return [host_of_url(link.url) for link in content.links]


def _warn_of_address(text: PersonalText, terms: PreviewTerms) -> list[Remark]:
    if terms.has_public_address or not text.has_stop_link:
        return []
    return [
        Remark(
            WarningCode.NO_STOP.value,
            "The text tells people to opt out by a link that nobody can open from outside: have the operator"
            " set public.base_url, or a stop number for the country.",
        )
    ]


def _find_rule_faults(content: CampaignContent, rule: CountryRule) -> list[TextFault]:
    if not rule.refuses_shorteners:
        return []
    written = content.text
    behind = [host for host in _hosts_of(content) if host in PUBLIC_SHORTENERS]
    return [
        TextFault(
            max(1, written.lower().find(host) + 1),
            f"Carriers in {country_in_sentence(rule.country)} refuse texts with {host}; name the whole"
            " address as a link of the campaign.",
        )
        for host in dict.fromkeys((*find_shorteners(written), *behind))
    ]


def _plan(
    content: CampaignContent,
    shop: Shop,
    terms: PreviewTerms,
    reader: Person,
    rendered: str,
    sender: str,
    rule: CountryRule,
) -> tuple[CarrierText, Price | None, str | None]:
    """How the carrier of the route wants texts, what the message costs, and what refuses it."""
    planner = BulkPlanner(terms.acceptance, shop, sender=sender, category=content.category)
    limit = rule.max_parts if content.category is Category.MARKETING else None
    plan = planner.plan(reader.address, reader.country, rendered, max_parts=limit, draw=0.5)
    if not isinstance(plan, RefusalCode):
        price = None if plan.currency == NO_CURRENCY else Price(plan.cost_micros or 0, plan.currency)
        return plan.connector.wants, price, None
    if plan in (RefusalCode.TEXT_TOO_LONG, RefusalCode.TOO_MANY_PARTS):
        connector = planner.choose(reader.address, reader.country, draw=0.5)
        most = terms.acceptance.terms.max_parts if isinstance(connector, RefusalCode) else connector.max_parts
        most = min(limit or most, most)
        where = country_in_sentence(reader.country)
        return (
            AS_USUAL,
            None,
            f"It is too long: {most} {'part is' if most == 1 else 'parts are'} the limit in {where}.",
        )
    return AS_USUAL, None, None


def _preview_faulty(written: str, faults: Sequence[TextFault], fields: Sequence[str]) -> TextPreview:
    """A text that cannot be rendered is measured as it stands, so that figures go on moving."""
    try:
        measure = measure_text(written)
    except (TextTooLong, TextNotEncodable):
        measure = Measure(Alphabet.UCS2, len(written), 0, 0)
    return TextPreview(
        written, None, measure, None, find_forcing_characters(written, written), faults, (), fields
    )
