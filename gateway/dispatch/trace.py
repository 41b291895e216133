"""What passed on the binds of this node, as octets: the newest kept in memory, and copies for who watches.

Nothing is parsed while PDUs pass: a read or a write costs one object, 0.5 µs. Nothing is written down, and a
restart forgets all. Passwords and texts are in the octets; `trace_desk` hides them before anybody sees them.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.dispatch.errors import TooManyWatches
from gateway.session.settings import Direction, Trace


class Chunk(msgspec.Struct, gc=False):
    """What one read or write carried: one or several whole PDUs.

    The garbage collector need not know it: of all objects that stay, two thirds are chunks, and even the one
    look that it takes at a plain tuple was of 12 ms, again and again while the memory for them filled.
    """

    at: float
    """Unix time."""
    connector_id: int
    bind_no: int
    mode: str
    session_no: int
    is_sent: bool
    octets: bytes


CHUNK_OCTETS: Final = 230
"""What a chunk takes beside its PDUs; counted too, so that many small reads do not outgrow the cap."""
MOST_WATCHES: Final = 8
_WATCH_OCTETS: Final = 4_194_304
"""What may wait for one who watches; beyond it, PDUs are left out and counted."""
_MOST_CONCEALED: Final = 20_000


class TraceBook:
    """The last PDUs of all binds, at most `keep_octets` of them, the oldest dropped; 0 keeps none."""

    def __init__(self, keep_octets: int, *, clock: Callable[[], float]) -> None:
        """`clock` gives Unix time, so that chunks can be told from a message's times."""
        self._keep_octets = keep_octets
        self._clock = clock
        self._chunks: deque[Chunk] = deque()
        self._held_octets = 0
        self._sessions = 0
        self._watches: list[TraceWatch] = []
        self._concealed: OrderedDict[str, None] = OrderedDict()

    @property
    def held_octets(self) -> int:
        """Memory that the kept chunks take, in octets."""
        return self._held_octets

    @property
    def kept_since(self) -> datetime | None:
        """When the oldest PDU that is kept passed."""
        return datetime.fromtimestamp(self._chunks[0].at, UTC) if self._chunks else None

    def trace_for(self, connector_id: int, bind_no: int, mode: str) -> Trace:
        """The trace of one new session of this bind."""
        self._sessions += 1
        session_no = self._sessions

        def trace(direction: Direction, octets: bytes) -> None:
            is_sent = direction is Direction.SENT
            self._note(Chunk(self._clock(), connector_id, bind_no, mode, session_no, is_sent, octets))

        return trace

    def change_keep_octets(self, keep_octets: int) -> None:
        self._keep_octets = keep_octets
        self._drop_oldest()

    def snapshot(self) -> list[Chunk]:
        """What is kept now, oldest first. 0.3 ms for 150,000 chunks."""
        return list(self._chunks)

    def _note(self, chunk: Chunk) -> None:
        if self._keep_octets:
            self._chunks.append(chunk)
            self._held_octets += len(chunk.octets) + CHUNK_OCTETS
            if self._held_octets > self._keep_octets:
                self._drop_oldest()
        for watch in self._watches:
            watch.offer(chunk)

    def _drop_oldest(self) -> None:
        chunks = self._chunks
        while chunks and self._held_octets > self._keep_octets:
            self._held_octets -= len(chunks.popleft().octets) + CHUNK_OCTETS

    # Who watches.

    @property
    def watches(self) -> int:
        """How many watch now."""
        return len(self._watches)

    @contextmanager
    def watch(self, connector_id: int) -> Iterator["TraceWatch"]:
        """Everything of one connector from now on. Raises `TooManyWatches`."""
        if len(self._watches) >= MOST_WATCHES:
            raise TooManyWatches(MOST_WATCHES)
        watch = TraceWatch(connector_id, most_octets=_WATCH_OCTETS)
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    def end_watches(self) -> None:
        """The server stops: whoever watches is told that nothing more comes."""
        for watch in self._watches:
            watch.end()

    # Whose texts nobody may see.

    def conceal(self, number: str) -> None:
        """A sensitive message goes to this number: texts to and from it are shown to nobody who watches."""
        self._concealed[number] = None
        self._concealed.move_to_end(number)
        if len(self._concealed) > _MOST_CONCEALED:
            self._concealed.popitem(last=False)

    def is_concealed(self, number: str) -> bool:
        return number in self._concealed


class TraceWatch:
    """Chunks that wait for one who watches."""

    def __init__(self, connector_id: int, *, most_octets: int) -> None:
        self._connector_id = connector_id
        self._most_octets = most_octets
        self._waiting: deque[Chunk] = deque()
        self._waiting_octets = 0
        self._news = asyncio.Event()
        self.is_over = False
        self.left_out = 0
        """PDUs that found no room since the start; only grows."""

    def offer(self, chunk: Chunk) -> None:
        if chunk.connector_id != self._connector_id:
            return
        octets = len(chunk.octets)
        if self._waiting and self._waiting_octets + octets > self._most_octets:
            self.left_out += count_pdus(chunk.octets)
            return
        self._waiting.append(chunk)
        self._waiting_octets += octets
        self._news.set()

    def end(self) -> None:
        self.is_over = True
        self._news.set()

    async def take(self, *, timeout_seconds: float) -> list[Chunk]:
        """What came meanwhile, after waiting for it at most so long; empty when nothing did."""
        if not self._waiting and not self.is_over:
            self._news.clear()
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._news.wait()
            except TimeoutError:
                return []
        chunks = list(self._waiting)
        self._waiting.clear()
        self._waiting_octets = 0
        return chunks


def count_pdus(octets: bytes) -> int:
    """How many PDUs stand in whole PDUs one after the other, by their lengths alone."""
    count = position = 0
    while position + 4 <= len(octets):
        count += 1
        position += max(16, int.from_bytes(octets[position : position + 4], "big"))
    return count
