"""Two servers on one database: killed, paused, restarted under load. Nothing is lost, doubled or left behind.

The carrier is our simulator in the test's process: it is never killed, and its log is the witness.
"""

import asyncio
import json
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.store.database import Database
from gateway.store.work_leases import count_leases, look_at_leases
from tests.e2e.running import Configuration, ServerProcess, Shop, configuration, connector
from tests.store.rig import QUERIES

pytestmark = pytest.mark.integration

BINDS = 2
WINDOW = 10
TAKEOVER_SECONDS = 15.0
PAUSE_SECONDS = 13.0
"""Past the end of a lease of 10 s."""


class Pair:
    """Two servers, their carrier, and a shop that calls whichever answers."""

    def __init__(
        self, servers: Sequence[ServerProcess], carrier: Simulator, database: Database, key: str
    ) -> None:
        self.first, self.second = servers
        self.carrier = carrier
        self.database = database
        self.accepted: list[str] = []
        """Texts that were answered 202."""
        self._key = key
        self._serial = 0

    async def send_for(self, session: aiohttp.ClientSession, seconds: float, *, pace: float = 0.01) -> None:
        """Send distinct texts to distinct numbers, to the two in turn; no answer is repeated to the other."""
        shops = [Shop(session, f"http://127.0.0.1:{each.port}", self._key, "") for each in self.servers]
        ends_at = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends_at:
            self._serial += 1
            await self._send(shops[self._serial % 2], f"text {self._serial}")
            await asyncio.sleep(pace)

    async def _send(self, shop: Shop, text: str) -> None:
        body = {"to": f"+33612{self._serial:06}", "text": text}
        try:
            async with asyncio.timeout(2):
                status, _ = await shop.call("POST", "/v1/messages", body)
        except (aiohttp.ClientError, TimeoutError):
            return
        if status == 202:
            self.accepted.append(text)

    @property
    def servers(self) -> tuple[ServerProcess, ServerProcess]:
        return self.first, self.second

    def taken(self) -> Counter[str]:
        """How often the carrier took each text."""
        lines = [json.loads(line) for line in self.carrier.read_log(0, most=50_000)]
        submits = [line for line in lines if line["event"] == "submit" and line["command_status"] == 0]
        return Counter(bytes.fromhex(line["short_message"]).decode() for line in submits)

    async def ask(self, server: ServerProcess, *words: str) -> dict[str, Any]:
        _, output, fault = await server.run_command(*words, "--json")
        assert output, fault + server.log[-3_000:]
        return dict(json.loads(output))

    async def until_shared(self) -> None:
        """Until both are alive and hold a bind that is up."""
        await self._until_held({0: (1, 8, 128), 1: (1, 8, 128)})

    async def until_one_holds_all(self) -> None:
        await self._until_held({1: (BINDS, 16, 256)})

    async def _until_held(self, wanted: dict[int, tuple[int, int, int]]) -> None:
        """Until the living nodes hold so many binds that are up, shards and slots, by the order of their
        starts."""
        held: dict[int, tuple[int, int, int]] = {}
        try:
            async with asyncio.timeout(TAKEOVER_SECONDS):
                while sorted(held.values()) != sorted(wanted.values()):
                    await asyncio.sleep(0.1)
                    counts = await count_leases(self.database)
                    up = Counter(
                        bind.node_no for bind in (await look_at_leases(self.database)).binds if bind.is_up
                    )
                    held = {
                        node_no: (up[node_no], each.shards, each.slots) for node_no, each in counts.items()
                    }
        except TimeoutError:
            raise AssertionError(f"never {wanted}, but {held}") from None

    async def until_settled(self, server: ServerProcess) -> dict[str, Any]:
        """The ledger once nothing waits or is on its way."""
        ledger: dict[str, Any] = {}
        try:
            async with asyncio.timeout(40):
                while True:
                    ledger = await self.ask(server, "ledger")
                    states = ledger["messages_by_state"]
                    if not any(states.get(state) for state in ("queued", "sending", "sent", "scheduled")):
                        return ledger
                    await asyncio.sleep(0.3)
        except TimeoutError:
            raise AssertionError(f"never settled: {ledger}") from None

    async def assert_whole(self, server: ServerProcess, *, most_unknown: int) -> None:
        """Nothing lost, nothing doubled, and no more unknown than was on its way."""
        ledger = await self.until_settled(server)
        taken = self.taken()
        states = ledger["messages_by_state"]
        assert ledger["balanced"], ledger
        assert {text for text, times in taken.items() if times > 1} == set()
        assert states.get("unknown", 0) <= most_unknown
        missing = set(self.accepted) - set(taken)
        assert len(missing) <= states.get("unknown", 0), missing
        assert sum(states.values()) >= len(self.accepted)


