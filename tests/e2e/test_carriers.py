"""Carriers that fail, come back or change in the configuration, and what becomes of the messages."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from e2e.running import connector, run_gateway, until
from gateway.commands.admin_client import AdminClient
from gateway.dispatch import failover
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

pytestmark = pytest.mark.integration

ROUTES = [
    {"name": "only", "match": {"sender": ["ONLYONE"]}, "connectors": [{"name": "one"}]},
    {"name": "all", "connectors": [{"name": "one"}, {"name": "two"}]},
]


async def test_messages_of_a_dead_carrier_go_to_another_past_those_that_may_not(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "DOWN_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(failover, "_BATCH", 10)
    async with Simulator(load_profile("default")) as two:
        one = Simulator(load_profile("default"))
        await one.start()
        connectors = [connector("one", one.port, parts_per_second=1), connector("two", two.port)]
        async with run_gateway(database, connectors, routes=ROUTES) as running:
            stuck = await running.shop.send_many([f"stuck {n}" for n in range(25)], **{"from": "ONLYONE"})
            moves = await running.shop.send("moves")
            await one.aclose()
            message = await running.shop.until(moves, "delivered")
            assert (message["connector"], message["parts"][0]["connector"]) == ("one", "two")
            counts = await running.shop.count_states(stuck)
            assert counts["queued"] >= 20
            assert counts.get("delivered", 0) + counts["queued"] + counts.get("unknown", 0) == 25
            await running.assert_balanced()


async def test_a_new_carrier_joins_and_an_old_one_leaves_without_a_drop_of_the_others(database: str) -> None:
    async with Simulator(load_profile("default")) as one, Simulator(load_profile("default")) as two:
        first, second = connector("one", one.port), connector("two", two.port)
        async with run_gateway(database, [first]) as running:
            await running.reconfigure([first, second])
            assert (one.stats.sessions, two.stats.sessions) == (1, 1)
            assert len(events(one, "bind")) == 1
            await running.reconfigure([first, {**second, "enquire_link_seconds": 20}])
            await until(lambda: len(events(two, "bind")) == 2)
            await running.reconfigure([first])
            await until(lambda: two.stats.sessions == 0)
            assert len(events(one, "bind")) == 1
            await running.shop.until(await running.shop.send(), "delivered")


async def test_what_was_not_sent_in_time_is_expired_and_never_sent(database: str) -> None:
    carrier = Simulator(load_profile("default"))
    await carrier.start()
    async with run_gateway(database, [connector("one", carrier.port)]) as running:
        await carrier.aclose()
        message_id = await running.shop.send(ttl_seconds=30)
        async with running.gateway.ground.database.connection() as connection:
            past = datetime.now(UTC) - timedelta(seconds=1)
            for table in ("message", "queue"):
                await connection.raw.execute(f"UPDATE {table} SET expires_at = $1", past)
        message = await running.shop.until(message_id, "expired")
        assert message["reason"] == "validity_passed"
        assert message["timeline"][-1]["detail"] == "It could not be sent in time."
        assert not message["parts"]
        await running.assert_balanced()


async def test_a_hold_stops_everything_within_a_second_and_a_release_lets_it_go(database: str) -> None:
    async with (
        Simulator(load_profile("default")) as carrier,
        run_gateway(database, [connector("one", carrier.port, parts_per_second=100)]) as running,
    ):
        admin = AdminClient(running.gateway.admin_socket)
        ids = await running.shop.send_many([f"text {n}" for n in range(300)])
        await until(lambda: len(events(carrier, "submit")) > 10)
        await asyncio.to_thread(admin.post, "/admin/hold", {"scope": "all", "reason": "a test"})
        await asyncio.sleep(1)
        held_at = len(events(carrier, "submit"))
        await asyncio.sleep(0.5)
        assert len(events(carrier, "submit")) == held_at < 300
        status = running.gateway.rooms.status.show_status()
        assert any("a test" in limit for limit in cast(list[str], status["limits"]))
        await asyncio.to_thread(admin.post, "/admin/release", {"scope": "all"})
        await asyncio.gather(*(running.shop.until(message_id, "delivered") for message_id in ids))
        assert len(events(carrier, "submit")) == 300
        await running.assert_balanced()


def events(carrier: Simulator, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    return [line for line in lines if line["event"] == name]


async def test_links_lead_to_the_port_that_is_open_until_the_next_start(database: str) -> None:
    async with Simulator(load_profile("default")) as carrier:
        connectors = [connector("one", carrier.port)]
        async with run_gateway(database, connectors) as running:
            before = running.gateway.rooms.config.public.address
            await running.reconfigure(connectors, public={"port": 8999, "misses_per_minute": 77})
            public = running.gateway.rooms.config.public
            assert (public.address, public.misses_per_minute) == (before, 77)
