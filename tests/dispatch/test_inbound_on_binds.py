"""Texts from handsets through the whole gateway: over two binds, and with a restart between parts."""

import json
from typing import Any

import pytest

from gateway.session.bind import BindPhase
from gateway.simulator.mo import MoRequest
from gateway.simulator.profile import Profile
from gateway.simulator.smsc import Simulator
from tests.e2e.running import Running, connector, run_gateway, until

pytestmark = pytest.mark.integration

ANNA, OURS = "+33639981111", "36180"
LONG = "Bonjour ! " * 40 + "ă😀 merci"


def settings(port: int) -> dict[str, Any]:
    return connector("one", port, binds=2, inbound_addresses=[{"address": OURS, "shop": "demo"}])


async def texts(running: Running) -> list[tuple[Any, ...]]:
    async with running.gateway.ground.database.connection() as connection:
        rows = await connection.raw.fetch("SELECT text, parts, parts_came FROM inbound ORDER BY id")
    return [tuple(row) for row in rows]


def sessions_of(carrier: Simulator) -> set[int]:
    lines = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    return {line["session"] for line in lines if line["event"] == "mo"}


def is_bound_twice(running: Running) -> bool:
    [report] = [each for each in running.gateway.rooms.traffic.dispatcher.report() if each.name == "one"]
    return [bind.state.phase for bind in report.binds] == [BindPhase.BOUND] * 2


async def test_parts_over_two_binds_out_of_order_and_repeated_become_one_text(database: str) -> None:
    async with Simulator(Profile()) as carrier, run_gateway(database, [settings(carrier.port)]) as running:
        await until(lambda: is_bound_twice(running))
        outcome = await carrier.deliver_mo(
            MoRequest(sender=ANNA, recipient=OURS, text=LONG, order=(7, 2, 2, 5, 1, 3, 6, 4, 7))
        )
        assert outcome.is_acknowledged, "every part, also those that came before"
        assert await texts(running) == [(LONG, 7, 7)], "stored before the responses left"
        assert len(sessions_of(carrier)) == 2


async def test_parts_before_and_after_a_restart_become_one_text(database: str) -> None:
    async with Simulator(Profile()) as carrier:
        for order in ((1,), (2, 1)):
            async with run_gateway(database, [settings(carrier.port)]) as running:
                part = MoRequest(sender=ANNA, recipient=OURS, text="x" * 200, order=order, reference=9)
                assert (await carrier.deliver_mo(part)).is_acknowledged
                found = await texts(running)
        assert found == [("x" * 200, 2, 2)]
