"""`estafette serve` with its bundled Postgres as an operator runs it, either of them killed under load."""

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from e2e.running import ServerProcess, Shop, configuration, connector, until

from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WINDOW = 10


async def test_kills_of_postgres_and_of_the_gateway_lose_and_double_nothing(open_folder: Path) -> None:
    folder = open_folder / "bundled"
    folder.mkdir(mode=0o711)
    async with Simulator(load_profile("default")) as carrier, aiohttp.ClientSession() as session:
        settings = {"window": WINDOW, "parts_per_second": 300}
        config = configuration("", folder, [connector("one", carrier.port, **settings)])
        del config["database"]
        server = ServerProcess(folder, config)
        try:
            await server.start()
            shop = Shop(session, f"http://127.0.0.1:{server.port}", await make_key(server), test="")
            accepted: set[str] = set()
            stop = asyncio.Event()
            load = [asyncio.create_task(keep_sending(shop, accepted, stop, n)) for n in range(4)]
            for number in (signal.SIGKILL, signal.SIGQUIT):
                await until_more(accepted)
                os.kill(postmaster_of(folder), number)
            await until_more(accepted)
            server.signal(signal.SIGKILL)
            await server.wait()
            await server.start()
            await until_more(accepted)
            stop.set()
            await asyncio.gather(*load)
            ledger = await until_settled(server)
        finally:
            await server.aclose()
        taken = texts_taken(carrier)
        unknown = ledger["messages_by_state"].get("unknown", 0)
        assert max(taken.values()) == 1
        assert unknown <= 2 * WINDOW
        assert len(accepted - taken.keys()) <= unknown
        assert "Traceback" not in server.log


async def make_key(server: ServerProcess) -> str:
    status, _, fault = await server.run_command("shop", "create", "boutique", "--country", "FR")
    assert status == 0, fault
    status, output, fault = await server.run_command(
        "key", "create", "--shop", "boutique", "--live", "--json"
    )
    assert status == 0, fault
    return str(json.loads(output)["key"])


async def keep_sending(shop: Shop, accepted: set[str], stop: asyncio.Event, sender: int) -> None:
    """Send one text after another, each with its key until it is answered 202, whoever is down."""
    number = 0
    while not stop.is_set():
        text = f"sender {sender} text {number}"
        body = {"to": f"+33612{sender}{number:05}", "text": text}
        try:
            status, _ = await shop.call("POST", "/v1/messages", body, Idempotency_Key=text.replace(" ", "-"))
        except aiohttp.ClientError:
            status = 0
        if status == 202:
            accepted.add(text)
            number += 1
        else:
            await asyncio.sleep(0.05)


async def until_more(accepted: set[str]) -> None:
    before = len(accepted)
    await until(lambda: len(accepted) > before + 40)


def postmaster_of(folder: Path) -> int:
    return int((folder / "state" / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


async def until_settled(server: ServerProcess) -> dict[str, Any]:
    """The ledger, which balances, once nothing waits or is on its way."""
    async with asyncio.timeout(20):
        while True:
            status, output, fault = await server.run_command("ledger", "--json")
            assert status == 0, output + fault
            ledger: dict[str, Any] = json.loads(output)
            if not ledger["messages_by_state"].keys() & {"queued", "sending", "sent"}:
                return ledger
            await asyncio.sleep(0.2)


def texts_taken(carrier: Simulator) -> Counter[str]:
    """How often the carrier took each text."""
    lines = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    taken = [line for line in lines if line["event"] == "submit" and line["command_status"] == 0]
    return Counter(bytes.fromhex(line["short_message"]).decode() for line in taken)
