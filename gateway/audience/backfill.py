"""People of a database older than their hashes: each gets the hash, a time zone, and what is kept from them.

Runs once after a start and ends by itself; on a database that is up to date it reads one empty index. Of
several nodes the one that decides does it: two would wait for each other's rows in a circle.
"""

import asyncio
from collections.abc import Callable

import structlog

from gateway.domain.people import address_key
from gateway.domain.time_zones import zone_of
from gateway.store.contacts import fill_address_keys, find_contacts_without_key
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable

PEOPLE_AT_ONCE = 1_000
_RETRY_SECONDS = 5.0

log = structlog.get_logger("audience")


async def fill_missing_keys(
    database: Database, *, instance_secret: bytes, decides: Callable[[], bool] = lambda: True
) -> None:
    """Work until nobody is left. Waits while the database is away, and while another node decides."""
    filled = 0
    while True:
        if not decides():
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        try:
            people = await find_contacts_without_key(database, most=PEOPLE_AT_ONCE)
            await fill_address_keys(
                database,
                people,
                [address_key(instance_secret, person.address) for person in people],
                [zone_of(person.address, person.country) for person in people],
            )
        except StoreUnavailable as exc:
            log.warning("audience.backfill_waits", fault=str(exc))
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        filled += len(people)
        if len(people) < PEOPLE_AT_ONCE:
            break
    if filled:
        log.info("audience.backfilled", people=filled)
