"""The simulator over real sockets, with our own session as its client."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from random import Random

import msgspec
import pytest

from gateway.session.backoff import Backoff, Delay, FailureKind
from gateway.session.bind import Bind, BindSettings, Endpoint
from gateway.session.errors import BindRefused
from gateway.session.owner import CloseKind
from gateway.session.settings import SessionSettings
from gateway.simulator import Simulator
from gateway.simulator.errors import CommandRefused, LogBroken
from gateway.simulator.mo import MoRequest
from gateway.simulator.profile import Range
from gateway.simulator.profile_reading import load_profile, parse_profile, shipped_profiles
from gateway.smpp import pdus
from gateway.smpp.receipts import parse_receipt
from gateway.smpp.split import concat_udh, plan_text
from gateway.smpp.text import decode_text

from .esme import DEADLINE_SECONDS, Esme, bound, eventually

pytestmark = pytest.mark.integration

NUMBER = b"33600000001"


def simulate(yaml: str = "", log_path: Path | None = None) -> Simulator:
    return Simulator(parse_profile(yaml, source="test"), log_path=log_path, random=Random(7))


def mo(text: str = "STOP", **fields: object) -> MoRequest:
    return msgspec.convert({"from": "+33639981234", "to": "36180", "text": text} | fields, MoRequest)


async def settle(simulator: Simulator) -> None:
    """Wait until the simulator has nothing more to hand out."""
    await eventually(lambda: not simulator.stats.pending)


async def test_a_submit_is_answered_and_then_receipted() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        esme.submit("first", NUMBER)
        await esme.until(lambda: bool(esme.deliveries))
        assert esme.happened == ["bound", "answer", "delivery"]
        ((context, command_status, carrier_id),) = esme.answers
        assert (context, command_status) == ("first", 0)
        receipt = parse_receipt(esme.deliveries[0])
        assert receipt is not None
        assert receipt.carrier_id == carrier_id
        await settle(simulator)
        stats = simulator.stats
        assert (stats.submits, stats.taken, stats.receipts_sent, stats.receipts_acknowledged) == (1, 1, 1, 1)


async def test_data_sm_is_taken_too() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        payload = ((0x0424, b"hello"),)
        esme.session.request(
            "data", pdus.DataSm(destination_addr=NUMBER, registered_delivery=1, tlvs=payload)
        )
        await esme.until(lambda: bool(esme.deliveries))
        assert esme.answers[0][1] == 0
        assert "text:hello" in esme.receipts[0]


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        (pdus.BindTransceiver(system_id=b"shop", password=b"wrong"), 0x0E),
        (pdus.BindTransceiver(system_id=b"nobody", password=b"secret"), 0x0F),
        (pdus.BindReceiver(system_id=b"shop", password=b"secret"), 0x0D),
    ],
)
async def test_a_bind_that_the_profile_forbids_is_refused(bind: pdus.BindTransceiver, expected: int) -> None:
    yaml = "bind: {accounts: [{system_id: shop, password: secret}], modes: [transceiver]}"
    async with simulate(yaml) as simulator:
        with pytest.raises(BindRefused) as caught:
            async with bound(simulator.port, bind):
                pass
        assert caught.value.command_status == expected
        assert simulator.stats.refused_binds == 1
        async with bound(simulator.port):
            assert simulator.stats.sessions == 1


async def test_one_bind_too_many_is_refused_as_already_bound() -> None:
    async with simulate("bind: {sessions_per_account: 1}") as simulator, bound(simulator.port):
        with pytest.raises(BindRefused) as caught:
            async with bound(simulator.port):
                pass
        assert caught.value.command_status == 0x05


async def test_every_bind_can_be_refused() -> None:
    async with simulate("bind: {refuse_with: 0x0d}") as simulator:
        with pytest.raises(BindRefused) as caught:
            async with bound(simulator.port):
                pass
        assert caught.value.command_status == 0x0D


async def test_an_early_receipt_overtakes_its_response() -> None:
    async with simulate("receipts: {before_response_ms: 30}") as simulator, bound(simulator.port) as esme:
        esme.submit(1, NUMBER)
        await esme.until(lambda: len(esme.happened) == 3)
        assert esme.happened == ["bound", "delivery", "answer"]


async def test_receipts_come_on_another_bind_of_the_account() -> None:
    yaml = "receipts: {bind: other}"
    async with simulate(yaml) as simulator, bound(simulator.port) as first, bound(simulator.port) as second:
        first.submit(1, NUMBER)
        await second.until(lambda: bool(second.deliveries))
        assert first.deliveries == []


async def test_a_transmitter_gets_its_receipts_on_the_receiver() -> None:
    transmitter_bind = pdus.BindTransmitter(system_id=b"shop")
    async with simulate() as simulator, bound(simulator.port, transmitter_bind) as transmitter:
        transmitter.submit(1, NUMBER)
        await transmitter.until(lambda: bool(transmitter.answers))
        assert simulator.stats.receipts_sent == 0
        async with bound(simulator.port, pdus.BindReceiver(system_id=b"shop")) as receiver:
            await receiver.until(lambda: bool(receiver.deliveries))
        assert transmitter.deliveries == []


async def test_a_receipt_that_is_refused_comes_again() -> None:
    yaml = "receipts: {retry_seconds: 0.05}"
    async with simulate(yaml) as simulator, bound(simulator.port, acknowledges=0x64) as esme:
        esme.submit(1, NUMBER)
        await esme.until(lambda: len(esme.deliveries) == 2)
        esme.acknowledges = 0
        await settle(simulator)
        assert (
            len({repr(pdu.short_message) for pdu in esme.deliveries if isinstance(pdu, pdus.DeliverSm)}) == 1
        )
        assert simulator.stats.refusals == 2
        assert simulator.stats.receipts_acknowledged == 1


async def test_a_receipt_is_given_up_after_its_attempts() -> None:
    yaml = "receipts: {retry_seconds: 0.05, attempts: 3}"
    async with simulate(yaml) as simulator, bound(simulator.port, acknowledges=0x64) as esme:
        esme.submit(1, NUMBER)
        await esme.until(lambda: len(esme.deliveries) == 3)
        await settle(simulator)
        assert (len(esme.deliveries), simulator.stats.abandoned) == (3, 1)


async def test_a_receipt_that_is_not_answered_goes_to_the_next_bind() -> None:
    yaml = "receipts: {response_seconds: 0.2, retry_seconds: 0.05}"
    async with (
        simulate(yaml) as simulator,
        bound(simulator.port, acknowledges=None) as silent,
        bound(simulator.port) as other,
    ):
        silent.submit(1, NUMBER)
        await other.until(lambda: bool(other.deliveries))
        await settle(simulator)
        assert len(silent.deliveries) == 1
        assert simulator.stats.timeouts == 1


async def test_receipts_of_a_lost_connection_come_on_the_next() -> None:
    async with simulate() as simulator:
        async with bound(simulator.port, acknowledges=None) as silent:
            for number in range(5):
                silent.submit(number, NUMBER)
            await silent.until(lambda: len(silent.deliveries) == 5)
            silent.session.abort("test")
        async with bound(simulator.port) as next_one:
            await next_one.until(lambda: len(next_one.deliveries) == 5)
            await settle(simulator)
        assert simulator.stats.receipts_acknowledged == 5


async def test_receipts_wait_for_room_in_the_window() -> None:
    async with (
        simulate("receipts: {window: 2}") as simulator,
        bound(simulator.port, acknowledges=None) as esme,
    ):
        for number in range(5):
            esme.submit(number, NUMBER)
        await esme.until(lambda: len(esme.answers) == 5 and len(esme.deliveries) == 2)
        assert (simulator.stats.receipts_sent, simulator.stats.pending) == (2, 5)


async def test_a_submit_above_the_window_is_refused_while_others_wait() -> None:
    yaml = "submit: {latency_ms: 200, window: 2, window_full_with: 0x58}"
    async with simulate(yaml) as simulator, bound(simulator.port) as esme:
        for number in range(4):
            esme.submit(number, NUMBER)
        await esme.until(lambda: len(esme.answers) == 4)
        assert [(context, status) for context, status, _ in esme.answers] == [
            (2, 0x58),
            (3, 0x58),
            (0, 0),
            (1, 0),
        ]


async def test_some_submits_are_never_answered() -> None:
    yaml = "submit: {answers: [{answered: false}]}"
    settings = SessionSettings(window=10, response_timeout_seconds=30)
    async with simulate(yaml) as simulator, bound(simulator.port, settings=settings) as esme:
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.deliveries))
        assert esme.answers == []
        assert (simulator.stats.taken, simulator.stats.unanswered) == (1, 1)


async def test_questions_about_a_message_are_declined() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        esme.session.request("query", pdus.QuerySm(message_id=b"1"))
        esme.session.request("cancel", pdus.CancelSm(message_id=b"1"))
        esme.session.request("replace", pdus.ReplaceSm(message_id=b"1"))
        await esme.until(lambda: len(esme.answers) == 3)
        assert [status for _, status, _ in esme.answers] == [0x67, 0x11, 0x13]


async def test_an_mo_reaches_the_client_and_its_answer_comes_back() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        outcome = await simulator.deliver_mo(mo("Été 🏖️ " * 30))
        assert outcome.is_acknowledged
        assert outcome.parts == len(esme.deliveries) > 1
        esme.acknowledges = 0x64
        refused = await simulator.deliver_mo(mo(), timeout_seconds=0.2)
        assert refused.statuses == (0x64,)
        assert not refused.is_acknowledged


async def test_an_mo_needs_somebody_who_receives() -> None:
    async with simulate() as simulator:
        async with bound(simulator.port, pdus.BindTransmitter(system_id=b"shop")):
            with pytest.raises(CommandRefused, match="no client"):
                await simulator.deliver_mo(mo())
        async with bound(simulator.port), bound(simulator.port, pdus.BindReceiver(system_id=b"b")) as other:
            with pytest.raises(CommandRefused, match="shop, b"):
                await simulator.deliver_mo(mo())
            assert (await simulator.deliver_mo(mo(system_id="b"))).is_acknowledged
            assert len(other.deliveries) == 1


async def test_a_drop_cuts_without_a_word() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        assert simulator.drop("nobody") == 0
        assert simulator.drop() == 1
        await esme.until(lambda: esme.closed is not None)
        assert esme.closed is not None
        assert esme.closed.kind in (CloseKind.NETWORK, CloseKind.PEER_CLOSED)


async def test_an_unbind_is_orderly() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        assert simulator.unbind("shop") == 1
        await esme.until(lambda: esme.closed is not None)
        assert esme.closed is not None
        assert esme.closed.kind is CloseKind.PEER_UNBOUND


async def test_a_stall_holds_everything_until_it_is_resumed() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        simulator.stall(60)
        esme.submit(1, NUMBER)
        await asyncio.sleep(0.1)
        assert (esme.answers, simulator.stats.submits) == ([], 0)
        simulator.resume()
        await esme.until(lambda: bool(esme.deliveries))


async def test_a_stall_ends_by_itself() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        simulator.stall(0.05)
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.deliveries))


async def test_receipts_due_during_a_stall_come_after_it() -> None:
    async with simulate("receipts: {delay_seconds: 0.05}") as simulator, bound(simulator.port) as esme:
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.answers))
        simulator.stall(60)
        await asyncio.sleep(0.15)
        assert esme.deliveries == []
        simulator.resume()
        await esme.until(lambda: bool(esme.deliveries))


async def test_a_slow_reader_answers_late_but_answers_all() -> None:
    async with simulate("faults: {reads_per_second: 10}") as simulator, bound(simulator.port) as esme:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(3):
            esme.submit(number, NUMBER)
            await esme.until(lambda number=number: len(esme.answers) > number)
        assert loop.time() - began > 0.15
        await settle(simulator)


async def test_a_throttle_by_command_is_lifted_by_command() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        simulator.throttle(1)
        for number in range(5):
            esme.submit(number, NUMBER)
        await esme.until(lambda: len(esme.answers) == 5)
        assert Counter(status for _, status, _ in esme.answers)[0x58] >= 3
        simulator.throttle(None)
        esme.submit(9, NUMBER)
        await esme.until(lambda: len(esme.answers) == 6)
        assert esme.answers[-1][1] == 0


async def test_drops_unbinds_and_stalls_come_by_themselves() -> None:
    yaml = "faults: {drop_every_seconds: 0.05}"
    async with simulate(yaml) as simulator, bound(simulator.port) as esme:
        await esme.until(lambda: esme.closed is not None)
        assert simulator.stats.drops == 1
    async with simulate("faults: {unbind_every_seconds: 0.05}") as simulator, bound(simulator.port) as esme:
        await esme.until(lambda: esme.closed is not None)
        assert esme.closed is not None
        assert esme.closed.kind is CloseKind.PEER_UNBOUND
    yaml = "faults: {stall_every_seconds: 0.05, stall_seconds: 0.01}"
    async with simulate(yaml) as simulator, bound(simulator.port) as esme:
        await eventually(lambda: simulator.stats.stalls >= 2)
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.deliveries))


async def test_a_stop_unbinds_the_clients() -> None:
    simulator = simulate()
    await simulator.start()
    async with bound(simulator.port) as esme:
        await simulator.aclose()
        await esme.until(lambda: esme.closed is not None)
        assert esme.closed is not None
        assert esme.closed.kind is CloseKind.PEER_UNBOUND


async def test_the_log_holds_every_submit_and_receipt(tmp_path: Path) -> None:
    path = tmp_path / "log"
    text = "Grüße aus Genève 🏔️, à bientôt! " * 8
    plan = plan_text(text)
    async with simulate(log_path=path) as simulator, bound(simulator.port) as esme:
        for number, part in enumerate(plan.parts, start=1):
            udh = concat_udh(9, len(plan.parts), number)
            esme.submit(number, NUMBER, udh + part, esm_class=0x40, data_coding=plan.data_coding)
        esme.submit("refused", b"33639980003")
        await esme.until(
            lambda: len(esme.deliveries) == len(plan.parts) and len(esme.answers) > len(plan.parts)
        )
        await settle(simulator)
        await simulator.deliver_mo(mo())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    submits = [line for line in lines if line["event"] == "submit"]
    taken = [line for line in submits if line["command_status"] == 0]
    octets = b"".join(
        bytes.fromhex(line["short_message"]) for line in sorted(taken, key=lambda line: line["number"])
    )
    assert decode_text(octets, plan.data_coding) == text
    assert {(line["reference"], line["total"], line["udh"][:6]) for line in taken} == {
        (9, len(taken), "050003")
    }
    assert [line["carrier_id"] for line in submits if line["command_status"] == 0x0B] == [""]
    receipts = [line["carrier_id"] for line in lines if line["event"] == "receipt"]
    assert sorted(receipts) == sorted(line["carrier_id"] for line in taken)
    assert [bytes.fromhex(line["short_message"]) for line in lines if line["event"] == "mo"] == [b"STOP"]
    assert (lines[0]["event"], lines[-1]["event"]) == ("bind", "close")


async def test_a_submit_that_cannot_be_logged_is_not_taken() -> None:
    async with simulate(log_path=Path("/dev/full")) as simulator, bound(simulator.port) as esme:
        with pytest.raises(LogBroken):
            async with asyncio.timeout(DEADLINE_SECONDS):
                await simulator.wait_failed()
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.answers))
        assert esme.answers[0][1] == 0x08
        assert (simulator.stats.taken, simulator.stats.pending) == (0, 0)


async def test_a_port_that_is_taken_is_an_error_at_the_start() -> None:
    async with simulate() as simulator:
        with pytest.raises(OSError, match="in use"):
            await Simulator(simulator.profile, port=simulator.port).start()


async def test_no_receipt_is_lost_over_repeated_drops() -> None:
    yaml = "receipts: {delay_seconds: {least: 0, most: 0.3}}\nfaults: {drop_every_seconds: 0.1}"
    delays = {kind: Delay(0.01, 0.02) for kind in FailureKind}
    async with simulate(yaml) as simulator:
        settings = BindSettings((Endpoint("127.0.0.1", simulator.port),), b"shop", b"secret")
        esme = Esme()
        bind = Bind(settings, esme, random=Random(1), backoff=Backoff(Random(1), delays))
        bind.start()
        for number in range(300):
            await esme.until(lambda: bind.session is not None and bind.session.room > 0)
            esme.submit(number, NUMBER)
            if number % 10 == 9:
                await asyncio.sleep(0.02)
        await settle(simulator)
        lines = [json.loads(line) for line in simulator.read_log(0, most=10_000)]
        taken = {line["carrier_id"] for line in lines if line["event"] == "submit"}
        receipted = {receipt.carrier_id for pdu in esme.deliveries if (receipt := parse_receipt(pdu))}
        assert simulator.stats.drops > 2
        assert receipted == taken
        assert len(taken) == simulator.stats.taken == simulator.stats.receipts_acknowledged
        await bind.aclose(drain_seconds=1)


WANT_MORE_THAN_THIS_CLIENT = {"national", "plus-addresses", "transmitter-receiver", "version-33"}
END_SESSIONS = {"already-bound", "flaky", "half-open", "rough", "unbinding"}
"""What the gateway makes of these is held by the matrix of profiles, tests/e2e/test_quirk_matrix.py."""


@pytest.mark.parametrize("name", sorted(set(shipped_profiles()) - WANT_MORE_THAN_THIS_CLIENT - END_SESSIONS))
async def test_no_message_of_a_shipped_profile_is_forgotten(name: str) -> None:
    """Every submit is answered or left so on purpose; every receipt that is due is acknowledged once."""
    profile = load_profile(name)
    quick = msgspec.structs.replace(profile.receipts, delay_seconds=Range(least=0, most=0.3))
    profile = msgspec.structs.replace(profile, receipts=quick)
    async with Simulator(profile, random=Random(3)) as simulator, bound(simulator.port) as esme:
        for number in range(200):
            esme.submit(number, b"336%08d" % number)
        await esme.until(lambda: len(esme.answers) + simulator.stats.unanswered == 200)
        await settle(simulator)
        stats = simulator.stats
        assert stats.taken + sum(stats.refused.values()) == stats.submits == 200
        assert stats.receipts_acknowledged == len(esme.deliveries) >= stats.taken > 0
        assert stats.abandoned == 0
