"""Opting out and back in: suppression, contact, consent and the count of it, in the caller's transaction.

The one owner of these rows' agreement; a STOP, the unsubscribe page, a person at the shop and the API all
come here. Idempotent: who is out already is not out a second time. Ends no message: whoever withdraws ends
what waits next (`find_waiting_of_people`), and the intent looks once more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from gateway.domain.identifiers import IdSource, first_id_at, slot_of_address
from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, Reason
from gateway.domain.people import OWN_WAYS, MarketingConsent, OptoutWay, SuppressionScope, address_key
from gateway.store.database import Connection, Database
from gateway.store.evidence import Ending
from gateway.store.rollups import Tallies

UNSURE = f"{OptoutWay.TEXT.word}:perhaps"
"""Source of a suppression by a text that was perhaps a STOP; a clear one takes its place."""

_OWN_SOURCES = [f"{way.word}:%" for way in OWN_WAYS]
_WAITS_AT_MOST = timedelta(days=38)
"""30 days to a message's time and 7 of validity: no older message waits."""


class Withdrawal(NamedTuple):
    """A person of a shop who is to get no more marketing, or with scope ALL nothing at all.

    Kept as source `way:detail` (`text:STOP`, `page:link`, `shop:anna`, `api:key …3f2a`). `evidence` is a JSON
    object as text, `campaign_id` the campaign that it answers (0: none known), `country` that of the address,
    used where the person is no contact.
    """

    shop_id: int
    address: str
    way: OptoutWay
    detail: str
    said_at: datetime
    scope: SuppressionScope = SuppressionScope.MARKETING
    campaign_id: int = 0
    evidence: str | None = None
    country: str = ""

    @property
    def source(self) -> str:
        return f"{self.way.word}:{self.detail}"


class Withdrawn(NamedTuple):
    """What a withdrawal changed. `is_first` is False where a text that was perhaps a STOP came before."""

    withdrawal: Withdrawal
    contact_id: int | None
    language: str | None
    country: str
    is_first: bool


class Restoration(NamedTuple):
    """A person who may be messaged again in one scope.

    `consent` None leaves what the person last said before; `is_own` lifts only what the person did, by text
    or page, never what the shop or an operator decided.
    """

    shop_id: int
    address: str
    way: OptoutWay
    detail: str
    said_at: datetime
    scope: SuppressionScope = SuppressionScope.MARKETING
    consent: MarketingConsent | None = None
    is_own: bool = False
    evidence: str | None = None

    @property
    def source(self) -> str:
        return f"{self.way.word}:{self.detail}"


class Restored(NamedTuple):
    """What a restoration changed."""

    restoration: Restoration
    contact_id: int | None
    language: str | None
    consent: MarketingConsent


Change = TypeVar("Change", Withdrawal, Restoration)


class _Wanted(Generic[Change]):
    """Distinct people and scopes of a change as columns, in an order that any two transactions share."""

    def __init__(self, people: Sequence[Change], instance_secret: bytes) -> None:
        self.people: dict[tuple[int, bytes, int], Change] = {}
        """By shop, hash and scope; of several changes for one person the first counts."""
        for person in sorted(people, key=_order_of):
            key = address_key(instance_secret, person.address)
            self.people.setdefault((person.shop_id, key, int(person.scope)), person)
        self.shops = [shop_id for shop_id, _, _ in self.people]
        self.keys = [key for _, key, _ in self.people]
        self.scopes = [scope for _, _, scope in self.people]
        self.addresses = [person.address for person in self.people.values()]
        self.slots = [slot_of_address(address) for address in self.addresses]


async def withdraw_people(
    connection: Connection,
    people: Sequence[Withdrawal],
    *,
    ids: IdSource,
    now: datetime,
    instance_secret: bytes,
    tallies: Tallies,
) -> list[Withdrawn]:
    """Take people out, inside the caller's transaction; those who were out already do not come back.

    The caller writes `tallies` as its last statement. Scope ALL is the operator's decision, not the person's
    word: it adds no consent and counts as no opt-out.
    """
    wanted = _Wanted(people, instance_secret)
    if not wanted.people:
        return []
    rows = await connection.fetch(
        "mark_withdrawn",
        wanted.shops,
        wanted.slots,
        wanted.addresses,
        wanted.scopes,
        SuppressionScope.MARKETING,
        MarketingConsent.OPTED_OUT,
        now,
    )
    contacts = {(row["shop_id"], row["address"]): row for row in rows}
    sources = [person.source for person in wanted.people.values()]
    withdrawn: list[Withdrawn] = []
    for row in await connection.fetch(
        "suppress_people", wanted.shops, wanted.slots, wanted.keys, wanted.scopes, sources, UNSURE, now
    ):
        person = wanted.people[row["shop_id"], row["address_key"], row["scope"]]
        contact = contacts.get((person.shop_id, person.address))
        is_first = row["created_at"] == now
        if contact is None:
            withdrawn.append(Withdrawn(person, None, None, person.country, is_first))
        else:
            withdrawn.append(
                Withdrawn(person, contact["id"], contact["language"], contact["country"], is_first)
            )
    said = [each for each in withdrawn if each.withdrawal.scope is SuppressionScope.MARKETING]
    await _add_consents(
        connection,
        [
            (
                each.withdrawal,
                each.contact_id,
                MarketingConsent.OPTED_OUT,
                each.withdrawal.campaign_id if each.is_first else 0,
            )
            for each in said
        ],
        ids=ids,
        now=now,
        instance_secret=instance_secret,
    )
    _count_optouts(tallies, [each for each in said if each.is_first], now)
    return withdrawn


