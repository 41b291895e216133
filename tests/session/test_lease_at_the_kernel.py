"""Without the lease no octet of a request reaches the kernel: neither from a buffer of ours, nor after this
process was stopped for a while. On real sockets, with peers that do not read until they are told to.
"""

import asyncio
import contextlib
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from gateway.session.owner import CloseKind
from gateway.session.session import Session
from gateway.session.settings import SessionSettings
from gateway.session.tls import TlsSettings, open_context
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.constants import CommandId
from gateway.smpp.framing import Framer
from gateway.smpp.rules import Role

from . import paused_sender
from .certificates import SERVER_NAME, make_certificates
from .sockets import DEADLINE_SECONDS, eventually
from .wire import TEMPLATE, Recorder

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="the kernel's buffers are Linux's here"),
]

BIND = pdus.BindTransceiver(system_id=b"acme", password=b"pw")
TEXT = b"x" * 254
WINDOW = 2000
ROOT = Path(__file__).parents[2]
_KERNEL_SECONDS = 0.02
"""Loopback is at rest when it has brought nothing for so long."""
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Gate:
    def __init__(self):
        self.is_open = True

    def __call__(self):
        return self.is_open


class Peer:
    """The other end of a connection, which is read when the test says so."""

    def __init__(self, connection):
        self.connection = connection
        self.framer = Framer()
        self.has_ended = False

    def read_all(self):
        """What the kernel has for the peer, without a turn of the session's loop: commands of whole PDUs."""
        commands = []
        while not self.has_ended and (octets := self._read()) is not None:
            self.has_ended = not octets
            commands += [frame[0] for frame in self.framer.feed(octets)[1]]
        return commands

    async def read_to_the_end(self):
        """What comes until the connection ends, while the session's loop runs."""
        commands = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not self.has_ended:
                await asyncio.sleep(0)
                commands += self.read_all()
        return commands

    def _read(self):
        while True:
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                try:
                    return self.connection.recv(1 << 20)
                except ConnectionResetError:
                    return b""
            if not select.select([self.connection], [], [], _KERNEL_SECONDS)[0]:
                return None

    @property
    def has_half_a_pdu(self):
        return self.framer.held_octets > 0


class Line:
    """A bound session, and its peer."""

    def __init__(self, session, owner, gate, peer):
        self.session = session
        self.owner = owner
        self.gate = gate
        self.peer = peer

    async def fill_the_kernel(self):
        """Give a window of requests, far more than the kernel takes."""
        for context in range(WINDOW):
            self.session.submit(context, TEMPLATE, b"39333", TEXT)
        await eventually(lambda: self.session.counters.written_octets > 4096)
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def unwritten(self):
        return sum(map(len, self.owner.named("unwritten")))


