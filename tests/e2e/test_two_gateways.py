"""Two gateways on one database: what somebody does at one is seen, and done, at the other."""

import asyncio
from typing import Any

import pytest

from gateway.config import AlertsConfig
from gateway.node.gateway import Gateway
from gateway.oncall.book import AlertBook
from gateway.oncall.connector_desk import Terms
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.store.alerts import list_standing_alerts
from tests.e2e.running import DEADLINE_SECONDS, connector, run_another, run_gateway, until

pytestmark = pytest.mark.integration

BOTH_UP = ((1, 1), (1, 1))
"""Binds, up and in all, as each node shows them."""
ALONE: dict[str, Any] = {"test_mode": {"simulator": False}}
"""One connector, without the built-in one."""


def show_connector(gateway: Gateway) -> dict[str, Any]:
    [shown] = [each for each in gateway.rooms.status.list_connectors() if each["name"] == "one"]
    return dict(shown)


def show_frame(gateway: Gateway) -> tuple[object, object]:
    frame = gateway.rooms.status.show_snapshot(None)
    return frame["binds_up"], frame["binds"]


async def test_a_connector_is_shown_and_worked_from_the_node_that_does_not_hold_it(database: str) -> None:
    async with Simulator(load_profile("default")) as carrier:
        connectors = [connector("one", carrier.port)]
        async with (
            run_gateway(database, connectors, **ALONE) as running,
            run_another(running, connectors, **ALONE) as second,
        ):
            first = running.gateway
            holder, other = (first, second) if show_connector(first)["binds"] else (second, first)
            await until(lambda: (show_frame(holder), show_frame(other)) == BOTH_UP)
            assert (show_connector(other)["is_up"], show_connector(other)["binds"]) == (True, [])

            desk, terms = other.rooms.oncall.desk, Terms("uid 0")
            await desk.take_down("one", terms)
            await until(lambda: not any(show_connector(each)["is_up"] for each in (first, second)))
            assert await desk.bring_up("one", terms)
            await until(lambda: (show_frame(first), show_frame(second)) == BOTH_UP)
            other = first if show_connector(second)["binds"] else second
            await other.rooms.oncall.desk.retry("one", terms)


async def test_an_alert_is_told_by_one_and_listed_by_both(database: str) -> None:
    """No carrier listens at the address."""
    connectors = [connector("one", 1)]
    async with (
        run_gateway(database, connectors, waits=False, **ALONE) as running,
        run_another(running, connectors, **ALONE) as second,
    ):
        watches = [gateway.rooms.oncall.watch for gateway in (running.gateway, second)]
        for watch in watches:
            watch.limits = AlertsConfig(bind_down_seconds=0)
        books = [watch.book for watch in watches]
        async with asyncio.timeout(DEADLINE_SECONDS):
            # The bind may be on its way from one to the other, who look every second.
            while [list_subjects(book) for book in books] != [["one bind 1"]] * 2:
                for watch in watches:
                    await watch.look()
                await asyncio.sleep(0.1)
        assert sorted(len(book.own) for book in books) == [0, 1]
        rows = await list_standing_alerts(running.gateway.ground.database)
        assert [(row.kind, row.times_told) for row in rows] == [("bind_down", 1)]


def list_subjects(book: AlertBook) -> list[str]:
    return [entry.alert.subject for entry in book.standing]
