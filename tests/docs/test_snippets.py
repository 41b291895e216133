"""The snippets of the documentation, run as they are printed, against a live server.

The Python ones run always; curl, PHP and Node.js are peers, and missing ones fail.
"""

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.webhooks.signature import sign
from tests.web.harness import Gateway, run_gateway

SNIPPETS = Path(__file__).parents[2] / "docs" / "snippets"
SECRETS = (
    "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=",
)
BODY = '{"id":"evt_00000000001","type":"message.delivered","data":{"text":"été"}}'.encode()
EVENT_ID = "evt_00000000001"

pytestmark = pytest.mark.integration

SENDERS = [
    pytest.param((sys.executable, "send.py"), id="python"),
    pytest.param(("sh", "send.sh"), id="curl", marks=pytest.mark.peers),
    pytest.param(("php", "send.php"), id="php", marks=pytest.mark.peers),
    pytest.param(("node", "send.mjs"), id="node", marks=pytest.mark.peers),
]
RECEIVERS = [
    pytest.param((sys.executable, "receive.py", "{port}"), id="python"),
    pytest.param(("php", "-S", "127.0.0.1:{port}", "receive.php"), id="php", marks=pytest.mark.peers),
    pytest.param(("node", "receive.mjs", "{port}"), id="node", marks=pytest.mark.peers),
]


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database) as running:
        yield running


async def run(*command: str, stdin: bytes = b"", **environment: str) -> tuple[int, str]:
    """(exit status, what it printed on both streams)."""
    program = shutil.which(command[0])
    assert program is not None, f"{command[0]} is not installed; the snippets need it"
    process = await asyncio.create_subprocess_exec(
        program, *command[1:], cwd=SNIPPETS, env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(stdin), 20)
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.parametrize("command", SENDERS)
async def test_a_sender_sends_once_under_one_key_and_tells_what_is_wrong(
    gateway: Gateway, command: tuple[str, ...]
) -> None:
    shop = await gateway.add_shop()
    environment = {"ESTAFETTE_URL": gateway.url, "ESTAFETTE_KEY": shop.live, "IDEMPOTENCY_KEY": "one"}
    first = await run(*command, "+33612345678", "Your order is on its way", **environment)
    again = await run(*command, "+33612345678", "Your order is on its way", **environment)
    assert first == again
    assert first[0] == 0
    assert "msg_" in first[1]
    assert "queued" in first[1]
    assert await gateway.count("message") == 1
    status, output = await run(*command, "+331", "x", **{**environment, "IDEMPOTENCY_KEY": "two"})
    assert status != 0
    assert "invalid_number" in output


@asynccontextmanager
async def receiver(command: tuple[str, ...]) -> AsyncIterator[str]:
    """A running receiver; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which(command[0])
    assert program is not None, f"{command[0]} is not installed; the snippets need it"
    process = await asyncio.create_subprocess_exec(
        program, *(word.format(port=port) for word in command[1:]), cwd=SNIPPETS,
        env={**os.environ, "WEBHOOK_SECRET": SECRETS[0]},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        await process.wait()


def signed(*secrets: str, age_seconds: int = 0) -> dict[str, str]:
    return sign(secrets, event_id=EVENT_ID, timestamp=int(time.time()) - age_seconds, body=BODY)


@pytest.mark.parametrize("command", RECEIVERS)
async def test_a_receiver_takes_what_is_signed_and_nothing_else(command: tuple[str, ...]) -> None:
    async with receiver(command) as url, aiohttp.ClientSession() as session:

        async def post(headers: dict[str, str], body: bytes = BODY) -> int:
            async with session.post(url, data=body, headers=headers) as answer:
                return answer.status

        assert await post(signed(SECRETS[0])) == 204
        assert await post(signed(SECRETS[1], SECRETS[0])) == 204
        assert await post(signed(SECRETS[1])) == 401
        assert await post(signed(SECRETS[0]), BODY + b" ") == 401
        assert await post(signed(SECRETS[0], age_seconds=301)) == 401
        assert await post({**signed(SECRETS[0]), "webhook-id": "evt_00000000002"}) == 401
        assert await post({}) == 401


@pytest.mark.peers
async def test_the_shell_verifies_what_is_signed_and_nothing_else() -> None:
    async def verify(headers: dict[str, str], body: bytes = BODY) -> int:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        status, _ = await run("sh", "verify.sh", SECRETS[0], *(headers[name] for name in names), stdin=body)
        return status

    assert await verify(signed(SECRETS[0])) == 0
    assert await verify(signed(SECRETS[1], SECRETS[0])) == 0
    assert await verify(signed(SECRETS[1])) == 1
    assert await verify(signed(SECRETS[0]), BODY + b" ") == 1
    assert await verify(signed(SECRETS[0], age_seconds=301)) == 1