def _count_optouts(tallies: Tallies, withdrawn: Sequence[Withdrawn], now: datetime) -> None:
    for each in withdrawn:
        person = each.withdrawal
        tallies.add_optout(
            shop_id=person.shop_id,
            campaign_id=person.campaign_id,
            at=now,
            country=each.country,
            way=person.way,
        )


async def restore_people(
    connection: Connection,
    people: Sequence[Restoration],
    *,
    ids: IdSource,
    now: datetime,
    instance_secret: bytes,
) -> list[Restored]:
    """Let people be messaged again, inside the caller's transaction; those who were not out in the scope
    asked for do not come back."""
    wanted = _Wanted(people, instance_secret)
    if not wanted.people:
        return []
    rows = await connection.fetch("touch_contacts", wanted.shops, wanted.slots, wanted.addresses)
    contacts = {(row["shop_id"], row["address"]): row for row in rows}
    are_own = [person.is_own for person in wanted.people.values()]
    lifted = await connection.fetch(
        "lift_suppressions", wanted.shops, wanted.slots, wanted.keys, wanted.scopes, are_own, _OWN_SOURCES
    )
    if not lifted:
        return []
    rows = await connection.fetch(
        "find_consents_before", wanted.shops, wanted.slots, wanted.keys, MarketingConsent.OPTED_OUT
    )
    before = {(row["shop_id"], row["address_key"]): MarketingConsent(row["state"]) for row in rows}
    restored: list[Restored] = []
    for row in lifted:
        person = wanted.people[row["shop_id"], row["address_key"], row["scope"]]
        contact = contacts.get((person.shop_id, person.address))
        held = before.get((row["shop_id"], row["address_key"]), MarketingConsent.UNKNOWN)
        consent = held if person.consent is None else person.consent
        if contact is None:
            restored.append(Restored(person, None, None, consent))
        else:
            restored.append(Restored(person, contact["id"], contact["language"], consent))
    await _mark_restored(connection, restored, now=now, instance_secret=instance_secret)
    await _add_consents(
        connection,
        [(each.restoration, each.contact_id, each.consent, 0) for each in restored if _is_said(each)],
        ids=ids,
        now=now,
        instance_secret=instance_secret,
    )
    return restored


def _is_said(restored: Restored) -> bool:
    """Lifting a suppression of everything says nothing of what the person wants."""
    return restored.restoration.scope is SuppressionScope.MARKETING


async def _mark_restored(
    connection: Connection, restored: Sequence[Restored], *, now: datetime, instance_secret: bytes
) -> None:
    people = [each.restoration for each in restored]
    await connection.execute(
        "mark_restored",
        [person.shop_id for person in people],
        [slot_of_address(person.address) for person in people],
        [person.address for person in people],
        [address_key(instance_secret, person.address) for person in people],
        [int(each.consent) if _is_said(each) else None for each in restored],
        now,
    )


async def find_waiting_of_people(
    connection: Connection | Database, people: Sequence[tuple[int, str, SuppressionScope]], now: datetime
) -> list[Ending]:
    """The endings of what waits for people (shop_id, address, scope): marketing, or with ALL everything.
    Give them to the outcome writer."""
    if not people:
        return []
    rows = await connection.fetch(
        "find_waiting_of_people",
        [shop_id for shop_id, _, _ in people],
        [slot_of_address(address) for _, address, _ in people],
        [address for _, address, _ in people],
        [scope is SuppressionScope.ALL for _, _, scope in people],
        first_id_at(now - _WAITS_AT_MOST),
        Category.MARKETING,
        MessageState.QUEUED,
    )
    return [
        Ending(
            row["shop_id"],
            row["id"],
            row["slot"],
            MessageState.BLOCKED,
            Reason.SUPPRESSED if row["is_all"] else Reason.OPTED_OUT,
        )
        for row in rows
    ]


async def _add_consents(
    connection: Connection,
    said: Sequence[tuple[Withdrawal | Restoration, int | None, MarketingConsent, int]],
    *,
    ids: IdSource,
    now: datetime,
    instance_secret: bytes,
) -> None:
    """Append what people said; the last of each is the campaign that an opt-out is counted for, or 0."""
    if not said:
        return
    slots = [slot_of_address(person.address) for person, *_ in said]
    await connection.execute(
        "add_consents",
        [person.shop_id for person, *_ in said],
        [ids.next_id(slot) for slot in slots],
        slots,
        [contact_id for _, contact_id, _, _ in said],
        [int(state) for _, _, state, _ in said],
        [person.said_at for person, *_ in said],
        [address_key(instance_secret, person.address) for person, *_ in said],
        [person.source for person, *_ in said],
        [person.evidence for person, *_ in said],
        now,
        [campaign_id or None for *_, campaign_id in said],
    )


def _order_of(person: Withdrawal | Restoration) -> tuple[int, int, str, int]:
    """Two transactions take the same people in the same order."""
    return (person.shop_id, slot_of_address(person.address), person.address, person.scope)
