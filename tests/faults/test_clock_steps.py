"""The wall clock jumps by an hour: what is due goes by it, and nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest
from e2e.running import Running, connector, run_gateway, until

from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

from .stepping_clock import stepping_clock

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


async def test_a_clock_that_jumps_moves_what_is_due_and_nothing_else(database: str) -> None:
    async with Simulator(load_profile("default")) as carrier:
        with stepping_clock() as clock:
            lines = [connector("one", carrier.port, parts_per_second=1000), connector("down", 1)]
            async with run_gateway(database, lines, waits=False, **by_prefix()) as running:
                await until(lambda: binds_of(running) >= 1)
                binds = carrier.stats.binds
                in_half_an_hour = await running.shop.send("half an hour", send_at=in_minutes(30))
                in_two_hours = await running.shop.send("two hours", send_at=in_minutes(120))
                short_lived = await running.shop.send("short", to="+33699123456", ttl_seconds=1800)

                clock.offset = HOUR
                await running.shop.until(in_half_an_hour, "delivered")
                await running.shop.until(short_lived, "expired")
                await assert_at_work(running)

                clock.offset = -HOUR
                await assert_at_work(running)
                assert (await running.shop.show(in_two_hours))["state"] == "scheduled"

                clock.offset = timedelta()
                await assert_at_work(running)
                assert running.gateway.ground.node.epoch == 1
                assert carrier.stats.binds == binds
                await running.assert_balanced()


def by_prefix() -> dict[str, object]:
    """Some numbers by the connector that is down."""
    return {
        "routes": [
            {"name": "few", "match": {"prefix": ["33699"]}, "connectors": [{"name": "down"}]},
            {"name": "all", "connectors": [{"name": "one"}]},
        ]
    }


def binds_of(running: Running) -> int:
    return sum(bool(each["is_up"]) for each in running.gateway.rooms.status.list_connectors())


async def assert_at_work(running: Running) -> None:
    """Messages pass, the lease holds and is renewed, and the database is not away."""
    node = running.gateway.ground.node
    assert await node.renew()
    assert node.may_submit()
    assert running.gateway.rooms.status.show_status()["database"] == "up"
    for message_id in await running.shop.send_many([f"text {n}" for n in range(20)]):
        await running.shop.until(message_id, "delivered")