def small_pair():
    """A TCP connection over loopback of which either end keeps few octets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        ours = socket.create_connection(server.getsockname())
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        theirs, _ = server.accept()
    return ours, theirs


@asynccontextmanager
async def open_line(certificates=None, **settings):
    gate, owner = Gate(), Recorder()
    ours, theirs = small_pair()
    options = {}
    if certificates is not None:
        options = {
            "ssl": open_context(TlsSettings(ca_file=certificates.ca)),
            "server_hostname": SERVER_NAME,
        }
        shaking = asyncio.create_task(
            asyncio.to_thread(certificates.server_context().wrap_socket, theirs, server_side=True)
        )
    _, session = await asyncio.get_running_loop().create_connection(
        lambda: Session(Role.ESME, owner, SessionSettings(window=WINDOW, **settings), may_write=gate),
        sock=ours,
        **options,
    )
    if certificates is not None:
        theirs = await shaking
    with theirs:
        theirs.setblocking(False)
        line = Line(session, owner, gate, Peer(theirs))
        binding = asyncio.create_task(session.bind(BIND))
        await eventually(lambda: line.peer.read_all() == [CommandId.BIND_TRANSCEIVER])
        theirs.send(encode(pdus.BindTransceiverResp(sequence_number=1)))
        await binding
        owner.calls.clear()
        yield line
        session.abort("the test is over")
        await session.wait_closed()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=LOOPS)
def run(request):
    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        yield runner.run


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_what_the_kernel_did_not_take_stays_here_when_the_gate_closes(run, is_tls, certificates):
    async def check():
        async with open_line(certificates if is_tls else None) as line:
            await line.fill_the_kernel()
            line.gate.is_open = False
            in_the_kernel = line.peer.read_all()
            assert 0 < len(in_the_kernel) < WINDOW
            assert set(in_the_kernel) == {CommandId.SUBMIT_SM}
            is_torn = line.peer.has_half_a_pdu
            await eventually(lambda: line.unwritten)
            if not is_torn:
                line.session.abort("the test is over")
            async with asyncio.timeout(DEADLINE_SECONDS):
                assert (await line.session.wait_closed()).kind is CloseKind.ABORTED
            assert line.peer.read_all() == []
            assert line.peer.has_half_a_pdu == is_torn
            assert line.unwritten == WINDOW - len(in_the_kernel)

    run(check())


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_what_the_kernel_did_not_take_leaves_when_it_takes_more(run, is_tls, certificates):
    async def check():
        async with open_line(certificates if is_tls else None) as line:
            await line.fill_the_kernel()
            line.session.answer(pdus.DataSmResp(sequence_number=9))
            commands = []
            async with asyncio.timeout(DEADLINE_SECONDS):
                while CommandId.DATA_SM_RESP not in commands:
                    await asyncio.sleep(0)
                    commands += line.peer.read_all()
            assert commands == [CommandId.SUBMIT_SM] * WINDOW + [CommandId.DATA_SM_RESP]
            assert line.session.counters.requests_sent == WINDOW
            line.session.abort("the test is over")
            await line.session.wait_closed()
            assert line.owner.named("closed") == [(CloseKind.ABORTED, list(range(WINDOW)))]

    run(check())


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_hanging_up_finishes_what_was_begun_and_gives_the_rest_back(run, is_tls, certificates):
    async def check():
        async with open_line(certificates if is_tls else None) as line:
            await line.fill_the_kernel()
            line.session.answer(pdus.DataSmResp(sequence_number=9))
            line.session.hang_up("enough")
            commands = await line.peer.read_to_the_end()
            assert commands == [CommandId.SUBMIT_SM] * (len(commands) - 1) + [CommandId.DATA_SM_RESP]
            assert not line.peer.has_half_a_pdu
            line.peer.connection.close()
            await line.session.wait_closed()
            assert line.unwritten == WINDOW - (len(commands) - 1)

    run(check())


def test_a_peer_that_reads_nothing_cannot_hold_up_the_end(run):
    async def check():
        async with open_line(unbind_timeout_seconds=0.05, tick_seconds=0.02) as line:
            await line.fill_the_kernel()
            line.session.hang_up("enough")
            async with asyncio.timeout(DEADLINE_SECONDS):
                await line.session.wait_closed()
            written = line.peer.read_all()
            assert line.unwritten == WINDOW - len(written), "one half written counts as not written"

    run(check())


def test_what_waited_here_all_the_time_is_not_of_unknown_outcome(run):
    async def check():
        async with open_line(response_timeout_seconds=0.1, tick_seconds=0.02) as line:
            await line.fill_the_kernel()
            await eventually(lambda: line.owner.named("timeouts"))
            written = []
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not written or line.peer.has_half_a_pdu:
                    await asyncio.sleep(0)
                    written += line.peer.read_all()
            submits = written.count(CommandId.SUBMIT_SM)  # behind them we ask whether the line is alive
            await eventually(lambda: sum(map(len, line.owner.named("timeouts"))) == submits)
            assert line.unwritten == WINDOW - submits

    run(check())


def test_unbinding_gives_back_what_the_kernel_did_not_take(run):
    async def check():
        async with open_line() as line:
            await line.fill_the_kernel()
            unbinding = asyncio.create_task(line.session.unbind(drain_seconds=0))
            commands = []
            async with asyncio.timeout(DEADLINE_SECONDS):
                while CommandId.UNBIND not in commands:
                    await asyncio.sleep(0)
                    commands += line.peer.read_all()
            assert commands == [CommandId.SUBMIT_SM] * (len(commands) - 1) + [CommandId.UNBIND]
            assert line.unwritten == WINDOW - (len(commands) - 1)
            line.session.abort("the test is over")
            await unbinding

    run(check())


def test_a_write_that_fails_ends_the_session_and_its_requests_come_back(run):
    async def check():
        async with open_line() as line:
            line.session.hold_reading(True)  # so that it is the write that finds out
            line.peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.peer.connection.close()
            line.session.submit("a", TEMPLATE, b"39333", TEXT)
            async with asyncio.timeout(DEADLINE_SECONDS):
                reason = await line.session.wait_closed()
            assert "the connection broke" in reason.detail
            assert line.owner.calls == [("unwritten", ["a"]), ("closed", (CloseKind.NETWORK, []))]

    run(check())


@pytest.mark.parametrize("kind", LOOPS)
def test_a_process_stopped_past_its_lease_hands_nothing_over_when_it_wakes(kind):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_SECONDS)
        program = [sys.executable, "-m", "tests.session.paused_sender", str(server.getsockname()[1]), kind]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT) as sender:
            try:
                connection, _ = server.accept()
                with connection:
                    watch_a_pause(sender, connection)
            finally:
                sender.kill()


def watch_a_pause(sender, connection):
    connection.settimeout(DEADLINE_SECONDS)
    peer = Peer(connection)
    assert [frame[0] for frame in peer.framer.feed(connection.recv(1000))[1]] == [CommandId.BIND_TRANSCEIVER]
    connection.sendall(encode(pdus.BindTransceiverResp(sequence_number=1)))
    word, deadline = sender.stdout.readline().split()
    assert word == "full"
    sender.send_signal(signal.SIGSTOP)
    connection.setblocking(False)
    handed_over = peer.read_all()
    assert handed_over, "the kernel had something"
    time.sleep(max(0.0, float(deadline) - time.monotonic()))
    held_octets = peer.framer.held_octets
    sender.send_signal(signal.SIGCONT)
    connection.setblocking(True)
    assert peer.read_all() == [], "a submit left after the lease was over"
    assert peer.has_ended
    assert peer.framer.held_octets == held_octets
    word, unwritten = sender.stdout.readline().split()
    assert (word, int(unwritten)) == ("unwritten", paused_sender.WINDOW - len(handed_over))
