"""Telling: each notice goes to the configured command and webhook, without holding up anything.

Owns the document, the order, the deadlines and the repeats of what failed. Who posts a webhook is passed in.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec
import structlog

from gateway.oncall.book import Notice

log = structlog.get_logger("oncall")

COMMAND_SECONDS: Final = 20.0
"""For a command to take an alert; then it is ended, with everything that it started."""
PAUSES_SECONDS: Final = (2.0, 15.0, 60.0)
"""Before each further attempt. After the last one the alert's repeat is the next to be told."""
_MOST_WAITING: Final = 200
"""Notices in memory while tellers are slow; the oldest make room."""
_SAID_OCTETS: Final = 2_000
_END_SECONDS: Final = 2.0


TELLING_FIELDS: Final = (
    "id", "type", "at", "node", "kind", "subject", "shop", "sentence", "raised_at", "cleared_at",
    "times_told", "help",
)  # fmt: skip
"""The fields of the document, in order."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A notice as it is sent: its id stays the same over attempts, so that a receiver knows a repeat."""

    id: str
    body: bytes


class Teller(Protocol):
    """One way to tell. `tell` returns what went wrong, or None."""

    name: str

    async def tell(self, telling: Telling) -> str | None: ...


def compose(notice: Notice, *, telling_id: str, node: str, now: datetime) -> Telling:
    """The JSON document of a notice, as docs/alerts.md has it."""
    entry = notice.entry
    alert = entry.alert
    document = {
        "id": telling_id,
        "type": f"alert.{notice.kind.value}",
        "at": write_moment(now),
        "node": node,
        "kind": alert.kind.value,
        "subject": alert.subject,
        "shop": alert.shop,
        "sentence": alert.sentence,
        "raised_at": write_moment(entry.raised_at),
        "cleared_at": None if entry.cleared_at is None else write_moment(entry.cleared_at),
        "times_told": entry.times_told,
        "help": f"docs/3am.md#{alert.kind.value}",
    }
    return Telling(telling_id, msgspec.json.encode(document))


class CommandTeller:
    """Runs a program with the document on standard input. No shell reads the words of an alert."""

    name = "command"

    def __init__(self, command: Sequence[str], *, timeout_seconds: float = COMMAND_SECONDS) -> None:
        self._command = tuple(command)
        self._timeout_seconds = timeout_seconds

    async def tell(self, telling: Telling) -> str | None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            return f"{self._command[0]} cannot be run: {exc}"
        assert process.stdin is not None  # both are pipes
        assert process.stderr is not None
        listening = asyncio.create_task(_listen(process.stderr))
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await _give(process.stdin, telling.body + b"\n")
                status = await process.wait()
        except TimeoutError:
            return f"{self._command[0]} did not end within {self._timeout_seconds:g} s and was stopped"
        finally:
            if process.returncode is None:
                _end_group(process.pid)
                await process.wait()
            said = await _gather_words(listening)
        return None if status == 0 else f"{self._command[0]} ended with status {status}: {said or 'no words'}"


async def _give(stdin: asyncio.StreamWriter, body: bytes) -> None:
    """A program that does not read is no fault: its exit status tells."""
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(body)
        await stdin.drain()
        stdin.close()
        await stdin.wait_closed()


async def _listen(stream: asyncio.StreamReader) -> str:
    """The first words on standard error; the rest is read and forgotten."""
    said = b""
    while octets := await stream.read(_SAID_OCTETS):
        said = (said + octets)[:_SAID_OCTETS]
    return " ".join(said.decode("utf-8", "replace").split())


async def _gather_words(listening: asyncio.Task[str]) -> str:
    try:
        async with asyncio.timeout(_END_SECONDS):
            return await listening
    except TimeoutError:
        return ""


def _end_group(pid: int) -> None:
    """A program that does not end, and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class WebhookTeller:
    """Posts the document; `post` signs, sends and says what went wrong."""

    name = "webhook"

    def __init__(self, post: Callable[[Telling], Awaitable[str | None]]) -> None:
        self._post = post

    async def tell(self, telling: Telling) -> str | None:
        return await self._post(telling)


class _Lane:
    """What one teller has still to tell. A teller that hangs holds up no other."""

    def __init__(self, pauses_seconds: Sequence[float]) -> None:
        self.teller: Teller | None = None
        self.failed = 0
        self._pauses_seconds = pauses_seconds
        self._waiting: asyncio.Queue[Telling] = asyncio.Queue(_MOST_WAITING)

    def put(self, telling: Telling) -> None:
        if self.teller is None:
            return
        if self._waiting.full():
            self._give_up(self.teller, self._waiting.get_nowait(), "too many wait to be told")
        self._waiting.put_nowait(telling)

    async def run(self) -> None:
        while True:
            telling = await self._waiting.get()
            if self.teller is not None:
                await self._tell(self.teller, telling)

    async def _tell(self, teller: Teller, telling: Telling) -> None:
        fault = await teller.tell(telling)
        for pause in self._pauses_seconds:
            if fault is None:
                return
            log.warning("alert.not_told_yet", by=teller.name, telling=telling.id, fault=fault)
            await asyncio.sleep(pause)
            fault = await teller.tell(telling)
        if fault is not None:
            self._give_up(teller, telling, fault)

    def _give_up(self, teller: Teller, telling: Telling, fault: str) -> None:
        self.failed += 1
        log.error("alert.not_told", by=teller.name, telling=telling.id, fault=fault)


class Announcer:
    """Tells notices, each teller in its own time."""

    def __init__(
        self,
        *,
        node: str,
        next_id: Callable[[], str],
        clock: Callable[[], datetime],
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self._node = node
        self._next_id = next_id
        self._clock = clock
        self._lanes = (_Lane(pauses_seconds), _Lane(pauses_seconds))

    def use(self, command: Teller | None, webhook: Teller | None) -> None:
        """Tell by these from now on; None tells nobody that way."""
        self._lanes[0].teller, self._lanes[1].teller = command, webhook

    @property
    def failed(self) -> int:
        """Tellings that were given up since the start."""
        return sum(lane.failed for lane in self._lanes)

    def put(self, notice: Notice) -> None:
        """Have it told soon; never waits."""
        telling = self._compose(notice)
        for lane in self._lanes:
            lane.put(telling)

    async def run(self) -> None:
        """Tell until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(lane.run())

    async def try_out(self, notice: Notice) -> Mapping[str, str | None]:
        """Tell at once, one attempt; what went wrong, by teller."""
        telling = self._compose(notice)
        tellers = [lane.teller for lane in self._lanes if lane.teller is not None]
        faults = await asyncio.gather(*(teller.tell(telling) for teller in tellers))
        return {teller.name: fault for teller, fault in zip(tellers, faults, strict=True)}

    def _compose(self, notice: Notice) -> Telling:
        return compose(notice, telling_id=self._next_id(), node=self._node, now=self._clock())


def write_moment(at: datetime) -> str:
    """UTC with milliseconds, as the API writes times."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
