"""How a marketing text tells people to opt out: whether it says so itself, and what is added when not.

Owns the words and the order of ways: the operator's number where the sender is a name, an answer where one
arrives, else the unsubscribe link. What is added is a piece of template in the GSM alphabet, so that it never
makes a text dearer than its septets. Knows no consent and what no STOP that arrives does.
"""

import re
from collections.abc import Collection
from typing import Final

from gateway.domain.country_rules import CountryRule
from gateway.domain.lanes import Category
from gateway.domain.sender import SenderKind

STOP_LINK_FIELD: Final = "stop_link"
LANGUAGES: Final = ("en", "fr", "it", "ro", "es", "de")
"""Those that a mention can be written in; others read English."""

_PLACEHOLDER: Final = "{{ " + STOP_LINK_FIELD + " }}"

# Short, as each septet is paid for by every recipient; without letters that the GSM alphabet lacks.
_REPLY: Final = {
    "en": "Reply STOP to opt out",
    "fr": "Stop pub: répondez STOP",
    "it": "Stop pubblicità: rispondi STOP",
    "ro": "Dezabonare: raspundeti STOP",
    "es": "Baja: responde STOP",
    "de": "Abmelden: Antwort STOP",
}
_BY_NUMBER: Final = {
    "en": "STOP to {number}",
    "fr": "STOP au {number}",
    "it": "STOP al {number}",
    "ro": "STOP la {number}",
    "es": "STOP al {number}",
    "de": "STOP an {number}",
}
_BY_LINK: Final = {
    "en": "Opt out: {link}",
    "fr": "Stop pub: {link}",
    "it": "Stop: {link}",
    "ro": "Dezabonare: {link}",
    "es": "Baja: {link}",
    "de": "Abmelden: {link}",
}

# In capitals, as people write it where they mean the word to send: “don't stop” and “NON-STOP” say nothing.
_WORD: Final = re.compile(
    r"(?<![\w-])(?<!NON )(?:STOP|STOPP|ARRET|ARRÊT|CANCELLA|BASTA|DEZABONARE|BAJA|ALTO|ABMELDEN|UNSUBSCRIBE"
    r"|REZYGNUJ)(?![\w-])"
)
_WORD_AND_NUMBER: Final = re.compile(_WORD.pattern + r"[^\w\n]{0,3}(?:[^\W\d]{1,6} )?\+?\d{3,15}")


def has_stop_mention(text: str, fields: Collection[str], sender: SenderKind) -> bool:
    """Whether a text (as written, with its `fields`) tells how to opt out.

    Under a name nobody can answer, so that there the word needs the number to send it to.
    """
    if STOP_LINK_FIELD in fields:
        return True
    pattern = _WORD_AND_NUMBER if sender is SenderKind.NAME else _WORD
    return pattern.search(text) is not None


def choose_stop_mention(
    text: str,
    fields: Collection[str],
    *,
    category: Category,
    sender: SenderKind,
    rule: CountryRule,
    language: str | None = None,
) -> str:
    """What is added to the end of a text for recipients under `rule`: a piece of template, or nothing.

    `fields` are those that the text asks for; `language` is the campaign's, else the country's is used.
    """
    if category is not Category.MARKETING or has_stop_mention(text, fields, sender):
        return ""
    mention = _write_mention(sender, rule, language or rule.language)
    return mention if not text or text[-1].isspace() else f" {mention}"


def _write_mention(sender: SenderKind, rule: CountryRule, language: str) -> str:
    words = language.lower()[:2]
    if words not in LANGUAGES:
        words = "en"
    needs_number = sender is SenderKind.NAME
    if rule.stop_wording is not None and (not needs_number or "{" in rule.stop_wording):
        return _fill(rule.stop_wording, rule)
    if needs_number and rule.stop_number is not None:
        return _fill(_BY_NUMBER[words], rule)
    if needs_number or not rule.replies_arrive:
        return _fill(_BY_LINK[words], rule)
    return _REPLY[words]


def _fill(wording: str, rule: CountryRule) -> str:
    return wording.replace("{number}", rule.stop_number or "").replace("{link}", _PLACEHOLDER)
