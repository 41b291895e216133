"""What one session has to write: gathered during one turn of the event loop, written at once, kept in order
where the connection does not take it all.

Owns the gate: requests of ours go out only while the caller may still send, which is asked right before each
write with octets of theirs, also of the rest of one. Responses need no leave. Refuses to know sockets and
what is in a PDU.
"""

from collections import deque
from collections.abc import Callable
from itertools import repeat
from typing import Final

from gateway.session.outlet import Outlet
from gateway.session.settings import Direction, SessionCounters, Trace

_MOST_OCTETS_AT_ONCE: Final = 64 * 1024
"""Of what waits, offered in one write: more is seldom taken, and would be copied for nothing."""


class Outbox:
    """Whole PDUs on their way. `plain` and `requests` are appended to by the session's hot path; what an
    outlet leaves over waits behind them, in the order of writing.
    """

    __slots__ = (
        "_begun_octets", "_counters", "_may_write", "_trace", "_waiting",
        "is_torn", "numbers", "plain", "requests", "waiting_octets",
    )  # fmt: skip

    def __init__(
        self, may_write: Callable[[], bool] | None, counters: SessionCounters, trace: Trace | None = None
    ) -> None:
        self._may_write = may_write
        self._counters = counters
        self._trace = trace
        self.plain: list[bytes] = []
        self.requests: list[bytes] = []
        self.numbers: list[int] = []
        """Sequence numbers of `requests`, one each."""
        self._waiting: deque[tuple[bytes, int | None]] = deque()
        """Whole PDUs, with the number for a request of ours. Of the first, `_begun_octets` are written."""
        self._begun_octets = 0
        self.waiting_octets = 0
        """Not 0 as long as something waits: then nothing new is written before it."""
        self.is_torn = False
        """A request was begun and may not be finished: no PDU can follow it on this connection."""

    def write_turn(self, outlet: Outlet) -> list[int]:
        """Write what this turn of the loop has gathered; return the numbers of requests that may not be."""
        plain, requests, numbers = self.plain, self.requests, self.numbers
        if plain:
            self.plain = []
        if requests:
            self.requests, self.numbers = [], []
        if self.waiting_octets or self.is_torn:
            self._keep(plain, requests, numbers)
            return []
        refused: list[int] = []
        octets = b"".join(plain + requests)
        if requests and self._may_write is not None and not self._may_write():
            refused, requests, numbers = numbers, [], []
            octets = b"".join(plain)
        if not octets:
            return refused
        taken = outlet.take(octets)
        if taken == len(octets):
            self._count(taken, len(requests), octets)
        else:
            self._keep(plain, requests, numbers)
            self._drop_written(taken)
        return refused

    def write_waiting(self, outlet: Outlet) -> list[int]:
        """Go on with what waits; return the numbers of requests that may not be written.

        They are all that wait. Where the first was begun already, nothing can be written any more, and
        `is_torn` says so; what it lacks was never handed over, so nobody can have taken it.
        """
        if self.is_torn:
            return []
        refused: list[int] = []
        octets, has_requests = self._next_octets()
        if has_requests and self._may_write is not None and not self._may_write():
            self.is_torn = self._begun_octets > 0 and self._waiting[0][1] is not None
            refused = self.take_requests(is_over=self.is_torn)
            if self.is_torn:
                return refused
            octets, _ = self._next_octets()
        if octets:
            self._drop_written(outlet.take(octets))
        return refused

    def take_requests(self, *, is_over: bool) -> list[int]:
        """Drop the requests that are not written; return their numbers. One that was begun is left, unless
        the connection `is_over`: its octets cannot be taken out of the stream."""
        numbers, self.requests, self.numbers = self.numbers, [], []
        if not self._waiting:
            return numbers
        kept: deque[tuple[bytes, int | None]] = deque()
        if self._begun_octets and not is_over:
            kept.append(self._waiting.popleft())
        dropped = [number for _, number in self._waiting if number is not None]
        kept.extend(entry for entry in self._waiting if entry[1] is None)
        self._waiting = kept
        if is_over:
            self._begun_octets = 0
        self.waiting_octets = sum(len(pdu) for pdu, _ in kept) - self._begun_octets
        return dropped + numbers

    def _keep(self, plain: list[bytes], requests: list[bytes], numbers: list[int]) -> None:
        self._waiting.extend(zip(plain, repeat(None), strict=False))
        self._waiting.extend(zip(requests, numbers, strict=True))
        self.waiting_octets += sum(map(len, plain)) + sum(map(len, requests))

    def _next_octets(self) -> tuple[bytes, bool]:
        """What to write next of what waits, and whether octets of requests are in it."""
        pieces: list[bytes] = []
        octets = -self._begun_octets
        has_requests = False
        for pdu, number in self._waiting:
            if octets >= _MOST_OCTETS_AT_ONCE:
                break
            pieces.append(pdu)
            octets += len(pdu)
            has_requests = has_requests or number is not None
        return b"".join(pieces)[self._begun_octets :], has_requests

    def _drop_written(self, taken: int) -> None:
        """Forget the first `taken` octets of what waits, which are written."""
        if not taken:
            return
        self.waiting_octets -= taken
        whole: list[bytes] = []
        requests = 0
        end = self._begun_octets + taken
        while self._waiting and end >= len(self._waiting[0][0]):
            pdu, number = self._waiting.popleft()
            end -= len(pdu)
            whole.append(pdu)
            requests += number is not None
        self._begun_octets = end
        self._count(taken, requests, b"".join(whole))

    def _count(self, octets: int, requests: int, whole: bytes) -> None:
        """Note one write: its octets, and the requests and PDUs that it completed."""
        counters = self._counters
        counters.writes += 1
        counters.written_octets += octets
        counters.requests_sent += requests
        if self._trace is not None and whole:
            self._trace(Direction.SENT, whole)
