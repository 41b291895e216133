"""`estafette serve --workers 2`: one server to its shops, its operators and its service manager."""

import asyncio
import json
import os
import re
import signal
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from tests.e2e.running import ServerProcess, Shop, configuration, connector, free_port, until

pytestmark = pytest.mark.integration

BINDS = 2
WINDOW = 10
KILLS = 6
PACE_SECONDS = 0.02
"""Between the texts of one sender: all of them are in the carrier's log at the end."""


class Server:
    """A server of two workers, its shop and its carrier."""

    def __init__(
        self,
        process: ServerProcess,
        shop: Shop,
        admin: aiohttp.ClientSession,
        carrier: Simulator,
        metrics_port: int,
    ) -> None:
        self.process = process
        self.shop = shop
        self.carrier = carrier
        self.accepted: list[str] = []
        """Texts that were answered 202."""
        self.ids: dict[str, str] = {}
        """Of their messages, by number."""
        self._admin = admin
        self._metrics_port = metrics_port

    def list_pids(self) -> dict[int, int]:
        """The processes of the workers, by number, as the log told them last."""
        lines = [line for line in self.process.log.splitlines() if "worker.started" in line]
        return {_read_field(line, "worker"): _read_field(line, "pid") for line in lines}

    async def ask(self, path: str) -> dict[str, Any]:
        """What the admin API answers; a command would cost the start of a process each time."""
        async with self._admin.get(path) as response:
            assert response.status == 200, await response.text()
            return dict(await response.json())

    async def trace(self, seconds: int) -> list[dict[str, Any]]:
        """What passes on the binds of the connector meanwhile."""
        path = f"/admin/connectors/one/trace?for_seconds={seconds}"
        async with self._admin.get(path) as response:
            return [json.loads(line) for line in (await response.text()).splitlines()]

    async def read_metrics(self) -> Mapping[tuple[str, str], float]:
        """Values of figures without other labels, by name and worker."""
        url = f"http://127.0.0.1:{self._metrics_port}/metrics"
        async with self.shop.session.get(url) as response:
            text = await response.text()
        return {
            (sample.name, sample.labels["worker"]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.labels.keys() == {"worker"}
        }

    async def send(self, number: int) -> None:
        """Send one text over a connection of its own, so that any worker may take it in."""
        body = {"to": f"+33612{number:06}", "text": f"text {number}"}
        with suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(5):
                status, answer = await self.shop.call("POST", "/v1/messages", body, Connection="close")
            if status == 202:
                self.accepted.append(body["text"])
                self.ids[body["to"]] = answer["id"]

    async def send_until(self, stop: asyncio.Event, first: int) -> None:
        number = first
        while not stop.is_set():
            await self.send(number)
            number += 1
            await asyncio.sleep(PACE_SECONDS)

    def taken(self) -> Counter[str]:
        """How often the carrier took each text."""
        lines = [json.loads(line) for line in self.carrier.read_log(0, most=50_000)]
        submits = [line for line in lines if line["event"] == "submit" and line["command_status"] == 0]
        return Counter(bytes.fromhex(line["short_message"]).decode() for line in submits)

    async def until_settled(self) -> dict[str, Any]:
        """The ledger once nothing waits or is on its way; it balances."""
        async with asyncio.timeout(40):
            while True:
                ledger = await self.ask("/admin/ledger")
                if not ledger["messages_by_state"].keys() & {"queued", "sending", "sent"}:
                    return ledger
                await asyncio.sleep(0.2)

    async def until_shared(self) -> None:
        """Until each worker has a bind that is up, and half of the queue."""
        async with asyncio.timeout(20):
            while True:
                nodes = (await self.ask("/admin/nodes"))["nodes"]
                alive = [node for node in nodes if node["state"] == "alive"]
                held = [(sum(bind["is_up"] for bind in node["binds"]), node["shards"]) for node in alive]
                if held == [(1, 8), (1, 8)]:
                    return
                await asyncio.sleep(0.1)


def _read_field(line: str, name: str) -> int:
    found = re.search(rf"\b{name}=(\d+)", line)
    assert found is not None, line
    return int(found[1])


@asynccontextmanager
async def run_server(dsn: str) -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory(prefix="workers-") as name:
        folder, metrics_port = Path(name), free_port()
        unix = aiohttp.UnixConnector(str(folder / "state" / "admin.sock"))
        async with (
            Simulator(load_profile("default")) as carrier,
            aiohttp.ClientSession() as session,
            aiohttp.ClientSession("http://server", connector=unix) as admin,
        ):
            carriers = [connector("one", carrier.port, binds=BINDS, window=WINDOW)]
            config = configuration(
                dsn, folder, carriers, metrics={"port": metrics_port}, test_mode={"simulator": False}
            )
            config["node"]["workers"] = 2
            process = ServerProcess(folder, config)
            try:
                await process.start()
                await _post(admin, "/admin/shops", {"name": "boutique", "country": "FR"})
                key = await _post(admin, "/admin/keys", {"shop": "boutique", "label": "", "mode": "live"})
                shop = Shop(session, f"http://127.0.0.1:{process.port}", key["key"], test="")
                yield Server(process, shop, admin, carrier, metrics_port)
            finally:
                await process.aclose()


async def _post(admin: aiohttp.ClientSession, path: str, body: dict[str, object]) -> dict[str, Any]:
    async with admin.post(path, json=body) as response:
        assert response.status in (200, 201), await response.text()
        return dict(await response.json())


async def test_two_workers_are_one_server_and_a_killed_one_comes_back(database: str) -> None:
    async with run_server(database) as server:
        await server.until_shared()
        tracing = asyncio.create_task(server.trace(3))
        await until(lambda: server.process.log.count("trace.started") == 2)
        await asyncio.gather(*(server.send(number) for number in range(40)))
        ledger = await server.until_settled()
        assert (ledger["balanced"], ledger["messages_by_state"]) == (True, {"delivered": 40})
        assert sorted(server.taken()) == sorted(server.accepted)

        # One text of monitoring has the figures of both: each sent over its own bind.
        values = await server.read_metrics()
        assert [values["estafette_worker_up", number] for number in "12"] == [1, 1]
        assert [values["estafette_lease_held", number] for number in "12"] == [1, 1]
        submits = [line for line in await tracing if line["command"] == "submit_sm"]
        assert {line["bind"] for line in submits} == {1, 2}
        assert len(submits) == 40

        # PDUs of a message are found whichever worker sent it.
        for number in {line["bind"]: line["summary"].rpartition(" ")[2] for line in submits}.values():
            trace = await server.ask(f"/admin/messages/{server.ids[f'+{number}']}/trace")
            assert [pdu["command"] for pdu in trace["pdus"]][:2] == ["submit_sm", "submit_sm_resp"]
            assert len(trace["pdus"]) == 4

        # A worker that is killed is started again as the same node, at once.
        before = server.list_pids()
        nodes = {node["node"] for node in (await server.ask("/admin/nodes"))["nodes"]}
        os.kill(before[2], signal.SIGKILL)
        await until(lambda: server.process.count_starts() == 3)
        assert server.list_pids()[1] == before[1]
        assert {node["node"] for node in (await server.ask("/admin/nodes"))["nodes"]} == nodes
        assert (await server.read_metrics())["estafette_worker_up", "2"] == 1

        server.process.signal(signal.SIGHUP)
        await until(lambda: server.process.log.count("config.reloaded") == 2)
        server.process.signal(signal.SIGTERM)
        assert await server.process.wait() == 0
        assert server.carrier.stats.sessions == 0
        assert "Traceback" not in server.process.log
        assert "stop.unfinished" not in server.process.log


async def test_workers_stop_when_the_process_that_started_them_is_killed(database: str) -> None:
    async with run_server(database) as server:
        pids = server.list_pids()
        server.process.signal(signal.SIGKILL)
        await until(lambda: server.process.log.count("node.stopped") == 2)
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids.values()))
        # What they held is free at once: the same folder starts again.
        await server.process.start()


