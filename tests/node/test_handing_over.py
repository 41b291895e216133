"""Whole gateways on one database hand a connector over, lose their lease or their database, while messages
flow."""

import asyncio
import contextlib
import json
from collections import Counter
from typing import Any

import pytest

from gateway.dispatch.dispatcher import Dispatcher
from gateway.simulator.profile import Profile, SubmitRules
from gateway.simulator.smsc import Simulator
from gateway.store.errors import LeaseLost
from tests.e2e.running import Running, connector, run_gateway, until
from tests.store.rig import CutProxy

pytestmark = pytest.mark.integration


def lines(carrier: Simulator, event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    return [line for line in found if line["event"] == event]


def taken(carrier: Simulator) -> Counter[str]:
    return Counter(
        bytes.fromhex(line["short_message"]).decode()
        for line in lines(carrier, "submit")
        if line["command_status"] == 0
    )


async def until_taken(carrier: Simulator, messages: int) -> None:
    await until(lambda: len(taken(carrier)) > messages)


async def until_settled(running: Running, messages: int) -> None:
    """Until all are delivered."""
    states: dict[str, int] = {}
    try:
        async with asyncio.timeout(20):
            while states != {"delivered": messages}:
                await asyncio.sleep(0.1)
                states = dict((await running.gateway.read_ledger()).messages_by_state)
    except TimeoutError:
        raise AssertionError(f"of {messages} messages: {states}") from None


async def test_a_connector_goes_to_and_fro_under_load_and_nothing_waits_or_is_doubled(database: str) -> None:
    profile = Profile(submit=SubmitRules(latency_ms=30))
    async with Simulator(profile) as carrier:
        one = connector("one", carrier.port, parts_per_second=300, window=20)
        async with run_gateway(database, [one]) as first:
            await first.shop.send_many([f"text {n}" for n in range(150)])
            await until_taken(carrier, 20)
            async with run_gateway(database, [one]) as second:
                await until(lambda: second.gateway.rooms.traffic.dispatcher.is_up(1))
                await until_taken(carrier, 60)
                await first.shop.send_many([f"text {n}" for n in range(150, 200)])
            await until_settled(first, 200)
            assert set(taken(carrier).values()) == {1}
            assert len(lines(carrier, "bind")) == 3, "at first, then to and fro"
            await first.assert_balanced()


async def test_a_node_without_its_lease_says_so_and_is_gone_at_once(database: str) -> None:
    async with Simulator(Profile(submit=SubmitRules(latency_ms=60_000))) as carrier:
        with contextlib.suppress(LeaseLost):  # told once more on leaving
            async with run_gateway(database, [connector("one", carrier.port)]) as running:
                await running.shop.send_many([f"text {n}" for n in range(20)])
                dispatcher = running.gateway.rooms.traffic.dispatcher
                await until(lambda: dispatcher.in_flight)
                one, built_in = dispatcher.report()
                assert dispatcher.in_flight == dispatcher.submitted_parts == one.in_flight
                assert dispatcher.list_speeds() == {each.connector_id: each.speed for each in (one, built_in)}
                async with running.gateway.ground.database.connection() as connection:
                    await connection.raw.execute("UPDATE node_lease SET epoch = epoch + 1")
                with pytest.raises(LeaseLost):
                    await running.gateway.wait_failed()
                async with asyncio.timeout(10):  # the carrier would answer in a minute
                    await running.gateway.aclose()
                assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("bind ")]


async def test_binds_are_given_up_although_intents_wait_for_the_database(database: str) -> None:
    async with CutProxy(database) as proxy, Simulator(Profile()) as carrier:
        one = connector("one", carrier.port, parts_per_second=50)
        async with run_gateway(proxy.dsn, [one]) as running:
            await running.shop.send_many([f"text {n}" for n in range(100)])
            await until(lambda: len(taken(carrier)) > 20)
            proxy.is_closed = True
            proxy.cut()
            rooms = running.gateway.rooms
            await until(lambda: rooms.traffic.intents.is_away)
            running.gateway.ground.node._deadline = 0.0  # as if it had been away for long
            await until(lambda: not rooms.traffic.dispatcher.report())
            proxy.is_closed = False
            await running.until_bound()
            await until_settled(running, 100)
            assert set(taken(carrier).values()) == {1}
            await running.assert_balanced()


async def test_binds_that_are_given_up_one_by_one_leave_no_connector_behind(database: str) -> None:
    async with Simulator(Profile()) as carrier:
        one = connector("one", carrier.port, binds=2)
        async with run_gateway(database, [one], test_mode={"simulator": False}) as running:
            dispatcher = running.gateway.rooms.traffic.dispatcher
            await asyncio.gather(*(dispatcher.give_up_binds(1, (n,), drain_seconds=1.0) for n in (1, 2)))
            assert dispatcher.report() == []


async def test_a_fault_in_a_step_of_the_stop_leaves_nothing_open(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise RuntimeError("as a test wanted it")

    async with Simulator(Profile()) as carrier:
        monkeypatch.setattr(Dispatcher, "cut", fail)
        with contextlib.suppress(LeaseLost):  # told once more on leaving
            async with run_gateway(database, [connector("one", carrier.port)]) as running:
                gateway = running.gateway
                async with gateway.ground.database.connection() as connection:
                    await connection.raw.execute("UPDATE node_lease SET epoch = epoch + 1")
                with pytest.raises(LeaseLost):
                    await gateway.wait_failed()
                with pytest.raises(RuntimeError):
                    await gateway.aclose()
                monkeypatch.undo()
                with pytest.raises(OSError, match="refused"):
                    await asyncio.open_connection("127.0.0.1", gateway.http_port)
