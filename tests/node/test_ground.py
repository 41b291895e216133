"""What is done when the bundled Postgres ends by itself."""

import asyncio
from pathlib import Path
from typing import cast

from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.errors import HostingError
from gateway.node.ground import keep_postgres


class FallingPostgres:
    """Has ended; its starts fail in these ways, then succeed, and then it runs for good."""

    log_path = Path("postgres.log")

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.starts = 0
        self.runs = asyncio.Event()

    async def wait_exit(self) -> int:
        if self.runs.is_set():
            await asyncio.Event().wait()
        return 1

    async def start(self) -> None:
        self.starts += 1
        if self.faults:
            raise self.faults.pop(0)
        self.runs.set()


async def test_a_restart_that_fails_is_tried_until_one_succeeds() -> None:
    """On a full disk no recovery succeeds; the node stays up meanwhile and answers 503."""
    postgres = FallingPostgres(HostingError("no recovery"), OSError(28, "No space left on device"))
    keeping = asyncio.create_task(keep_postgres(cast(EmbeddedPostgres, postgres), pause_seconds=0))
    try:
        async with asyncio.timeout(5):
            await postgres.runs.wait()
        assert postgres.starts == 3
        assert not keeping.done()
    finally:
        keeping.cancel()
