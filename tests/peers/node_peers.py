"""Runs the Node programs of `node/`: one process each, told and heard by JSON lines, ended by its own id.

A missing `node` or package is a failure, never a skip: whoever asks for the peers wants to know.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "node"

DEADLINE_SECONDS = 20.0
"""Far above what any step takes, so that only a fault reaches it."""

STREAM_LIMIT_OCTETS = 1_000_000


class NodePeer:
    """A running program of `node/`. Every line that it has said stays in `events`, for tests to count."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[dict[str, Any]] = []
        self._process = process
        self._news = asyncio.Event()
        self._read = 0

    def tell(self, do: str, **fields: object) -> None:
        """Give a command; its effects come as events."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")

    async def hear(self, event: str) -> dict[str, Any]:
        """The next event of this name after the last one heard; those between are passed over, but kept."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                while self._read < len(self.events):
                    found = self.events[self._read]
                    self._read += 1
                    if found["event"] == event:
                        return found
                self._news.clear()
                await self._news.wait()

    async def hear_count(self, event: str, count: int) -> list[dict[str, Any]]:
        """All events of this name since the start, once there are `count` of them."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(found := self.said(event)) < count:
                self._news.clear()
                await self._news.wait()
        return found

    def said(self, event: str) -> list[dict[str, Any]]:
        """All events of this name so far."""
        return [each for each in self.events if each["event"] == event]

    async def listen(self) -> None:
        """Collect what the program says until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.events.append(json.loads(line))
            self._news.set()


@asynccontextmanager
async def run_node(program: str, *arguments: str) -> AsyncIterator[NodePeer]:
    """Run `node/PROGRAM` until the block ends."""
    node = shutil.which("node")
    assert node is not None, "node is not installed; the peers need Debian's nodejs and npm"
    assert (FOLDER / "node_modules" / "smpp").is_dir(), f"run `npm ci` in {FOLDER} first"
    process = await asyncio.create_subprocess_exec(
        node,
        program,
        *arguments,
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=STREAM_LIMIT_OCTETS,
    )
    peer = NodePeer(process)
    listening = asyncio.create_task(peer.listen())
    try:
        yield peer
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await listening


@asynccontextmanager
async def run_npm_smsc(**settings: object) -> AsyncIterator[tuple[NodePeer, int]]:
    """The npm SMSC with the settings that `node/smsc.js` explains, and its port."""
    async with run_node("smsc.js", json.dumps(settings)) as peer:
        yield peer, (await peer.hear("listening"))["port"]
