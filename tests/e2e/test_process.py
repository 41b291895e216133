"""`estafette serve` as a process: killed and stopped under load, reloaded, and what its commands say."""

import asyncio
import json
import signal
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.running import ServerProcess, Shop, configuration, connector, free_port, run_gateway, until
from gateway.hosting.errors import AddressTaken
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

pytestmark = pytest.mark.integration

WINDOW = 10


@asynccontextmanager
async def server_and_carrier(dsn: str) -> AsyncIterator[tuple[ServerProcess, Shop, Simulator]]:
    """A server process with a shop of its own, made with the commands that an operator would use."""
    with tempfile.TemporaryDirectory(prefix="e2e-") as name:
        async with Simulator(load_profile("default")) as carrier, aiohttp.ClientSession() as session:
            settings = {"window": WINDOW, "parts_per_second": 400}
            config = configuration(dsn, Path(name), [connector("one", carrier.port, **settings)])
            server = ServerProcess(Path(name), config)
            try:
                await server.start()
                status, _, fault = await server.run_command("shop", "create", "boutique", "--country", "FR")
                assert status == 0, fault
                live = await make_key(server, "--live")
                yield (
                    server,
                    Shop(session, f"http://127.0.0.1:{server.port}", live["key"], test=""),
                    carrier,
                )
            finally:
                await server.aclose()


async def make_key(server: ServerProcess, mode: str) -> dict[str, Any]:
    status, output, fault = await server.run_command("key", "create", "--shop", "boutique", mode, "--json")
    assert status == 0, fault
    return dict(json.loads(output))


def texts_taken(carrier: Simulator) -> Counter[str]:
    """How often the carrier took each text."""
    lines = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    taken = [line for line in lines if line["event"] == "submit" and line["command_status"] == 0]
    return Counter(bytes.fromhex(line["short_message"]).decode() for line in taken)


async def keep_sending(shop: Shop, accepted: list[str], prefix: str) -> None:
    """Send one text after another until the server is gone; what it answered 202 is in `accepted`."""
    number = 0
    while True:
        text = f"{prefix} {number}"
        number += 1
        body = {"to": f"+33612{number:06}", "text": text}
        try:
            status, _ = await shop.call("POST", "/v1/messages", body)
        except (aiohttp.ClientError, ValueError):
            return
        if status == 202:
            accepted.append(text)


async def until_settled(server: ServerProcess) -> dict[str, Any]:
    """The ledger, once nothing waits or is on its way."""
    ledger: dict[str, Any] = {}
    async with asyncio.timeout(20):
        while True:
            status, output, fault = await server.run_command("ledger", "--json")
            assert status == 0, output + fault
            ledger = json.loads(output)
            if not ledger["messages_by_state"].keys() & {"queued", "sending", "sent"}:
                return ledger
            await asyncio.sleep(0.2)


async def test_a_kill_under_load_loses_nothing_and_doubles_nothing(database: str) -> None:
    async with server_and_carrier(database) as (server, shop, carrier):
        accepted: list[str] = []
        load = [asyncio.create_task(keep_sending(shop, accepted, f"text {n}")) for n in range(4)]
        await until(lambda: len(texts_taken(carrier)) > 100)
        carrier.stall(0.5)  # so that the kill finds a full window
        await asyncio.sleep(0.2)
        server.signal(signal.SIGKILL)
        await asyncio.gather(*load)
        assert await server.wait() == -signal.SIGKILL
        status, _, words = await server.run_command("status")
        assert status == 3
        assert "left over from a server that is gone" in words
        await server.start()
        ledger = await until_settled(server)
        taken = texts_taken(carrier)
        assert max(taken.values()) == 1
        unknown = ledger["messages_by_state"].get("unknown", 0)
        assert unknown <= 2 * WINDOW
        missing = [text for text in accepted if text not in taken]
        assert len(missing) <= unknown
        assert ledger["messages"] >= len(accepted)
        assert "Traceback" not in server.log


