"""A bind comes up, stays up, waits as it should, and says in words where it stands."""

import asyncio
import socket
from random import Random

import pytest

from gateway.session.backoff import Backoff, Delay, FailureKind
from gateway.session.bind import Bind, BindMode, BindPhase, BindSettings, Endpoint
from gateway.session.settings import SessionSettings

from .sockets import Carrier, eventually, listening
from .wire import TEMPLATE, Recorder

pytestmark = pytest.mark.integration


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_bind(*ports, owner=None, password=b"pw", first_seconds=0.02, states=None, **settings):
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
    )


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
        assert "wrong password" in state.last_error
        assert 40 < (state.next_retry_at - state.since).total_seconds() < 80
        bind.retry_now()
        await eventually(lambda: bind.state.failures == 2)
        await asyncio.wait_for(bind.aclose(drain_seconds=1), 5)
    assert bind.state.phase is BindPhase.DOWN


async def test_the_password_is_not_in_the_settings_printed():
    assert "secret" not in repr(make_bind(1, password=b"secret").settings)
