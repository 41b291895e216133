"""A TCP relay on the loopback address that does to a line what networks do to lines, when it is told to.

Owns the listening port and the connections through it. Refuses to know what the octets mean, and when which
fault is due: that is `line_faults.py`'s.
"""

import asyncio
import contextlib
import functools
import socket
from random import Random
from types import TracebackType
from typing import Self

from bench.fault_connection import UNHURT, Connection, End, Manner, Snare, Toward, Tripwire, Upstream


class FaultProxy:
    """Relays connections from a port of its own to `upstream`; use it as an async context manager.

    A healthy line until told otherwise. What it is told holds for connections that stand and for those that
    come, except where a method says so.
    """

    def __init__(self, upstream: Upstream, random: Random) -> None:
        self.port = 0
        self._upstream = upstream
        self._manners = dict.fromkeys(Toward, UNHURT)
        self._strands_all = False
        self._snare = Snare(random)
        self._listening: socket.socket | None = None
        self._lines: dict[Connection, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop listening and close every connection."""
        self.refuse()
        tasks = list(self._lines.values())
        self.cut(End.CLOSE)
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def lines(self) -> int:
        """Connections that stand now."""
        return len(self._lines)

    @property
    def tripped(self) -> asyncio.Event:
        """Set once the wire that was laid last was hit."""
        return self._snare.tripped

    # Faults.

    def shape(self, manner: Manner, *, toward: Toward | None = None) -> None:
        """Let octets pass in this manner, in one direction or in both."""
        for each in Toward if toward is None else (toward,):
            self._manners[each] = manner
            for line in self._lines:
                line.pipes[each].shape(manner)

    def cut(self, end: End) -> None:
        """End every connection that stands now."""
        for line, task in tuple(self._lines.items()):
            if end is End.STRAND:
                line.strand()
            else:
                line.end = end
                task.cancel()

    def strand_answers(self) -> None:
        """Of the connections that stand now, the server hears the client, and the client nothing more."""
        for line in self._lines:
            line.pipes[Toward.CLIENT].is_deaf = True

    def half_close(self, toward: Toward) -> None:
        """Send FIN one way on every connection that stands now; the other way goes on."""
        for line in self._lines:
            line.pipes[toward].shut()

    def swallow_all(self) -> None:
        """A black hole: connections come about and nothing is ever heard on any, until `mend`."""
        self._strands_all = True
        self.cut(End.STRAND)

    def trip(self, wire: Tripwire | None) -> None:
        """Lay `wire` in place of one that was not hit, or none; `tripped` says when it was hit."""
        self._snare.lay(wire)

    def refuse(self) -> None:
        """Refuse connections from now on; those that stand stay."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    def mend(self) -> None:
        """A healthy line again. Connections that lost octets cannot be healed and are reset."""
        self._strands_all = False
        self._snare.lay(None)
        self.shape(UNHURT)
        for line, task in tuple(self._lines.items()):
            if line.is_broken:
                line.end = End.RESET
                task.cancel()
        if self._listening is None:
            self.listen()

    # Connections.

    def listen(self) -> None:
        """Take connections, on the same port as before. Raises `OSError`."""
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listening, self._accept, self._listening)

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # whoever came has left again
            client, _ = listening.accept()
            line = Connection(self._snare, client)
            for toward, manner in self._manners.items():
                line.pipes[toward].shape(manner)
            if self._strands_all:
                line.strand()
            task = asyncio.create_task(line.run(self._upstream))
            self._lines[line] = task
            task.add_done_callback(functools.partial(self._forget, line))

    def _forget(self, line: Connection, task: "asyncio.Task[None]") -> None:
        del self._lines[line]
        line.close()
