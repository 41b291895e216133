"""A bind comes up, stays up, waits as it should, and says in words where it stands."""

import asyncio
import socket
from dataclasses import replace
from random import Random

import pytest

from gateway.session.backoff import Backoff, Delay, FailureKind
from gateway.session.bind import Bind, BindMode, BindPhase, BindSettings, Endpoint
from gateway.session.owner import CloseKind
from gateway.session.settings import SessionSettings
from gateway.session.sockets import unacknowledged_seconds
from gateway.smpp import pdus
from gateway.smpp.timers import TimerSettings

from .sockets import Carrier, connect, eventually, listening
from .wire import TEMPLATE, Recorder

pytestmark = pytest.mark.integration


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_bind(
    *ports, owner=None, password=b"pw", first_seconds=0.02, states=None, trace_for=None, **settings
):
    delays = {kind: Delay(first_seconds, first_seconds) for kind in FailureKind}
    return Bind(
        BindSettings(
            tuple(Endpoint("127.0.0.1", port) for port in ports),
            b"acme",
            password,
            session=SessionSettings(window=10),
            **settings,
        ),
        owner or Recorder(),
        random=Random(1),
        backoff=Backoff(Random(1), delays),
        on_state=None if states is None else lambda _, state: states.append(state),
        trace_for=trace_for or (lambda: None),
    )


class Busy(Carrier):
    """An SMSC that still holds the old session, or has a trouble, for the first binds."""

    def __init__(self, *statuses):
        super().__init__()
        self.statuses = list(statuses)

    def authenticate(self, session, pdu):
        return self.statuses.pop(0) if self.statuses else 0


async def test_a_bind_comes_up_sends_and_ends_in_order():
    carrier, owner, states = Carrier(), Recorder(), []
    async with listening(carrier) as listener:
        bind = make_bind(listener.port, owner=owner, states=states)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        bind.session.submit("a", TEMPLATE, b"39333", b"hi")
        await eventually(lambda: owner.named("answers"))
        await bind.aclose(drain_seconds=5)
    assert [state.phase.value for state in states] == ["connecting", "binding", "bound", "down"]
    assert owner.named("answers") == [[("a", 0, b"1")]]
    assert owner.named("closed")[0][0].value == "unbound"
    assert bind.session is None


@pytest.mark.parametrize("mode", BindMode)
async def test_each_mode_binds(mode):
    async with listening(Carrier()) as listener:
        bind = make_bind(listener.port, mode=mode)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        assert (bind.session.room > 0) is (mode is not BindMode.RECEIVER)
        await bind.aclose(drain_seconds=1)


async def test_a_dropped_session_comes_back_by_itself():
    async with listening(Carrier()) as listener:
        bind = make_bind(listener.port)
        bind.start()
        for _ in range(3):
            await eventually(lambda: bind.state.phase is BindPhase.BOUND and listener.sessions)
            session = bind.session
            listener.sessions[0].abort("test")
            await eventually(lambda session=session: bind.session not in (None, session))
        await bind.aclose(drain_seconds=1)


@pytest.mark.parametrize(("healthy_after_seconds", "failures"), [(0, 1), (60, 3)])
async def test_a_line_that_breaks_now_and_then_waits_no_longer_each_time(healthy_after_seconds, failures):
    async with listening(Carrier()) as listener:
        bind = make_bind(listener.port, healthy_after_seconds=healthy_after_seconds)
        bind.start()
        for _ in range(3):
            await eventually(lambda: bind.state.phase is BindPhase.BOUND and listener.sessions)
            session = bind.session
            listener.sessions[0].abort("test")
            await eventually(lambda session=session: bind.session not in (None, session))
        assert bind.state.failures == failures
        await bind.aclose(drain_seconds=1)


async def test_a_host_that_takes_the_connection_and_not_the_bind_is_told_as_such():
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        bind = make_bind(server.sockets[0].getsockname()[1], first_seconds=60)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BACKING_OFF)
        assert " took the connection and not the bind: " in bind.state.last_error
        await bind.aclose(drain_seconds=1)