async def test_a_stop_under_load_leaves_nothing_unknown(database: str) -> None:
    async with server_and_carrier(database) as (server, shop, carrier):
        accepted: list[str] = []
        load = [asyncio.create_task(keep_sending(shop, accepted, f"text {n}")) for n in range(4)]
        await until(lambda: len(texts_taken(carrier)) > 100)
        server.signal(signal.SIGTERM)
        assert await server.wait() == 0
        await asyncio.gather(*load)
        status, output, _ = await server.run_command("ledger", "--json")
        assert status == 0
        assert "unknown" not in json.loads(output)["messages_by_state"]
        assert carrier.stats.sessions == 0
        await server.start()
        ledger = await until_settled(server)
        assert ledger["messages_by_state"].keys() == {"delivered"}
        taken = texts_taken(carrier)
        assert max(taken.values()) == 1
        assert set(accepted) <= taken.keys()
        assert "Traceback" not in server.log


async def test_commands_and_reloads_on_a_running_server(database: str) -> None:
    async with server_and_carrier(database) as (server, shop, carrier):
        # A key that is revoked stops within two seconds.
        second = await make_key(server, "--live")
        path = "/v1/messages?limit=1"
        assert (await shop.call("GET", path, key=second["key"]))[0] == 200
        assert (await server.run_command("key", "revoke", str(second["id"])))[0] == 0
        async with asyncio.timeout(2):
            while (await shop.call("GET", path, key=second["key"]))[0] != 401:  # noqa: ASYNC110 - as a shop
                await asyncio.sleep(0.05)
        status, output, _ = await server.run_command("key", "list")
        assert (status, second["key"] in output) == (0, False)

        # A broken file is refused in words and changes nothing; a good one is taken over, binds stay.
        good = server.config_path.read_text(encoding="utf-8")
        server.config_path.write_text(good + "\nconectors: []\n", encoding="utf-8")
        status, output, _ = await server.run_command("check-config", str(server.config_path))
        assert (status, "did you mean 'connectors'?" in output) == (1, True)
        server.signal(signal.SIGHUP)
        await until(lambda: "config.not_reloaded" in server.log)
        server.config_path.write_text(good, encoding="utf-8")
        server.signal(signal.SIGHUP)
        await until(lambda: "config.reloaded" in server.log)
        assert (carrier.stats.sessions, server.log.count("bind.down")) == (1, 0)

        # The screens of an operator.
        message_id = await shop.send(**{"from": "BOUTIQUE"})
        await shop.until(message_id, "delivered")
        status, output, _ = await server.run_command("message", "show", message_id)
        assert (status, "the carrier took it as" in output, "Bonjour" in output) == (0, True, False)
        status, output, _ = await server.run_command("message", "resend", message_id, "--json")
        assert status == 0
        await shop.until(json.loads(output)["id"], "delivered")
        status, _, words = await server.run_command("message", "cancel", message_id)
        assert (status, "delivered" in words) == (1, True)
        status, output, _ = await server.run_command("status")
        assert (status, output.count(" 1/1 ")) == (0, 2)  # both connectors have their one bind
        status, output, _ = await server.run_command("ledger")
        assert (status, "The ledger balances" in output) == (0, True)
        assert "Traceback" not in server.log


async def test_a_start_waits_for_its_database_says_so_and_can_be_ended() -> None:
    with tempfile.TemporaryDirectory(prefix="e2e-") as name:
        nobody = f"postgresql://estafette@127.0.0.1:{free_port()}/estafette"
        server = ServerProcess(Path(name), configuration(nobody, Path(name), [connector("one", free_port())]))
        starting = asyncio.create_task(server.start())
        try:
            await until(lambda: server.log_path.exists() and "waiting for the database" in server.log)
            server.signal(signal.SIGTERM)
            assert await server.wait() == 0
            assert "Traceback" not in server.log
        finally:
            starting.cancel()
            await server.aclose()


async def test_a_second_server_on_the_same_folder_ends_at_once_and_says_why(database: str) -> None:
    async with server_and_carrier(database) as (server, shop, _):
        status, _, words = await server.run_command("serve")
        assert status != 0
        assert "is in use by process" in words
        await shop.until(await shop.send(**{"from": "BOUTIQUE"}), "delivered")


@pytest.mark.parametrize("door", ["http", "public", "metrics"])
async def test_a_start_on_a_port_in_use_says_which(database: str, door: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(AddressTaken, match=f"port {port} of 127.0.0.1 is in use by another program"):
            async with run_gateway(database, [connector("one", free_port())], **{door: {"port": port}}):
                pytest.fail("it started")
