"""What a shop keeps of its people beyond the fixed fields: names of fields, four kinds, and their values.

Owns which names are possible, how a value is checked (typed, from JSON) or read (written, from a file), and
the guess of a kind from examples. Knows no table; how a date or a sum looks in a text is not decided here.
"""

import re
from collections.abc import Collection, Iterable
from datetime import date
from difflib import get_close_matches
from enum import IntEnum
from math import isfinite
from typing import Final, TypeAlias, TypeGuard

from gateway.domain.errors import DomainError
from gateway.domain.template import LONGEST_VALUE_CHARACTERS

AttributeValue: TypeAlias = str | int | float | bool
"""A date is kept as text, `2026-03-01`."""

LARGEST_NUMBER: Final = 2**53
"""Beyond it most JSON readers change a number."""

FIXED_FIELDS: Final = frozenset(
    {"first_name", "last_name", "number", "country", "language", "time_zone", "tags", "stop_link", "link"}
)
"""Names that a text may already ask for, or that mean something else of a person."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_EUROPEAN_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_NUMBER = re.compile(r"[+-]?\d{1,16}(?:[.,]\d{1,15})?")
_GROUPED = re.compile(r"(?<=\d)[ \u00a0\u202f'](?=\d{3}(?:\D|$))")

_YES: Final = frozenset(
    {"yes", "y", "true", "oui", "vrai", "sì", "si", "vero", "da", "adevărat", "adevarat", "x", "✓", "1"}
)
_NO: Final = frozenset({"no", "n", "false", "non", "faux", "falso", "nu", "fals", "0"})
"""English, French, Italian and Romanian; what people put into a column of ticks."""


class AttributeKind(IntEnum):
    """What a field holds. Stored; never renumber."""

    TEXT = 1
    NUMBER = 2
    DATE = 3
    BOOLEAN = 4

    @property
    def word(self) -> str:
        return self.name.lower()


KIND_OF_WORD: Final = {kind.word: kind for kind in AttributeKind}

_EXPECTED: Final = {
    AttributeKind.TEXT: f"text of up to {LONGEST_VALUE_CHARACTERS} characters",
    AttributeKind.NUMBER: "a number",
    AttributeKind.DATE: "a date such as 2026-03-01",
    AttributeKind.BOOLEAN: "yes or no",
}


class BadAttribute(DomainError):
    """A name that no field can have, or a value that is not of its field's kind."""


def check_field_name(name: str) -> str:
    """`name`, which a text can ask for. Raises `BadAttribute`."""
    if not _NAME.fullmatch(name):
        raise BadAttribute(
            f"{name[:40]!r} cannot name a field; write up to 40 of a–z, 0–9 and _, beginning with a letter."
        )
    if name in FIXED_FIELDS:
        raise BadAttribute(f"{name} means something already; choose another name.")
    return name


def check_value(kind: AttributeKind, value: object) -> AttributeValue:
    """A typed value, as JSON gives it, in the form it is kept in. Raises `BadAttribute`."""
    if kind is AttributeKind.TEXT and isinstance(value, str) and len(value) <= LONGEST_VALUE_CHARACTERS:
        return value
    if kind is AttributeKind.BOOLEAN and isinstance(value, bool):
        return value
    if kind is AttributeKind.NUMBER and _is_number(value):
        return value
    if kind is AttributeKind.DATE and isinstance(value, str):
        read = _read_iso_date(value)
        if read is not None:
            return read
    raise BadAttribute(f"This field holds {_EXPECTED[kind]}.")


def read_value(kind: AttributeKind, text: str) -> AttributeValue | None:
    """A value as people write it in a table; None for an empty cell. Raises `BadAttribute`.

    Numbers may have a comma for their point and blanks between thousands; dates are ISO or day first; yes and
    no are known in English, French, Italian and Romanian.
    """
    stripped = text.strip()
    if not stripped:
        return None
    value: AttributeValue | None
    match kind:
        case AttributeKind.TEXT:
            return check_value(kind, stripped)
        case AttributeKind.NUMBER:
            value = _read_number(stripped)
        case AttributeKind.DATE:
            value = _read_iso_date(stripped[:10]) or _read_european_date(stripped)
        case AttributeKind.BOOLEAN:
            value = _read_yes_or_no(stripped)
    if value is None:
        raise BadAttribute(f"{stripped[:40]!r} is not {_EXPECTED[kind]}.")
    return value


def guess_kind_of_value(value: object) -> AttributeKind:
    """The kind of field that a typed value would make. Raises `BadAttribute` for what no field can hold."""
    if isinstance(value, bool):
        return AttributeKind.BOOLEAN
    if isinstance(value, int | float):
        return AttributeKind.NUMBER
    if isinstance(value, str):
        return AttributeKind.TEXT if _read_iso_date(value) is None else AttributeKind.DATE
    raise BadAttribute("A field holds text, a number, a date, or true or false.")


def guess_kind_of_texts(texts: Iterable[str]) -> AttributeKind:
    """The narrowest kind that all the written examples fit; text where there are none.

    Digits with a leading zero are no numbers: post codes and customer numbers must keep it. A column of 0 and
    1 holds numbers.
    """
    examples = [text.strip() for text in texts if text.strip()]
    if not examples:
        return AttributeKind.TEXT
    if all(_read_number(text) is not None and not _has_leading_zero(text) for text in examples):
        return AttributeKind.NUMBER
    for kind in (AttributeKind.DATE, AttributeKind.BOOLEAN):
        if all(_fits(kind, text) for text in examples):
            return kind
    return AttributeKind.TEXT


def find_nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` most likely means."""
    near = get_close_matches(name[:40], sorted(known), n=1, cutoff=0.5)
    return near[0] if near else None


def _is_number(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) and abs(value) <= LARGEST_NUMBER


def _fits(kind: AttributeKind, text: str) -> bool:
    try:
        return read_value(kind, text) is not None
    except BadAttribute:
        return False


def _has_leading_zero(text: str) -> bool:
    digits = text.lstrip("+-")
    return digits[:1] == "0" and digits[1:2].isdigit()


def _read_number(text: str) -> int | float | None:
    compact = _GROUPED.sub("", text)
    if not _NUMBER.fullmatch(compact) or not compact.isascii():
        return None
    if "," in compact or "." in compact:
        return float(compact.replace(",", "."))
    whole = int(compact)
    return whole if abs(whole) <= LARGEST_NUMBER else None


def _read_iso_date(text: str) -> str | None:
    match = _ISO_DATE.fullmatch(text)
    return None if match is None else _write_date(match[1], match[2], match[3])


def _read_european_date(text: str) -> str | None:
    match = _EUROPEAN_DATE.fullmatch(text)
    return None if match is None else _write_date(match[3], match[2], match[1])


def _write_date(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _read_yes_or_no(text: str) -> bool | None:
    word = text.casefold()
    if word in _YES:
        return True
    return False if word in _NO else None
