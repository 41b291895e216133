"""The cache of shops' endpoints: fresh within two seconds, bounded, and never silent about what it lacks."""

import asyncio
from typing import cast

import asyncpg
import pytest

from gateway.store.database import Database
from gateway.store.webhook_endpoints import update_webhook_endpoint
from gateway.webhooks.directory import EndpointDirectory, find_wanting

from .conftest import PostOffice

pytestmark = pytest.mark.integration


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_change_is_seen_within_two_seconds_and_at_once_when_made_here(office: PostOffice) -> None:
    clock = Clock()
    directory = EndpointDirectory(office.database, monotonic=clock)
    assert not await directory.wants_message_events(office.shop_id)
    endpoint = await office.add_endpoint(events=["message.failed"])
    assert not await directory.wants_message_events(office.shop_id)
    clock.seconds += 2.1
    assert await directory.wants_message_events(office.shop_id)
    await update_webhook_endpoint(
        office.database, office.shop_id, endpoint.id, is_enabled=False, now=office.now()
    )
    directory.forget(office.shop_id)
    assert not await directory.wants_message_events(office.shop_id)


async def test_inbound_endpoints_make_no_message_events(office: PostOffice) -> None:
    await office.add_endpoint(events=["inbound.*"])
    directory = EndpointDirectory(office.database, monotonic=Clock())
    assert not await directory.wants_message_events(office.shop_id)


async def test_enabled_endpoints_that_ask_for_an_event_want_it(office: PostOffice) -> None:
    directory = EndpointDirectory(office.database, monotonic=Clock())
    every, sent, off = [
        await office.add_endpoint(events=[pattern]) for pattern in ("*", "message.sent", "message.*")
    ]
    await update_webhook_endpoint(office.database, office.shop_id, off.id, is_enabled=False, now=office.now())
    webhooks = (await directory.look_up([office.shop_id]))[office.shop_id]
    assert [endpoint.id for endpoint in find_wanting(webhooks, "message.sent")] == [every.id, sent.id]
    assert [endpoint.id for endpoint in find_wanting(webhooks, "message.failed")] == [every.id]


class CountedDatabase:
    """Counts the statements that pass to a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = 0

    async def fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        self.reads += 1
        return await self._database.fetch(name, *arguments)


async def test_one_read_serves_every_shop_that_is_asked_for_in_two_seconds(office: PostOffice) -> None:
    clock, counted = Clock(), CountedDatabase(office.database)
    directory = EndpointDirectory(cast("Database", counted), monotonic=clock)
    shops = [office.shop_id, await office.open_shop("b")]
    for shop_id in shops:
        await directory.wants_message_events(shop_id)
    assert counted.reads == 2
    for _ in range(3):
        clock.seconds += 2.1
        for _ in range(10):
            await asyncio.gather(*(directory.wants_message_events(shop_id) for shop_id in shops))
    assert counted.reads == 5


async def test_the_cache_is_bounded(office: PostOffice) -> None:
    counted = CountedDatabase(office.database)
    directory = EndpointDirectory(cast("Database", counted), monotonic=Clock(), cached_shops=2)
    shops = [office.shop_id, await office.open_shop("b"), await office.open_shop("c")]
    for shop_id in shops:
        await directory.look_up([shop_id])
    await directory.look_up(shops[1:])
    assert counted.reads == 3
    assert set(await directory.look_up(shops)) == set(shops)
    assert counted.reads == 4


async def test_a_shop_that_does_not_exist_has_no_targets(office: PostOffice) -> None:
    directory = EndpointDirectory(office.database, monotonic=Clock())
    assert await directory.look_up([999]) == {}
    assert not await directory.wants_message_events(999)