def make_config(dsn: str, folder: Path, carrier: Simulator) -> Configuration:
    folder.mkdir()
    one = connector("one", carrier.port, binds=BINDS, window=WINDOW, parts_per_second=200)
    return configuration(dsn, folder, [one], test_mode={"simulator": False})


@asynccontextmanager
async def two_servers(dsn: str) -> AsyncIterator[Pair]:
    with tempfile.TemporaryDirectory(prefix="e2e-") as name:
        async with Simulator(load_profile("default")) as carrier:
            servers = [
                ServerProcess(Path(name) / each, make_config(dsn, Path(name) / each, carrier))
                for each in ("first", "second")
            ]
            try:
                await asyncio.gather(*(server.start() for server in servers))
                status, _, fault = await servers[0].run_command(
                    "shop", "create", "boutique", "--country", "FR"
                )
                assert status == 0, fault
                words = ("key", "create", "--shop", "boutique", "--live", "--json")
                _, output, _ = await servers[0].run_command(*words)
                database = await Database.open(dsn, QUERIES)
                try:
                    pair = Pair(servers, carrier, database, json.loads(output)["key"])
                    await pair.until_shared()
                    yield pair
                finally:
                    await database.aclose()
            finally:
                for server in servers:
                    await server.aclose()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.slow
async def test_a_rolling_restart_loses_doubles_and_forgets_nothing(
    database: str, session: aiohttp.ClientSession
) -> None:
    async with two_servers(database) as pair:
        sending = asyncio.create_task(pair.send_for(session, 60.0))
        for server in pair.servers:
            server.signal(signal.SIGTERM)
            assert await server.wait() == 0
            await server.start()
            await pair.until_shared()
        sending.cancel()
        listed = await pair.ask(pair.first, "nodes")
        assert [node["state"] for node in listed["nodes"]] == ["alive", "alive"]
        await pair.assert_whole(pair.first, most_unknown=0)
        assert len(pair.accepted) > 100


@pytest.mark.slow
async def test_a_killed_node_is_replaced_by_the_other(database: str, session: aiohttp.ClientSession) -> None:
    async with two_servers(database) as pair:
        sending = asyncio.create_task(pair.send_for(session, 60.0))
        await asyncio.sleep(2)
        pair.first.signal(signal.SIGKILL)
        await pair.until_one_holds_all()
        await pair.first.start()
        await pair.until_shared()
        sending.cancel()
        await pair.assert_whole(pair.second, most_unknown=2 * WINDOW)


@pytest.mark.slow
async def test_a_frozen_node_sends_nothing_when_it_wakes_and_ends(
    database: str, session: aiohttp.ClientSession
) -> None:
    async with two_servers(database) as pair:
        sending = asyncio.create_task(pair.send_for(session, 60.0))
        await asyncio.sleep(2)
        pair.first.signal(signal.SIGSTOP)
        await pair.until_one_holds_all()
        await asyncio.sleep(PAUSE_SECONDS)
        pair.first.signal(signal.SIGCONT)
        assert await pair.first.wait() == 1
        assert "lost its lease" in pair.first.log
        assert "Traceback" not in pair.first.log
        await pair.first.start()
        await pair.until_shared()
        sending.cancel()
        await pair.assert_whole(pair.second, most_unknown=2 * WINDOW)


async def test_a_second_start_on_one_state_folder_is_refused(database: str, tmp_path: Path) -> None:
    async with Simulator(load_profile("default")) as carrier:
        config = make_config(database, tmp_path / "one", carrier)
        server = ServerProcess(tmp_path / "one", config)
        try:
            await server.start()
            status, _, words = await server.run_command("serve")
            assert status != 0
            assert "already" in words or "in use" in words, words
            lines = [json.loads(line) for line in carrier.read_log(0, most=1_000)]
            assert sum(line["event"] == "bind" for line in lines) == BINDS
        finally:
            await server.aclose()
