"""What one session has to write, gathered during one turn of the event loop and written at once.

Owns the gate: requests of ours go out only while the caller may still send, which is asked right before the
write. Responses need no leave. Refuses to know sockets and PDUs.
"""

from collections.abc import Callable

from gateway.session.settings import Direction, Trace


class Outbox:
    """Whole PDUs waiting for the next write. `plain` and `requests` are appended to by the session's hot
    path.
    """

    __slots__ = ("_may_write", "numbers", "plain", "requests")

    def __init__(self, may_write: Callable[[], bool] | None) -> None:
        self._may_write = may_write
        self.plain: list[bytes] = []
        self.requests: list[bytes] = []
        self.numbers: list[int] = []
        """Sequence numbers of `requests`, one each."""

    def collect(self, trace: Trace | None) -> tuple[bytes, list[int]]:
        """The octets to write now, and the numbers of the requests that must not be written. Empties the
        outbox.
        """
        pieces = self.plain
        self.plain = []
        refused: list[int] = []
        if self.requests:
            if self._may_write is None or self._may_write():
                pieces += self.requests
                self.requests, self.numbers = [], []
            else:
                refused = self.take_requests()
        octets = b"".join(pieces)
        if trace is not None and octets:
            trace(Direction.SENT, octets)
        return octets, refused

    def take_requests(self) -> list[int]:
        """Drop the requests that wait; return their numbers."""
        numbers = self.numbers
        self.requests, self.numbers = [], []
        return numbers
