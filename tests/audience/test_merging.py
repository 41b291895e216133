"""What an upsert comes to, before anything is written."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from msgspec import UNSET

from gateway.audience.checking import CheckedPerson, check_person, find_new_fields
from gateway.audience.merging import ERASED_MEANWHILE, Change, Put, PutPlan, plan_puts
from gateway.audience.requests import ConsentEntry, Fault, PersonEntry
from gateway.domain.attributes import AttributeKind
from gateway.domain.opt_in import Recorded
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.store.contacts import Contact

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIELDS = {"points": AttributeKind.NUMBER, "city": AttributeKind.TEXT}
ANNA = Contact(
    1, 77, "33612345678", "FR", "Anna", attributes='{"city": "Lyon", "points": 3}', tags=("a",),
    time_zone="Europe/Paris",
)  # fmt: skip
YES = ConsentEntry("opted_in", "till")


def check(**fields: object) -> CheckedPerson:
    checked = check_person(
        PersonEntry(**{"number": "0612345678", **fields}),  # type: ignore[arg-type]  # as a body would say
        default_country="FR",
        fields=FIELDS,
    )
    assert isinstance(checked, CheckedPerson)
    return checked


def plan(
    *entries: CheckedPerson | Fault,
    known: Contact | None = None,
    recorded: Recorded | None = None,
    keeps_known: bool = False,
    adds_new: bool = True,
) -> PutPlan:
    ids = count(1000)
    return plan_puts(
        1,
        entries,
        known={} if known is None else {known.address: known},
        recorded={} if recorded is None else {ANNA.address: recorded},
        keeps_known=keeps_known,
        adds_new=adds_new,
        next_id=lambda slot: next(ids),
        now=NOW,
    )


def test_a_number_that_stands_twice_is_one_person_changed_twice() -> None:
    made = plan(check(first_name="Anna"), check(last_name="Rossi"), check(last_name="Rossi"))
    assert made.outcomes == [
        Put(Change.CREATED, 1000),
        Put(Change.UPDATED, 1000),
        Put(Change.UNCHANGED, 1000),
    ]
    assert (made.is_new, made.is_changed) == ({ANNA.address}, set())
    person = made.people[ANNA.address]
    assert (person.first_name, person.last_name, person.time_zone) == ("Anna", "Rossi", "Europe/Paris")


def test_attributes_are_merged_by_name_and_compared_by_value() -> None:
    same = plan(check(attributes={"points": 3, "city": "Lyon"}), known=ANNA)
    assert same.outcomes == [Put(Change.UNCHANGED, 77)]
    changed = plan(check(attributes={"points": None}, tags=["b", "a", "b"]), known=ANNA)
    person = changed.people[ANNA.address]
    assert (person.attributes, person.tags) == ('{"city": "Lyon"}', ("a", "b"))
    assert changed.is_changed == {ANNA.address}


def test_null_clears_and_what_is_left_out_stays() -> None:
    moved = replace(ANNA, time_zone="Europe/Rome", language="fr")
    person = plan(check(first_name=None, time_zone=None), known=moved).people[ANNA.address]
    assert (person.first_name, person.language) == (None, "fr")
    assert person.time_zone == "Europe/Paris", "the one that the number tells"
    assert check().values.first_name is UNSET


def test_who_is_known_can_be_kept_and_still_be_put_on_a_list() -> None:
    kept = plan(check(first_name="Other", lists=["lst_0000000000A"]), known=ANNA, keeps_known=True)
    assert kept.outcomes == [Put(Change.KEPT, 77)]
    assert kept.people[ANNA.address] is ANNA
    assert kept.members == {(10, 77)}


def test_a_refused_statement_leaves_nothing_of_its_entry() -> None:
    stopped = Recorded(MarketingConsent.OPTED_OUT, NOW, scope=SuppressionScope.MARKETING, opted_out_at=NOW)
    refused = plan(check(first_name="Other", consent=YES), known=ANNA, recorded=stopped)
    (fault,) = refused.outcomes
    assert isinstance(fault, Fault)
    assert fault.code == "recipient_opted_out"
    assert (refused.people, refused.said, refused.members, refused.is_changed) == ({}, {}, set(), set())


def test_of_several_statements_of_one_person_the_last_counts() -> None:
    no = ConsentEntry("opted_out", "till")
    said = plan(check(consent=YES), check(consent=no)).said
    assert said[ANNA.address].state is MarketingConsent.OPTED_OUT


def test_nobody_is_added_where_only_a_change_was_meant() -> None:
    assert plan(check(), adds_new=False).outcomes == [ERASED_MEANWHILE]


def test_new_fields_get_the_kind_of_their_values_and_a_shop_has_not_too_many() -> None:
    assert find_new_fields({"city": "x", "vip": True, "since": "2024-01-02", "none": None}, FIELDS) == {
        "vip": AttributeKind.BOOLEAN,
        "since": AttributeKind.DATE,
    }
    full = {f"f{n}": AttributeKind.TEXT for n in range(200)}
    assert isinstance(find_new_fields({"one_more": 1}, full), Fault)
    assert isinstance(find_new_fields({"Not A Name": 1}, {}), Fault)
