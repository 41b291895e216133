"""One SMPP session over one connection, in either role: its messages.

Owns what is read (many PDUs at once, answers matched with the window, requests for the owner) and what the
protocol answers to it by itself, and the requests that are sent. Refuses to know what a message is for:
contexts are the caller's and come back with the answers. How a session begins and ends is `lifecycle.py`'s.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from gateway.session.errors import NoRoom
from gateway.session.lifecycle import STATE_CHANGING, BindRequest, BindResponse, Lifecycle, pack_header
from gateway.session.owner import Answer, CloseKind, CloseReason, Request, SessionOwner
from gateway.session.settings import Direction, SessionSettings, Trace
from gateway.session.window import response_id
from gateway.smpp import pdus
from gateway.smpp.codec import LAYOUTS, decode, encode
from gateway.smpp.constants import RESPONSE_BIT, CommandId
from gateway.smpp.errors import BadPdu, name_command
from gateway.smpp.framing import Frame, Framer
from gateway.smpp.hotpath import (
    SubmitTemplate,
    decode_deliver_sm,
    decode_message_id,
    decode_submit_sm,
    encode_deliver_sm_resps,
)
from gateway.smpp.rules import Role, SessionState, may_send, may_send_messages, refuse_request
from gateway.smpp.statuses import CommandStatus

_SUBMIT_SM_RESP: Final = CommandId.SUBMIT_SM_RESP.value
_ENQUIRE_LINK: Final = CommandId.ENQUIRE_LINK.value
_ENQUIRE_LINK_RESP: Final = CommandId.ENQUIRE_LINK_RESP.value
_UNBIND: Final = CommandId.UNBIND.value
_UNBIND_RESP: Final = CommandId.UNBIND_RESP.value
_GENERIC_NACK: Final = CommandId.GENERIC_NACK.value
_UNANSWERED: Final = frozenset((CommandId.ALERT_NOTIFICATION, CommandId.OUTBIND))

_MOST_UNREAD_OCTETS: Final = 8 * 1024 * 1024
"""Answers that a peer leaves unread before it is cut: 200,000 of them, which no peer in order reaches, while
one that floods us and reads nothing would fill the memory."""

WindowedRequest: TypeAlias = (
    pdus.SubmitSm | pdus.DeliverSm | pdus.DataSm | pdus.QuerySm | pdus.CancelSm | pdus.ReplaceSm
)
Authenticate: TypeAlias = Callable[["Session", BindRequest], int]
"""Judges a bind request: the command_status to answer, 0 to accept. Synchronous, for the SMSC role."""


class Session(Lifecycle):
    """An SMPP session. Create it as the protocol of a connection; it reports to its `owner`.

    `may_write` is asked right before each write that contains octets of requests of ours, and such writes go
    to the kernel at once; when it says no they are not written and go back through `on_unwritten`.
    `authenticate` is needed for the SMSC role.
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
        super().__init__(role, settings, may_write=may_write, trace=trace, clock=clock)
        self.window_size = settings.window
        self._owner = owner
        self._authenticate = authenticate
        self._framer = Framer(max_pdu_octets=settings.max_pdu_octets)
        decoder: tuple[int, Callable[[bytes, Frame], pdus.SubmitSm | pdus.DeliverSm]] = (
            (CommandId.DELIVER_SM.value, decode_deliver_sm)
            if role is Role.ESME
            else (CommandId.SUBMIT_SM.value, decode_submit_sm)
        )
        self._message_command, self._decode_message = decoder
        self._can_send = False
        self._takes_messages = False
        self._is_doubtful = False
        """A request got no answer in time, and nothing was heard since it left: the line may be dead."""

    # What the owner asks.

    @property
    def in_flight(self) -> int:
        """Requests of ours that await a response, including those not written yet."""
        return len(self._pending)

    @property
    def room(self) -> int:
        """How many requests can be given now; 0 unless bound for sending, on a line that takes octets and is
        not in doubt: what is sent into a dead one is of unknown outcome."""
        if not self._can_send or self._is_congested or self._is_doubtful:
            return 0
        return max(0, self.window_size - len(self._pending))

    @property
    def unanswered_seconds(self) -> float:
        """For how long the oldest request of ours has waited for its response; 0 when none waits."""
        oldest = next(iter(self._pending.values()), None)
        return 0.0 if oldest is None else self._clock() - oldest[1]

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
        self._note_answered(1)

    def acknowledge_deliveries(self, sequence_numbers: Iterable[int], command_status: int = 0) -> None:
        """Send a deliver_sm_resp to each of these numbers. On a closed session nothing happens."""
        if self._transport is None:
            return
        responses = encode_deliver_sm_resps(sequence_numbers, command_status)
        self._outbox.plain.extend(responses)
        if not self._is_flush_planned:
            self._plan_flush()
        self._note_answered(len(responses))

    def _note_answered(self, requests: int) -> None:
        self._owed_answers = max(0, self._owed_answers - requests)
        if self._close_reason is not None:
            self._go_on_ending()

    # What asyncio calls.

    def data_received(self, data: bytes) -> None:
        now = self._clock()
        self._timers.hear(now)
        counters = self.counters
        counters.reads += 1
        counters.received_octets += len(data)
        buffer, frames = self._framer.feed(data)
        counters.received_pdus += len(frames)
        was_full = self._is_doubtful or len(self._pending) >= self.window_size
        self._is_doubtful = False
        if self.trace is not None and frames:
            self.trace(Direction.RECEIVED, buffer[: frames[-1][4]])
        self._read_frames(buffer, frames)
        if self._framer.fault is not None and self._transport is not None:
            self._send(pack_header(16, _GENERIC_NACK, self._framer.fault.command_status, 0))
            self._close(CloseReason(CloseKind.STREAM_LOST, str(self._framer.fault)))
        if self._close_reason is not None or self._is_draining:
            self._go_on_ending()
        if was_full and self.room:
            self._owner.on_room(self)
        if self._is_congested:
            self._cut_if_unread()
        self.write_now()  # what else the owner gave from its callbacks, together with answers of ours

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
            if command_id in STATE_CHANGING:
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
            self.write_now()  # what the freed places let out does not wait for the reading of receipts
        if requests:
            self._owed_answers += len(requests)
            self._owner.on_requests(self, requests)

    def _read_rare(self, buffer: bytes, frame: Frame, requests: list[Request]) -> None:
        """Everything but the messages that flow: what the protocol itself answers, and the unexpected."""
        command_id, _, number, start, end = frame
        if command_id == _ENQUIRE_LINK:
            self._send(pack_header(16, _ENQUIRE_LINK_RESP, 0, number))
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
                if isinstance(pdu, pdus.AlertNotification):
                    self._owed_answers -= 1  # it is counted with the others, and has no answer

    def _read_rare_response(self, buffer: bytes, frame: Frame) -> None:
        command_id, command_status, number, start, end = frame
        if command_id in STATE_CHANGING:
            is_ours = (
                self._read_unbind_response()
                if command_id == _UNBIND_RESP
                else self._read_bind_response(buffer, frame)
            )
            if not is_ours:
                self.counters.stray_responses += 1
        elif command_id == _GENERIC_NACK:
            self._read_nack(command_status or CommandStatus.ESME_RUNKNOWNERR.value, number)
        elif (context := self._window.take_late(number, command_id)) is not None:
            self.counters.late_answers += 1
            self._owner.on_late_answers(
                self, [(context, command_status, decode_message_id(buffer, start, end))]
            )
        else:
            self.counters.stray_responses += 1

    def _read_nack(self, command_status: int, number: int) -> None:
        """A generic_nack answers what has its number; one with number 0 means no request (quirk 7). It is
        never a success, so the caller gives a status other than 0."""
        if (context := self._window.take_nacked(number)) is not None:
            self.counters.answers += 1
            self._owner.on_answers(self, [(context, command_status, b"")])
        elif (context := self._window.take_late(number)) is not None:
            self.counters.late_answers += 1
            self._owner.on_late_answers(self, [(context, command_status, b"")])
        elif number in (self._bind_number, 0) and self._awaits_bind_response():
            self._refuse_own_bind(command_status)  # nothing else can be meant before we are bound
        else:
            self.counters.stray_responses += 1

    # Refusing.

    def _cut_if_unread(self) -> None:
        """End with a peer that asks and asks and reads nothing of what it is answered."""
        if self._transport is None:
            return
        unread = self._transport.get_write_buffer_size() + self._outbox.waiting_octets
        if unread > _MOST_UNREAD_OCTETS:
            self.abort(f"the peer reads nothing: {_MOST_UNREAD_OCTETS >> 20} MiB of answers wait for it")

    def _refuse_bad_pdu(self, raw: bytes, error: BadPdu) -> None:
        self.counters.bad_pdus += 1
        self._refuse(error.command_id, error.sequence_number, error.command_status)
        self._owner.on_bad_pdu(self, raw, error)

    def _refuse(self, command_id: int, number: int, command_status: int) -> None:
        """Answer a request with an error; alert_notification and outbind have no answer (quirk 11)."""
        if command_id in _UNANSWERED:
            return
        if command_id not in LAYOUTS or command_status == CommandStatus.ESME_RINVCMDID:
            self._send(pack_header(16, _GENERIC_NACK, command_status, number))
        elif command_id == CommandId.DELIVER_SM:
            for response in encode_deliver_sm_resps((number,), command_status):
                self._send(response)
        else:
            self._send(pack_header(16, response_id(command_id), command_status, number))

    def _return(self, numbers: list[int]) -> None:
        # A peer may have answered a number that it never saw; that request is no longer ours to give back.
        pending = self._pending
        contexts = [pending.pop(number)[0] for number in numbers if number in pending]
        if contexts:
            self._owner.on_unwritten(self, contexts)

    # What the lifecycle asks.

    def _begin(self, pdu: BindRequest | BindResponse) -> None:
        self._owner.on_bound(self, pdu)

    def _judge_bind(self, pdu: BindRequest) -> int:
        if self._authenticate is None:
            return CommandStatus.ESME_RBINDFAIL.value
        return self._authenticate(self, pdu)

    def _expire(self, now: float) -> None:
        was_full = len(self._pending) >= self.window_size
        if self._is_congested and self.unanswered_seconds >= self.settings.response_timeout_seconds:
            self._return_unwritten()  # they are not of unknown outcome, and must not leave after they were
        expired = self._window.expire(now)
        if expired:
            self.counters.timeouts += len(expired)
            self._is_doubtful = self._timers.silent_seconds(now) >= self.settings.response_timeout_seconds
            if self._is_doubtful:
                self._timers.ask_soon()
            self._owner.on_timeouts(self, expired)
            if was_full and self.room:
                self._owner.on_room(self)

    def _end(self, reason: CloseReason) -> None:
        super()._end(reason)
        unanswered = self._window.take_all()
        if self._was_bound:
            self._owner.on_closed(self, reason, unanswered)

    def _relieve(self) -> None:
        if self.room:
            self._owner.on_room(self)

    def _set_state(self, state: SessionState) -> None:
        super()._set_state(state)
        self._can_send = may_send_messages(self.role, state) and not self._is_draining
        self._takes_messages = refuse_request(self.role, state, self._message_command) is None
