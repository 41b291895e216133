"""Runs foreign programs that are told and heard by JSON lines: those of `node/` and `perl/`, a process each.

A missing interpreter or package is a failure, never a skip: whoever asks for the peers wants to know.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

NODE = Path(__file__).parent / "node"
PERL = Path(__file__).parent / "perl"
NET_SMPP = Path("/usr/share/perl5/Net/SMPP.pm")

DEADLINE_SECONDS = 20.0
"""Far above what any step takes, so that only a fault reaches it."""

STREAM_LIMIT_OCTETS = 1_000_000


class SpokenPeer:
    """A running program. Every line that it has said stays in `events`, for tests to count."""

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
async def run_node(program: str, *arguments: str) -> AsyncIterator[SpokenPeer]:
    """Run `node/PROGRAM` until the block ends."""
    node = shutil.which("node")
    assert node is not None, "node is not installed; the peers need Debian's nodejs and npm"
    assert (NODE / "node_modules" / "smpp").is_dir(), f"run `npm ci` in {NODE} first"
    async with _run(node, program, *arguments, cwd=NODE) as peer:
        yield peer


@asynccontextmanager
async def run_net_smpp(port: int) -> AsyncIterator[SpokenPeer]:
    """The client of Net::SMPP, bound to the SMSC on this port; ends with the block."""
    assert NET_SMPP.exists(), "Net::SMPP is not installed; the peers need Debian's libnet-smpp-perl"  # noqa: ASYNC240
    async with _run("/usr/bin/perl", "client.pl", str(port), cwd=PERL) as peer:
        yield peer


@asynccontextmanager
async def _run(*command: str, cwd: Path) -> AsyncIterator[SpokenPeer]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=STREAM_LIMIT_OCTETS,
    )
    peer = SpokenPeer(process)
    listening = asyncio.create_task(peer.listen())
    try:
        yield peer
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await listening


@asynccontextmanager
async def run_npm_smsc(**settings: object) -> AsyncIterator[tuple[SpokenPeer, int]]:
    """The npm SMSC with the settings that `node/smsc.js` explains, and its port."""
    async with run_node("smsc.js", json.dumps(settings)) as peer:
        yield peer, (await peer.hear("listening"))["port"]
