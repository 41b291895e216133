"""Texts with fields: `Hi {{ first_name | default('there') }}` compiled once, rendered for each person.

Owns a closed grammar: a field name and filters from a fixed list, nothing that loops, calls or reads
attributes, so that no customer's text can stall or leave the process. Filters that need a locale (dates,
money) are left out on purpose: pass such values in already written. Knows nothing of contacts or columns.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from gateway.domain.errors import DomainError

LONGEST_TEMPLATE_CHARACTERS: Final = 2000
LONGEST_VALUE_CHARACTERS: Final = 500
"""Of one field after its filters; a name of a novel's length is a mistake in the import."""
_LONGEST_ARGUMENT_CHARACTERS: Final = 60

_Filter = Callable[[str], str]
_Renderer = Callable[[Mapping[str, str]], str]

# Each of these looks at a character a fixed number of times: no text makes them slow.
_match_name = re.compile(r"\s*([a-z_][a-z0-9_]{0,39})(?![a-z0-9_])\s*").match
_match_filter = re.compile(r"\|\s*([a-z]{1,20})(?![a-z])\s*").match
_match_argument = re.compile(r"\(\s*(?:'([^'{}]*)'|\"([^\"{}]*)\")\s*\)\s*").match
_find_mark = re.compile(r"\{\{|\}\}|\{%|\{#").search


class InvalidTemplate(DomainError):
    """A text outside the grammar. `position` counts characters from 1 and points at the fault."""

    def __init__(self, position: int, fault: str) -> None:
        super().__init__(f"At character {position}: {fault}")
        self.position = position
        self.fault = fault


class MissingValue(DomainError):
    """A person without a value for a field that has no default. `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"There is no value for {field}; fill it in or write {{{{ {field} | default('…') }}}}."
        )
        self.field = field


class ValueTooLong(DomainError):
    """A value beyond the length that a message can hold."""

    def __init__(self, field: str, characters: int) -> None:
        super().__init__(
            f"The value of {field} has {characters} characters; {LONGEST_VALUE_CHARACTERS} is the limit."
        )
        self.field = field
        self.characters = characters


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text. `fields` are the names it asks for, in order of appearance."""

    fields: tuple[str, ...]
    _pieces: tuple[str | _Renderer, ...]

    def render(self, values: Mapping[str, str]) -> str:
        """The text for one person; values are never read as template.

        Raises `MissingValue` for a field that is absent or empty and has no default, `ValueTooLong` beyond
        500 characters.
        """
        return "".join([piece if isinstance(piece, str) else piece(values) for piece in self._pieces])

    def followed_by(self, other: "Template") -> "Template":
        """This text and then the other; the limit of one text holds for each."""
        fields = dict.fromkeys((*self.fields, *other.fields))
        return Template(tuple(fields), self._pieces + other._pieces)


def compile_template(text: str, *, known_fields: Collection[str] | None = None) -> Template:
    """Read a text of at most 2,000 characters.

    `known_fields` are the names that exist, when that is known. Raises `InvalidTemplate` with the position
    and what to do.
    """
    if len(text) > LONGEST_TEMPLATE_CHARACTERS:
        raise InvalidTemplate(
            LONGEST_TEMPLATE_CHARACTERS + 1,
            f"the text has {len(text)} characters; {LONGEST_TEMPLATE_CHARACTERS} is the limit.",
        )
    pieces: list[str | _Renderer] = []
    fields: dict[str, None] = {}
    at = 0
    while mark := _find_mark(text, at):
        if mark.group() != "{{":
            raise InvalidTemplate(mark.start() + 1, _MARK_FAULTS[mark.group()])
        end = text.find("}}", mark.end())
        if end < 0:
            raise InvalidTemplate(mark.start() + 1, "“{{” is never closed; write “}}” after the field.")
        if mark.start() > at:
            pieces.append(text[at : mark.start()])
        field, renderer = _read_expression(text, mark.end(), end, known_fields)
        fields[field] = None
        pieces.append(renderer)
        at = end + 2
    if at < len(text):
        pieces.append(text[at:])
    return Template(tuple(fields), tuple(pieces))


_MARK_FAULTS: Final = {
    "}}": "“}}” closes nothing; write “{{” before the field.",
    "{%": "“{%” is not available; a text has fields like {{ first_name }} only.",
    "{#": "“{#” is not available; a text has fields like {{ first_name }} only.",
}


def _read_expression(
    text: str, start: int, end: int, known_fields: Collection[str] | None
) -> tuple[str, _Renderer]:
    """The field name and renderer of what stands between the braces at `start` and `end`."""
    name = _match_name(text, start, end)
    if name is None:
        raise InvalidTemplate(
            start + 1,
            "a field name is missing; names have small letters, digits and _, like {{ first_name }}.",
        )
    field = name.group(1)
    if known_fields is not None and field not in known_fields:
        raise InvalidTemplate(name.start(1) + 1, _unknown("field", field, known_fields))
    filters: list[_Filter] = []
    has_default = False
    at = name.end()
    while at < end:
        found = _match_filter(text, at, end)
        if found is None:
            raise InvalidTemplate(
                at + 1, "this cannot be read; after a field write “}}” or a filter like “| upper”."
            )
        argument = _match_argument(text, found.end(), end)
        filters.append(_build_filter(found, argument))
        has_default = has_default or found.group(1) == "default"
        at = argument.end() if argument else found.end()
    return field, _build_renderer(field, tuple(filters), is_optional=has_default)


def _build_filter(found: re.Match[str], argument: re.Match[str] | None) -> _Filter:
    name, position = found.group(1), found.start(1) + 1
    if name == "default":
        if argument is None:
            raise InvalidTemplate(position, "default needs its text: default('there').")
        fallback = argument.group(1) if argument.group(1) is not None else argument.group(2)
        if not 1 <= len(fallback) <= _LONGEST_ARGUMENT_CHARACTERS:
            raise InvalidTemplate(
                position, f"the text of default has 1 to {_LONGEST_ARGUMENT_CHARACTERS} characters."
            )
        return lambda value: value or fallback
    plain = _FILTERS.get(name)
    if plain is None:
        raise InvalidTemplate(position, _unknown("filter", name, [*_FILTERS, "default"]))
    if argument is not None:
        raise InvalidTemplate(position, f"{name} takes nothing in brackets; write “| {name}”.")
    return plain


def _build_renderer(field: str, filters: tuple[_Filter, ...], *, is_optional: bool) -> _Renderer:
    def render(values: Mapping[str, str]) -> str:
        value = values.get(field) or ""
        if value.isspace():
            value = ""
        if not value and not is_optional:
            raise MissingValue(field)
        for apply in filters:
            value = apply(value)
        if not value:
            raise MissingValue(field)
        if len(value) > LONGEST_VALUE_CHARACTERS:
            raise ValueTooLong(field, len(value))
        return value

    return render


def _take_first_word(value: str) -> str:
    return (value.split(maxsplit=1) or [""])[0]


def _capitalise_words(value: str) -> str:
    """Capitals at word starts and after hyphens only: `str.title` would write “It'S”."""
    return re.sub(r"(?:^|(?<=[\s-]))\S", lambda start: start.group().upper(), value.lower())


_FILTERS: Final[dict[str, _Filter]] = {
    "upper": str.upper,
    "title": _capitalise_words,
    "first": _take_first_word,
    "trim": str.strip,
}


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known)[:12]) or 'none'}."
    return f"there is no {kind} called {name}; {hint}"
