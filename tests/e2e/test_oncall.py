"""Whoever is on call, on a running server: a connector taken down and slowed, alerts told, figures read."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks import Webhook

from gateway.simulator.profile import Profile
from gateway.simulator.smsc import Simulator
from tests.e2e.running import Configuration, Running, connector, free_port, run_gateway, until

pytestmark = pytest.mark.integration

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


async def ask(running: Running, method: str, path: str, body: object = None) -> tuple[int, Any]:
    unix = aiohttp.UnixConnector(str(running.gateway.admin_socket))
    async with (
        aiohttp.ClientSession(connector=unix) as session,
        session.request(method, f"http://admin{path}", json=body) as answer,
    ):
        text = await answer.text()
        return answer.status, json.loads(text) if "json" in answer.content_type else text


async def show(running: Running, name: str) -> dict[str, Any]:
    _, answer = await ask(running, "GET", "/admin/connectors")
    return next(each for each in answer["connectors"] if each["name"] == name)


@asynccontextmanager
async def receive_posts() -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A receiver of webhooks on a loopback port: its address, and what it was sent."""
    posts: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        posts.append((dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/alerts", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/alerts", posts
    finally:
        await runner.cleanup()


async def test_a_connector_taken_down_unbinds_in_order_its_messages_wait_and_it_comes_back(
    database: str,
) -> None:
    async with Simulator(Profile()) as carrier:
        async with run_gateway(database, [connector("one", carrier.port)]) as running:
            status, answer = await ask(
                running, "POST", "/admin/connectors/one/down", {"for_seconds": 3600, "reason": "line test"}
            )
            assert (status, answer["overrides"][0]["reason"]) == (200, "line test")
            await until(lambda: not binds_of(running, "one"))
            shown = await show(running, "one")
            assert shown["is_up"] is False
            assert shown["limited_by"].startswith("taken down by uid ")
            message_id = await running.shop.send()
            await asyncio.sleep(0.2)
            assert (await running.shop.show(message_id))["state"] == "queued"
            _, state = await ask(running, "GET", "/admin/status")
            assert any("line test" in limit for limit in state["limits"])
            assert not state["alerts"], "who took it down knows"
            await running.gateway.apply(running.gateway.rooms.config)
            assert not (await show(running, "one"))["is_up"], "a reload does not undo it"
            assert (await ask(running, "POST", "/admin/connectors/one/up", {}))[1]["changed"] is True
            await running.shop.until(message_id, "delivered")
            await running.assert_balanced()
        first = next(line for line in log_of(carrier) if line["event"] == "close")
        assert first["reason"] == "peer_unbound"


def log_of(carrier: Simulator) -> list[dict[str, Any]]:
    return [json.loads(line) for line in carrier.read_log(0, most=10_000)]


def binds_of(running: Running, name: str) -> object:
    shown = running.gateway.rooms.status.list_connectors()
    return next(each["binds"] for each in shown if each["name"] == name)


async def test_speed_and_window_change_on_the_binds_that_are_up_and_survive_a_restart(database: str) -> None:
    async with Simulator(Profile()) as carrier:
        one = connector("one", carrier.port)
        async with run_gateway(database, [one]) as running:
            body = {"parts_per_second": 7, "window": 3, "reason": "evening"}
            assert (await ask(running, "PATCH", "/admin/connectors/one", body))[0] == 200
            for bad in ({"window": 0}, {"speed": 1}, {}, {"window": 3, "for_seconds": 1}):
                assert (await ask(running, "PATCH", "/admin/connectors/one", bad))[0] == 422, bad
            assert (await ask(running, "PATCH", "/admin/connectors/two", body))[0] == 404
        async with run_gateway(database, [one]) as running:
            shown = await show(running, "one")
            assert (shown["parts_per_second_limit"], shown["binds"][0]["window"]) == (7, 3)
            assert shown["configured"] == {"parts_per_second": 500, "window": 10}, "as the file says"
            before = [line["event"] for line in log_of(carrier)].count("bind")
            await ask(running, "PATCH", "/admin/connectors/one", {"parts_per_second": None, "window": None})
            await until(lambda: running.gateway.rooms.traffic.dispatcher.report()[0].speed_limit == 500)
            assert [line["event"] for line in log_of(carrier)].count("bind") == before


async def test_an_alert_is_told_by_command_and_by_a_signed_webhook_and_its_end_as_well(
    database: str, tmp_path: Path
) -> None:
    copy = tmp_path / "told"
    program = f"import sys; open({str(copy)!r}, 'ab').write(sys.stdin.buffer.read())"
    async with receive_posts() as (url, posts):
        alerts: Configuration = {
            "command": [sys.executable, "-S", "-c", program],
            "webhook_url": url,
            "webhook_secret": SECRET,
            "bind_down_seconds": 5,
        }
        dead = connector("one", free_port())
        async with run_gateway(database, [dead], waits=False, alerts=alerts) as running:
            watch = running.gateway.rooms.oncall.watch
            _, tried = await ask(running, "POST", "/admin/alerts/test")
            assert [(each["by"], each["told"]) for each in tried["tried"]] == [
                ("command", True),
                ("webhook", True),
            ]
            await until(lambda: watch.book.standing)
            await until(lambda: len(posts) == 2 and copy.read_bytes().count(b"\n") == 2)
            _, listed = await ask(running, "GET", "/admin/alerts")
            assert [alert["kind"] for alert in listed["alerts"]] == ["bind_down"]
            _, frame = await ask(running, "GET", "/admin/snapshot")
            assert frame["alerts"][0]["code"] == "bind_down"
    documents = [json.loads(body) for _, body in posts]
    assert [(each["type"], each["kind"]) for each in documents] == [
        ("alert.test", "test"),
        ("alert.raised", "bind_down"),
    ]
    for headers, body in posts:
        Webhook(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})
    assert [json.loads(line)["id"] for line in copy.read_bytes().splitlines()] == [
        each["id"] for each in documents
    ]


async def test_the_figures_are_on_a_port_of_their_own_and_count_what_was_sent(database: str) -> None:
    async with Simulator(Profile()) as carrier:
        one = connector("one", carrier.port)
        async with run_gateway(database, [one], metrics={"port": free_port()}) as running:
            figures = running.gateway.rooms.oncall.figures
            await figures.look()
            await running.shop.until(await running.shop.send(), "delivered")
            await figures.look()
            async with running.shop.session.get(
                f"http://127.0.0.1:{running.gateway.metrics_port}/metrics"
            ) as answer:
                text = await answer.text()
            assert answer.status == 200
            values = {
                (sample.name, *sorted(sample.labels.values())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
            assert values["estafette_messages_total", "delivered", "one", "transactional"] == 1
            assert values["estafette_receipts_total", "delivered", "one"] == 1
            assert values["estafette_bind_up", "1", "one", "transceiver"] == 1
            assert values["estafette_database_up",] == 1
            assert values["process_resident_memory_bytes",] > 0
            assert (await ask(running, "GET", "/admin/metrics"))[1].startswith("# HELP")
            assert (await ask(running, "GET", "/admin/readyz")) == (
                200,
                {"status": "ready", "detail": "messages are taken in", "reasons": []},
            )
