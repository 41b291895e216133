"""A session in either role against a script of octets: the PDUs of a peer in any cut, and what its owner does
meanwhile. What must hold afterwards is in `Run.check`.

An input is a first octet of options and then steps. A step is one octet for its kind, and for most kinds one
more for how much of it: see `Run._STEPS`. Any octets are a script.
"""

import asyncio
from collections import Counter

from gateway.session.errors import BindRefused, NoRoom, SessionClosed
from gateway.session.owner import CloseKind, SessionOwner
from gateway.session.session import Session
from gateway.session.settings import SessionSettings
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.constants import RESPONSE_BIT, CommandId
from gateway.smpp.framing import Framer
from gateway.smpp.hotpath import SubmitTemplate
from gateway.smpp.rules import Role, SessionState
from gateway.smpp.timers import TimerSettings

from .still_loop import still_loop

TEMPLATE = SubmitTemplate(b"ACME", 5, 0, 1, 1, 0, 0, 1)
WINDOW = 3
MOST_PDU_OCTETS = 4096
SETTINGS = SessionSettings(
    window=WINDOW,
    response_timeout_seconds=20.0,
    keep_late_seconds=60.0,
    max_pdu_octets=MOST_PDU_OCTETS,
    timers=TimerSettings(inactivity_seconds=120.0),
)
COMMANDS = (*(command.value for command in CommandId), 0x0A0A, 0x80000A0A)
STATUSES = (0, 0, 0, 0, 5, 0x0E, 0x14, 0x58, 0x64, 0x400, 0xFFFFFFFF, 0)
NO_ANSWER = frozenset((CommandId.ALERT_NOTIFICATION.value, CommandId.OUTBIND.value))

IS_SMSC, IS_BOUND, SUBMITS_BY_ITSELF, REFUSES_BINDS, LEAVES_AT_ERRORS, ANSWERS_AT_ONCE = (
    1 << n for n in range(6)
)

_RESPONSES = {
    pdus.SubmitSm: pdus.SubmitSmResp,
    pdus.DataSm: pdus.DataSmResp,
    pdus.QuerySm: pdus.QuerySmResp,
    pdus.CancelSm: pdus.CancelSmResp,
    pdus.ReplaceSm: pdus.ReplaceSmResp,
}


class Pipe(asyncio.Transport):
    """A connection into a list. It closes at once, and says so on the loop's next turn, as asyncio does."""

    def __init__(self, loop):
        super().__init__({"peername": ("192.0.2.1", 2775)})
        self.loop = loop
        self.session = None
        self.written = []
        self.is_gone = False

    def write(self, data):
        assert not self.is_gone, "written after the end"
        assert data, "nothing written"
        self.written.append(data)

    def get_write_buffer_size(self):
        return 0

    def is_closing(self):
        return self.is_gone

    def close(self):
        self.lose(None)

    def abort(self):
        self.lose(None)

    def lose(self, exc):
        if not self.is_gone:
            self.is_gone = True
            self.loop.call_soon(self.session.connection_lost, exc)


class Owner(SessionOwner):
    """Counts how each request of ours ended, and answers the peer's when told to."""

    def __init__(self, options):
        self.options = options
        self.given = 0
        self.endings = Counter()
        self.late = Counter()
        self.owed = []
        self.closed = []
        self.bound = 0

    def on_bound(self, session, pdu):
        self.bound += 1
        self.submit_all(session)

    def on_answers(self, session, answers):
        assert answers
        self.endings.update(context for context, _, _ in answers)
        if self.options & LEAVES_AT_ERRORS and any(status for _, status, _ in answers):
            session.leave("the script says so")
        self.submit_all(session)

    def on_late_answers(self, session, answers):
        for context, _, _ in answers:
            assert self.endings[context] == 1, "late, and never timed out"
            self.late[context] += 1

    def on_timeouts(self, session, contexts):
        self.endings.update(contexts)

    def on_unwritten(self, session, contexts):
        assert contexts
        self.endings.update(contexts)

    def on_room(self, session):
        assert session.room > 0
        self.submit_all(session)

    def on_requests(self, session, requests):
        assert requests
        self.owed += [
            (number, pdu) for number, pdu in requests if not isinstance(pdu, pdus.AlertNotification)
        ]
        if self.options & ANSWERS_AT_ONCE:
            self.answer(session)

    def on_closed(self, session, reason, unanswered):
        self.endings.update(unanswered)
        self.closed.append(reason.kind)

    def answer(self, session, most=1 << 30):
        due, self.owed = self.owed[:most], self.owed[most:]
        for number, pdu in due:
            if isinstance(pdu, pdus.DeliverSm):
                session.acknowledge_deliveries([number], 0x14 if number % 5 == 0 else 0)
            else:
                session.answer(_RESPONSES[type(pdu)](sequence_number=number))

    def submit_all(self, session):
        if self.options & SUBMITS_BY_ITSELF:
            while session.room and self.given < 200:
                self.submit(session)

    def submit(self, session):
        """One message; what a session without room refuses does not count."""
        context = self.given
        try:
            if session.role is Role.ESME:
                session.submit(context, TEMPLATE, b"39333", b"hi")
            else:
                session.request(context, pdus.DeliverSm(short_message=b"hi"))
        except NoRoom:
            return
        self.given += 1


