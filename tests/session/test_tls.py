"""TLS to a carrier: each setting does what it says, and each failure says what to do (quirk 25)."""

import asyncio
import contextlib
import socket
import ssl
import threading
from contextlib import contextmanager
from random import Random

import pytest

from gateway.session.backoff import FailureKind
from gateway.session.bind import Bind, BindPhase, BindSettings, Endpoint
from gateway.session.tls import TlsSettings, describe_tls_fault, is_tls_fault

from .certificates import SERVER_NAME, make_certificates
from .sockets import DEADLINE_SECONDS, Carrier, eventually, listening
from .wire import TEMPLATE, Recorder


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


async def try_once(port, tls, owner=None):
    """A bind of which the first attempt is over: bound, or waiting for the next."""
    bind = Bind(
        BindSettings((Endpoint("127.0.0.1", port),), b"acme", b"pw", tls=tls),
        owner or Recorder(),
        random=Random(1),
    )
    bind.start()
    await eventually(lambda: bind.state.phase in (BindPhase.BOUND, BindPhase.BACKING_OFF))
    return bind


async def failure_of(port, tls):
    bind = await try_once(port, tls)
    state = bind.state
    await bind.aclose(drain_seconds=0)
    assert state.phase is BindPhase.BACKING_OFF
    return state.last_failure, state.last_error


