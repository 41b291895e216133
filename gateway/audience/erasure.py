"""Erasing a person: what waits is ended, what names somebody is taken out, what proves stays.

Owns the order: first nothing more can leave, then nothing is known. Suppression stays under its hash, so that
a list imported once more does not bring the person back as somebody new who may be written to.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from gateway.domain.message import Reason
from gateway.domain.people import SuppressionScope
from gateway.store.contact_lists import remove_from_every_list
from gateway.store.contacts import find_contacts_of_addresses
from gateway.store.database import Database
from gateway.store.erasure import Erased, delete_contact, erase_traces
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import Ending
from gateway.store.optouts import find_waiting_of_people

_ENDING_SECONDS = 10.0


class Erasure:
    """Erases people of every shop. `put_ending` hands the end of a waiting message to the outcome writer."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime],
        instance_secret: bytes,
        put_ending: Callable[[Ending], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._secret = instance_secret
        self._put_ending = put_ending

    async def erase(self, shop_id: int, address: str) -> Erased | None:
        """Forget the person of this number at this shop, contact or not; None: nothing here ever named them.

        A message on its way to the carrier this moment still goes; its row is emptied like the others. Raises
        `StoreUnavailable`, and then nothing is erased yet: a repeat goes on.
        """
        await self._end_waiting(shop_id, address)
        async with self._database.transaction() as connection:
            contact = (await find_contacts_of_addresses(connection, shop_id, [address])).get(address)
            if contact is not None:
                await delete_contact(connection, shop_id, contact.id)
            erased = await erase_traces(
                connection,
                shop_id,
                address,
                None if contact is None else contact.id,
                instance_secret=self._secret,
            )
            if contact is not None:
                await remove_from_every_list(connection, shop_id, contact.id, now=self._clock())
        is_known = contact is not None or erased.messages or erased.inbound or erased.consents
        return erased if is_known else None

    async def _end_waiting(self, shop_id: int, address: str) -> None:
        """Block whatever waits for this number, of every category, and see it blocked."""
        loop = asyncio.get_running_loop()
        person = (shop_id, address, SuppressionScope.ALL)
        done: list[asyncio.Future[bool]] = []
        for ending in await find_waiting_of_people(self._database, [person], self._clock()):
            done.append(loop.create_future())
            self._put_ending(ending._replace(reason=Reason.CONTENT_ERASED, done=done[-1]))
        try:
            async with asyncio.timeout(_ENDING_SECONDS):
                await asyncio.gather(*done)
        except TimeoutError as exc:
            raise StoreUnavailable(f"no commit within {_ENDING_SECONDS:.0f} s") from exc
