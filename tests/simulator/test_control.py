"""The control door, over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.simulator import Simulator, load_profile

from .esme import Esme, bound

pytestmark = pytest.mark.integration


@asynccontextmanager
async def controlled() -> AsyncIterator[tuple[Simulator, Esme, aiohttp.ClientSession]]:
    async with (
        Simulator(load_profile("default"), control_port=0) as simulator,
        bound(simulator.port) as esme,
        aiohttp.ClientSession(f"http://127.0.0.1:{simulator.control_port}") as http,
    ):
        yield simulator, esme, http


async def test_an_mo_is_sent_and_its_answer_told() -> None:
    async with controlled() as (_, esme, http):
        body = {"from": "+33639981234", "to": "36180", "text": "x" * 200, "order": [2, 1]}
        async with http.post("/mo", json=body) as response:
            assert (response.status, await response.json()) == (200, {"parts": 2, "statuses": [0, 0]})
        assert len(esme.deliveries) == 2


async def test_commands_are_obeyed() -> None:
    async with controlled() as (simulator, esme, http):
        for path, body, answer in (
            ("/throttle", {"parts_per_second": 5}, {"parts_per_second": 5}),
            ("/stall", {"seconds": 30}, {"stalled_seconds": 30}),
            ("/resume", {}, {"stalled_seconds": 0}),
            ("/drop", {"system_id": "nobody"}, {"dropped": 0}),
            ("/unbind", {}, {"unbinding": 1}),
        ):
            async with http.post(path, json=body) as response:
                assert (response.status, await response.json()) == (200, answer)
        assert simulator.parts_per_second == 5
        await esme.until(lambda: esme.closed is not None)


async def test_counters_and_the_log_are_shown() -> None:
    async with controlled() as (_, esme, http):
        esme.submit(1, b"33600000001")
        await esme.until(lambda: bool(esme.deliveries))
        async with http.get("/stats") as response:
            stats = await response.json()
        assert (stats["submits"], stats["sessions"], stats["parts_per_second"]) == (1, 1, None)
        async with http.get("/log", params={"since": 1}) as response:
            lines = [json.loads(line) async for line in response.content]
        # The receipt is logged again as accepted once its answer is there, which may be a moment later.
        assert [(line["n"], line["event"]) for line in lines][:2] == [(2, "submit"), (3, "receipt")]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/mo", b"{", 400, "not JSON"),
        ("/mo", b'{"from": "1", "to": "2", "txt": "x"}', 400, "txt"),
        ("/mo", b'{"from": "1", "to": "2"}', 400, "text"),
        ("/mo", b'{"from": "1", "to": "2", "text": "x", "system_id": "b"}', 400, "shop"),
        ("/stall", b"{}", 400, "seconds"),
        ("/fly", b"", 404, ""),
    ],
)
async def test_a_faulty_request_is_answered_clearly(path: str, body: bytes, status: int, words: str) -> None:
    async with controlled() as (_, _, http), http.post(path, data=body) as response:
        assert response.status == status
        assert words in await response.text()


async def test_an_mo_without_a_receiver_is_a_conflict() -> None:
    async with controlled() as (_, esme, http):
        await esme.session.unbind(drain_seconds=0)
        async with http.post("/mo", json={"from": "1", "to": "2", "text": "x"}) as response:
            assert response.status == 409
            assert "bind one" in (await response.json())["error"]


async def test_since_must_be_a_number() -> None:
    async with controlled() as (_, _, http), http.get("/log", params={"since": "x"}) as response:
        assert response.status == 400
