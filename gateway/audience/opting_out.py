"""Opt-outs that people at a shop, or its program, add and lift; and who is on that list.

Owns what lifting gives back. What a withdrawal writes is `store.optouts`' matter; STOP and the unsubscribe
page come there by their own ways.
"""

from collections.abc import Callable
from datetime import datetime

from gateway.audience.writing import By
from gateway.domain.identifiers import IdSource
from gateway.domain.people import OWN_WAYS, MarketingConsent, SuppressionScope
from gateway.domain.phone import Number
from gateway.store.database import Database
from gateway.store.evidence import Ending
from gateway.store.optout_events import OptoutTeller
from gateway.store.optouts import (
    Restoration,
    Withdrawal,
    find_waiting_of_people,
    restore_people,
    withdraw_people,
)
from gateway.store.rollups import Tallies
from gateway.store.suppressions import Suppression, list_suppressions_of_person


class OptOuts:
    """Opt-outs of every shop. `put_ending` hands the end of a waiting message to the outcome writer."""

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

    async def find(self, shop_id: int, address: str) -> list[Suppression]:
        """What keeps the person of this number from being messaged."""
        return await list_suppressions_of_person(
            self._database, shop_id, address, instance_secret=self._secret
        )

    async def add(
        self, shop_id: int, number: Number, scope: SuppressionScope, *, by: By, reason: str
    ) -> bool:
        """Keep a person from marketing or from everything; whether this is new. What waits is ended."""
        now = self._clock()
        tallies = Tallies()
        withdrawal = Withdrawal(
            shop_id,
            number.address,
            by.way,
            reason or by.name,
            now,
            scope,
            evidence=by.evidence,
            country=number.country,
        )
        async with self._database.transaction() as connection:
            withdrawn = await withdraw_people(
                connection,
                [withdrawal],
                ids=self._ids,
                now=now,
                instance_secret=self._secret,
                tallies=tallies,
            )
            await self._teller.write(connection, now=now, withdrawn=withdrawn)
            await tallies.write(connection)
        person = (shop_id, number.address, scope)
        for ending in await find_waiting_of_people(self._database, [person], now):
            self._put_ending(ending)
        return bool(withdrawn)

    async def lift(self, shop_id: int, address: str, scope: SuppressionScope, *, by: By, reason: str) -> bool:
        """Let a person be messaged again in one scope; False: nothing of the kind stood.

        Somebody's own opt-out is their word: lifting it leaves consent unknown, so that marketing still needs
        a new opt-in. One that the shop added itself gives back what the person had said before.
        """
        standing = [each for each in await self.find(shop_id, address) if each.scope is scope]
        if not standing:
            return False
        is_own_word = standing[0].source.partition(":")[0] in [way.word for way in OWN_WAYS]
        restoration = Restoration(
            shop_id,
            address,
            by.way,
            reason or by.name,
            self._clock(),
            scope,
            consent=MarketingConsent.UNKNOWN if is_own_word else None,
            evidence=by.evidence,
        )
        async with self._database.transaction() as connection:
            restored = await restore_people(
                connection,
                [restoration],
                ids=self._ids,
                now=restoration.said_at,
                instance_secret=self._secret,
            )
            await self._teller.write(connection, now=restoration.said_at, restored=restored)
        return bool(restored)
