"""What clients of an SMSC do against the rules (quirks 91 to 95), and what becomes of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from gateway.session.owner import CloseKind
from gateway.simulator import Simulator
from gateway.simulator.profile_reading import parse_profile
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.framing import Framer
from gateway.smpp.split import concat_udh

from .esme import DEADLINE_SECONDS, bound, eventually

pytestmark = pytest.mark.integration

NUMBER = b"33600000001"
SUBMIT = pdus.SubmitSm(destination_addr=NUMBER, short_message=b"hello", registered_delivery=1)


def simulate(yaml: str = "") -> Simulator:
    return Simulator(parse_profile(yaml, source="test"), random=Random(7))


def submits(simulator: Simulator) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in simulator.read_log(0)]
    return [line for line in lines if line["event"] == "submit"]


def version(number: int) -> pdus.BindTransceiver:
    return pdus.BindTransceiver(system_id=b"shop", password=b"secret", interface_version=number)


@asynccontextmanager
async def raw_connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def read_pdus(reader: asyncio.StreamReader, count: int) -> list[tuple[int, int, int]]:
    """(command_id, command_status, sequence_number) of the next PDUs."""
    framer, seen = Framer(), []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(seen) < count:
            _, frames = framer.feed(await reader.read(4096))
            seen += [frame[:3] for frame in frames]
    return seen


async def test_submits_before_the_bind_response_is_seen_are_taken() -> None:
    async with simulate() as simulator, raw_connection(simulator.port) as (reader, writer):
        writer.write(
            encode(version(0x34), sequence_number=1)
            + b"".join(encode(SUBMIT, sequence_number=number) for number in (2, 3))
        )
        seen = await read_pdus(reader, 5)
        assert [each for each in seen if each[0] != 0x05] == [
            (0x80000009, 0, 1),
            (0x80000004, 0, 2),
            (0x80000004, 0, 3),
        ]


async def test_a_submit_before_any_bind_is_refused_and_the_session_lives() -> None:
    async with simulate() as simulator, raw_connection(simulator.port) as (reader, writer):
        writer.write(encode(SUBMIT, sequence_number=1) + encode(version(0x34), sequence_number=2))
        assert await read_pdus(reader, 2) == [(0x80000004, 0x04, 1), (0x80000009, 0, 2)]


@pytest.mark.parametrize("number", [0x00, 0x33, 0x34, 0x50])
async def test_any_interface_version_binds(number: int) -> None:
    async with simulate() as simulator, bound(simulator.port, version(number)) as esme:
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.deliveries))
        (receipt,) = esme.deliveries
        assert isinstance(receipt, pdus.DeliverSm)
        assert b"stat:DELIVRD" in receipt.short_message
        assert bool(receipt.tlvs) == (number >= 0x34)  # TLVs are for those who know them


async def test_a_receipt_without_text_keeps_its_tlvs_also_for_an_old_client() -> None:
    async with simulate("receipts: {form: tlv}") as simulator, bound(simulator.port, version(0x33)) as esme:
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.deliveries))
        assert esme.deliveries[0].tlvs


async def test_a_plus_with_the_wrong_type_of_number_is_taken_as_it_came() -> None:
    async with simulate() as simulator, bound(simulator.port) as esme:
        esme.submit(1, b"+33639980001", dest_addr_ton=3, source_addr_ton=2)
        await esme.until(lambda: bool(esme.deliveries))
        assert submits(simulator)[0]["destination"] == "+33639980001"
        assert "stat:UNDELIV" in esme.receipts[0]  # the magic number is known behind its plus


async def test_each_customer_has_an_alphabet_of_its_own() -> None:
    yaml = """bind: {accounts: [
      {system_id: shop, password: secret, default_charset: latin1},
      {system_id: other, password: secret, default_charset: utf8},
      {system_id: third, password: secret}]}"""
    async with simulate(yaml) as simulator:
        for system_id, octets in ((b"shop", b"\xe9@"), (b"other", "é@".encode()), (b"third", b"\x05\x00")):
            request = pdus.BindTransceiver(system_id=system_id, password=b"secret")
            async with bound(simulator.port, request) as esme:
                esme.submit(1, NUMBER, octets)
                await esme.until(lambda: bool(esme.answers))
        assert [line["text"] for line in submits(simulator)] == ["é@"] * 3


async def test_a_client_that_ignores_throttling_is_refused_until_the_second_is_over() -> None:
    async with simulate("submit: {parts_per_second: 5}") as simulator, bound(simulator.port) as esme:
        for number in range(100):
            esme.submit(number, NUMBER)
        await esme.until(lambda: len(esme.answers) == 100)
        statuses = [status for _, status, _ in esme.answers]
        assert set(statuses) == {0, 0x58}
        assert 5 <= statuses.count(0) <= 10


async def test_a_receipt_has_the_fixed_pattern_that_clients_look_for() -> None:
    async with simulate("ids: {first: 1234567890}") as simulator, bound(simulator.port) as esme:
        esme.submit(1, b"33639980001", b"A text of more than twenty characters")
        await esme.until(lambda: bool(esme.deliveries))
        pattern = (
            r"id:\d{10} sub:\d{3} dlvrd:\d{3} submit date:\d{10} done date:\d{10} "
            r"stat:[A-Z]{7} err:\d{3} text:.{0,20}"
        )
        assert re.fullmatch(pattern, esme.receipts[0])
        assert {tag for tag, _ in esme.deliveries[0].tlvs} >= {0x001E, 0x0427}


async def test_a_client_that_answers_no_delivery_is_cut_and_another_bind_gets_them() -> None:
    yaml = "receipts: {window: 2, response_seconds: 0.2, retry_seconds: 0.05, timeouts_most: 2}"
    async with (
        simulate(yaml) as simulator,
        bound(simulator.port, acknowledges=None) as silent,
    ):
        for number in range(5):
            silent.submit(number, NUMBER)
        await eventually(lambda: silent.closed is not None)
        assert silent.closed is not None
        assert silent.closed.kind is CloseKind.PEER_CLOSED
        assert len(silent.deliveries) == 2
        async with bound(simulator.port, pdus.BindReceiver(system_id=b"shop")) as other:
            await other.until(lambda: len(other.deliveries) == 5)
            await eventually(lambda: not simulator.stats.pending)


async def test_parts_of_a_text_over_two_binds_keep_reference_and_number() -> None:
    async with simulate() as simulator, bound(simulator.port) as first, bound(simulator.port) as second:
        for number, esme in ((3, first), (1, second), (2, first)):
            header = concat_udh(77, 3, number)
            esme.submit(number, NUMBER, header + b"part %d" % number, esm_class=0x40)
        await first.until(lambda: len(first.answers) == 2)
        await second.until(lambda: len(second.answers) == 1)
        lines = sorted(submits(simulator), key=lambda line: int(line["number"]))
        assert [(line["reference"], line["total"], line["number"]) for line in lines] == [
            (77, 3, 1),
            (77, 3, 2),
            (77, 3, 3),
        ]
        assert [line["text"] for line in lines] == ["part 1", "part 2", "part 3"]


async def test_a_client_that_comes_back_takes_the_place_of_its_dead_session() -> None:
    yaml = "bind: {sessions_per_account: 1, newcomer_wins: true}"
    async with simulate(yaml) as simulator, bound(simulator.port) as old, bound(simulator.port) as new:
        await eventually(lambda: old.closed is not None)
        new.submit(1, NUMBER)
        await new.until(lambda: bool(new.deliveries))
        assert simulator.stats.refused_binds == 0
