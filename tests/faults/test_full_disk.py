"""A disk without room: the server stays up, answers 503, and goes on by itself once there is room."""

import asyncio
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from e2e.running import DEADLINE_SECONDS, ServerProcess, Shop, configuration, connector

from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

from .test_bundled import make_key, until_settled

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, of 300 MB. Needs root."""
    folder = Path(tempfile.mkdtemp(prefix="estafette-disk-"))
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=300m,mode=711", "tmpfs", folder], check=False
        )
        if mounted.returncode != 0:
            pytest.skip("nothing can be mounted here")
        yield folder
        subprocess.run(["umount", "--lazy", folder], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def test_a_full_disk_is_answered_told_and_outlived(small_disk: Path) -> None:
    async with Simulator(load_profile("default")) as carrier, aiohttp.ClientSession() as session:
        config = configuration("", small_disk, [connector("one", carrier.port)])
        config["database"] = {"embedded": {"shared_buffers_mb": 32, "max_wal_size_mb": 128}}
        server = ServerProcess(small_disk, config)
        server.log_path = Path(tempfile.mkstemp(prefix="estafette-log-")[1])
        try:
            await server.start()
            shop = Shop(session, f"http://127.0.0.1:{server.port}", await make_key(server), test="")
            accepted = [await shop.send("x" * 400) for _ in range(20)]
            fill(small_disk / "filler")
            codes: Counter[str] = Counter()
            for _ in range(300):
                status, answer = await shop.call(
                    "POST", "/v1/messages", {"to": "+33612345678", "text": "x" * 400}
                )
                codes[answer.get("code", str(status))] += 1
                if status == 202:
                    accepted.append(answer["id"])
            assert codes["store_unavailable"] > 0
            assert codes.keys() <= {"202", "store_unavailable", "outcome_unknown"}
            (small_disk / "filler").unlink()
            accepted.append(await send_until_taken(shop))
            for message_id in accepted:
                await shop.until(message_id, "delivered")
            ledger = await until_settled(server)
            assert ledger["messages"] >= len(accepted)
        finally:
            await server.aclose()
            server.log_path.unlink()


async def send_until_taken(shop: Shop) -> str:
    """The id of a message that is taken in by itself, once there is room."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            body = {"to": "+33612345679", "text": "after all"}
            status, answer = await shop.call("POST", "/v1/messages", body, Idempotency_Key="after")
            if status == 202:
                return str(answer["id"])
            await asyncio.sleep(0.1)


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65_536)
                file.flush()
        except OSError:
            return
