"""Completing `{{ field }}` while the text is typed.

Pure: looks at the line up to the cursor and the fields that the audience has, and says what may follow.
The grammar itself belongs to the server, which checks each text; a wrong guess here costs nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_OPEN_BRACES = re.compile(r"\{\{\s*([A-Za-z0-9_]*)\Z")
MAX_SUGGESTIONS = 6
FALLBACK_FIELDS = frozenset({"first_name", "last_name"})
"""Fields that people often lack: completed with a fallback, so that nobody is greeted with a gap."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A field that fits what was typed. `typed` characters before the cursor are replaced by `insert`."""

    field: str
    typed: int
    insert: str


def complete_field(before_cursor: str, fields: Sequence[str], *, fallback: str) -> list[Completion]:
    """The fields that complete the braces left open before the cursor, best first; none outside braces.

    `fallback` is the word put for people without a first name, in the language of the person writing.
    """
    opened = _OPEN_BRACES.search(before_cursor)
    if opened is None:
        return []
    typed = opened[1].lower()
    starting = [field for field in fields if field.startswith(typed)]
    inside = [field for field in fields if typed and typed in field and field not in starting]
    return [
        Completion(field, len(opened[0]), placeholder(field, fallback=fallback))
        for field in (starting + inside)[:MAX_SUGGESTIONS]
    ]


def placeholder(field: str, *, fallback: str) -> str:
    """The text of a field between braces, with a fallback where people often lack a value."""
    if field in FALLBACK_FIELDS and fallback:
        return f"{{{{ {field} | default('{_quotable(fallback)}') }}}}"
    return f"{{{{ {field} }}}}"


def _quotable(fallback: str) -> str:
    return re.sub(r"['{}]", "", fallback)
