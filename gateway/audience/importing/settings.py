"""What a person decides about an import: what the columns are, which list it fills, who agreed to what.

Owns the rules between these answers. Shapes are those of the API; they are stored as they came.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from gateway.audience.importing.errors import ImportRefused
from gateway.audience.importing.headings import ATTRIBUTE, IGNORE, NUMBER
from gateway.audience.importing.sniffing import Detected
from gateway.audience.importing.text_files import DELIMITERS, ENCODINGS
from gateway.domain.attributes import BadAttribute, check_field_name
from gateway.domain.countries import COUNTRIES

FIXED_ROLES: Final = (
    NUMBER, "first_name", "last_name", "language", "country", "tag", "consent", "consent_date", IGNORE,
)  # fmt: skip
_REPEATABLE: Final = {"tag", IGNORE}
_CLOCKS_APART: Final = timedelta(minutes=5)

Tag = Annotated[str, Meta(min_length=1, max_length=40)]


class ConsentSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the people of a file agreed to: where, to which words, and when, if that is known."""

    state: Literal["opted_in", "unknown"] = "unknown"
    source: Annotated[str, Meta(max_length=200)] = ""
    wording: Annotated[str, Meta(max_length=2000)] = ""
    said_at: datetime | None = None


class ImportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answers for one file. `columns` None takes what was suggested; None for delimiter or encoding what
    was detected."""

    contact_list: str | None = msgspec.field(default=None, name="list")
    new_list: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    delimiter: str | None = None
    encoding: str | None = None
    has_header: bool | None = None
    columns: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=200)] | None = None
    default_country: str | None = None
    on_known: Literal["update", "keep"] = "update"
    consent: ConsentSettings | None = None
    tags: Annotated[list[Tag], Meta(max_length=20)] = []

    @property
    def is_opting_in(self) -> bool:
        return self.consent is not None and self.consent.state == "opted_in"

    @property
    def roles(self) -> list[str]:
        """The roles of the columns, once `complete` put them in."""
        return self.columns or []

    def reading_part(self) -> str:
        """What the staged rows depend on; rows that were read with the same can be merged."""
        return msgspec.json.encode(
            [self.delimiter, self.encoding, self.has_header, self.columns, self.default_country]
        ).decode()


def complete(settings: ImportSettings, detected: Detected, *, shop_country: str) -> ImportSettings:
    """The settings with everything put in that was left to detection."""
    return msgspec.structs.replace(
        settings,
        delimiter=settings.delimiter or detected.delimiter,
        encoding=settings.encoding or detected.encoding,
        has_header=detected.has_header if settings.has_header is None else settings.has_header,
        columns=detected.suggested if settings.columns is None else settings.columns,
        default_country=settings.default_country or shop_country,
    )


def check_settings(settings: ImportSettings, *, now: datetime) -> None:
    """Raises `ImportRefused` with the place of what does not fit together. Takes completed settings."""
    if settings.contact_list is not None and settings.new_list is not None:
        raise _invalid("new_list", "There is a list and a new list.", "Name one of them.")
    if settings.delimiter is not None and settings.delimiter not in DELIMITERS:
        raise _invalid(
            "delimiter", "This cannot divide columns.", "Use a comma, a semicolon, a tab or a bar."
        )
    if settings.encoding is not None and settings.encoding not in ENCODINGS:
        raise _invalid("encoding", "This encoding is not read.", f"Use one of: {', '.join(ENCODINGS)}.")
    if settings.default_country is not None and settings.default_country not in COUNTRIES:
        raise _invalid("default_country", "There is no such country.", "Write two capitals, such as FR.")
    if any(not tag.strip() or any(mark in tag for mark in ",;|") for tag in settings.tags):
        raise _invalid("tags", "A tag is blank or holds a comma, semicolon or bar.", "Write plain words.")
    _check_columns(settings.roles)
    _check_consent(settings, now)


def _check_columns(columns: list[str]) -> None:
    if columns.count(NUMBER) != 1:
        raise _invalid(
            "columns",
            "No column holds the number, or several do.",
            "Say of exactly one that it is the number.",
        )
    seen: set[str] = set()
    for place, role in enumerate(columns):
        path = f"columns[{place}]"
        if role in seen and role not in _REPEATABLE:
            raise _invalid(path, f"Two columns are {role}.", "Ignore one of them.")
        seen.add(role)
        if role in FIXED_ROLES:
            continue
        if not role.startswith(ATTRIBUTE):
            raise _invalid(
                path,
                f"{role!r} is nothing that a column can be.",
                f"Use {', '.join(FIXED_ROLES)} or attribute:NAME.",
            )
        try:
            check_field_name(role.removeprefix(ATTRIBUTE))
        except BadAttribute as exc:
            raise _invalid(path, str(exc), "Rename the field.") from exc


def _check_consent(settings: ImportSettings, now: datetime) -> None:
    consent = settings.consent
    if not settings.is_opting_in or consent is None:
        if "consent" in settings.roles:
            raise _invalid(
                "consent", "A column says who agreed, and nothing says to what.", "Give source and wording."
            )
        return
    if not consent.source.strip() or not consent.wording.strip():
        raise _invalid(
            "consent",
            "An agreement needs its proof.",
            "Say where people agreed (source) and to which words (wording).",
        )
    if consent.said_at is not None:
        if consent.said_at.tzinfo is None:
            raise _invalid("consent.said_at", "The time has no UTC offset.", "Write 2026-03-01T09:30:00Z.")
        if consent.said_at > now + _CLOCKS_APART:
            raise _invalid("consent.said_at", "The time is in the future.", "Correct the time.")


def _invalid(path: str, detail: str, action: str) -> ImportRefused:
    return ImportRefused("invalid_field", detail, action, path=f"$.{path}")
