"""A campaign's text as each person gets it: its fields, its links, and the way out that the rules add.

Owns which names a text may ask for and what stands for them. Pure: codes of links are passed in. Knows no
route, price or hour.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from gateway.domain.country_rules import CountryRule
from gateway.domain.sender import SenderKind
from gateway.domain.stop_mention import STOP_LINK_FIELD, choose_stop_mention
from gateway.domain.template import Template, compile_template
from gateway.store.campaigns import CampaignContent
from gateway.store.recipients import Person

PERSON_FIELDS: Final = ("first_name", "last_name", "number", "country", "language")
"""What every person may have, beside the shop's own fields."""

_decode_attributes = msgspec.json.Decoder(dict[str, object]).decode


class CampaignTexts:
    """The texts of one campaign, compiled once for each mention that the rules of countries ask for."""

    def __init__(self, content: CampaignContent, sender: SenderKind) -> None:
        """Raises `InvalidTemplate` for a text outside the grammar."""
        self._content = content
        self._sender = sender
        self.link_names = tuple(link.name for link in content.links)
        self._own = compile_template(content.text)
        self._by_mention: dict[str, PersonalText] = {}
        self._by_rule: dict[tuple[str, str | None, str | None, bool, str], PersonalText] = {}

    def text_for(self, rule: CountryRule) -> "PersonalText":
        """The text for people under `rule`."""
        key = (rule.language, rule.stop_number, rule.stop_wording, rule.replies_arrive, rule.country)
        text = self._by_rule.get(key)
        if text is None:
            mention = self.mention_for(rule)
            text = self._by_mention.get(mention)
            if text is None:
                template = self._own.followed_by(compile_template(mention)) if mention else self._own
                text = self._by_mention[mention] = PersonalText(template, self.link_names)
            self._by_rule[key] = text
        return text

    def mention_for(self, rule: CountryRule) -> str:
        """What is added to the end of the text for people under `rule`; empty where nothing is."""
        content = self._content
        return choose_stop_mention(
            content.text,
            self._own.fields,
            category=content.category,
            sender=self._sender,
            rule=rule,
            language=content.language,
        )


class PersonalText:
    """One compiled text. `links` are the links that it asks for, `has_stop_link` whether it tells people the
    address of their unsubscribe page."""

    def __init__(self, template: Template, link_names: Collection[str]) -> None:
        self._template = template
        self.links = tuple(field for field in template.fields if field in link_names)
        self.has_stop_link = STOP_LINK_FIELD in template.fields
        known = {*PERSON_FIELDS, STOP_LINK_FIELD, *link_names}
        self._asks_for_attributes = any(field not in known for field in template.fields)

    def render(self, person: Person, urls: Mapping[str, str]) -> str:
        """The text for a person; `urls` are those of the links, by name.

        Raises `MissingValue` or `ValueTooLong`.
        """
        return self._template.render(self._values_of(person, urls))

    def _values_of(self, person: Person, urls: Mapping[str, str]) -> dict[str, str]:
        values: dict[str, str] = {}
        if self._asks_for_attributes and person.attributes:
            for name, value in _decode_attributes(person.attributes).items():
                if isinstance(value, str | int | float):
                    values[name] = _write_value(value)
        values["first_name"] = person.first_name or ""
        values["last_name"] = person.last_name or ""
        values["number"] = f"+{person.address}"
        values["country"] = person.country
        values["language"] = person.language or ""
        values.update(urls)
        return values


def known_fields(content: CampaignContent, own_fields: Sequence[str]) -> list[str]:
    """Every name that a text of this campaign may ask for."""
    return [*PERSON_FIELDS, *own_fields, *(link.name for link in content.links), STOP_LINK_FIELD]


def _write_value(value: str | float | bool) -> str:
    """A typed value as a text shows it: 12.0 as 12, yes and no as they are kept."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
