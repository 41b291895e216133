"""Adding, changing and finding people of every shop: checks what was said, and writes it step by step.

Owns the size of a step and what happens when somebody else was faster: the step is worked out again from what
is there now. Knows no HTTP.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice

import asyncpg
from msgspec import UnsetType

from gateway.audience.checking import (
    CheckedPerson,
    check_person,
    check_values,
    find_new_fields,
    read_statement,
)
from gateway.audience.merging import ERASED_MEANWHILE, Put, PutPlan
from gateway.audience.requests import Fault, KnownRule, PersonChange, PersonEntry
from gateway.audience.writing import By, PeopleMoved, Step
from gateway.domain.attributes import AttributeKind, AttributeValue
from gateway.domain.identifiers import IdSource
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.domain.phone import Number
from gateway.domain.public_ids import InvalidPublicId, decode_public_id
from gateway.store.consents import ConsentRecord, list_consents
from gateway.store.contact_fields import add_contact_fields, list_contact_fields
from gateway.store.contact_lists import ListGone, get_contact_lists
from gateway.store.contacts import Contact, get_contact
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import Ending
from gateway.store.optout_events import OptoutTeller
from gateway.store.optouts import find_waiting_of_people

PEOPLE_IN_A_STEP = 2_000
"""People written in one transaction, about 0.2 s of it, so that nobody waits long for a row."""
_TRIES = 5
_NO_LIST = Fault("not_found", "$.lists", "There is no such list.", "See GET /v1/lists for the ids.")


class People:
    """The people of every shop. `put_ending` hands the end of a waiting message to the outcome writer."""

    def __init__(
        self,
        database: Database,
        *,
        ids: IdSource,
        clock: Callable[[], datetime],
        instance_secret: bytes,
        put_ending: Callable[[Ending], None],
        teller: OptoutTeller,
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._secret = instance_secret
        self._put_ending = put_ending
        self._teller = teller

    async def put(
        self,
        shop_id: int,
        country: str,
        entries: Sequence[PersonEntry | Fault],
        *,
        by: By,
        source: str,
        on_known: KnownRule = "update",
        new_fields: bool = False,
    ) -> list[Put | Fault]:
        """Add people or bring them up to date; an outcome for each entry, in their order.

        Each entry is stored whole or refused whole. `country` is that of numbers that name none, `source`
        what the rows of new people say. Raises `StoreUnavailable`; the steps of 2,000 entries done by then
        stay done, and a repeat does nothing twice.
        """
        fields = await self._read_fields(shop_id)
        if new_fields:
            fields = await self._add_fields(shop_id, fields, entries)
        lists = await self._find_lists(shop_id, entries)
        checked = [
            _check(entry, country, fields, lists) if isinstance(entry, PersonEntry) else entry
            for entry in entries
        ]
        outcomes: list[Put | Fault] = []
        waiting = iter(checked)
        while step := list(islice(waiting, PEOPLE_IN_A_STEP)):
            outcomes += await self._take(shop_id, step, by, source, keeps_known=on_known == "keep")
        return outcomes

    async def change(
        self, shop_id: int, contact_id: int, change: PersonChange, *, by: By
    ) -> Contact | Fault | None:
        """Change one person; None when the shop has none of this id. Raises `StoreUnavailable`."""
        contact = await get_contact(self._database, shop_id, contact_id)
        if contact is None:
            return None
        fields = await self._read_fields(shop_id)
        if change.new_fields:
            fields = await self._add_fields(shop_id, fields, [change])
        values = check_values(change, fields)
        if isinstance(values, Fault):
            return values
        number = Number(contact.address, contact.country)
        entry = CheckedPerson(number, values, read_statement(change.consent), ())
        (outcome,) = await self._take(shop_id, [entry], by, None, keeps_known=False)
        if isinstance(outcome, Fault):
            return None if outcome == ERASED_MEANWHILE else outcome
        return await get_contact(self._database, shop_id, outcome.contact_id)

    async def list_consents(self, shop_id: int, address: str) -> list[ConsentRecord]:
        """Everything that the person of this number said about marketing, newest first."""
        return await list_consents(self._database, shop_id, address, instance_secret=self._secret)

    async def _read_fields(self, shop_id: int) -> Mapping[str, AttributeKind]:
        return {each.name: each.kind for each in await list_contact_fields(self._database, shop_id)}

    async def _add_fields(
        self,
        shop_id: int,
        fields: Mapping[str, AttributeKind],
        entries: Sequence[PersonEntry | PersonChange | Fault],
    ) -> Mapping[str, AttributeKind]:
        """The shop's fields with those that entries name for the first time; names that no field can have are
        left to the check of each entry."""
        examples: dict[str, AttributeValue] = {}
        for entry in entries:
            if not isinstance(entry, Fault) and not isinstance(entry.attributes, UnsetType):
                for name, value in entry.attributes.items():
                    if value is not None:
                        examples.setdefault(name, value)
        found: dict[str, AttributeKind] = {}
        for name, value in examples.items():
            new = find_new_fields({name: value}, {**fields, **found})
            if not isinstance(new, Fault):
                found |= new
        if not found:
            return fields
        await add_contact_fields(self._database, shop_id, found, self._clock())
        return await self._read_fields(shop_id)

    async def _find_lists(self, shop_id: int, entries: Sequence[PersonEntry | Fault]) -> Collection[int]:
        named = {text for entry in entries if isinstance(entry, PersonEntry) for text in entry.lists}
        ids = set()
        for text in named:
            with suppress(InvalidPublicId):  # told to the entry that says it
                ids.add(decode_public_id("lst", text))
        return (await get_contact_lists(self._database, shop_id, sorted(ids))).keys() if ids else ()

    async def _take(
        self,
        shop_id: int,
        entries: Sequence[CheckedPerson | Fault],
        by: By,
        source: str | None,
        *,
        keeps_known: bool,
    ) -> list[Put | Fault]:
        """One step: everything of it in one transaction, or nothing. Without a `source` nobody is added."""
        for _ in range(_TRIES):
            now = self._clock()
            try:
                async with self._database.transaction() as connection:
                    step = Step(
                        connection,
                        shop_id,
                        ids=self._ids,
                        now=now,
                        secret=self._secret,
                        teller=self._teller,
                    )
                    plan = await step.plan(entries, keeps_known=keeps_known, adds_new=source is not None)
                    await step.write(plan, by=by, source=source or "")
            except (PeopleMoved, asyncpg.DeadlockDetectedError):
                continue
            except ListGone as gone:
                entries = [_without_lists(entry, gone.list_ids) for entry in entries]
                continue
            await self._end_waiting(shop_id, plan, now)
            return plan.outcomes
        raise StoreUnavailable("the same people are being changed by others at this moment")

    async def _end_waiting(self, shop_id: int, plan: PutPlan, now: datetime) -> None:
        """Marketing that waits for people who are out now does not leave."""
        out = [
            (shop_id, address, SuppressionScope.MARKETING)
            for address, said in plan.said.items()
            if said.state is MarketingConsent.OPTED_OUT
        ]
        for ending in await find_waiting_of_people(self._database, out, now):
            self._put_ending(ending)


def _check(
    entry: PersonEntry, country: str, fields: Mapping[str, AttributeKind], lists: Collection[int]
) -> CheckedPerson | Fault:
    checked = check_person(entry, default_country=country, fields=fields)
    if isinstance(checked, CheckedPerson) and not set(checked.list_ids) <= set(lists):
        return _NO_LIST
    return checked


def _without_lists(entry: CheckedPerson | Fault, gone: Collection[int]) -> CheckedPerson | Fault:
    """An entry whose list was deleted this moment is refused like one whose list never was."""
    return _NO_LIST if isinstance(entry, CheckedPerson) and set(entry.list_ids) & set(gone) else entry
