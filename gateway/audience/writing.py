"""One step of an upsert in one transaction: read who is there, work out what changes, write it in order.

Owns the order of locks (contact, suppression, consent, lists, rollups) and the detection of people who were
changed by others meanwhile. Which entries are in order was found out before.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.audience.checking import CheckedPerson
from gateway.audience.merging import PutPlan, plan_puts
from gateway.audience.requests import Fault
from gateway.domain.identifiers import IdSource
from gateway.domain.people import MarketingConsent, OptoutWay, address_key
from gateway.store.consents import NewConsent, append_consents, find_recorded
from gateway.store.contact_lists import add_members
from gateway.store.contacts import (
    Contact,
    find_contacts_of_addresses,
    hold_contacts,
    insert_contacts,
    mark_opted_in,
    update_contacts,
)
from gateway.store.database import Connection
from gateway.store.optout_events import OptoutTeller
from gateway.store.optouts import Restoration, Withdrawal, restore_people, withdraw_people
from gateway.store.rollups import Tallies


@dataclass(frozen=True, slots=True)
class By:
    """Who changes people, as consent rows and sources tell: the way, and a name that outlives a key."""

    way: OptoutWay
    name: str

    @property
    def evidence(self) -> str:
        """The JSON object that stands beside what a person said."""
        return json.dumps({"by": self.name}, ensure_ascii=False)


class PeopleMoved(Exception):
    """Somebody else changed one of the people since they were read: work the step out again."""


class Step:
    """One transaction's worth of entries for one shop."""

    def __init__(
        self,
        connection: Connection,
        shop_id: int,
        *,
        ids: IdSource,
        now: datetime,
        secret: bytes,
        teller: OptoutTeller,
    ) -> None:
        self._connection = connection
        self._shop_id = shop_id
        self._ids = ids
        self._now = now
        self._secret = secret
        self._teller = teller

    async def plan(
        self, entries: Sequence[CheckedPerson | Fault], *, keeps_known: bool, adds_new: bool = True
    ) -> PutPlan:
        """What the entries come to, by the people as they are now. Those who said something are held, so that
        a STOP that comes this moment is either seen here or waits for the end of this transaction."""
        in_order = [entry for entry in entries if isinstance(entry, CheckedPerson)]
        addresses = sorted({entry.number.address for entry in in_order})
        speaking = sorted({entry.number.address for entry in in_order if entry.statement is not None})
        if speaking:
            await hold_contacts(self._connection, self._shop_id, speaking)
        known = await find_contacts_of_addresses(self._connection, self._shop_id, addresses)
        recorded = await find_recorded(
            self._connection, self._shop_id, speaking, instance_secret=self._secret
        )
        return plan_puts(
            self._shop_id,
            entries,
            known=known,
            recorded=recorded,
            keeps_known=keeps_known,
            adds_new=adds_new,
            next_id=self._ids.next_id,
            now=self._now,
        )

    async def write(self, plan: PutPlan, *, by: By, source: str) -> None:
        """Write it. Raises `PeopleMoved`, `ListGone`; the transaction must end with either."""
        await self._write_people(plan, source)
        said_no, said_yes = _split(plan)
        tallies = Tallies()
        restored = await restore_people(
            self._connection,
            [self._restore(plan, address, by) for address in sorted(plan.restored)],
            ids=self._ids,
            now=self._now,
            instance_secret=self._secret,
        )
        withdrawn = await withdraw_people(
            self._connection,
            [self._withdraw(plan, address, by) for address in said_no],
            ids=self._ids,
            now=self._now,
            instance_secret=self._secret,
            tallies=tallies,
        )
        await self._append_opt_ins(plan, said_yes, by)
        await add_members(self._connection, self._shop_id, sorted(plan.members), now=self._now)
        # A restoration gives back what was said before the opt-out; the consent that ends it was just added.
        restored = [each._replace(consent=MarketingConsent.OPTED_IN) for each in restored]
        await self._teller.write(self._connection, now=self._now, withdrawn=withdrawn, restored=restored)
        await tallies.write(self._connection)

    async def _write_people(self, plan: PutPlan, source: str) -> None:
        new = _in_order(plan, plan.is_new)
        if new:
            keys = [address_key(self._secret, contact.address) for contact in new]
            written = await insert_contacts(
                self._connection, self._shop_id, new, keys, source=source, now=self._now
            )
            if len(written) < len(new):
                raise PeopleMoved
        changed = _in_order(plan, plan.is_changed)
        if changed:
            written = await update_contacts(self._connection, self._shop_id, changed, now=self._now)
            if len(written) < len(changed):
                raise PeopleMoved

    async def _append_opt_ins(self, plan: PutPlan, addresses: Sequence[str], by: By) -> None:
        if not addresses:
            return
        consents = [
            NewConsent(
                address,
                plan.people[address].id,
                MarketingConsent.OPTED_IN,
                plan.said[address].said_at or self._now,
                plan.said[address].source,
                plan.said[address].wording,
                by.evidence,
            )
            for address in addresses
        ]
        await append_consents(
            self._connection,
            self._shop_id,
            consents,
            ids=self._ids,
            now=self._now,
            instance_secret=self._secret,
        )
        ids = [each.contact_id for each in consents]
        await mark_opted_in(self._connection, self._shop_id, ids, now=self._now)

    def _restore(self, plan: PutPlan, address: str, by: By) -> Restoration:
        said = plan.said[address]
        said_at = said.said_at or self._now
        return Restoration(self._shop_id, address, by.way, said.source, said_at, evidence=by.evidence)

    def _withdraw(self, plan: PutPlan, address: str, by: By) -> Withdrawal:
        said, country = plan.said[address], plan.people[address].country
        said_at = said.said_at or self._now
        return Withdrawal(
            self._shop_id, address, by.way, said.source, said_at, evidence=by.evidence, country=country
        )


def _split(plan: PutPlan) -> tuple[list[str], list[str]]:
    """The addresses of those who said no, and of those who said yes."""
    said_no = [
        address for address, said in sorted(plan.said.items()) if said.state is MarketingConsent.OPTED_OUT
    ]
    return said_no, sorted(plan.said.keys() - set(said_no))


def _in_order(plan: PutPlan, addresses: set[str]) -> list[Contact]:
    """By slot and address: two steps with the same people never wait for each other in a circle."""
    return sorted((plan.people[address] for address in addresses), key=lambda each: (each.slot, each.address))
