"""From the connection to its end: binding in either role, states, timers, and ending in order.

Owns which state a session is in, what the peer is told about it, and when it is over. Refuses to know
messages and the owner: `Session` adds them, and says here only which requests are still open.
"""

import asyncio
import time
from collections.abc import Callable
from struct import Struct
from typing import Final, TypeAlias

from gateway.session.errors import BindRefused, NoRoom, SessionClosed
from gateway.session.link import Link
from gateway.session.owner import CloseKind, CloseReason
from gateway.session.settings import SessionSettings, Trace
from gateway.session.window import Window, response_id
from gateway.smpp import pdus
from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import INTERFACE_VERSION_34, CommandId, Tag
from gateway.smpp.errors import name_command
from gateway.smpp.framing import Frame
from gateway.smpp.rules import Role, SequenceNumbers, SessionState, may_send, state_after_bind
from gateway.smpp.statuses import name_status
from gateway.smpp.timers import SessionTimers, TimerVerdict

pack_header: Final = Struct(">IIII").pack

_ENQUIRE_LINK: Final = CommandId.ENQUIRE_LINK.value
_UNBIND: Final = CommandId.UNBIND.value
_UNBIND_RESP: Final = CommandId.UNBIND_RESP.value
_BIND_RESPONSES: Final = frozenset(
    (CommandId.BIND_TRANSMITTER_RESP, CommandId.BIND_RECEIVER_RESP, CommandId.BIND_TRANSCEIVER_RESP)
)

BindRequest: TypeAlias = pdus.BindTransmitter | pdus.BindReceiver | pdus.BindTransceiver
BindResponse: TypeAlias = pdus.BindTransmitterResp | pdus.BindReceiverResp | pdus.BindTransceiverResp

_BIND_RESPONSE_TYPES: Final[dict[int, type[BindResponse]]] = {
    CommandId.BIND_TRANSMITTER: pdus.BindTransmitterResp,
    CommandId.BIND_RECEIVER: pdus.BindReceiverResp,
    CommandId.BIND_TRANSCEIVER: pdus.BindTransceiverResp,
}
_CLOSE_REASONS: Final[dict[TimerVerdict, CloseReason]] = {
    TimerVerdict.SESSION_INIT_EXPIRED: CloseReason(
        CloseKind.SESSION_INIT_EXPIRED, "no bind was completed in the time allowed"
    ),
    TimerVerdict.ENQUIRE_LINK_UNANSWERED: CloseReason(
        CloseKind.ENQUIRE_LINK_UNANSWERED, "the peer answers nothing, not even enquire_link"
    ),
    TimerVerdict.INACTIVE: CloseReason(CloseKind.INACTIVE, "no message passed in the time allowed"),
}
_UNBOUND: Final = CloseReason(CloseKind.UNBOUND, "unbound in order")

STATE_CHANGING: Final = _BIND_RESPONSES | {
    CommandId.BIND_TRANSMITTER,
    CommandId.BIND_RECEIVER,
    CommandId.BIND_TRANSCEIVER,
    CommandId.UNBIND,
    CommandId.UNBIND_RESP,
}
"""Commands that are handled after everything that arrived before them has reached the owner."""