@contextmanager
def one_handshake(context):
    """A port that shakes hands once and hangs up, in a thread: asyncio's own server sends no alerts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_SECONDS)

        def shake_hands():
            connection, _ = server.accept()
            beside = connection.dup()
            with beside, connection, contextlib.suppress(OSError):
                with contextlib.suppress(OSError), context.wrap_socket(connection, True) as secured:
                    secured.recv(1)
                # To close with octets unread is a reset, which may overtake the alert.
                while beside.recv(4096):
                    pass

        thread = threading.Thread(target=shake_hands)
        thread.start()
        yield server.getsockname()[1]
        thread.join(DEADLINE_SECONDS)


@pytest.mark.integration
async def test_messages_pass_and_the_end_is_in_order(certificates):
    carrier, owner = Carrier(with_receipts=True), Recorder()
    owner.on_requests = lambda session, requests: session.acknowledge_deliveries(n for n, _ in requests)
    tls = TlsSettings(ca_file=certificates.ca, server_name=SERVER_NAME)
    async with listening(carrier, tls=certificates.server_context()) as listener:
        bind = await try_once(listener.port, tls, owner)
        assert bind.state.phase is BindPhase.BOUND
        for context in range(10):
            bind.session.submit(context, TEMPLATE, b"39333", b"hi")
        await eventually(lambda: len(carrier.receipt_answers) == 10)
        await bind.aclose(drain_seconds=5)
        assert owner.named("closed")[0][0].value == "unbound"


@pytest.mark.integration
async def test_the_name_asked_for_is_the_one_set(certificates):
    asked = []
    context = certificates.server_context()
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    tls = TlsSettings(ca_file=certificates.ca, server_name=SERVER_NAME)
    async with listening(Carrier(), tls=context) as listener:
        bind = await try_once(listener.port, tls)
        await bind.aclose(drain_seconds=0)
    assert asked == [SERVER_NAME]


@pytest.mark.integration
async def test_a_certificate_for_another_name_is_refused_unless_names_are_not_checked(certificates):
    async with listening(Carrier(), tls=certificates.server_context()) as listener:
        failure, error = await failure_of(listener.port, TlsSettings(ca_file=certificates.ca))
        assert failure is FailureKind.TLS
        assert "is for another name; set tls.server_name" in error
        bind = await try_once(listener.port, TlsSettings(ca_file=certificates.ca, check_name=False))
        assert bind.state.phase is BindPhase.BOUND
        await bind.aclose(drain_seconds=0)


@pytest.mark.integration
async def test_an_authority_that_is_not_trusted_is_named_as_the_cause(certificates):
    async with listening(Carrier(), tls=certificates.server_context()) as listener:
        failure, error = await failure_of(listener.port, TlsSettings(server_name=SERVER_NAME))
        assert failure is FailureKind.TLS
        assert "authority that is not trusted here; set tls.ca_file" in error
        unchecked_name = TlsSettings(server_name=SERVER_NAME, check_name=False)
        assert (await failure_of(listener.port, unchecked_name))[0] is FailureKind.TLS


@pytest.mark.integration
async def test_a_carrier_that_wants_our_certificate_gets_it_and_takes_no_other(certificates):
    def settings(name=None):
        certificate, key = certificates.pair(name) if name else (None, None)
        return TlsSettings(certificates.ca, True, SERVER_NAME, certificate, key)

    context = certificates.server_context(wants_client=True)
    with one_handshake(context) as port:
        failure, error = await failure_of(port, settings())
    assert failure is FailureKind.TLS
    assert "it wants a certificate of ours; set tls.certificate_file" in error
    with one_handshake(context) as port:
        failure, error = await failure_of(port, settings("outsider"))
    assert failure is FailureKind.TLS
    assert "does not trust the authority behind our certificate" in error
    async with listening(Carrier(), tls=context) as listener:
        bind = await try_once(listener.port, settings("client"))
        assert bind.state.phase is BindPhase.BOUND
        await bind.aclose(drain_seconds=0)


@pytest.mark.integration
async def test_a_port_without_tls_is_told_from_a_bad_certificate(certificates):
    async with listening(Carrier()) as listener:
        failure, error = await failure_of(listener.port, TlsSettings(ca_file=certificates.ca))
    assert failure is FailureKind.TLS
    assert "speaks no TLS on this port" in error


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"ca_file": "missing.pem"}, "tls.ca_file"),
        ({"certificate_file": "missing.pem"}, "tls.certificate_file"),
    ],
)
async def test_a_file_that_cannot_be_read_is_named_and_the_bind_goes_on_trying(files, words, tmp_path):
    paths = {key: str(tmp_path / name) for key, name in files.items()}
    failure, error = await failure_of(1, TlsSettings(**paths))
    assert failure is FailureKind.TLS
    assert words in error
    assert "missing.pem" in error


async def test_a_key_that_does_not_fit_its_certificate_is_named(certificates):
    certificate, _ = certificates.pair("client")
    _, key = certificates.pair("outsider")
    _, error = await failure_of(1, TlsSettings(certificate_file=certificate, key_file=key))
    assert "tls.certificate_file" in error
    assert "cannot be used" in error


@pytest.mark.parametrize(
    ("code", "words"),
    [(10, "has expired"), (9, "not valid yet; compare the clocks"), (19, "authority"), (23, "not accepted")],
)
def test_each_fault_of_a_certificate_has_its_words(code, words):
    exc = ssl.SSLCertVerificationError(1, "certificate verify failed")
    exc.verify_code, exc.verify_message = code, "as OpenSSL has it"
    assert words in describe_tls_fault(exc)
    assert "(as OpenSSL has it)" in describe_tls_fault(exc)


def test_a_line_that_breaks_below_tls_is_no_fault_of_tls():
    assert not is_tls_fault(ssl.SSLEOFError(8, "EOF occurred in violation of protocol"))
    assert is_tls_fault(ssl.SSLError(1, "wrong version number"))


@pytest.mark.integration
def test_a_refused_client_certificate_is_told_on_uvloop_too(certificates):
    uvloop = pytest.importorskip("uvloop", reason="uvloop is optional on this platform")

    async def fail():
        with one_handshake(certificates.server_context(wants_client=True)) as port:
            return await failure_of(port, TlsSettings(certificates.ca, True, SERVER_NAME))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        failure, error = runner.run(fail())
    assert failure is FailureKind.TLS
    assert "tls.certificate_file" in error
