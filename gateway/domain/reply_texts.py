"""What a person who texts a keyword is answered: one short text, in six languages, that names the shop.

Owns the wording. Within the GSM alphabet, so that one part is enough: Romanian is therefore written without
its accents, as it mostly is in texts, and Spanish avoids those that the alphabet lacks.
"""

from enum import IntEnum
from typing import Final


class ReplyKind(IntEnum):
    """What is answered. Stored; never renumber."""

    STOP_CONFIRMATION = 1


FALLBACK_LANGUAGE: Final = "en"

_STOP_CONFIRMATION: Final = {
    "en": "{shop}: you will get no more marketing texts from us. Reply START to get them again.",
    "fr": "{shop}: c'est noté, vous ne recevrez plus nos SMS publicitaires. Pour les recevoir à nouveau, "
    "répondez START.",
    "it": "{shop}: non riceverà più i nostri SMS pubblicitari. Per riceverli di nuovo risponda START.",
    "ro": "{shop}: nu veti mai primi SMS-uri publicitare de la noi. Ca sa reveniti, raspundeti START.",
    "es": "{shop}: en adelante no le enviaremos SMS publicitarios. Si desea volver, responda START.",
    "de": "{shop}: Sie erhalten keine Werbe-SMS mehr von uns. Mit START melden Sie sich wieder an.",
}
_TEXTS: Final = {ReplyKind.STOP_CONFIRMATION: _STOP_CONFIRMATION}

LANGUAGES: Final = tuple(_STOP_CONFIRMATION)


def choose_language(language: str | None, country_language: str) -> str:
    """The language to answer in: the person's (`fr`, `fr-CA`), else the country's, else English."""
    for wanted in (language, country_language):
        primary = (wanted or "").replace("_", "-").partition("-")[0].lower()
        if primary in LANGUAGES:
            return primary
    return FALLBACK_LANGUAGE


def write_reply(kind: ReplyKind, language: str, *, shop: str) -> str:
    """The whole text; `language` is one of `LANGUAGES`, another is answered in English."""
    texts = _TEXTS[kind]
    return texts.get(language, texts[FALLBACK_LANGUAGE]).format(shop=shop)
