"""One SMPP session over one connection, in either role.

Owns the connection's octets in both directions: many PDUs per read, one write per turn of the loop, the
window, the timers, and everything the protocol answers by itself (enquire_link, unbind, generic_nack, PDUs
that make no sense). Refuses to know what a message is for: contexts are the caller's and come back with the
answers.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Final, TypeAlias

from gateway.session.errors import BindRefused, NoRoom, SessionClosed
from gateway.session.link import Link
from gateway.session.owner import Answer, CloseKind, CloseReason, Request, SessionOwner
from gateway.session.settings import Direction, SessionSettings, Trace
from gateway.session.window import Window, response_id
from gateway.smpp import pdus
from gateway.smpp.codec import LAYOUTS, decode, encode
from gateway.smpp.constants import INTERFACE_VERSION_34, RESPONSE_BIT, CommandId, Tag
from gateway.smpp.errors import BadPdu, name_command
from gateway.smpp.framing import Frame, Framer
from gateway.smpp.hotpath import (
    SubmitTemplate,
    decode_deliver_sm,
    decode_message_id,
    decode_submit_sm,
    encode_deliver_sm_resps,
)
from gateway.smpp.rules import (
    Role,
    SequenceNumbers,
    SessionState,
    may_send,
    may_send_messages,
    refuse_request,
    state_after_bind,
)
from gateway.smpp.statuses import CommandStatus, name_status
from gateway.smpp.timers import SessionTimers, TimerVerdict

_header: Final = Struct(">IIII").pack

_SUBMIT_SM_RESP: Final = CommandId.SUBMIT_SM_RESP.value
_ENQUIRE_LINK: Final = CommandId.ENQUIRE_LINK.value
_ENQUIRE_LINK_RESP: Final = CommandId.ENQUIRE_LINK_RESP.value
_UNBIND: Final = CommandId.UNBIND.value
_UNBIND_RESP: Final = CommandId.UNBIND_RESP.value
_GENERIC_NACK: Final = CommandId.GENERIC_NACK.value
_BIND_RESPONSES: Final = frozenset(
    (CommandId.BIND_TRANSMITTER_RESP, CommandId.BIND_RECEIVER_RESP, CommandId.BIND_TRANSCEIVER_RESP)
)

BindRequest: TypeAlias = pdus.BindTransmitter | pdus.BindReceiver | pdus.BindTransceiver
BindResponse: TypeAlias = pdus.BindTransmitterResp | pdus.BindReceiverResp | pdus.BindTransceiverResp
WindowedRequest: TypeAlias = (
    pdus.SubmitSm | pdus.DeliverSm | pdus.DataSm | pdus.QuerySm | pdus.CancelSm | pdus.ReplaceSm
)
Authenticate: TypeAlias = Callable[["Session", BindRequest], int]
"""Judges a bind request: the command_status to answer, 0 to accept. Synchronous, for the SMSC role."""

_UNANSWERED: Final = frozenset((CommandId.ALERT_NOTIFICATION, CommandId.OUTBIND))
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

# What changes the state is handled after everything that arrived before it has reached the owner.
_STATE_CHANGING: Final = _BIND_RESPONSES | {
    CommandId.BIND_TRANSMITTER,
    CommandId.BIND_RECEIVER,
    CommandId.BIND_TRANSCEIVER,
    CommandId.UNBIND,
    CommandId.UNBIND_RESP,
}


class Session(Link):
    """An SMPP session. Create it as the protocol of a connection; it reports to its `owner`.

    `may_write` is asked right before each write that contains requests of ours; when it says no they are not
    written and go back through `on_unwritten`. `authenticate` is needed for the SMSC role.
    """

    def __init__(
        self,
        role: Role,
        owner: SessionOwner,
        settings: SessionSettings,
        *,
        authenticate: Authenticate | None = None,
        may_write: Callable[[], bool] | None = None,
        trace: Trace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings, may_write=may_write, trace=trace, clock=clock)
        self.role: Final = role
        self.window_size = settings.window
        self.bind_request: BindRequest | None = None
        """Who is bound: the request that we sent or accepted."""
        self.peer_interface_version: int | None = None
        """As the peer states it. None or below 34 hex: send it no TLVs (quirk 15)."""
        self._owner = owner
        self._authenticate = authenticate
        self._state = SessionState.OPEN
        self._framer = Framer(max_pdu_octets=settings.max_pdu_octets)
        self._window = Window(
            response_timeout_seconds=settings.response_timeout_seconds,
            keep_late_seconds=settings.keep_late_seconds,
        )
        self._pending = self._window.pending
        self._numbers = SequenceNumbers()
        self._timers = SessionTimers(settings.timers, opened_at=clock())
        decoder: tuple[int, Callable[[bytes, Frame], pdus.SubmitSm | pdus.DeliverSm]] = (
            (CommandId.DELIVER_SM.value, decode_deliver_sm)
            if role is Role.ESME
            else (CommandId.SUBMIT_SM.value, decode_submit_sm)
        )
        self._message_command, self._decode_message = decoder
        self._can_send = False
        self._takes_messages = False
        self._is_draining = False
        self._was_bound = False
        self._bind_number = 0
        self._bind_waiter: asyncio.Future[BindResponse] | None = None
        self._drain_waiter: asyncio.Future[None] | None = None
        self._unbind_number: int | None = None
        self._tick_handle: asyncio.TimerHandle | None = None

    # What the owner asks.

    @property
    def state(self) -> SessionState:
        """Where the session stands."""
        return self._state

    @property
    def in_flight(self) -> int:
        """Requests of ours that await a response, including those not written yet."""
        return len(self._pending)

    @property
    def room(self) -> int:
        """How many requests can be given now; 0 unless bound for sending and the connection takes octets."""
        if not self._can_send or self._is_congested:
            return 0
        return max(0, self.window_size - len(self._pending))

    @property
    def unanswered_seconds(self) -> float:
        """For how long the oldest request of ours has waited for its response; 0 when none waits."""
        oldest = next(iter(self._pending.values()), None)
        return 0.0 if oldest is None else self._clock() - oldest[1]

    @property
    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return self._state is SessionState.CLOSED

    # Sending.

    def submit(
        self,
        context: object,
        template: SubmitTemplate,
        destination: bytes,
        short_message: bytes,
        udh: bytes = b"",
        tlvs: bytes = b"",
    ) -> int:
        """Send one submit_sm; return its sequence number. `context` comes back with the answer.

        Written with everything else of this turn of the loop. Raises `NoRoom` and, for fields that do not
        fit, `RuleBroken`; nothing is sent then.
        """
        pending = self._pending
        if not self._can_send or len(pending) >= self.window_size:
            raise NoRoom(self.peer, self._state.value)
        number = self._numbers.take(self._window)
        self._outbox.requests.append(template.encode(number, destination, short_message, udh, tlvs))
        self._outbox.numbers.append(number)
        pending[number] = (context, self._clock(), _SUBMIT_SM_RESP)
        if not self._is_flush_planned:
            self._plan_flush()
        return number

    def request(self, context: object, pdu: WindowedRequest) -> int:
        """Send any other request that takes a place in the window; return its sequence number.

        Raises `NoRoom`, also for a request that is illegal in this role and state, and `RuleBroken`.
        """
        if self._is_draining or len(self._pending) >= self.window_size:
            raise NoRoom(self.peer, self._state.value)
        if not may_send(self.role, self._state, pdu.command_id):
            raise NoRoom(
                self.peer, f"{self._state.value}, where {name_command(pdu.command_id)} is not allowed"
            )
        number = self._numbers.take(self._window)
        self._outbox.requests.append(encode(pdu, sequence_number=number))
        self._outbox.numbers.append(number)
        self._pending[number] = (context, self._clock(), response_id(pdu.command_id))
        if not self._is_flush_planned:
            self._plan_flush()
        return number

    def answer(self, response: pdus.Response | pdus.UnknownPdu) -> None:
        """Send a response, which carries the sequence number and status. On a closed session nothing happens:
        the peer will ask again on the next one.
        """
        self._send(encode(response))

    def acknowledge_deliveries(self, sequence_numbers: Iterable[int], command_status: int = 0) -> None:
        """Send a deliver_sm_resp to each of these numbers. On a closed session nothing happens."""
        if self._transport is None:
            return
        self._outbox.plain.extend(encode_deliver_sm_resps(sequence_numbers, command_status))
        if not self._is_flush_planned:
            self._plan_flush()

    # Beginning and end.

    async def bind(self, pdu: BindRequest) -> BindResponse:
        """Bind as an ESME and return the SMSC's response.

        Raises `BindRefused`, after which the connection closes, and `SessionClosed` when it closes before an
        answer, at the latest after `session_init_seconds`.
        """
        if self._closed.done():
            raise SessionClosed(self.peer, self._closed.result())
        if not may_send(self.role, self._state, pdu.command_id) or self._bind_waiter is not None:
            raise NoRoom(self.peer, f"{self._state.value}, where a bind is not allowed")
        self._bind_waiter = self._loop.create_future()
        self.bind_request = pdu
        self._bind_number = self._numbers.take(self._window)
        self._send(encode(pdu, sequence_number=self._bind_number))
        return await self._bind_waiter

    async def unbind(self, *, drain_seconds: float) -> None:
        """End in order: no more requests, wait for the window, unbind, wait for the answer, close.

        Takes at most `drain_seconds` and twice the unbind time-out. What is still unanswered then comes with
        `on_closed`.
        """
        if self._transport is None:
            return
        self._is_draining = True
        self._can_send = False
        if self._pending:
            self._drain_waiter = self._loop.create_future()
            await asyncio.wait(
                (self._drain_waiter, self._closed), timeout=drain_seconds, return_when="FIRST_COMPLETED"
            )
        if self._state.is_bound:
            self._flush()  # what was given before goes out before the unbind
            self._set_state(SessionState.UNBOUND)
            self._unbind_number = self._numbers.take(self._window)
            self._send(_header(16, _UNBIND, 0, self._unbind_number))
            self._expect_close(CloseReason(CloseKind.UNBOUND, "unbound in order"))
        elif self._state is SessionState.OPEN:
            self._close(CloseReason(CloseKind.UNBOUND, "closed by us before it was bound"))
        await asyncio.wait((self._closed,), timeout=2 * self.settings.unbind_timeout_seconds)
        self.abort("it did not close after the unbind")

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tick_handle = self._loop.call_later(self.settings.tick_seconds, self._tick)

    def _end(self, reason: CloseReason) -> None:
        if self._tick_handle is not None:
            self._tick_handle.cancel()
        self._set_state(SessionState.CLOSED)
        unanswered = self._window.take_all()
        if self._was_bound:
            self._owner.on_closed(self, reason, unanswered)
        if self._bind_waiter is not None and not self._bind_waiter.done():
            self._bind_waiter.set_exception(SessionClosed(self.peer, reason))

    def resume_writing(self) -> None:
        self._is_congested = False
        if self.room:
            self._owner.on_room(self)

    def data_received(self, data: bytes) -> None:
        now = self._clock()
        self._timers.hear(now)
        counters = self.counters
        counters.reads += 1
        counters.received_octets += len(data)
        buffer, frames = self._framer.feed(data)
        counters.received_pdus += len(frames)
        was_full = len(self._pending) >= self.window_size
        if self.trace is not None and frames:
            self.trace(Direction.RECEIVED, buffer[: frames[-1][4]])
        self._read_frames(buffer, frames)
        if self._framer.fault is not None and self._transport is not None:
            self._send(_header(16, _GENERIC_NACK, self._framer.fault.command_status, 0))
            self._close(CloseReason(CloseKind.STREAM_LOST, str(self._framer.fault)))
        self._after_change(was_full=was_full)
        if self._is_flush_planned:
            # Answers of ours and submits that the owner gave from its callbacks leave now, in one write.
            self._flush()

    # Reading.

    def _read_frames(self, buffer: bytes, frames: list[Frame]) -> None:
        answers: list[Answer] = []
        requests: list[Request] = []
        pending = self._pending
        message_command = self._message_command
        for frame in frames:
            command_id, command_status, number, start, end = frame
            if command_id & RESPONSE_BIT:
                entry = pending.get(number)
                if entry is not None and entry[2] == command_id:
                    del pending[number]
                    answers.append((entry[0], command_status, decode_message_id(buffer, start, end)))
                    continue
            elif command_id == message_command and self._takes_messages:
                try:
                    requests.append((number, self._decode_message(buffer, frame)))
                except BadPdu as error:
                    self._refuse_bad_pdu(buffer[start:end], error)
                continue
            if command_id in _STATE_CHANGING:
                self._deliver(answers, requests)
                answers, requests = [], []
            self._read_rare(buffer, frame, requests)
        self._deliver(answers, requests)

    def _deliver(self, answers: list[Answer], requests: list[Request]) -> None:
        if answers or requests:
            self._timers.note_traffic(self._clock())
        if answers:
            self.counters.answers += len(answers)
            self._owner.on_answers(self, answers)
        if requests:
            self._owner.on_requests(self, requests)

    def _read_rare(self, buffer: bytes, frame: Frame, requests: list[Request]) -> None:
        """Everything but the messages that flow: what the protocol itself answers, and the unexpected."""
        command_id, _, number, start, end = frame
        if command_id == _ENQUIRE_LINK:
            self._send(_header(16, _ENQUIRE_LINK_RESP, 0, number))
        elif command_id == _ENQUIRE_LINK_RESP:
            return  # any octet counts as a sign of life, so nothing is left to do
        elif command_id & RESPONSE_BIT:
            self._read_rare_response(buffer, frame)
        elif (refusal := refuse_request(self.role, self._state, command_id)) is not None:
            self.counters.refused_requests += 1
            self._refuse(command_id, number, refusal)
            if refusal is CommandStatus.ESME_RINVCMDID:
                what = "not supported here"
                error = BadPdu(what, command_id=command_id, sequence_number=number, command_status=refusal)
                self._owner.on_bad_pdu(self, buffer[start:end], error)
        elif command_id == _UNBIND:
            self._accept_unbind(number)
        else:
            try:
                pdu = decode(buffer, frame)
            except BadPdu as error:
                self._refuse_bad_pdu(buffer[start:end], error)
                return
            if isinstance(pdu, BindRequest):
                self._accept_bind(pdu)
            elif not isinstance(pdu, pdus.Outbind):  # we connect by ourselves and need no invitation
                requests.append((number, pdu))

    def _read_rare_response(self, buffer: bytes, frame: Frame) -> None:
        command_id, command_status, number, start, end = frame
        if command_id in _BIND_RESPONSES and self._bind_waiter is not None and not self._bind_waiter.done():
            # Also with a foreign number: some SMSCs count their own, and only one bind can be meant (quirk
            # 13).
            response = decode(buffer, frame)
            assert isinstance(response, BindResponse)
            self._finish_bind(response)
        elif command_id == _UNBIND_RESP and self._unbind_number is not None:
            self._close(CloseReason(CloseKind.UNBOUND, "unbound in order"))
        elif command_id == _GENERIC_NACK and (context := self._window.take_nacked(number)) is not None:
            # A nack is never a success, whatever its status says.
            self.counters.answers += 1
            self._owner.on_answers(
                self, [(context, command_status or CommandStatus.ESME_RUNKNOWNERR.value, b"")]
            )
        elif (context := self._window.take_late(number, command_id)) is not None:
            self.counters.late_answers += 1
            self._owner.on_late_answers(
                self, [(context, command_status, decode_message_id(buffer, start, end))]
            )
        elif command_id == _GENERIC_NACK and number == self._bind_number and not self._was_bound:
            self._refuse_own_bind(command_status or CommandStatus.ESME_RBINDFAIL.value)
        else:
            self.counters.stray_responses += 1

    # Binding.

    def _finish_bind(self, response: BindResponse) -> None:
        """For the ESME role: our bind was answered."""
        assert self._bind_waiter is not None
        assert self.bind_request is not None
        if response.command_status:
            self._refuse_own_bind(response.command_status)
            return
        version = pdus.find_tlv(response.tlvs, Tag.SC_INTERFACE_VERSION)
        self.peer_interface_version = version[-1] if version else None
        self._enter_bound(state_after_bind(self.bind_request.command_id), response)
        if not self._bind_waiter.done():
            self._bind_waiter.set_result(response)

    def _refuse_own_bind(self, command_status: int) -> None:
        error = BindRefused(self.peer, command_status)
        if self._bind_waiter is not None and not self._bind_waiter.done():
            self._bind_waiter.set_exception(error)
        self._close(CloseReason(CloseKind.BIND_REFUSED, str(error), command_status))

    def _accept_bind(self, pdu: BindRequest) -> None:
        """For the SMSC role: judge a bind request, answer it, and close when it is refused."""
        command_status = CommandStatus.ESME_RBINDFAIL.value
        if self._authenticate is not None:
            command_status = self._authenticate(self, pdu)
        response_type = _BIND_RESPONSE_TYPES[pdu.command_id]
        tlvs: pdus.Tlvs = ()
        if not command_status and pdu.interface_version >= INTERFACE_VERSION_34:
            tlvs = ((Tag.SC_INTERFACE_VERSION, bytes((INTERFACE_VERSION_34,))),)
        self._send(
            encode(
                response_type(
                    system_id=self.settings.system_id,
                    tlvs=tlvs,
                    command_status=command_status,
                    sequence_number=pdu.sequence_number,
                )
            )
        )
        if command_status:
            what = f"the bind of {self.peer} was refused with {name_status(command_status)}"
            self._close(CloseReason(CloseKind.BIND_REFUSED, what, command_status))
            return
        self.bind_request = pdu
        self.peer_interface_version = pdu.interface_version
        self._enter_bound(state_after_bind(pdu.command_id), pdu)

    def _enter_bound(self, state: SessionState, pdu: pdus.Pdu) -> None:
        self._timers.bind(self._clock())
        self._was_bound = True
        self._set_state(state)
        self._owner.on_bound(self, pdu)

    def _accept_unbind(self, number: int) -> None:
        """The peer unbinds: answer, stop sending, and give pending responses a moment (quirk 21)."""
        self._send(_header(16, _UNBIND_RESP, 0, number))
        reason = CloseReason(CloseKind.PEER_UNBOUND, "the peer unbound")
        self._return_unwritten()
        self._set_state(SessionState.UNBOUND)
        if self._pending:
            self._expect_close(reason)
        else:
            self._close(reason)

    # Refusing.

    def _refuse_bad_pdu(self, raw: bytes, error: BadPdu) -> None:
        self.counters.bad_pdus += 1
        self._refuse(error.command_id, error.sequence_number, error.command_status)
        self._owner.on_bad_pdu(self, raw, error)

    def _refuse(self, command_id: int, number: int, command_status: int) -> None:
        """Answer a request with an error; alert_notification and outbind have no answer (quirk 11)."""
        if command_id in _UNANSWERED:
            return
        if command_id not in LAYOUTS or command_status == CommandStatus.ESME_RINVCMDID:
            self._send(_header(16, _GENERIC_NACK, command_status, number))
        elif command_id == CommandId.DELIVER_SM:
            self.acknowledge_deliveries((number,), command_status)
        else:
            self._send(_header(16, response_id(command_id), command_status, number))

    def _return(self, numbers: list[int]) -> None:
        # A peer may have answered a number that it never saw; that request is no longer ours to give back.
        pending = self._pending
        contexts = [pending.pop(number)[0] for number in numbers if number in pending]
        if contexts:
            self._owner.on_unwritten(self, contexts)

    # State and time.

    def _set_state(self, state: SessionState) -> None:
        self._state = state
        self._can_send = may_send_messages(self.role, state) and not self._is_draining
        self._takes_messages = refuse_request(self.role, state, self._message_command) is None

    def _after_change(self, *, was_full: bool) -> None:
        """After requests have left the window: go on sending, or go on ending."""
        if not self._pending:
            if self._drain_waiter is not None and not self._drain_waiter.done():
                self._drain_waiter.set_result(None)
            if self._state is SessionState.UNBOUND and self._unbind_number is None and self._close_reason:
                self._close(self._close_reason)
        if was_full and self.room:
            self._owner.on_room(self)

    def _tick(self) -> None:
        if self._transport is None:
            return
        self._tick_handle = self._loop.call_later(self.settings.tick_seconds, self._tick)
        now = self._clock()
        if self._cut_if_overdue(now):
            return
        was_full = len(self._pending) >= self.window_size
        expired = self._window.expire(now)
        if expired:
            self.counters.timeouts += len(expired)
            self._owner.on_timeouts(self, expired)
            self._after_change(was_full=was_full)
        self._obey_timers(self._timers.tick(now))

    def _obey_timers(self, verdict: TimerVerdict) -> None:
        if verdict is TimerVerdict.NOTHING or self._transport is None:
            return
        if verdict is TimerVerdict.SEND_ENQUIRE_LINK:
            self._send(_header(16, _ENQUIRE_LINK, 0, self._numbers.take(self._window)))
            return
        self._close_reason = self._close_reason or _CLOSE_REASONS[verdict]
        if verdict is TimerVerdict.INACTIVE:
            self._close(_CLOSE_REASONS[verdict])
        else:
            self._transport.abort()
