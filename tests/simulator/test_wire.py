"""The bad wire over real sockets: what a client sees, octet by octet."""

import asyncio
import time
from random import Random

import pytest

from gateway.session.errors import BindRefused
from gateway.session.owner import CloseKind
from gateway.session.session import BindRequest
from gateway.session.settings import SessionSettings
from gateway.simulator import Simulator
from gateway.simulator.profile_reading import parse_profile
from gateway.smpp import pdus
from gateway.smpp.timers import TimerSettings

from .esme import bound, eventually

pytestmark = pytest.mark.integration

NUMBER = b"33600000001"


def simulate(yaml: str) -> Simulator:
    return Simulator(parse_profile(yaml, source="test"), random=Random(7))


@pytest.mark.parametrize(
    "yaml",
    [
        "wire: {write_octets: 1}",
        "wire: {write_octets: 7, trailing_octets: 3}",
        "wire: {gather_ms: 30, strays_every: 2, high_numbers: true}",
        "wire: {delay_ms: 50}",
        "bind: {response: empty, foreign_number: true}",
        "submit: {reversed: true, answers: [{body: unterminated}]}",
        "receipts: {broken_tlvs: true, form: tlv}",
    ],
)
async def test_every_answer_and_receipt_arrives_over_a_bad_wire(yaml: str) -> None:
    async with simulate(yaml) as simulator, bound(simulator.port) as esme:
        for number in range(20):
            esme.submit(number, NUMBER)
        await esme.until(lambda: len(esme.answers) == len(esme.deliveries) == 20)
        assert {status for _, status, _ in esme.answers} == {0}
        await eventually(lambda: not simulator.stats.pending)


async def test_octets_come_one_at_a_time() -> None:
    async with simulate("wire: {write_octets: 1}") as simulator, bound(simulator.port) as esme:
        counters = esme.session.counters
        assert counters.reads > counters.received_octets / 2


async def test_what_is_gathered_comes_in_one_read() -> None:
    async with simulate("wire: {gather_ms: 100}") as simulator, bound(simulator.port) as esme:
        before = esme.session.counters.reads
        for number in range(20):
            esme.submit(number, NUMBER)
        await esme.until(lambda: len(esme.deliveries) == 20)
        assert esme.session.counters.reads - before <= 2


async def test_a_slow_server_delays_everything_in_order() -> None:
    async with simulate("wire: {delay_ms: 100}") as simulator:
        began = time.monotonic()
        async with bound(simulator.port) as esme:
            assert time.monotonic() - began >= 0.1
            for number in range(5):
                esme.submit(number, NUMBER)
            await esme.until(lambda: len(esme.answers) == 5)
            assert [context for context, _, _ in esme.answers] == [0, 1, 2, 3, 4]


async def test_receipts_come_on_a_transmitter_while_a_transceiver_is_refused() -> None:
    yaml = "bind: {modes: [transmitter, receiver]}\nwire: {receipts_on_transmitters: true}"
    async with simulate(yaml) as simulator:
        with pytest.raises(BindRefused):
            async with bound(simulator.port):
                pass
        async with bound(simulator.port, pdus.BindTransmitter(system_id=b"shop")) as esme:
            esme.submit(1, NUMBER)
            await esme.until(lambda: bool(esme.deliveries))
        assert b'"mode":"transmitter"' in b"".join(simulator.read_log(0))


@pytest.mark.parametrize(
    ("yaml", "kind"),
    [
        ("faults: {drop_every_seconds: 0.2}", CloseKind.PEER_CLOSED),
        ("faults: {drop_every_seconds: 0.2, drop: reset}", CloseKind.NETWORK),
        ("faults: {unbind_every_seconds: 0.2}", CloseKind.PEER_UNBOUND),
        ("faults: {unbind_every_seconds: 0.2, unbind: hasty}", CloseKind.PEER_UNBOUND),
    ],
)
async def test_a_session_ends_as_the_profile_says(yaml: str, kind: CloseKind) -> None:
    async with simulate(yaml) as simulator, bound(simulator.port) as esme:
        await eventually(lambda: esme.closed is not None)
        assert esme.closed is not None
        assert esme.closed.kind is kind


async def test_answers_that_were_given_arrive_before_a_kind_drop() -> None:
    async with simulate("") as simulator, bound(simulator.port) as esme:
        for number in range(500):
            esme.submit(number, NUMBER)
        await eventually(lambda: simulator.stats.submits == 500)
        simulator.drop()
        await eventually(lambda: esme.closed is not None)
        assert len(esme.answers) == 500
        assert not esme.unanswered


async def test_a_half_open_connection_says_nothing_until_the_client_gives_up() -> None:
    settings = SessionSettings(
        tick_seconds=0.05,
        timers=TimerSettings(enquire_link_seconds=0.2, enquire_link_timeout_seconds=0.3),
    )
    async with (
        simulate("faults: {half_open_every_seconds: 0.2}") as simulator,
        bound(simulator.port, settings=settings) as esme,
    ):
        await eventually(lambda: simulator.stats.silences == 1)
        esme.submit(1, NUMBER)
        await eventually(lambda: esme.closed is not None)
        assert esme.closed is not None
        assert esme.closed.kind is CloseKind.ENQUIRE_LINK_UNANSWERED
        assert (esme.answers, esme.unanswered) == ([], [1])
        await eventually(lambda: not simulator.stats.sessions)


async def test_a_forgotten_session_is_refused_with_not_bound_until_it_binds_again() -> None:
    async with simulate("faults: {forget_every_seconds: 0.2}") as simulator:
        async with bound(simulator.port) as esme:
            await asyncio.sleep(0.3)
            esme.submit(1, NUMBER)
            await esme.until(lambda: bool(esme.answers))
            assert esme.answers[0][1] == 0x04
        async with bound(simulator.port) as again:
            again.submit(1, NUMBER)
            await again.until(lambda: bool(again.answers))
            assert again.answers[0][1] == 0


@pytest.mark.parametrize("request_type", [pdus.BindTransceiver, pdus.BindReceiver])
async def test_a_refusal_by_generic_nack_ends_the_bind(request_type: type[BindRequest]) -> None:
    yaml = "bind: {modes: [transmitter], refusal: nack, mode_refused_with: 0x03}"
    async with simulate(yaml) as simulator:
        with pytest.raises(BindRefused) as caught:
            async with bound(simulator.port, request_type(system_id=b"shop")):
                pass
        assert caught.value.command_status == 0x03
