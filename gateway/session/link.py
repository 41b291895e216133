"""The outgoing half and the life of one connection: one write per turn of the loop, congestion, an end in
time.

Owns the transport, the outbox, the outlet that takes what is in it, and the reason of the end. Refuses to
know PDUs, windows and binding: `Session` adds them.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import cast

from gateway.session.outbox import Outbox
from gateway.session.outlet import Outlet, open_outlet
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
        self._is_gated = may_write is not None
        self._outbox = Outbox(may_write, self.counters, trace)
        self._outlet: Outlet | None = None
        self._is_flush_planned = False
        self._is_paused = False
        """The transport has more than it likes to keep."""
        self._is_behind = False
        """The outlet has left something over."""
        self._is_congested = False
        """Either of both."""
        self._is_finishing = False
        """The connection closes as soon as everything is written."""
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
        if self._transport is None or self._is_ending():
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
        try:
            self._outlet = open_outlet(self._transport, is_gated=self._is_gated)
        except OSError as exc:
            self._break(exc)
            return
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
        if self._outlet is not None:
            self._outlet.close()
        try:
            self._return_unwritten()
            self._end(reason)
        finally:  # whoever waits must learn of the end, also when a callback of the owner has a fault
            if not self._closed.done():
                self._closed.set_result(reason)

    def pause_writing(self) -> None:
        self._is_paused = True
        self._note_congestion()

    def resume_writing(self) -> None:
        self._is_paused = False
        self._note_congestion()

    # What subclasses do.

    def _end(self, reason: CloseReason) -> None:
        raise NotImplementedError

    def _return(self, numbers: list[int]) -> None:
        """Requests with these sequence numbers were not written and never will be."""
        raise NotImplementedError

    def _relieve(self) -> None:
        """The connection takes octets again."""
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
        self._loop.call_soon(self.write_now)

    def write_now(self) -> None:
        """Write what was given, if anything was, without waiting for the end of this turn of the loop."""
        if self._is_flush_planned:  # a read in between may have flushed already
            self._flush()

    def _flush(self) -> None:
        self._is_flush_planned = False
        if self._outlet is None or self._is_ending():
            self._return_unwritten()
            return
        refused = self._outbox.write_turn(self._outlet)
        if self._outbox.waiting_octets:
            self._heed(self._outlet)
        if refused:
            self._return(refused)

    def _write_waiting(self) -> None:
        """The kernel takes octets again: go on with what it left over."""
        if self._outlet is None:
            return
        if self._transport is None or self._transport.is_closing():
            self._outlet.stop_calling()  # TLS takes its time to close, while the kernel would take octets
            return
        refused = self._outbox.write_waiting(self._outlet)
        self._heed(self._outlet)
        if refused:
            self._return(refused)

    def _heed(self, outlet: Outlet) -> None:
        """See to what the last write left over, or to why it could not be made."""
        if outlet.fault is not None:
            self._break(outlet.fault)
            return
        if self._outbox.is_torn:
            self.abort("a request was half written when this node lost the right to submit")
            return
        is_behind = self._outbox.waiting_octets > 0
        if is_behind == self._is_behind:
            return
        self._is_behind = is_behind
        if is_behind:
            outlet.call_when_writable(self._write_waiting)
        else:
            outlet.stop_calling()
            if self._is_finishing and self._transport is not None:
                self._transport.close()
        self._note_congestion()

    def _note_congestion(self) -> None:
        self._is_congested = self._is_paused or self._is_behind
        if not self._is_congested:
            self._relieve()

    def _return_unwritten(self) -> None:
        """Give back the requests of which no write has taken an octet; also the one of which a write took
        some, once the connection is gone."""
        is_over = self._transport is None or self._transport.is_closing()
        numbers = self._outbox.take_requests(is_over=is_over)
        if numbers:
            self._return(numbers)

    # Ending.

    def _expect_close(self, reason: CloseReason) -> None:
        """Let the connection end within the unbind time-out, for `reason` whoever closes first."""
        self._close_reason = self._close_reason or reason
        self._close_by = self._clock() + self.settings.unbind_timeout_seconds

    def _close(self, reason: CloseReason) -> None:
        """Write what is left, then close the connection; it is cut when that takes too long."""
        if self._transport is None or self._is_finishing:
            return
        self._flush()
        self._return_unwritten()  # what the connection did not take is safer elsewhere than on its last way
        self._expect_close(reason)
        self._is_finishing = True
        if self._outbox.waiting_octets:
            self._transport.pause_reading()  # as a transport's own close does while it writes the rest
        else:
            self._transport.close()

    def _break(self, exc: OSError) -> None:
        """The connection cannot be written to: end as the event loop does when a write of its own fails."""
        if self._transport is not None:
            what = f"the connection broke: {exc}"
            self._close_reason = self._close_reason or CloseReason(CloseKind.NETWORK, what)
            self._transport.abort()

    def _is_ending(self) -> bool:
        """Whether nothing more is taken for this connection."""
        return self._is_finishing or self._transport is None or self._transport.is_closing()

    def _cut_if_overdue(self, now: float) -> bool:
        """Whether the time to end was over, so that the connection is now cut."""
        if self._transport is None or self._close_by is None or now < self._close_by:
            return False
        self._transport.abort()
        return True
