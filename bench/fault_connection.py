"""One connection through the fault proxy: two sockets, what passes between them each way, and how it ends.

Owns octets and their timing. Refuses to know who connects, and when which fault is due. Plain sockets in
place of asyncio's streams, because a reset, a half-close and the size of a segment must be ours to decide.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final, TypeAlias

_READ_OCTETS: Final = 65_536
_WAITING_READS: Final = 64
"""Reads that one direction keeps while it is delayed or held; with more the sender feels the pressure."""
_SLOW_READS_PER_SECOND: Final = 20
_SMALLEST_BUFFER_OCTETS: Final = 1_024
"""Asked of the kernel for a slow reader; Linux gives no less than about 2 kB."""
_USUAL_BUFFER_OCTETS: Final = 131_072
"""About what Linux begins with."""
_OCTETS_A_TURN: Final = 256
"""Single octets written before others of the loop get their turn."""
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: close() sends RST and drops what is unsent. socket(7)."""

Upstream: TypeAlias = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""


class Toward(Enum):
    """Which way octets travel; the client is whoever connected to the proxy."""

    SERVER = "server"
    CLIENT = "client"


class End(Enum):
    """How a connection ends."""

    CLOSE = "close"
    """FIN on both sides, behind everything that was passed on."""
    RESET = "reset"
    """RST on both sides."""
    STRAND = "strand"
    """Not at all: both sides stay open and hear nothing more, as behind a firewall that forgot the line."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How octets pass in one direction."""

    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    """By chance so much more; the order stays."""
    is_octetwise: bool = False
    """Each octet is written by itself, so that it travels in a segment of its own."""
    octets_per_second: float | None = None
    """Reads no faster than this, with the smallest receive buffer."""
    is_held: bool = False
    """Nothing passes. What waits passes at once when the next manner holds no more."""


UNHURT: Final = Manner()


@dataclass(slots=True)
class Tripwire:
    """Ends one connection at a certain octet. Give `after_octets` or `pattern`.

    Octets of all connections count together; a pattern is looked for in what one read brought.
    """

    toward: Toward
    end: End
    after_octets: int = 0
    """So many pass still, and not one more."""
    pattern: bytes = b""
    skips: int = 0
    """Finds of the pattern that pass unharmed."""
    passes: bool = False
    """The read with the pattern is passed on; the end comes with the first octet of the answer, which is
    not."""

    def find(self, octets: bytes) -> int | None:
        """How many of these octets may pass when the wire is hit among them."""
        if not self.pattern:
            if len(octets) <= self.after_octets:
                self.after_octets -= len(octets)
                return None
            return self.after_octets
        if self.pattern not in octets:
            return None
        if self.skips:
            self.skips -= 1
            return None
        return len(octets) if self.passes else 0


