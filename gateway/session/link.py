"""The outgoing half and the life of one connection: one write per turn of the loop, congestion, an end in
time.

Owns the transport, the outbox and the reason of the end. Refuses to know PDUs, windows and binding:
`Session` adds them.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import cast

from gateway.session.outbox import Outbox
from gateway.session.owner import CloseKind, CloseReason
from gateway.session.settings import SessionCounters, SessionSettings, Trace
from gateway.session.sockets import keep_alive
from gateway.session.tls import describe_tls_fault, is_tls_fault


class Link(asyncio.Protocol):
    """What a session needs from its connection. Subclasses say what to do with requests that were not
    written.
    """

    def __init__(
        self,
        settings: SessionSettings,
        *,
        may_write: Callable[[], bool] | None,
        trace: Trace | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.trace = trace
        self.counters = SessionCounters()
        self.peer = "nobody"
        self._clock = clock
        self._outbox = Outbox(may_write)
        self._is_flush_planned = False
        self._is_congested = False
        self._close_reason: CloseReason | None = None
        self._close_by: float | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[CloseReason] = self._loop.create_future()

    async def wait_closed(self) -> CloseReason:
        """Wait until the connection is gone; return why."""
        return await asyncio.shield(self._closed)

    def call_when_closed(self, callback: Callable[[CloseReason], None]) -> None:
        """Call `callback` with the reason once the connection is gone."""
        self._closed.add_done_callback(lambda closed: callback(closed.result()))

    def abort(self, reason: str) -> None:
        """Cut the connection at once. Harmless when it is gone already."""
        if self._transport is not None:
            self._close_reason = self._close_reason or CloseReason(CloseKind.ABORTED, reason)
            self._transport.abort()

    def hang_up(self, reason: str) -> None:
        """Write what was given, then close without a word. Harmless when it is gone already."""
        self._close(CloseReason(CloseKind.ABORTED, reason))

    def hold_reading(self, is_held: bool) -> None:
        """Stop or resume reading, to push back on a peer that sends faster than its messages can be
        stored.
        """
        if self._transport is None or self._transport.is_closing():
            return
        if is_held and self._transport.is_reading():
            self._transport.pause_reading()
        elif not is_held and not self._transport.is_reading():
            self._transport.resume_reading()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but ancestry
        address = transport.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address or "unknown")
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            keep_alive(connection, self.settings.timers)

    def connection_lost(self, exc: Exception | None) -> None:
        reason = self._close_reason
        if reason is None and isinstance(exc, ssl.SSLError) and is_tls_fault(exc):
            reason = CloseReason(CloseKind.TLS, f"TLS with {self.peer} failed: {describe_tls_fault(exc)}")
        elif reason is None and exc is not None:
            reason = CloseReason(CloseKind.NETWORK, f"the connection broke: {exc}")
        reason = reason or CloseReason(CloseKind.PEER_CLOSED, "the peer closed the connection")
        self._transport = None
        try:
            self._return_unwritten()
            self._end(reason)
        finally:  # whoever waits must learn of the end, also when a callback of the owner has a fault
            if not self._closed.done():
                self._closed.set_result(reason)

    def pause_writing(self) -> None:
        self._is_congested = True

    # What subclasses do.

    def _end(self, reason: CloseReason) -> None:
        raise NotImplementedError

    def _return(self, numbers: list[int]) -> None:
        """Requests with these sequence numbers were not written and never will be."""
        raise NotImplementedError

    # Writing.

    def _send(self, pdu: bytes) -> None:
        if self._transport is None:
            return
        self._outbox.plain.append(pdu)
        if not self._is_flush_planned:
            self._plan_flush()

    def _plan_flush(self) -> None:
        self._is_flush_planned = True
        self._loop.call_soon(self._flush_if_planned)

    def _flush_if_planned(self) -> None:
        if self._is_flush_planned:  # a read in between may have flushed already
            self._flush()

    def _flush(self) -> None:
        self._is_flush_planned = False
        if self._transport is None or self._transport.is_closing():
            self._return_unwritten()
            return
        requests = len(self._outbox.requests)
        octets, refused = self._outbox.collect(self.trace)
        self.counters.requests_sent += requests - len(refused)
        if octets:
            self.counters.writes += 1
            self.counters.written_octets += len(octets)
            self._transport.write(octets)
        if refused:
            self._return(refused)

    def _return_unwritten(self) -> None:
        """Give back the requests that no write has taken."""
        numbers = self._outbox.take_requests()
        if numbers:
            self._return(numbers)

    # Ending.

    def _expect_close(self, reason: CloseReason) -> None:
        """Let the connection end within the unbind time-out, for `reason` whoever closes first."""
        self._close_reason = self._close_reason or reason
        self._close_by = self._clock() + self.settings.unbind_timeout_seconds

    def _close(self, reason: CloseReason) -> None:
        """Write what is left, then close the connection; it is cut when that takes too long."""
        if self._transport is None:
            return
        self._flush()
        self._expect_close(reason)
        self._transport.close()

    def _cut_if_overdue(self, now: float) -> bool:
        """Whether the time to end was over, so that the connection is now cut."""
        if self._transport is None or self._close_by is None or now < self._close_by:
            return False
        self._transport.abort()
        return True