class Lifecycle(Link):
    """What a session is apart from its messages. Subclasses are told of the bind and of the end, and judge
    binds in the SMSC role.
    """

    def __init__(
        self,
        role: Role,
        settings: SessionSettings,
        *,
        may_write: Callable[[], bool] | None,
        trace: Trace | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings, may_write=may_write, trace=trace, clock=clock)
        self.role: Final = role
        self.bind_request: BindRequest | None = None
        """Who is bound: the request that we sent or accepted."""
        self.peer_interface_version: int | None = None
        """As the peer states it in sc_interface_version or in its bind; None when it does not."""
        self.sends_tlvs = False
        """Whether the peer may be sent TLVs: both sides speak 3.4, as far as they say (quirk 15)."""
        self.remarks: tuple[str, ...] = ()
        """What was odd about the answer to our bind, in words."""
        self._state = SessionState.OPEN
        self._window = Window(
            response_timeout_seconds=settings.response_timeout_seconds,
            keep_late_seconds=settings.keep_late_seconds,
        )
        self._pending = self._window.pending
        self._owed_answers = 0
        """Requests of the peer that the owner has and did not answer yet."""
        self._numbers = SequenceNumbers()
        self._timers = SessionTimers(settings.timers, opened_at=clock())
        self._is_draining = False
        self._was_bound = False
        self._bind_number = 0
        self._bind_waiter: asyncio.Future[BindResponse] | None = None
        self._drain_waiter: asyncio.Future[None] | None = None
        self._unbind_number: int | None = None
        self._is_unbind_answered = False
        self._answers_by = 0.0
        self._tick_handle: asyncio.TimerHandle | None = None

    @property
    def state(self) -> SessionState:
        """Where the session stands."""
        return self._state

    @property
    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return self._state is SessionState.CLOSED

    # What subclasses do.

    def _begin(self, pdu: BindRequest | BindResponse) -> None:
        """Messages may flow. `pdu` is what the peer sent."""
        raise NotImplementedError

    def _judge_bind(self, pdu: BindRequest) -> int:
        """The command_status that a bind request is answered with."""
        raise NotImplementedError

    def _expire(self, now: float) -> None:
        """Give up on requests that wait too long."""
        raise NotImplementedError

    # Binding.

    async def bind(self, pdu: BindRequest) -> BindResponse:
        """Bind as an ESME and return the SMSC's response.

        Raises `BindRefused`, after which the connection closes, and `SessionClosed` when it closes before an
        answer, at the latest after `session_init_seconds`.
        """
        if self._closed.done():
            raise SessionClosed(self.peer, self._closed.result())
        if not may_send(self.role, self._state, pdu.command_id) or self._bind_waiter is not None:
            raise NoRoom(self.peer, f"{self._state.value}, where a bind is not allowed")
        number = self._numbers.take(self._window)
        octets = encode(pdu, sequence_number=number)
        self._bind_waiter = self._loop.create_future()
        self._bind_number = number
        self.bind_request = pdu
        self._send(octets)
        return await self._bind_waiter

    def _awaits_bind_response(self) -> bool:
        return self._bind_waiter is not None and not self._bind_waiter.done()

    def _read_bind_response(self, buffer: bytes, frame: Frame) -> bool:
        """Take the answer to our bind; False when it can be no answer to it.

        A foreign number is taken when the command fits: some SMSCs count their own, and only one bind can be
        meant. Bodies may be missing, whole or in part (quirk 13).
        """
        waiter = self._bind_waiter
        if waiter is None or waiter.done() or self.bind_request is None:
            return False
        expected = response_id(self.bind_request.command_id)
        if frame[0] != expected and frame[2] != self._bind_number:
            return False
        response = decode(buffer, frame)
        assert isinstance(response, BindResponse)
        if response.command_status:
            self._refuse_own_bind(response.command_status)
            return True
        version = pdus.find_tlv(response.tlvs, Tag.SC_INTERFACE_VERSION)
        self._agree_on(version[-1] if version else None)
        self.remarks = tuple(self._describe_oddities(response, expected))
        self._enter_bound(state_after_bind(self.bind_request.command_id), response)
        if not waiter.done():  # the owner may have cut the connection when it was told
            waiter.set_result(response)
        return True

    def _describe_oddities(self, response: BindResponse, expected: int) -> list[str]:
        oddities = []
        if (command_id := response.command_id) != expected:
            oddities.append(
                f"the bind was answered with {name_command(command_id)}, not {name_command(expected)}"
            )
        if response.sequence_number != self._bind_number:
            oddities.append(
                f"the bind had number {self._bind_number} and was answered with {response.sequence_number}"
            )
        if (version := self.peer_interface_version) is not None and version < INTERFACE_VERSION_34:
            oddities.append(f"the SMSC says that it speaks version 0x{version:02x}; no TLVs are sent")
        return oddities

    def _agree_on(self, version: int | None) -> None:
        """Set what follows from the version that the peer states. Where an SMSC states none, the operator's
        settings decide."""
        assert self.bind_request is not None
        self.peer_interface_version = version
        self.sends_tlvs = self.bind_request.interface_version >= INTERFACE_VERSION_34 and (
            version is None or version >= INTERFACE_VERSION_34
        )

    def _refuse_own_bind(self, command_status: int) -> None:
        error = BindRefused(self.peer, command_status)
        if self._bind_waiter is not None and not self._bind_waiter.done():
            self._bind_waiter.set_exception(error)
        self._close(CloseReason(CloseKind.BIND_REFUSED, str(error), command_status))

    def _accept_bind(self, pdu: BindRequest) -> None:
        """For the SMSC role: judge a bind request, answer it, and close when it is refused."""
        command_status = self._judge_bind(pdu)
        tlvs: pdus.Tlvs = ()
        if not command_status and pdu.interface_version >= INTERFACE_VERSION_34:
            tlvs = ((Tag.SC_INTERFACE_VERSION, bytes((INTERFACE_VERSION_34,))),)
        response = _BIND_RESPONSE_TYPES[pdu.command_id](
            self.settings.system_id, tlvs, command_status, pdu.sequence_number
        )
        self._send(encode(response))
        if command_status:
            what = f"the bind of {self.peer} was refused with {name_status(command_status)}"
            self._close(CloseReason(CloseKind.BIND_REFUSED, what, command_status))
            return
        self.bind_request = pdu
        self._agree_on(pdu.interface_version)
        self._enter_bound(state_after_bind(pdu.command_id), pdu)

    def _enter_bound(self, state: SessionState, pdu: BindRequest | BindResponse) -> None:
        self._timers.bind(self._clock())
        self._was_bound = True
        self._set_state(state)
        self._begin(pdu)

    # Ending.

    async def unbind(self, *, drain_seconds: float) -> None:
        """End in order: no more requests, wait for the window, unbind, wait for the answer, close.

        Takes at most `drain_seconds` and twice the unbind time-out. What is still unanswered then comes with
        `on_closed`. Deliveries that the owner holds may be answered until `drain_seconds` are over; those
        that come after the unbind are refused for now.
        """
        if self._transport is None:
            return
        self._answers_by = self._clock() + drain_seconds
        self._is_draining = True
        self._set_state(self._state)
        if self._pending:
            self._drain_waiter = self._loop.create_future()
            await asyncio.wait(
                (self._drain_waiter, self._closed), timeout=drain_seconds, return_when="FIRST_COMPLETED"
            )
        if self._state.is_bound:
            self._flush()  # what was given before goes out before the unbind
            self._return_unwritten()  # except what the connection does not take
            self._send_unbind(_UNBOUND)
        elif self._state is SessionState.OPEN:
            self._close(CloseReason(CloseKind.UNBOUND, "closed by us before it was bound"))
        await asyncio.wait((self._closed,), timeout=2 * self.settings.unbind_timeout_seconds)
        self.abort("it did not close after the unbind")

    def leave(self, reason: str) -> None:
        """Unbind at once and without waiting: for a session that is of no use any more. Requests that were
        not written go back; the rest may still be answered until the SMSC has answered the unbind.

        Better than `abort` where the peer still listens: it forgets the session at once, and the next bind is
        not refused as already bound (quirk 12). Harmless when the session is ending already.
        """
        if self._state is SessionState.UNBOUND:
            return
        if not self._state.is_bound:
            self.abort(reason)
            return
        self._return_unwritten()
        self._answers_by = self._clock() + self.settings.unbind_timeout_seconds
        self._send_unbind(CloseReason(CloseKind.ABORTED, reason))

    def _send_unbind(self, reason: CloseReason) -> None:
        self._set_state(SessionState.UNBOUND)
        self._unbind_number = self._numbers.take(self._window)
        self._send(pack_header(16, _UNBIND, 0, self._unbind_number))
        self._expect_close(reason)

    def _accept_unbind(self, number: int) -> None:
        """The peer unbinds: answer, stop sending, and give answers in both directions a moment (quirk 21)."""
        self._send(pack_header(16, _UNBIND_RESP, 0, number))
        self._return_unwritten()
        self._set_state(SessionState.UNBOUND)
        self._expect_close(CloseReason(CloseKind.PEER_UNBOUND, "the peer unbound"))
        self._go_on_ending()

    def _read_unbind_response(self) -> bool:
        """Our unbind was answered; False when there was none."""
        if self._unbind_number is None:
            return False
        self._is_unbind_answered = True
        self._go_on_ending()
        return True

    def _go_on_ending(self) -> None:
        """Called when an answer came or went: what waits for the last one goes on."""
        if self._drain_waiter is not None and not self._pending and not self._drain_waiter.done():
            self._drain_waiter.set_result(None)
        if self._state is not SessionState.UNBOUND or self._close_reason is None:
            return
        if self._unbind_number is None:
            is_over = not self._pending and not self._owed_answers
        else:
            is_late = self._clock() >= self._answers_by
            is_over = self._is_unbind_answered and (is_late or not self._owed_answers)
        if is_over:
            self._close(self._close_reason)

    def _end(self, reason: CloseReason) -> None:
        if self._tick_handle is not None:
            self._tick_handle.cancel()
        self._set_state(SessionState.CLOSED)
        if self._bind_waiter is not None and not self._bind_waiter.done():
            self._bind_waiter.set_exception(SessionClosed(self.peer, reason))

    # State and time.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tick_handle = self._loop.call_later(self.settings.tick_seconds, self._tick)

    def _set_state(self, state: SessionState) -> None:
        self._state = state

    def _tick(self) -> None:
        if self._transport is None:
            return
        self._tick_handle = self._loop.call_later(self.settings.tick_seconds, self._tick)
        now = self._clock()
        if self._cut_if_overdue(now):
            return
        self._expire(now)
        self._go_on_ending()
        self._obey_timers(self._timers.tick(now))

    def _obey_timers(self, verdict: TimerVerdict) -> None:
        if verdict is TimerVerdict.NOTHING or self._transport is None:
            return
        if verdict is TimerVerdict.SEND_ENQUIRE_LINK:
            self._send(pack_header(16, _ENQUIRE_LINK, 0, self._numbers.take(self._window)))
            return
        self._close_reason = self._close_reason or _CLOSE_REASONS[verdict]
        if verdict is TimerVerdict.INACTIVE:
            self._close(_CLOSE_REASONS[verdict])
        else:
            self._transport.abort()