class Snare:
    """The one tripwire of a proxy, and its chance; all connections look at it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tripped = asyncio.Event()
        """The wire was hit."""
        self._wire: Tripwire | None = None

    def lay(self, wire: Tripwire | None) -> None:
        """Lay `wire` in place of one that was not hit, or none."""
        self.tripped.clear()
        self._wire = wire

    def meet(self, toward: Toward, octets: bytes) -> tuple[Tripwire, int] | None:
        """The wire that these octets hit, which then is gone, and how many of them pass."""
        wire = self._wire
        if wire is None or wire.toward is not toward or (place := wire.find(octets)) is None:
            return None
        self._wire = None
        return wire, place


class _Ended(Exception):
    """The connection is to end now, as `Connection.end` says."""


class Connection:
    """The client's socket, the server's, and a pipe each way."""

    def __init__(self, snare: Snare, client: socket.socket) -> None:
        self.snare = snare
        self.end = End.CLOSE
        self.ends_at_answer: End | None = None
        self._client = client
        self._server: socket.socket | None = None
        self.pipes = {toward: Pipe(self, toward) for toward in Toward}

    @property
    def is_broken(self) -> bool:
        """Octets were swallowed, so that the stream cannot go on."""
        return any(pipe.is_deaf for pipe in self.pipes.values())

    def strand(self) -> None:
        for pipe in self.pipes.values():
            pipe.is_deaf = True

    async def run(self, upstream: Upstream) -> None:
        """Relay until both sides are done or the line is cut."""
        try:
            if not self.is_broken:
                self._server = await _dial(upstream)
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client.setblocking(False)
            await self._relay(self._client, self._server)
            if self.is_broken:  # whoever of the two gave up, the other is not told
                await asyncio.Event().wait()
        except* (_Ended, OSError):
            pass

    def close(self) -> None:
        """Close both sides, as `end` says."""
        for side in (self._client, self._server):
            if side is not None:
                _close(side, self.end)

    async def _relay(self, client: socket.socket, server: socket.socket | None) -> None:
        up, down = self.pipes[Toward.SERVER], self.pipes[Toward.CLIENT]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(up.read(client))
            tasks.create_task(up.write(server))
            if server is not None:
                tasks.create_task(down.read(server))
                tasks.create_task(down.write(client))

    def finish(self, end: End) -> None:
        """End as told; raises `_Ended` unless the line is only to fall silent."""
        self.snare.tripped.set()
        if end is End.STRAND:
            self.strand()
            return
        self.end = end
        raise _Ended


class Pipe:
    """One direction of a connection."""

    def __init__(self, line: Connection, toward: Toward) -> None:
        self.is_deaf = False
        """What arrives is swallowed."""
        self._line = line
        self._toward = toward
        self._manner = UNHURT
        self._waiting: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(_WAITING_READS)
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self._last_due = 0.0
        self._reader: socket.socket | None = None
        self._writer: socket.socket | None = None
        self._is_shut = False
        self._is_narrow = False

    def shape(self, manner: Manner) -> None:
        self._manner = manner
        if manner.is_held:
            self._may_pass.clear()
        else:
            self._may_pass.set()
        self._size_buffer()

    def shut(self) -> None:
        """FIN now; later octets of this direction are dropped."""
        if self._writer is not None and not self._is_shut:
            self._is_shut = True
            with contextlib.suppress(OSError):
                self._writer.shutdown(socket.SHUT_WR)

    def _size_buffer(self) -> None:
        if self._reader is not None and self._is_narrow is not (self._manner.octets_per_second is not None):
            self._is_narrow = not self._is_narrow
            size = _SMALLEST_BUFFER_OCTETS if self._is_narrow else _USUAL_BUFFER_OCTETS
            self._reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    async def read(self, reader: socket.socket) -> None:
        """Take octets until the sender is done; None in the queue stands for a reset."""
        loop = asyncio.get_running_loop()
        self._reader = reader
        self._size_buffer()
        octets: bytes | None = b"-"
        while octets:
            slow = self._manner.octets_per_second
            size = _READ_OCTETS if slow is None else max(1, int(slow / _SLOW_READS_PER_SECOND))
            try:
                octets = await loop.sock_recv(reader, size)
            except OSError:
                octets = None
            if slow is not None and octets:
                await asyncio.sleep(len(octets) / slow)
            due = loop.time() + self._manner.delay_seconds
            due += self._line.snare.random.random() * self._manner.jitter_seconds
            self._last_due = max(self._last_due, due)
            await self._waiting.put((self._last_due, octets))

    async def write(self, writer: socket.socket | None) -> None:
        """Pass on what was read, in the manner of the moment; without a writer it is swallowed."""
        loop = asyncio.get_running_loop()
        self._writer = writer
        while True:
            due, octets = await self._waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._may_pass.wait()
            if not octets:
                if writer is not None and not self.is_deaf:
                    self._end_like_sender(octets)
                return
            if writer is None or self.is_deaf or self._is_shut:
                continue
            await self._pass_on(writer, octets)

    def _end_like_sender(self, octets: bytes | None) -> None:
        if octets is None:
            self._line.end = End.RESET
            raise _Ended
        self.shut()

    async def _pass_on(self, writer: socket.socket, octets: bytes) -> None:
        line = self._line
        if self._toward is Toward.CLIENT and (end := line.ends_at_answer):
            line.ends_at_answer = None
            line.finish(end)
            return
        hit = line.snare.meet(self._toward, octets)
        if hit is None:
            await self._put(writer, octets)
            return
        wire, place = hit
        if wire.passes:
            line.ends_at_answer = wire.end
        await self._put(writer, octets[:place])
        if not wire.passes:
            line.finish(wire.end)

    async def _put(self, writer: socket.socket, octets: bytes) -> None:
        """Write; a receiver that is gone swallows, and its own end is found by reading from it."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            if not self._manner.is_octetwise:
                await loop.sock_sendall(writer, octets)
                return
            for place in range(len(octets)):
                octet = octets[place : place + 1]
                try:
                    writer.send(octet)
                except BlockingIOError:
                    await loop.sock_sendall(writer, octet)
                if place % _OCTETS_A_TURN == _OCTETS_A_TURN - 1:
                    await asyncio.sleep(0)


async def _dial(upstream: Upstream) -> socket.socket:
    family = socket.AF_UNIX if isinstance(upstream, str) else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(server, upstream)
    except BaseException:
        server.close()
        raise
    if family is socket.AF_INET:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _close(side: socket.socket, end: End) -> None:
    with contextlib.suppress(OSError):
        if end is End.RESET and side.family == socket.AF_INET:
            side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    side.close()