async def test_the_next_host_is_tried_when_one_is_down():
    async with listening(Carrier()) as listener:
        states = []
        bind = make_bind(free_port(), listener.port, states=states)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        await bind.aclose(drain_seconds=1)
    assert "no connection to" in next(state.last_error for state in states if state.last_error)
    bound = next(state for state in states if state.phase is BindPhase.BOUND)
    assert bound.endpoint.port == listener.port


async def test_wrong_credentials_are_named_and_wait():
    async with listening(Carrier()) as listener:
        bind = make_bind(listener.port, password=b"wrong", first_seconds=60)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BACKING_OFF)
        state = bind.state
        assert state.last_failure is FailureKind.CREDENTIALS
        assert state.last_error.endswith(
            "refused the bind with 0x0e ESME_RINVPASWD: The bind failed: wrong password"
        )
        assert 40 < (state.next_retry_at - state.since).total_seconds() < 80
        bind.retry_now()
        await eventually(lambda: bind.state.failures == 2)
        await asyncio.wait_for(bind.aclose(drain_seconds=1), 5)
    assert bind.state.phase is BindPhase.DOWN


async def test_the_password_is_not_in_the_settings_printed():
    assert "secret" not in repr(make_bind(1, password=b"secret").settings)


async def test_an_smsc_that_holds_the_old_session_is_asked_until_it_lets_go():  # quirk 12
    carrier, states = Busy(5, 5, 5, 5), []
    async with listening(carrier, authenticate=carrier.authenticate) as listener:
        bind = make_bind(listener.port, states=states)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        await bind.aclose(drain_seconds=1)
    waits = [state for state in states if state.phase is BindPhase.BACKING_OFF]
    assert [state.last_failure for state in waits] == [FailureKind.ALREADY_BOUND] * 4
    assert all("already bound" in state.last_error for state in waits)
    assert bind.state.failures == 4


async def test_a_host_with_a_trouble_of_its_own_is_left_for_the_next_and_wrong_credentials_are_not():
    troubled, good = Busy(8, 8, 8), Carrier()
    async with (
        listening(troubled, authenticate=troubled.authenticate) as first,
        listening(good) as second,
    ):
        bind = make_bind(first.port, second.port)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        assert bind.state.endpoint.port == second.port
        await bind.aclose(drain_seconds=1)
        wrong = make_bind(first.port, second.port, password=b"wrong", first_seconds=60)
        troubled.statuses = [0x0E]
        wrong.start()
        await eventually(lambda: wrong.state.phase is BindPhase.BACKING_OFF)
        assert wrong.state.endpoint.port == first.port
        await wrong.aclose(drain_seconds=1)


async def test_a_transceiver_that_is_refused_is_told_of_the_pair():  # quirk 16
    carrier = Busy(3)
    async with listening(carrier, authenticate=carrier.authenticate) as listener:
        bind = make_bind(listener.port, first_seconds=60)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BACKING_OFF)
        assert "bind_mode: transmitter_receiver" in bind.state.last_error
        await bind.aclose(drain_seconds=1)


async def test_a_bind_returns_to_the_first_host_in_order_once_that_takes_connections():  # quirk 26
    owner, standby_owner, port = Recorder(), Carrier(is_silent=True), free_port()
    async with listening(standby_owner) as standby:
        bind = make_bind(port, standby.port, owner=owner, failback_seconds=0.05)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        assert bind.state.endpoint.port == standby.port
        bind.session.submit("a", TEMPLATE, b"39333", b"hi")
        await eventually(lambda: standby_owner.taken)
        async with listening(Carrier(), port=port):
            await asyncio.sleep(0.2)
            assert bind.state.endpoint.port == standby.port  # a submit still awaits its answer
            standby_session = standby.sessions[0]
            standby_session.answer(pdus.SubmitSmResp(message_id=b"1", sequence_number=2))
            await eventually(lambda: bind.state.phase is BindPhase.BOUND and bind.state.endpoint.port == port)
            assert owner.named("answers") == [[("a", 0, b"1")]]
            assert owner.named("closed") == [(CloseKind.UNBOUND, [])]
            await bind.aclose(drain_seconds=1)
    phases = [state.phase for state in reversed(bind.history)]
    assert BindPhase.BACKING_OFF not in phases[phases.index(BindPhase.BOUND) :]


