"""The person behind an unsubscribe link: how they stand, out they go, and back within the hour.

Owns what the page may do. A link's row names shop, contact and message for good; whose number that is comes
from the contact, or from the message where the contact is gone. The rows are `store.optouts`' affair.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from gateway.domain.identifiers import IdSource
from gateway.domain.people import OptoutWay, SuppressionScope, address_key
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import Ending
from gateway.store.links import TEST_CAMPAIGN, Link
from gateway.store.optout_events import OptoutTeller
from gateway.store.optouts import (
    Restoration,
    Withdrawal,
    find_waiting_of_people,
    restore_people,
    withdraw_people,
)
from gateway.store.rollups import Tallies
from gateway.store.shops import find_shop

log = structlog.get_logger("links")

UNDO_WITHIN: Final = timedelta(hours=1)
"""How long the page itself takes back what it did; later the person asks the shop, or writes START."""
_DETAIL: Final = "link"
_PAGE_SOURCE: Final = f"{OptoutWay.PAGE.word}:"


@dataclass(frozen=True, slots=True)
class OptoutStanding:
    """What the page shows. `address` None: the shop no longer keeps the number that the link was sent to."""

    shop_name: str
    address: str | None
    is_out: bool
    may_undo: bool


@dataclass(frozen=True, slots=True)
class _Person:
    address: str
    country: str


@dataclass(frozen=True, slots=True)
class _Standing:
    is_out: bool
    may_undo: bool


class OptoutDesk:
    """Opts people out and back in by their links."""

    def __init__(
        self,
        database: Database,
        *,
        ids: IdSource,
        clock: Callable[[], datetime],
        instance_secret: bytes,
        put_endings: Callable[[Sequence[Ending]], None],
        teller: OptoutTeller,
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._secret = instance_secret
        self._put_endings = put_endings
        self._teller = teller

    async def look_up(self, link: Link) -> OptoutStanding:
        """Raises `StoreUnavailable`."""
        shop = await find_shop(self._database, link.shop_id)
        shop_name = shop.name if shop is not None else ""
        async with self._database.connection() as connection:
            person = await _find_person(connection, link)
            if person is None:
                return OptoutStanding(shop_name, None, is_out=True, may_undo=False)
            standing = await self._read_standing(connection, link, person)
        return OptoutStanding(shop_name, person.address, standing.is_out, standing.may_undo)

    async def withdraw(self, link: Link, *, address: str | None, agent: str) -> None:
        """No more marketing of the link's shop for its person, and what waits of it ends; a second time
        changes nothing. The visitor's address and agent are kept as proof. Raises `StoreUnavailable`."""
        now = self._clock()
        async with self._database.transaction() as connection:
            person = await _find_person(connection, link)
            if person is None:
                return
            tallies = Tallies()
            withdrawn = await withdraw_people(
                connection,
                [self._make_withdrawal(link, person, now, address=address, agent=agent)],
                ids=self._ids,
                now=now,
                instance_secret=self._secret,
                tallies=tallies,
            )
            await self._teller.write(connection, now=now, withdrawn=withdrawn)
            await tallies.write(connection)
        log.info("optout.by_page", shop_id=link.shop_id, campaign_id=link.campaign_id)
        await self._end_waiting(link, person, now)

    async def undo(self, link: Link) -> bool:
        """Takes back what the page did within the last hour, and nothing else; whether it did. What had
        ended stays ended. Raises `StoreUnavailable`."""
        now = self._clock()
        async with self._database.transaction() as connection:
            person = await _find_person(connection, link)
            if person is None or not (await self._read_standing(connection, link, person)).may_undo:
                return False
            restored = await restore_people(
                connection,
                [Restoration(link.shop_id, person.address, OptoutWay.PAGE, "undo", said_at=now, is_own=True)],
                ids=self._ids,
                now=now,
                instance_secret=self._secret,
            )
            await self._teller.write(connection, now=now, restored=restored)
        return bool(restored)

    def _make_withdrawal(
        self, link: Link, person: _Person, now: datetime, *, address: str | None, agent: str
    ) -> Withdrawal:
        evidence: dict[str, object] = {
            "address": address,
            "agent": agent,
            "message": encode_public_id("msg", link.message_id),
        }
        if link.campaign_id != TEST_CAMPAIGN:
            evidence["campaign"] = encode_public_id("cmp", link.campaign_id)
        return Withdrawal(
            link.shop_id,
            person.address,
            OptoutWay.PAGE,
            _DETAIL,
            said_at=now,
            campaign_id=link.campaign_id,
            evidence=msgspec.json.encode(evidence).decode(),
            country=person.country,
        )

    async def _end_waiting(self, link: Link, person: _Person, now: datetime) -> None:
        """The opt-out stands already; what this misses, the intent stops."""
        try:
            people = [(link.shop_id, person.address, SuppressionScope.MARKETING)]
            endings = await find_waiting_of_people(self._database, people, now)
        except StoreUnavailable as exc:
            log.warning("optout.waiting_not_read", fault=str(exc))
            return
        if endings:
            self._put_endings(endings)

    async def _read_standing(self, connection: Connection, link: Link, person: _Person) -> _Standing:
        key = address_key(self._secret, person.address)
        rows = await connection.fetch("find_standing_of_person", link.shop_id, link.slot, key)
        since = [
            row["created_at"]
            for row in rows
            if row["scope"] == SuppressionScope.MARKETING and row["source"].startswith(_PAGE_SOURCE)
        ]
        may_undo = bool(since) and self._clock() - since[0] < UNDO_WITHIN
        return _Standing(is_out=bool(rows), may_undo=may_undo)


async def _find_person(connection: Connection, link: Link) -> _Person | None:
    row = await connection.fetch_row("find_contact_of_link", link.shop_id, link.slot, link.contact_id)
    if row is None:
        row = await connection.fetch_row("find_recipient_of_link", link.shop_id, link.slot, link.message_id)
    if row is None or row["address"] is None:
        return None
    return _Person(row["address"], row["country"])
