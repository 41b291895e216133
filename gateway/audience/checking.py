"""What a shop says of a person, checked against the shop's fields: values to keep, or what is wrong with it.

Pure. Reads numbers, kinds and zones; knows nobody who is already there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from gateway.audience.requests import ConsentEntry, Fault, NewValues, PersonChange, PersonEntry
from gateway.domain.attributes import (
    AttributeKind,
    AttributeValue,
    BadAttribute,
    check_field_name,
    check_value,
    find_nearest,
    guess_kind_of_value,
)
from gateway.domain.opt_in import Statement
from gateway.domain.people import MarketingConsent
from gateway.domain.phone import InvalidNumber, Number, normalise_number
from gateway.domain.public_ids import InvalidPublicId, decode_public_id
from gateway.domain.time_zones import is_time_zone

FIELDS_PER_SHOP = 200
Fields = Mapping[str, AttributeKind]


@dataclass(frozen=True, slots=True)
class CheckedPerson:
    """A person whose number and values are in order, though perhaps not allowed what the statement says."""

    number: Number
    values: NewValues
    statement: Statement | None
    list_ids: tuple[int, ...]


def check_person(entry: PersonEntry, *, default_country: str, fields: Fields) -> CheckedPerson | Fault:
    """An entry with its number in E.164 and its attributes in the form they are kept in."""
    try:
        number = normalise_number(entry.number, default_country=default_country)
    except InvalidNumber as exc:
        return Fault("invalid_number", "$.number", str(exc), "Correct the number.")
    values = check_values(entry, fields)
    if isinstance(values, Fault):
        return values
    try:
        list_ids = tuple(sorted({decode_public_id("lst", text) for text in entry.lists}))
    except InvalidPublicId as exc:
        return Fault("invalid_field", "$.lists", str(exc), "See GET /v1/lists for the ids.")
    return CheckedPerson(number, values, read_statement(entry.consent), list_ids)


def check_values(entry: PersonEntry | PersonChange, fields: Fields) -> NewValues | Fault:
    """The changeable fields of an entry or a change."""
    if isinstance(entry.time_zone, str) and not is_time_zone(entry.time_zone):
        detail = f"There is no time zone {entry.time_zone}."
        return Fault("invalid_field", "$.time_zone", detail, "Write it like Europe/Paris, or leave it out.")
    attributes = {} if isinstance(entry.attributes, UnsetType) else entry.attributes
    checked: dict[str, AttributeValue | None] = {}
    for name, value in attributes.items():
        kind = fields.get(name)
        if kind is None:
            return _unknown_field(name, fields)
        try:
            checked[name] = None if value is None else check_value(kind, value)
        except BadAttribute as exc:
            return Fault("invalid_field", f"$.attributes.{name}", str(exc), "Correct the value.")
    tags = UNSET if isinstance(entry.tags, UnsetType) else tuple(sorted(set(entry.tags)))
    return NewValues(entry.first_name, entry.last_name, entry.language, entry.time_zone, tags, checked)


def read_statement(consent: ConsentEntry | None) -> Statement | None:
    if consent is None:
        return None
    state = MarketingConsent.OPTED_IN if consent.state == "opted_in" else MarketingConsent.OPTED_OUT
    return Statement(state, consent.source, consent.wording, consent.said_at)


def find_new_fields(
    attributes: Mapping[str, AttributeValue | None], fields: Fields
) -> dict[str, AttributeKind] | Fault:
    """The fields that these attributes would add, by the kind of their values; null says no kind."""
    found: dict[str, AttributeKind] = {}
    for name, value in attributes.items():
        if name in fields or value is None:
            continue
        try:
            found[check_field_name(name)] = guess_kind_of_value(value)
        except BadAttribute as exc:
            return Fault("invalid_field", f"$.attributes.{name[:40]}", str(exc), "Choose another name.")
    if len(fields) + len(found) > FIELDS_PER_SHOP:
        detail = f"A shop has at most {FIELDS_PER_SHOP} fields of its own."
        return Fault("invalid_field", "$.attributes", detail, "Use the fields that are there.")
    return found


def _unknown_field(name: str, fields: Fields) -> Fault:
    shown = name[:40]
    near = find_nearest(name, fields)
    known = f"Known: {', '.join(sorted(fields))}." if fields else "The shop has none yet."
    hint = f"Did you mean {near}?" if near else known
    action = f'{hint} A new one is made by POST /v1/contact-fields, or with "new_fields": true.'
    return Fault("unknown_field", f"$.attributes.{shown}", f"The shop has no field named {shown}.", action)
