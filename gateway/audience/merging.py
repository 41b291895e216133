"""What an upsert comes to, worked out before anything is written: who is new, who changes, who said what.

Pure: takes the people as they are stored and gives the rows to write. Whether they still are so is found out
when they are written.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from msgspec import UnsetType

from gateway.audience.checking import CheckedPerson
from gateway.audience.requests import Fault, NewValues
from gateway.domain.attributes import AttributeValue
from gateway.domain.identifiers import slot_of_address
from gateway.domain.opt_in import CLOCKS_APART, OptInVerdict, Recorded, Statement, judge_opt_in
from gateway.domain.people import MarketingConsent
from gateway.domain.time_zones import zone_of
from gateway.store.contacts import Contact


class Change(Enum):
    """What became of one entry."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """The person was known, and the request said to keep such people as they are."""


@dataclass(frozen=True, slots=True)
class Put:
    """One entry's outcome and the contact that it speaks of."""

    change: Change
    contact_id: int


@dataclass(slots=True)
class PutPlan:
    """What to write for a batch of entries, and the outcome of each in their order.

    `said` are the statements that count, by address; `restored` those of them that end an opt-out.
    """

    outcomes: list[Put | Fault] = field(default_factory=list)
    people: dict[str, Contact] = field(default_factory=dict)
    is_new: set[str] = field(default_factory=set)
    is_changed: set[str] = field(default_factory=set)
    said: dict[str, Statement] = field(default_factory=dict)
    restored: set[str] = field(default_factory=set)
    members: set[tuple[int, int]] = field(default_factory=set)


def plan_puts(
    shop_id: int,
    entries: Sequence[CheckedPerson | Fault],
    *,
    known: Mapping[str, Contact],
    recorded: Mapping[str, Recorded],
    keeps_known: bool,
    adds_new: bool = True,
    next_id: Callable[[int], int],
    now: datetime,
) -> PutPlan:
    """Go through the entries in order: a number that stands twice is one person, changed twice."""
    plan = PutPlan()
    for entry in entries:
        if isinstance(entry, Fault):
            plan.outcomes.append(entry)
            continue
        address = entry.number.address
        if not adds_new and address not in known:
            plan.outcomes.append(ERASED_MEANWHILE)
            continue
        fault = _judge(entry, recorded.get(address, Recorded()), plan, now)
        plan.outcomes.append(fault or _put(shop_id, entry, plan, known, keeps_known, next_id))
    return plan


def merge(contact: Contact, values: NewValues) -> Contact:
    """The person with what was said of them; attributes are merged by name, null takes one away."""
    attributes = contact.attributes
    if values.attributes:
        attributes = write_attributes({**json.loads(attributes), **values.attributes})
    zone = zone_of(contact.address, contact.country) if values.time_zone is None else values.time_zone
    return replace(
        contact,
        first_name=_pick(values.first_name, contact.first_name),
        last_name=_pick(values.last_name, contact.last_name),
        language=_pick(values.language, contact.language),
        time_zone=_pick(zone, contact.time_zone),
        tags=contact.tags if isinstance(values.tags, UnsetType) else values.tags,
        attributes=attributes,
    )


def write_attributes(attributes: Mapping[str, AttributeValue | None]) -> str:
    """The JSON text of attributes, names in order, those without a value left out."""
    given = {name: value for name, value in sorted(attributes.items()) if value is not None}
    return json.dumps(given, ensure_ascii=False)


def _put(
    shop_id: int,
    entry: CheckedPerson,
    plan: PutPlan,
    known: Mapping[str, Contact],
    keeps_known: bool,
    next_id: Callable[[int], int],
) -> Put:
    address, country = entry.number.address, entry.number.country
    held = plan.people.get(address) or known.get(address)
    if held is None:
        contact_id = next_id(slot_of_address(address))
        blank = Contact(shop_id, contact_id, address, country, time_zone=zone_of(address, country))
        plan.people[address] = merge(blank, entry.values)
        plan.is_new.add(address)
        change = Change.CREATED
    elif keeps_known:
        plan.people[address] = held
        change = Change.KEPT
    else:
        plan.people[address] = merged = merge(held, entry.values)
        change = Change.UNCHANGED if _is_same(merged, held) else Change.UPDATED
        if change is Change.UPDATED and address not in plan.is_new:
            plan.is_changed.add(address)
    contact_id = plan.people[address].id
    plan.members.update((list_id, contact_id) for list_id in entry.list_ids)
    return Put(change, contact_id)


def _is_same(one: Contact, other: Contact) -> bool:
    return replace(one, attributes="") == replace(other, attributes="") and (
        one.attributes == other.attributes or json.loads(one.attributes) == json.loads(other.attributes)
    )


def _judge(entry: CheckedPerson, recorded: Recorded, plan: PutPlan, now: datetime) -> Fault | None:
    """Note what the person said, unless it may not stand."""
    statement, address = entry.statement, entry.number.address
    if statement is None:
        return None
    if statement.state is MarketingConsent.OPTED_OUT:
        if statement.said_at is not None and statement.said_at > now + CLOCKS_APART:
            return FAULT_OF_VERDICT[OptInVerdict.IN_THE_FUTURE]
        plan.said[address] = statement
        plan.restored.discard(address)
        return None
    verdict = judge_opt_in(statement, recorded, now)
    fault = FAULT_OF_VERDICT.get(verdict)
    if fault is not None:
        return fault
    if verdict is OptInVerdict.NOTHING_NEW:
        return None
    plan.said[address] = statement
    if verdict is OptInVerdict.RESTORE:
        plan.restored.add(address)
    return None


ERASED_MEANWHILE = Fault("not_found", "", "This person is no contact any more.", "Nothing was changed.")
FAULT_OF_VERDICT = {
    OptInVerdict.IN_THE_FUTURE: Fault(
        "invalid_field",
        "$.consent.said_at",
        "This would have been said in the future.",
        "Send the moment at which the person said it.",
    ),
    OptInVerdict.OPTED_OUT_SINCE: Fault(
        "recipient_opted_out",
        "$.consent",
        "This person opted out, and the consent is not known to be newer.",
        "Leave the consent out; or, if the person agreed again since, say when in said_at.",
    ),
    OptInVerdict.KEPT_FROM_ALL: Fault(
        "recipient_opted_out",
        "$.consent",
        "This number is kept from every message, by the carrier or by an operator.",
        "Leave the consent out; an opt-out of scope all is lifted by DELETE /v1/opt-outs.",
    ),
}


def _pick(given: str | UnsetType | None, held: str | None) -> str | None:
    return held if isinstance(given, UnsetType) else given
