"""Postgres frozen, killed and restarted under load: what shops are answered, and that nobody has to help."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from e2e.running import Answer, Running, connector, run_gateway, until

from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

from .own_postgres import OwnPostgres, own_postgres

pytestmark = pytest.mark.integration

LOADED_BY = 8
HANGING = 12.0
"""Far above what any answer takes, the verdict about a COMMIT in doubt included; far below the 30 s of a
statement."""


@dataclass
class Load:
    """Shops that send without pause and repeat, with the same key, what was not taken in."""

    running: Running
    accepted: dict[str, str] = field(default_factory=dict)
    """The id of each text that was answered 202."""
    codes: Counter[str] = field(default_factory=Counter)
    """Answers since the last look: `accepted`, or the code of a problem."""

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        stop, numbers = asyncio.Event(), count()
        shops = [asyncio.create_task(self._send_forever(stop, numbers)) for _ in range(LOADED_BY)]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*shops)

    async def _send_forever(self, stop: asyncio.Event, numbers: "count[int]") -> None:
        while not stop.is_set():
            number = next(numbers)
            text = f"message {number}"
            while text not in self.accepted:
                status, answer = await self._post(number, text)
                if status == 202:
                    self.accepted[text] = answer["id"]
                    self.codes["accepted"] += 1
                else:
                    assert status == 503, answer
                    self.codes[answer["code"]] += 1
                    await asyncio.sleep(0.02)

    async def _post(self, number: int, text: str) -> Answer:
        body = {"to": f"+336120{number:05}", "text": text}
        async with asyncio.timeout(HANGING):
            return await self.running.shop.call("POST", "/v1/messages", body, Idempotency_Key=f"key-{number}")

    async def until_answered(self, code: str) -> None:
        self.codes.clear()
        await until(lambda: self.codes[code] > LOADED_BY)

    async def assert_whole(self, carrier: Simulator) -> None:
        """Everything accepted is delivered, once; the ledger balances."""
        states: Counter[str] = Counter()
        for message_id in self.accepted.values():
            states[(await self.running.shop.until(message_id, "delivered"))["state"]] += 1
        assert states == {"delivered": len(self.accepted)}
        assert carrier.stats.taken == len(self.accepted)
        await self.running.assert_balanced()


@dataclass
class Scene:
    """A gateway under load on a Postgres of its own, with a carrier behind it."""

    postgres: OwnPostgres
    running: Running
    carrier: Simulator
    load: Load


@asynccontextmanager
async def scene(open_folder: Path) -> AsyncIterator[Scene]:
    async with (
        own_postgres(open_folder, "outages") as postgres,
        Simulator(load_profile("default")) as carrier,
        run_gateway(
            postgres.dsn,
            [connector("one", carrier.port, parts_per_second=1000)],
            logging={"level": "error", "format": "text"},
        ) as running,
    ):
        yield Scene(postgres, running, carrier, Load(running))


async def test_a_server_that_stands_still_is_noticed_told_and_outlived(open_folder: Path) -> None:
    async with scene(open_folder) as at:
        load, status = at.load, at.running.gateway.rooms.status
        async with load.flowing():
            await load.until_answered("accepted")
            with at.postgres.frozen():
                await load.until_answered("store_unavailable")
                await assert_away_is_told(at.running)
            await load.until_answered("accepted")
        await load.assert_whole(at.carrier)
        assert status.show_status()["database"] == "up"


@pytest.mark.slow
async def test_a_server_that_is_killed_or_restarted_under_load_is_outlived(open_folder: Path) -> None:
    async with scene(open_folder) as at:
        load = at.load
        async with load.flowing():
            for how in (signal.SIGQUIT, signal.SIGKILL, signal.SIGINT):
                await load.until_answered("accepted")
                await at.postgres.kill(how)
                await load.until_answered("store_unavailable")
                await at.postgres.start()
                await load.until_answered("accepted")
        await load.assert_whole(at.carrier)


async def assert_away_is_told(running: Running) -> None:
    """To reads alike, to whoever watches, and to carriers, whose receipts wait."""
    async with asyncio.timeout(HANGING):
        status, problem = await running.shop.call("GET", "/v1/messages")
        assert (status, problem["code"]) == (503, "store_unavailable")
        async with aiohttp.ClientSession() as session, session.get(running.shop.url + "/readyz") as response:
            assert response.status == 503
            assert "the database does not answer" in (await response.json())["detail"]
    rooms = running.gateway.rooms
    assert rooms.traffic.outcomes.is_away
    assert rooms.status.show_status()["database_away_since"] is not None
    assert rooms.status.show_snapshot(None)["database"] == "away"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [15, 60])
async def test_an_outage_longer_than_the_lease_is_outlived(open_folder: Path, seconds: int) -> None:
    async with scene(open_folder) as at:
        epoch = at.running.gateway.ground.node.epoch
        async with at.load.flowing():
            await at.load.until_answered("accepted")
            with at.postgres.frozen():
                await asyncio.sleep(seconds)
                waiting = at.running.gateway.rooms.traffic.outcomes.backlog
                assert waiting < 20_000
            await at.load.until_answered("accepted")
        await at.load.assert_whole(at.carrier)
        assert at.running.gateway.ground.node.epoch == epoch
