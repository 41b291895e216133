"""Dispatch inside the whole gateway, against a carrier that throttles, drops and outlives the database."""

import asyncio
import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from gateway.simulator.profile import Profile, Range, ReceiptRules, SubmitRules
from gateway.simulator.smsc import Simulator
from tests.e2e.running import Running, connector, run_gateway, until
from tests.store.rig import CutProxy

pytestmark = pytest.mark.integration


def lines(carrier: Simulator, event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    return [line for line in found if line["event"] == event]


def taken(carrier: Simulator) -> list[dict[str, Any]]:
    return [line for line in lines(carrier, "submit") if line["command_status"] == 0]


def text_of(line: dict[str, Any]) -> str:
    encoding = "utf-16-be" if line["data_coding"] == 8 else "ascii"
    return bytes.fromhex(line["short_message"]).decode(encoding)


async def settle(running: Running, ids: list[str], **wanted: int) -> None:
    """Wait until these many messages are in these states."""

    async def counted() -> bool:
        report = await running.gateway.read_ledger()
        return all(report.messages_by_state.get(state, 0) == count for state, count in wanted.items())

    async with asyncio.timeout(20):
        while not await counted():  # noqa: ASYNC110  # states of messages have no event
            await asyncio.sleep(0.1)
    assert sum(wanted.values()) == len(ids)


async def test_five_parts_with_an_emoji_at_each_border_join_to_the_same_text(database: str) -> None:
    # 67 UTF-16 units a part: each emoji (two units) would straddle a border of a cut that only counts.
    text = ("a" * 66 + "🎉") * 4 + "fin 👩‍👩‍👧 é"
    async with (
        Simulator(Profile()) as carrier,
        run_gateway(database, [connector("one", carrier.port)]) as running,
    ):
        message_id = await running.shop.send(text)
        message = await running.shop.until(message_id, "delivered")
        parts = sorted(taken(carrier), key=lambda line: line["number"])
        assert [(line["number"], line["total"]) for line in parts] == [(n, 5) for n in range(1, 6)]
        assert len({line["reference"] for line in parts}) == 1
        assert len({line["session"] for line in parts}) == 1
        assert "".join(text_of(line) for line in parts) == text
        assert b"".join(bytes.fromhex(line["short_message"]) for line in parts) == text.encode("utf-16-be")
        report = await running.gateway.read_ledger()
        assert report.parts_by_state == {"delivered": 5}
        moments = [datetime.fromisoformat(entry["at"]) for entry in message["timeline"]]
        assert (max(moments) - min(moments)).total_seconds() < 1.0
        await running.assert_balanced()


async def test_a_throttling_carrier_gets_everything_once_and_in_order(database: str) -> None:
    profile = Profile(submit=SubmitRules(parts_per_second=30))
    async with (
        Simulator(profile) as carrier,
        run_gateway(database, [connector("one", carrier.port, parts_per_second=600, window=5)]) as running,
    ):
        ids = await running.shop.send_many([f"text {n}" for n in range(60)])
        await settle(running, ids, delivered=60)
        refused = [line for line in lines(carrier, "submit") if line["command_status"] == 0x58]
        assert refused, "the carrier did throttle"
        order = [text_of(line) for line in taken(carrier)]
        assert len(order) == len(set(order)) == 60
        async with running.gateway.ground.database.connection() as connection:
            rows = await connection.raw.fetch("SELECT text FROM message ORDER BY id")
        wanted = [row["text"] for row in rows]
        misplaced = [abs(order.index(text) - place) for place, text in enumerate(wanted)]
        assert max(misplaced) <= 10, "no further out of order than two windows"
        await running.assert_balanced()


async def test_a_carrier_that_drops_the_line_gets_nothing_twice(database: str) -> None:
    profile = Profile(submit=SubmitRules(latency_ms=Range(least=5, most=40)))
    async with (
        Simulator(profile) as carrier,
        run_gateway(
            database,
            [
                connector(
                    "one", carrier.port, parts_per_second=400, window=10, binds=2, bind_timeout_seconds=2
                )
            ],
        ) as running,
    ):
        ids = await running.shop.send_many([f"text {n}" for n in range(300)])
        for _ in range(2):
            await until(lambda: taken(carrier))
            await asyncio.sleep(0.15)
            carrier.drop()
        await until(lambda: running.gateway.rooms.traffic.dispatcher.report()[0].is_up)

        async def open_messages() -> int:
            by_state = (await running.gateway.read_ledger()).messages_by_state
            return sum(by_state.get(state, 0) for state in ("queued", "sending", "scheduled", "sent"))

        async with asyncio.timeout(20):
            while await open_messages():  # noqa: ASYNC110  # states of messages have no event
                await asyncio.sleep(0.2)
        by_text = Counter(text_of(line) for line in taken(carrier))
        assert max(by_text.values()) == 1
        states = await running.shop.count_states(ids)
        assert set(states) <= {"delivered", "unknown"}
        assert states.get("unknown", 0) <= 2 * 2 * 10, "no more than the windows of the lost binds"
        await running.assert_balanced()


async def test_receipts_are_refused_for_now_while_the_database_is_away_and_none_is_lost(
    database: str,
) -> None:
    profile = Profile(receipts=ReceiptRules(delay_seconds=0.6, retry_seconds=0.3))
    async with CutProxy(database) as proxy, Simulator(profile) as carrier:  # noqa: SIM117  # needs the proxy's port
        async with run_gateway(proxy.dsn, [connector("one", carrier.port)]) as running:
            ids = await running.shop.send_many([f"text {n}" for n in range(40)])
            await until(lambda: len(taken(carrier)) == 40)
            await asyncio.sleep(0.2)
            proxy.is_closed = True
            proxy.cut()
            await until(lambda: any(line["attempt"] > 2 for line in lines(carrier, "receipt")))
            status, problem = await running.shop.call("POST", "/v1/messages", {"to": "+33612", "text": "x"})
            assert status == 503, problem
            proxy.is_closed = False
            await until(lambda: not running.gateway.ground.database.availability.is_away)
            await settle(running, ids, delivered=40)
            assert len(taken(carrier)) == 40
            assert carrier.stats.sessions == 1
            await running.assert_balanced()


async def test_a_reload_changes_speed_and_window_without_a_drop_and_timeouts_with_one(database: str) -> None:
    async with Simulator(Profile()) as carrier:
        first = connector("one", carrier.port)
        async with run_gateway(database, [first]) as running:
            await running.reconfigure([{**first, "parts_per_second": 77}])
            [report] = [
                each for each in running.gateway.rooms.traffic.dispatcher.report() if each.name == "one"
            ]
            assert report.speed_limit == 77
            assert len(lines(carrier, "bind")) == 1
            await running.reconfigure([{**first, "parts_per_second": 77, "window": 3}])
            [report] = [
                each for each in running.gateway.rooms.traffic.dispatcher.report() if each.name == "one"
            ]
            assert [bind.window for bind in report.binds] == [3]
            assert len(lines(carrier, "bind")) == 1
            await running.reconfigure([{**first, "window": 3, "response_timeout_seconds": 33}])
            assert len(lines(carrier, "bind")) == 2
            await running.shop.until(await running.shop.send(), "delivered")


async def test_a_stop_leaves_nothing_in_sending(database: str) -> None:
    profile = Profile(submit=SubmitRules(latency_ms=150))
    async with Simulator(profile) as carrier:
        one = connector("one", carrier.port, parts_per_second=200, window=20)
        async with run_gateway(database, [one]) as running:
            await running.shop.send_many([f"text {n}" for n in range(200)])
            await until(lambda: len(taken(carrier)) > 40)
        async with CutProxy(database) as proxy, run_gateway(proxy.dsn, [], waits=False, routes=[]) as after:
            states = (await after.gateway.read_ledger()).messages_by_state
            assert not states.keys() & {"sending", "unknown"}
            assert states["queued"] > 0
            await after.assert_balanced()
        by_text = Counter(text_of(line) for line in taken(carrier))
        assert max(by_text.values()) == 1
