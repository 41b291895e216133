"""In which language a visitor reads, and the words of each.

Owns the choice and the catalogues in `words/`. Knows no page.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

LANGUAGES: Final = {"en": "English", "fr": "Français", "it": "Italiano", "ro": "Română"}
"""Languages by code, each by its own name, in the order in which the switch offers them."""

DEFAULT_LANGUAGE: Final = "en"

_HEADER_OCTETS: Final = 200
"""Longest part of an Accept-Language that is read: browsers send less than half of it."""
_WANTED = re.compile(
    r"([a-z]{1,8})(?:-[a-z0-9-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*(?:,|$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language; texts by `section.key`."""

    language: str
    texts: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """A text with its values in place, not yet escaped for HTML. Raises `KeyError` for a missing one."""
        return self.texts[key].format(**values)


def load_words() -> dict[str, Words]:
    """Every catalogue by the code of its language."""
    folder = files("gateway.web.pages") / "words"
    return {
        language: Words(language, _flatten(tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))))
        for language in LANGUAGES
    }


def choose_language(accept_language: str, asked: str | None = None) -> str:
    """The language asked for by the switch, else the visitor's most wanted that we have, else English."""
    if asked in LANGUAGES:
        return asked
    wanted = [
        (-float(weight or 1), place, language.lower())
        for place, (language, weight) in enumerate(_WANTED.findall(accept_language[:_HEADER_OCTETS]))
        if language.lower() in LANGUAGES and weight not in ("0", "0.0", "0.00", "0.000")
    ]
    return min(wanted)[2] if wanted else DEFAULT_LANGUAGE


def _flatten(catalogue: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {f"{section}.{key}": text for section, texts in catalogue.items() for key, text in texts.items()}
