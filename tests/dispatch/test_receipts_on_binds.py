"""Receipts on real binds of a carrier that sends each in a way of its own, on whatever bind it likes."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from gateway.session.listener import Listener
from gateway.session.owner import Request, SessionOwner
from gateway.session.session import Session
from gateway.session.settings import Direction, SessionSettings, Trace
from gateway.simulator.profile import Profile, ReceiptForm, ReceiptRules
from gateway.simulator.smsc import Simulator
from gateway.smpp.constants import CommandId
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import BindTransmitter, DataSm, DeliverSm, Pdu, SubmitSm, SubmitSmResp
from tests.e2e.running import connector, run_gateway, until

pytestmark = pytest.mark.integration

Write = Callable[[bytes, SubmitSm], DeliverSm | DataSm]
"""A receipt for an id and the submit it was given to."""


class OddCarrier(SessionOwner):
    """Takes everything as 1, 2, 3 …, and sends its receipts on the bind that submitted."""

    def __init__(self, *receipts: Write) -> None:
        self._receipts = receipts
        self._taken = 0
        self.answers: list[bytes] = []
        """Every response of the gateway, as octets."""

    def on_requests(self, session: Session, requests: list[Request]) -> None:
        for number, pdu in requests:
            assert isinstance(pdu, SubmitSm)
            message_id = b"%d" % (self._taken + 1)
            write = self._receipts[self._taken]
            self._taken += 1
            session.answer(SubmitSmResp(message_id=message_id, sequence_number=number))
            receipt = replace(write(message_id, pdu), sequence_number=1_000 + self._taken)
            # As a response, for no rule lets a request of ours through on a transmitter bind.
            session.answer(receipt)  # type: ignore[arg-type]

    def trace(self) -> Trace:
        framer = Framer()

        def hear(direction: Direction, octets: bytes) -> None:
            if direction is Direction.RECEIVED:
                buffer, frames = framer.feed(octets)
                self.answers += [buffer[frame[3] : frame[4]] for frame in frames if frame[0] & 0x8000_0000]

        return hear


def accept(session: Session, pdu: Pdu) -> int:
    return 0


def text_of(message_id: bytes) -> bytes:
    return b"id:%s sub:001 dlvrd:001 submit date:2607011157 done date:0 stat:DELIVRD err:000" % message_id


def nominal(message_id: bytes, submit: SubmitSm) -> DeliverSm:
    return DeliverSm(
        esm_class=4,
        short_message=text_of(message_id),
        source_addr=submit.destination_addr,
        destination_addr=submit.source_addr,
    )


def with_addresses_swapped(message_id: bytes, submit: SubmitSm) -> DeliverSm:
    number = b"+" + submit.destination_addr
    return DeliverSm(
        esm_class=0x44 | 0x80,
        short_message=b"\x05\x00\x03\x07\x01\x01" + text_of(message_id),
        source_addr=submit.source_addr,
        destination_addr=number,
    )


def in_data_sm(message_id: bytes, submit: SubmitSm) -> DataSm:
    return DataSm(esm_class=4, tlvs=((0x1E, message_id + b"\0"), (0x427, b"\x02")))


def by_its_text_alone(message_id: bytes, submit: SubmitSm) -> DeliverSm:
    return DeliverSm(short_message=text_of(message_id), source_addr=submit.destination_addr)


def of_nobody(message_id: bytes, submit: SubmitSm) -> DeliverSm:
    return DeliverSm(esm_class=4, short_message=text_of(b"0815"))


async def test_receipts_on_a_transmitter_bind_are_read_and_answered_whatever_they_look_like(
    database: str,
) -> None:
    forms: tuple[Write, ...] = (nominal, with_addresses_swapped, in_data_sm, by_its_text_alone, of_nobody)
    carrier = OddCarrier(*forms)
    listener = Listener(carrier, accept, settings=SessionSettings(window=100), trace_for=carrier.trace)
    await listener.start()
    settings = {"bind_mode": "transmitter_receiver", "receipts_without_esm_class": True}
    try:
        async with run_gateway(database, [connector("one", listener.port, **settings)]) as running:
            ids = [await running.shop.send() for _ in forms]
            for message_id in ids[:-1]:
                await running.shop.until(message_id, "delivered")
            await until(lambda: len([each for each in carrier.answers if is_resp(each)]) == len(forms))
            transmitter = next(
                each for each in listener.sessions if type(each.bind_request) is BindTransmitter
            )
            assert transmitter.counters.requests_sent == 0
            answers = [each for each in carrier.answers if is_resp(each)]
            assert {len(each) for each in answers} == {17}, "each ends in the NUL of an empty message_id"
            assert {each[8:12] for each in answers} == {bytes(4)}, "also that of an unknown id"
            assert (await running.shop.show(ids[-1]))["state"] == "sent"
            report = await running.gateway.read_ledger()
            assert report.receipts_unmatched_open == 1
            await running.assert_balanced()
    finally:
        await asyncio.wait_for(listener.aclose(drain_seconds=0), 5)


async def test_a_bare_text_that_overtakes_the_answer_is_a_receipt_and_no_text_of_a_person(  # quirks 44, 55
    database: str,
) -> None:
    profile = Profile(
        receipts=ReceiptRules(form=ReceiptForm.TEXT, without_esm_class=True, before_response_ms=200)
    )
    async with (
        Simulator(profile) as carrier,
        run_gateway(database, [connector("one", carrier.port, receipts_without_esm_class=True)]) as running,
    ):
        ids = await running.shop.send_many([f"text {n}" for n in range(10)])
        for message_id in ids:
            await running.shop.until(message_id, "delivered")
        async with running.gateway.ground.database.connection() as connection:
            assert await connection.raw.fetchval("SELECT count(*) FROM inbound") == 0
        await running.assert_balanced()


def is_resp(octets: bytes) -> bool:
    command_id = int.from_bytes(octets[4:8], "big")
    return command_id in (CommandId.DELIVER_SM_RESP, CommandId.DATA_SM_RESP)