@pytest.mark.parametrize("failback_seconds", [0, 0.03])
async def test_a_bind_stays_on_the_standby_while_the_first_host_is_down_or_nobody_wants_it_back(
    failback_seconds,
):
    port = free_port()
    async with listening(Carrier()) as standby:
        bind = make_bind(port, standby.port, failback_seconds=failback_seconds)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        session = bind.session
        if failback_seconds:
            await asyncio.sleep(0.15)
        else:
            async with listening(Carrier(), port=port):
                await asyncio.sleep(0.15)
        assert bind.session is session
        await bind.aclose(drain_seconds=1)


async def test_a_first_host_that_takes_connections_and_no_bind_is_tried_ever_more_seldom():  # quirk 26
    port, states = free_port(), []
    async with listening(Carrier()) as standby:
        bind = make_bind(port, standby.port, failback_seconds=0.02, states=states)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        async with listening(Carrier(), port=port, authenticate=lambda *_: 0x14):
            await eventually(lambda: _count_refusals(states) == 4)
            began = asyncio.get_running_loop().time()
            await eventually(lambda: _count_refusals(states) == 6)
            assert asyncio.get_running_loop().time() - began >= 0.02 * (2**4 + 2**5)
        await bind.aclose(drain_seconds=1)


def _count_refusals(states):
    return sum(
        state.last_failure is FailureKind.REFUSED and state.next_retry_at is not None for state in states
    )


async def test_the_last_twenty_changes_are_kept_newest_first():
    async with listening(Carrier()) as listener:
        bind = make_bind(free_port(), first_seconds=0.001)
        bind.start()
        await eventually(lambda: bind.state.failures >= 12)
        bind.settings = replace(bind.settings, endpoints=(Endpoint("127.0.0.1", listener.port),))
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        history = bind.history
        await bind.aclose(drain_seconds=1)
    assert len(history) == 20
    assert [state.phase.value for state in history[:4]] == ["bound", "binding", "connecting", "backing_off"]
    assert history[0].last_error is history[0].last_failure is None
    assert history[3].last_failure is FailureKind.NETWORK
    assert "nothing listens there" in history[3].last_error
    assert history[3].next_retry_at >= history[3].since
    assert history == tuple(sorted(history, key=lambda state: state.since, reverse=True))


async def test_a_name_that_cannot_be_resolved_is_told_as_such():
    bind = make_bind(1)
    bind.settings = replace(bind.settings, endpoints=(Endpoint("smsc.invalid", 2775),))
    bind.start()
    await eventually(lambda: bind.state.last_error)
    assert "no connection to smsc.invalid:2775: the name cannot be resolved" in bind.state.last_error
    await bind.aclose(drain_seconds=0)


@pytest.mark.parametrize("host", ["smsc..invalid", "smsc." + "x" * 64 + ".invalid"])
async def test_a_host_that_cannot_be_a_name_is_told_and_left_for_the_next(host):
    async with listening(Carrier()) as listener:
        bind = make_bind(listener.port)
        bind.settings = replace(bind.settings, endpoints=(Endpoint(host, 2775), *bind.settings.endpoints))
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        assert any(f"'{host}' cannot be a name" in (state.last_error or "") for state in bind.history)
        await bind.aclose(drain_seconds=1)


async def test_each_session_gets_a_trace_of_its_own():
    asked = []

    def trace_for():
        asked.append([])
        return lambda direction, octets: asked[-1].append(direction)

    async with listening(Carrier()) as listener:
        bind = make_bind(listener.port, trace_for=trace_for)
        bind.start()
        await eventually(lambda: bind.state.phase is BindPhase.BOUND)
        listener.sessions[0].abort("test")
        await eventually(lambda: len(asked) == 2 and len(asked[1]) == 2)
        await bind.aclose(drain_seconds=1)


async def test_a_connection_asks_the_kernel_to_notice_a_dead_peer():  # quirks 18, 19
    timers = TimerSettings(enquire_link_seconds=3600, enquire_link_timeout_seconds=15)
    async with listening(Carrier()) as listener:
        session = await connect(listener.port, timers=timers)
        connection = session._transport.get_extra_info("socket")
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 45_000
        session.abort("test")
    assert unacknowledged_seconds(TimerSettings(1, 1, 2)) == 3
