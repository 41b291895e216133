"""A session on a connection made of memory, and an owner that remembers what it was told."""

import asyncio

from gateway.session.owner import SessionOwner
from gateway.session.session import Session
from gateway.session.settings import SessionSettings
from gateway.smpp.codec import decode, encode
from gateway.smpp.framing import Framer
from gateway.smpp.hotpath import SubmitTemplate
from gateway.smpp.pdus import BindTransceiver, BindTransceiverResp
from gateway.smpp.rules import Role

TEMPLATE = SubmitTemplate(b"ACME", 5, 0, 1, 1, 0, 0, 1)


class MemoryTransport(asyncio.Transport):
    """Collects writes. Closing reaches the protocol at once."""

    def __init__(self):
        super().__init__({"peername": ("192.0.2.1", 2775)})
        self.writes = []
        self.protocol = None
        self.is_gone = False

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def write(self, data):
        self.writes.append(data)

    def is_closing(self):
        return self.is_gone

    def close(self):
        self.lose(None)

    def abort(self):
        self.lose(None)

    def lose(self, exc):
        if not self.is_gone:
            self.is_gone = True
            self.protocol.connection_lost(exc)

    def take_pdus(self):
        buffer, frames = Framer().feed(b"".join(self.writes))
        self.writes.clear()
        return [decode(buffer, frame) for frame in frames]


class Recorder(SessionOwner):
    """Every call as (name, what), in order."""

    def __init__(self):
        self.calls = []

    def on_bound(self, session, pdu):
        self.calls.append(("bound", pdu))

    def on_answers(self, session, answers):
        self.calls.append(("answers", answers))

    def on_late_answers(self, session, answers):
        self.calls.append(("late", answers))

    def on_requests(self, session, requests):
        self.calls.append(("requests", requests))

    def on_timeouts(self, session, contexts):
        self.calls.append(("timeouts", contexts))

    def on_room(self, session):
        self.calls.append(("room", session.room))

    def on_unwritten(self, session, contexts):
        self.calls.append(("unwritten", contexts))

    def on_bad_pdu(self, session, raw, error):
        self.calls.append(("bad_pdu", (raw, error.command_status)))

    def on_closed(self, session, reason, unanswered):
        self.calls.append(("closed", (reason.kind, unanswered)))

    def named(self, name):
        return [what for called, what in self.calls if called == name]


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Wire:
    """One session with its owner, transport and clock."""

    def __init__(self, role=Role.ESME, *, settings=None, authenticate=None, may_write=None, trace=None):
        self.owner = Recorder()
        self.clock = Clock()
        self.transport = MemoryTransport()
        self.session = Session(
            role,
            self.owner,
            settings or SessionSettings(window=3),
            authenticate=authenticate,
            may_write=may_write,
            trace=trace,
            clock=self.clock,
        )
        self.transport.protocol = self.session
        self.session.connection_made(self.transport)

    def receive(self, *pdus):
        self.session.data_received(b"".join(encode(pdu) for pdu in pdus))

    async def turn(self):
        """Let planned writes happen; return the PDUs written."""
        for _ in range(5):
            await asyncio.sleep(0)
        return self.transport.take_pdus()

    def submit(self, context):
        return self.session.submit(context, TEMPLATE, b"393331234567", b"hi")

    def pass_seconds(self, seconds):
        self.clock.now += seconds
        self.session._tick_handle.cancel()
        self.session._tick()


async def bound_wire(**options):
    """A wire whose ESME session is bound."""
    wire = Wire(**options)
    binding = asyncio.ensure_future(wire.session.bind(BindTransceiver(system_id=b"acme", password=b"pw")))
    (request,) = await wire.turn()
    wire.receive(BindTransceiverResp(system_id=b"smsc", sequence_number=request.sequence_number))
    await binding
    wire.owner.calls.clear()
    return wire
