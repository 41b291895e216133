"""What may be said of a person: the body of an upsert, of a change, and what was wrong with one.

Owns shapes and lengths, so that nothing below needs to doubt a type. Whether a field exists, and what follows
for one who is known already, is `checking`'s and `merging`'s work.
"""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.domain.attributes import AttributeValue

PEOPLE_AT_ONCE = 10_000
LISTS_AT_ONCE = 20
TAGS_OF_A_PERSON = 50

# No control characters: Postgres stores no NUL, and no phone shows the others.
_LINE = r"^[^\x00-\x1f\x7f]*$"
PersonName = Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE)]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
TimeZone = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")]
Tag = Annotated[str, Meta(min_length=1, max_length=50, pattern=_LINE)]
Tags = Annotated[list[Tag], Meta(max_length=TAGS_OF_A_PERSON)]
FieldName = Annotated[str, Meta(min_length=1, max_length=60)]
FieldText = Annotated[str, Meta(max_length=500, pattern=_LINE)]
Attributes = Annotated[dict[FieldName, FieldText | int | float | bool | None], Meta(max_length=200)]
ListId = Annotated[str, Meta(min_length=1, max_length=32)]
Source = Annotated[str, Meta(min_length=1, max_length=200, pattern=_LINE)]
Wording = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]
KnownRule = Literal["update", "keep"]


class ConsentEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """What the person said about marketing, where, to which words, and when."""

    state: Literal["opted_in", "opted_out"]
    source: Source
    wording: Wording | None = None
    said_at: Annotated[datetime, Meta(tz=True)] | None = None


class PersonEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One person to add or to bring up to date. What is left out stays; null clears."""

    number: Annotated[str, Meta(min_length=1, max_length=100)]
    first_name: PersonName | UnsetType | None = UNSET
    last_name: PersonName | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    consent: ConsentEntry | None = None
    lists: Annotated[list[ListId], Meta(max_length=LISTS_AT_ONCE)] = []  # msgspec copies an empty default


class PersonChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a person; the number is who the person is, and stays."""

    first_name: PersonName | UnsetType | None = UNSET
    last_name: PersonName | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    consent: ConsentEntry | None = None
    new_fields: bool = False


class Fault(NamedTuple):
    """Why something is refused: a stable code, the place in the body, and two sentences."""

    code: str
    path: str
    detail: str
    action: str

    def within(self, prefix: str) -> "Fault":
        """The same seen from a larger body, of which `prefix` (`$.contacts[3]`) is this part."""
        return self._replace(path=prefix + self.path.removeprefix("$"))


class NewValues(NamedTuple):
    """Checked values of the changeable fields; `UNSET` where nothing was said."""

    first_name: str | UnsetType | None
    last_name: str | UnsetType | None
    language: str | UnsetType | None
    time_zone: str | UnsetType | None
    tags: tuple[str, ...] | UnsetType
    attributes: dict[str, AttributeValue | None]
