"""Two sessions of ours back to back on real sockets, and peers that misbehave."""

import asyncio
import socket

import pytest

from gateway.session.owner import CloseKind, SessionOwner
from gateway.session.settings import SessionSettings
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.framing import Framer
from gateway.smpp.timers import TimerSettings

from .sockets import DEADLINE_SECONDS, Carrier, connect, eventually, listening
from .wire import TEMPLATE, Recorder

pytestmark = pytest.mark.integration

BIND = pdus.BindTransceiver(system_id=b"acme", password=b"pw")


class Sender(SessionOwner):
    """Submits `count` messages as fast as the window allows."""

    def __init__(self, count):
        self.left = list(range(count))
        self.answers = []
        self.most_in_flight = 0
        self.is_done = asyncio.Event()

    def on_bound(self, session, pdu):
        self.fill(session)

    def on_room(self, session):
        self.fill(session)

    def on_answers(self, session, answers):
        self.answers += answers
        self.fill(session)
        if not self.left and not session.in_flight:
            self.is_done.set()

    def on_requests(self, session, requests):
        session.acknowledge_deliveries(number for number, _ in requests)

    def fill(self, session):
        for _ in range(min(session.room, len(self.left))):
            context = self.left.pop()
            session.submit(context, TEMPLATE, b"393331234567", b"%d" % context)
        self.most_in_flight = max(self.most_in_flight, session.in_flight)


async def test_5000_submits_through_a_window_of_100_with_receipts():
    carrier, sender = Carrier(with_receipts=True), Sender(5000)
    async with listening(carrier, settings=SessionSettings(window=5000)) as listener:
        session = await connect(listener.port, sender, window=100)
        await session.bind(BIND)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await sender.is_done.wait()
        await eventually(lambda: len(carrier.receipt_answers) == 5000)
        await session.unbind(drain_seconds=5)
    assert sorted(context for context, _, _ in sender.answers) == list(range(5000))
    assert {carrier.taken[int(message_id) - 1].short_message for _, _, message_id in sender.answers} == {
        b"%d" % context for context in range(5000)
    }
    assert all(carrier.taken[int(mid) - 1].short_message == b"%d" % ctx for ctx, _, mid in sender.answers)
    assert sender.most_in_flight == 100
    assert session.counters.writes < 2000


async def test_octets_one_by_one_make_the_same_session():
    carrier = Carrier()
    async with listening(carrier) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = encode(BIND, sequence_number=1) + encode(
            pdus.SubmitSm(destination_addr=b"39333", short_message=b"hi", sequence_number=2)
        )
        for octet in stream:
            writer.write(bytes((octet,)))
            await writer.drain()
            await asyncio.sleep(0)
        buffer = b""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(Framer().feed(buffer)[1]) < 2:
                buffer += await reader.read(100)
        writer.close()
    assert [pdu.short_message for pdu in carrier.taken] == [b"hi"]


async def test_a_window_full_at_the_end_is_handed_back_unanswered():
    carrier, sender = Carrier(is_silent=True), Recorder()
    async with listening(carrier) as listener:
        session = await connect(listener.port, sender, window=5)
        await session.bind(BIND)
        for context in range(5):
            session.submit(context, TEMPLATE, b"39333", b"x")
        await eventually(lambda: len(carrier.taken) == 5)
        listener.sessions[0].abort("test")
        await session.wait_closed()
    assert sender.named("closed")[0][1] == [0, 1, 2, 3, 4]


async def test_garbage_closes_one_connection_and_no_other():
    async with listening(Carrier()) as listener:
        session = await connect(listener.port)
        await session.bind(BIND)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await reader.read() == encode(pdus.GenericNack(command_status=2))
        writer.close()
        assert session.state.is_bound
        await session.unbind(drain_seconds=1)


async def test_a_peer_that_stops_answering_is_found_out():
    """Half-open: the connection stands, and nobody answers on it."""

    async def mute(reader, writer):
        buffer = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
        number = int.from_bytes(buffer[8:12], "big")
        writer.write(encode(pdus.BindTransceiverResp(sequence_number=number)))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    owner = Recorder()
    timers = TimerSettings(enquire_link_seconds=0.1, enquire_link_timeout_seconds=0.1)
    session = await connect(server.sockets[0].getsockname()[1], owner, timers=timers, tick_seconds=0.02)
    await session.bind(BIND)
    session.submit("a", TEMPLATE, b"39333", b"x")
    async with asyncio.timeout(DEADLINE_SECONDS):
        reason = await session.wait_closed()
    assert reason.kind is CloseKind.ENQUIRE_LINK_UNANSWERED
    assert owner.named("closed") == [(CloseKind.ENQUIRE_LINK_UNANSWERED, ["a"])]
    server.close()


async def test_a_half_closed_connection_ends_as_closed_by_the_peer():
    owner = Recorder()
    async with listening(owner) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(encode(BIND, sequence_number=1))
        await reader.readexactly(16)
        writer.write_eof()
        await eventually(lambda: owner.named("closed"))
        writer.close()
    assert owner.named("closed") == [(CloseKind.PEER_CLOSED, [])]


async def test_a_client_that_does_not_bind_is_closed_and_one_too_many_is_cut():
    settings = SessionSettings(tick_seconds=0.02, timers=TimerSettings(session_init_seconds=0.1))
    async with listening(Carrier(), settings=settings, most_sessions=1) as listener:
        first, first_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        await eventually(lambda: len(listener.sessions) == 1)
        second, second_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await second.read() == b""
            assert len(listener.sessions) == 1
            assert await first.read() == b""
        await eventually(lambda: not listener.sessions)
        first_writer.close()
        second_writer.close()


def test_sessions_run_on_uvloop_too():
    uvloop = pytest.importorskip("uvloop", reason="uvloop is optional on this platform")

    async def send():
        sender = Sender(500)
        async with listening(Carrier()) as listener:
            session = await connect(listener.port, sender, window=50)
            await session.bind(BIND)
            async with asyncio.timeout(DEADLINE_SECONDS):
                await sender.is_done.wait()
            await session.unbind(drain_seconds=5)
        return len(sender.answers)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(send()) == 500