class Run:
    """One script, step by step."""

    def __init__(self, loop, options):
        self.loop = loop
        self.options = options
        self.role = Role.SMSC if options & IS_SMSC else Role.ESME
        self.owner = Owner(options)
        self.is_gate_open = True
        self.pipe = Pipe(loop)
        self.session = Session(
            self.role,
            self.owner,
            SETTINGS,
            authenticate=lambda session, pdu: 0x0E if options & REFUSES_BINDS else 0,
            may_write=lambda: self.is_gate_open,
            clock=loop.time,
        )
        self.pipe.session = self.session
        self.session.connection_made(self.pipe)
        self.framer = Framer(max_pdu_octets=MOST_PDU_OCTETS)
        self.heard = []
        self.unread = b""
        self.we_end = False
        self.tasks = []
        if options & IS_BOUND:
            self._bind()

    def _bind(self):
        if self.role is Role.SMSC:
            self._read(encode(pdus.BindTransceiver(system_id=b"acme", sequence_number=1)))
            return
        self._start(self.session.bind(pdus.BindTransceiver(system_id=b"acme")))
        self._read(encode(pdus.BindTransceiverResp(system_id=b"smsc", sequence_number=1)))

    def _start(self, coroutine):
        self.tasks.append(self.loop.create_task(coroutine))
        self.loop.turn()

    # Steps. Each takes the rest of the script and gives back what it left of it.

    def _add_raw(self, script):
        octets = script[0] if script else 0
        self.unread += script[1 : 1 + octets]
        return script[1 + octets :]

    def _add_framed(self, script):
        """A PDU with the right length: command, number, status, octets of the body, body."""
        if len(script) < 4:
            return b""
        command, number, status, octets = script[:4]
        body = script[4 : 4 + octets]
        command_id = COMMANDS[command % len(COMMANDS)]
        sequence_number = 0xFFFFFFFF if number == 0xFF else number
        self.unread += encode(
            pdus.UnknownPdu(command_id, body, STATUSES[status % len(STATUSES)], sequence_number)
        )
        return script[4 + octets :]

    def _read_some(self, script):
        octets = script[0] if script else 0
        chunk, self.unread = self.unread[:octets], self.unread[octets:]
        self._read(chunk)
        return script[1:]

    def _read_all(self, script):
        chunk, self.unread = self.unread, b""
        self._read(chunk)
        return script

    def _submit(self, script):
        self.owner.submit(self.session)
        return script

    def _answer(self, script):
        self.owner.answer(self.session, 1)
        return script

    def _answer_all(self, script):
        self.owner.answer(self.session)
        return script

    def _turn(self, script):
        self.loop.turn()
        return script

    def _pass_time(self, script):
        self.we_end = True  # by a timer
        self.loop.pass_seconds(script[0] if script else 1)
        return script[1:]

    def _unbind(self, script):
        self.we_end = True
        if len(self.tasks) < 4:
            self._start(self.session.unbind(drain_seconds=float(script[0] if script else 0)))
        return script[1:]

    def _leave(self, script):
        self.we_end = True
        self.session.leave("the script says so")
        return script

    def _toggle_gate(self, script):
        self.is_gate_open = not self.is_gate_open
        return script

    def _congest(self, script):
        self.session.pause_writing()
        return script

    def _relieve(self, script):
        self.session.resume_writing()
        return script

    def _lose(self, script):
        self.we_end = True
        self.pipe.lose(ConnectionResetError("reset") if script[:1] > b"\x7f" else None)
        return script[1:]

    def _try_bind(self, script):
        if len(self.tasks) < 4:
            self._start(self.session.bind(pdus.BindReceiver(system_id=b"acme")))
        return script

    _STEPS = (
        _add_raw, _add_framed, _read_all, _read_some, _submit, _answer, _answer_all, _turn, _pass_time,
        _unbind, _leave, _toggle_gate, _congest, _relieve, _lose, _try_bind,
    )  # fmt: skip

    def run(self, script):
        for _ in range(400):
            if not script:
                break
            step = self._STEPS[script[0] % len(self._STEPS)]
            script = step(self, script[1:])
            self._check_bounds()
        self._read_all(b"")
        self.owner.answer(self.session)
        self.loop.turn()

    def _read(self, chunk):
        if not chunk or self.pipe.is_gone:
            return
        _, frames = self.framer.feed(chunk)
        self.heard += [(frame[0], frame[2], frame[1]) for frame in frames]
        self.session.data_received(chunk)

    # What must hold.

    def _check_bounds(self):
        session = self.session
        assert session.in_flight <= WINDOW, f"in_flight {session.in_flight} of {WINDOW}"
        assert session._framer.held_octets <= MOST_PDU_OCTETS + 255
        assert len(session._outbox.requests) == len(session._outbox.numbers) <= session.in_flight
        assert session.room == 0 or session.state.is_bound
        assert session._owed_answers == len(self.owner.owed) or session.is_closed

    def check(self):
        is_open = not self.pipe.is_gone
        self._check_answers(is_open)
        self._check_end(is_open)
        self.pipe.lose(None)
        self.loop.turn()
        self.loop.pass_seconds(700)
        self._check_requests()
        for task in self.tasks:
            assert task.done(), "a wait without end"
            fault = None if task.cancelled() else task.exception()
            assert isinstance(fault, NoRoom | BindRefused | SessionClosed | None), fault
        assert not self.loop.faults, self.loop.faults
        assert self.session.state is SessionState.CLOSED

    def _check_answers(self, is_open):
        """Each well-framed request is answered once with its number; no response ever is."""
        _, written = (framer := Framer(max_pdu_octets=1 << 20)).feed(b"".join(self.pipe.written))
        assert (framer.fault, framer.held_octets) == (None, 0)
        answers = Counter(frame[2] for frame in written if frame[0] & RESPONSE_BIT)
        asked = Counter(
            number
            for command_id, number, _ in self.heard
            if not command_id & RESPONSE_BIT and command_id not in NO_ANSWER
        )
        if self.framer.fault is not None and not is_open:
            asked[0] += 1  # the nack that says that the stream is lost
        assert answers <= asked, f"answers without a question: {answers - asked}"
        if is_open:
            assert answers == asked, f"questions without an answer: {asked - answers}"
        assert all(1 <= frame[2] <= 0x7FFFFFFF for frame in written if not frame[0] & RESPONSE_BIT), (
            "a number of ours out of range"
        )

    def _check_end(self, is_open):
        """The connection ends for a lost stream, or by an unbind or a refused bind, and for nothing else."""
        if is_open or self.we_end:
            return
        names = {command_id for command_id, _, _ in self.heard}
        has_error = any(status for command_id, _, status in self.heard if command_id & RESPONSE_BIT)
        assert (
            self.framer.fault is not None
            or CommandId.UNBIND in names
            or (self.role is Role.SMSC and self.options & REFUSES_BINDS)
            or (self.role is Role.ESME and self.tasks and (has_error or CommandId.GENERIC_NACK in names))
            or (self.options & LEAVES_AT_ERRORS and (has_error or CommandId.GENERIC_NACK in names))
        ), f"ended without cause: {self.owner.closed}"
        if self.owner.closed == [CloseKind.STREAM_LOST]:
            assert self.framer.fault is not None

    def _check_requests(self):
        """Each request of ours ends once: answered, timed out, given back, or unanswered at the end."""
        assert self.owner.endings == Counter(range(self.owner.given)), "lost or told twice"
        assert all(times == 1 for times in self.owner.late.values())
        assert self.owner.bound == len(self.owner.closed) <= 1


def try_session(octets):
    """One script. Raises `AssertionError`, or whatever the session does, for a finding."""
    if not octets:
        return
    with still_loop() as loop:
        run = Run(loop, octets[0])
        run.run(octets[1:])
        run.check()
