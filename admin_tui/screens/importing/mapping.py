"""What each column of a file means, and what an import is told about it.

Pure: from the server's suggestion through the person's changes to the settings that the check and the start
are given. The server judges everything again.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

NUMBER = "number"
IGNORE = "ignore"
ATTRIBUTE = "attribute:"
FIXED_TARGETS = (
    NUMBER, "first_name", "last_name", "language", "country", "tag", "consent", "consent_date", IGNORE,
)  # fmt: skip
REPEATABLE = frozenset({"tag", IGNORE})
"""Meanings that several columns of a file may have."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person importing says about the permission of everybody in the file."""

    opted_in: bool = False
    source: str = ""
    wording: str = ""

    def body(self) -> dict[str, Any] | None:
        if not self.opted_in:
            return None
        return {"state": "opted_in", "source": self.source, "wording": self.wording, "said_at": None}


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """All that the server is told with a check and a start. Exactly one of list and new_list is set."""

    columns: tuple[str, ...]
    has_header: bool = True
    delimiter: str | None = None
    encoding: str | None = None
    list_id: str | None = None
    new_list: str | None = None
    default_country: str = ""
    on_known: str = "update"
    consent: Consent = Consent()
    tags: tuple[str, ...] = ()

    @classmethod
    def suggested(cls, detected: Mapping[str, Any], *, default_country: str) -> "ImportSettings":
        """The settings that the server's look at the file suggests."""
        return cls(
            columns=tuple(detected.get("suggested") or ()),
            has_header=bool(detected.get("has_header", True)),
            default_country=default_country,
        )

    def body(self) -> dict[str, Any]:
        return {
            "list": self.list_id,
            "new_list": self.new_list,
            "delimiter": self.delimiter,
            "encoding": self.encoding,
            "has_header": self.has_header,
            "columns": list(self.columns),
            "default_country": self.default_country or None,
            "on_known": self.on_known,
            "consent": self.consent.body(),
            "tags": list(self.tags),
        }

    def with_column(self, index: int, target: str) -> "ImportSettings":
        """Column `index` means `target` now; a column that meant it before is left out where only one may."""
        columns = list(self.columns)
        if target not in REPEATABLE:
            columns = [IGNORE if column == target else column for column in columns]
        columns[index] = target
        return replace(self, columns=tuple(columns))

    def tells_consent(self) -> bool:
        """Whether a column says of each person whether they agreed."""
        return "consent" in self.columns

    def gives_permission(self) -> bool:
        """Whether anybody of the file may get marketing by it."""
        return self.consent.opted_in or self.tells_consent()

    def has_number(self) -> bool:
        """Whether a column says which number each person has; without it nothing can be imported."""
        return NUMBER in self.columns


def attribute_name(heading: str) -> str:
    """A name for a custom field made of a column's heading: `Date de naissance` → `date_de_naissance`."""
    kept = "".join(one if one.isalnum() and one.isascii() else "_" for one in _fold(heading.lower()))
    name = "_".join(part for part in kept.split("_") if part)[:40]
    return name if name and name[0].isalpha() else f"field_{name}"[:40].rstrip("_")


def targets_of(heading: str, fields: Sequence[str]) -> list[str]:
    """Every meaning that a column may be given: the fixed ones, the shop's fields, and a new field."""
    attributes = [ATTRIBUTE + field for field in fields]
    own = ATTRIBUTE + attribute_name(heading)
    return [*FIXED_TARGETS, *attributes, *([own] if heading and own not in attributes else [])]


def _fold(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
