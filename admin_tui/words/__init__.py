"""What the console says, in four languages: catalogues of sentences by area, and how numbers are written.

Owns plurals and separators. A key is `area.name` or `area.group.name`; catalogues are
`words/<language>/<area>.toml`, and a test holds that all languages have the same keys and placeholders.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

LANGUAGES: Final = ("en", "fr", "it", "ro")
LANGUAGE_NAMES: Final = {"en": "English", "fr": "Français", "it": "Italiano", "ro": "Română"}

Sentence = str | dict[str, str]
"""A plain sentence, or one for each plural form (`one`, `few`, `other`)."""

_THOUSANDS: Final = {"en": ",", "fr": " ", "it": ".", "ro": "."}
"""French takes the narrow no-break space U+202F."""
_DECIMAL: Final = {"en": ".", "fr": ",", "it": ",", "ro": ","}


class Words:
    """The console's words in one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._catalogue = read_catalogue(self.language)

    def say(self, key: str, **values: object) -> str:
        """The sentence `key` with `values` in place; `count` chooses the plural form, whole numbers get
        their separators. A missing key says itself, so that nothing breaks on a word."""
        sentence = self._catalogue.get(key, key)
        if isinstance(sentence, dict):
            count = values.get("count", 0)
            form = plural_form(self.language, count if isinstance(count, int) else 0)
            sentence = sentence.get(form, sentence["other"])
        if not values:
            return sentence
        return sentence.format_map({name: self._write(value) for name, value in values.items()})

    def has(self, key: str) -> bool:
        return key in self._catalogue

    def number(self, value: float, *, decimals: int = 0) -> str:
        """`12480` as 12,480 in English, 12 480 in French, 12.480 in Italian and Romanian."""
        written = f"{value:,.{decimals}f}"
        return written.translate({44: _THOUSANDS[self.language], 46: _DECIMAL[self.language]})

    def _write(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return str(value)
        return self.number(value, decimals=0 if isinstance(value, int) else 1)


def plural_form(language: str, count: int) -> str:
    """CLDR's plural form for whole numbers."""
    if language == "fr":
        return "one" if count in (0, 1) else "other"
    if language == "ro" and count != 1:
        return "few" if count == 0 or 1 <= count % 100 <= 19 else "other"
    return "one" if count == 1 else "other"


@cache
def read_catalogue(language: str) -> Mapping[str, Sentence]:
    """Every sentence of a language by its key. Files are read once."""
    catalogue: dict[str, Sentence] = {}
    for file in files(__package__).joinpath(language).iterdir():
        if file.name.endswith(".toml"):
            area = file.name.removesuffix(".toml")
            _flatten(area, tomllib.loads(file.read_text(encoding="utf-8")), catalogue)
    return catalogue


def _flatten(prefix: str, tree: Mapping[str, object], into: dict[str, Sentence]) -> None:
    for name, value in tree.items():
        key = f"{prefix}.{name}"
        if isinstance(value, dict):
            if "other" in value and set(value) <= {"one", "few", "other"}:
                into[key] = {str(form): str(text) for form, text in value.items()}
            else:
                _flatten(key, value, into)
        else:
            into[key] = str(value)


def choose_language(wanted: str | None, environment: Mapping[str, str]) -> str:
    """The language asked for, else that of LC_ALL, LC_MESSAGES or LANG, else English."""
    for name in (wanted, *(environment.get(key) for key in ("LC_ALL", "LC_MESSAGES", "LANG"))):
        if name and name[:2].lower() in LANGUAGES:
            return name[:2].lower()
    return "en"