@pytest.mark.parametrize("door", ["http", "metrics"])  # bound by the supervisor, and by worker 1
async def test_a_taken_address_ends_the_start_in_one_sentence(database: str, door: str) -> None:
    with tempfile.TemporaryDirectory(prefix="workers-") as name, socket.socket() as taken:
        config = configuration(database, Path(name), [connector("one", 1)])
        config["node"]["workers"] = 2
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config[door] = {"port": port}
        process = ServerProcess(Path(name), config)
        with pytest.raises(AssertionError, match=f"port {port} .* is in use"):
            await process.start()
        assert await process.wait() == 1
        assert "Traceback" not in process.log


@pytest.mark.slow
async def test_a_worker_killed_under_load_loses_nothing_and_doubles_nothing(database: str) -> None:
    async with run_server(database) as server:
        await server.until_shared()
        stop = asyncio.Event()
        load = [asyncio.create_task(server.send_until(stop, 100_000 * n)) for n in range(4)]
        for kill in range(KILLS):
            await asyncio.sleep(2.0)
            starts = server.process.count_starts()
            os.kill(server.list_pids()[1 + kill % 2], signal.SIGKILL)
            await until(lambda starts=starts: server.process.count_starts() == starts + 1)
        stop.set()
        await asyncio.gather(*load)
        ledger = await server.until_settled()
        assert ledger["balanced"], ledger
        taken = server.taken()
        assert len(server.accepted) > 100
        assert max(taken.values()) == 1
        unknown = ledger["messages_by_state"].get("unknown", 0)
        assert unknown <= KILLS * BINDS * 2 * WINDOW
        assert len([text for text in server.accepted if text not in taken]) <= unknown
        assert "Traceback" not in server.process.log
