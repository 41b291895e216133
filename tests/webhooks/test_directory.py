"""The cache of shops' endpoints: fresh within two seconds, bounded, and never silent about what it lacks."""

import pytest

from gateway.store.outbox import EVERY_ENDPOINT
from gateway.store.webhook_endpoints import update_webhook_endpoint
from gateway.webhooks.directory import EndpointDirectory

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


async def test_a_writer_that_cannot_wait_is_told_every_endpoint_until_the_shop_is_known(
    office: PostOffice,
) -> None:
    clock = Clock()
    directory = EndpointDirectory(office.database, monotonic=clock)
    endpoint = await office.add_endpoint(events=["message.sent"])
    assert list(directory.endpoints_for(office.shop_id, "message.sent")) == [EVERY_ENDPOINT]
    await directory.look_up([office.shop_id])
    assert list(directory.endpoints_for(office.shop_id, "message.sent")) == [endpoint.id]
    assert list(directory.endpoints_for(office.shop_id, "message.failed")) == []
    clock.seconds += 2.1
    assert list(directory.endpoints_for(office.shop_id, "message.failed")) == [EVERY_ENDPOINT]


async def test_one_read_refreshes_every_shop_that_is_asked_for(office: PostOffice) -> None:
    clock = Clock()
    directory = EndpointDirectory(office.database, monotonic=clock)
    other = await office.open_shop("other")
    await directory.look_up([office.shop_id, other])
    clock.seconds += 2.1
    assert list(directory.endpoints_for(other, "message.sent")) == [EVERY_ENDPOINT]
    await directory.wants_message_events(office.shop_id)
    assert list(directory.endpoints_for(other, "message.sent")) == []


async def test_the_cache_is_bounded(office: PostOffice) -> None:
    directory = EndpointDirectory(office.database, monotonic=Clock(), cached_shops=2)
    shops = [office.shop_id, await office.open_shop("b"), await office.open_shop("c")]
    for shop_id in shops:
        await directory.look_up([shop_id])
    known = [list(directory.endpoints_for(shop_id, "message.sent")) == [] for shop_id in shops]
    assert known == [False, True, True]
    assert set(await directory.look_up(shops)) == set(shops)


async def test_a_shop_that_does_not_exist_has_no_targets(office: PostOffice) -> None:
    directory = EndpointDirectory(office.database, monotonic=Clock())
    assert await directory.look_up([999]) == {}
    assert list(directory.endpoints_for(999, "message.sent")) == []
