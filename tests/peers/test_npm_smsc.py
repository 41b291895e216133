"""Our kept bind against an SMSC that we did not write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
from simulator.esme import Esme

from gateway.session.backoff import Backoff, Delay, FailureKind
from gateway.session.bind import Bind, BindPhase, BindSettings, Endpoint
from gateway.session.settings import SessionSettings
from gateway.smpp.receipts import ReceiptState, parse_receipt
from gateway.smpp.split import concat_udh, plan_text
from gateway.smpp.text import decode_text
from gateway.smpp.udh import find_concatenation, split_user_data

from .conftest import NpmSmsc
from .spoken_peers import run_npm_smsc

pytestmark = pytest.mark.peers

NUMBER = b"33600000001"
QUICKLY = {kind: Delay(0.05, 0.1) for kind in FailureKind}


@asynccontextmanager
async def kept_bind(port: int) -> AsyncIterator[tuple[Bind, Esme]]:
    esme = Esme()
    settings = BindSettings(
        (Endpoint("127.0.0.1", port),), b"shop", b"secret", session=SessionSettings(window=50)
    )
    bind = Bind(settings, esme, random=Random(1), backoff=Backoff(Random(1), QUICKLY))
    bind.start()
    try:
        yield bind, esme
    finally:
        await bind.aclose(drain_seconds=1)


async def test_it_takes_a_text_and_sends_its_receipt(npm_smsc: NpmSmsc) -> None:
    async with kept_bind(npm_smsc.port) as (bind, esme):
        assert (await npm_smsc.peer.hear("bound"))["mode"] == "transceiver"
        await esme.until(lambda: "bound" in esme.happened)
        plan = plan_text("Prix: 10 € [Ça @ été]")
        esme.submit(1, NUMBER, plan.parts[0], data_coding=plan.data_coding)
        heard = await npm_smsc.peer.hear("submit")
        assert heard["text"] == "Prix: 10 € [Ça @ été]"
        assert (heard["source"], heard["source_ton"], heard["dest_ton"]) == ("SHOP", 5, 1)
        await esme.until(lambda: bool(esme.deliveries))
        receipt = parse_receipt(esme.deliveries[0])
        assert receipt is not None
        assert receipt.carrier_id == esme.answers[0][2] == heard["id"]
        assert receipt.state is ReceiptState.DELIVERED
        assert (await npm_smsc.peer.hear("receipt_answer"))["command_status"] == 0
        npm_smsc.peer.tell("enquire_link")
        assert (await npm_smsc.peer.hear("enquire_link_answer"))["command_status"] == 0
        assert bind.state.phase is BindPhase.BOUND
    await npm_smsc.peer.hear("unbind")


async def test_a_long_text_with_emoji_at_its_borders_joins_to_the_same(npm_smsc: NpmSmsc) -> None:
    text = ("x" * 66 + "👍🏽") * 4 + "fin 🏔️"
    plan = plan_text(text)
    assert len(plan.parts) >= 5
    async with kept_bind(npm_smsc.port) as (_, esme):
        await esme.until(lambda: "bound" in esme.happened)
        total = len(plan.parts)
        for number, part in enumerate(plan.parts, start=1):
            udh = concat_udh(200, total, number)
            esme.submit(number, NUMBER, udh + part, esm_class=0x40, data_coding=plan.data_coding)
        heard = await npm_smsc.peer.hear_count("submit", total)
        assert "".join(each["text"] for each in heard) == text
        # The package gives the header's elements without its length octet.
        assert [each["udh"] for each in heard] == [f"0003c8{total:02x}{n:02x}" for n in range(1, total + 1)]


@pytest.mark.parametrize(
    ("text", "data_coding"), [("Réponse: oui @ 10 €", 1), ("Été 🏖️ à la plage", 8), ("Réponse", 3)]
)
async def test_its_mo_is_read(npm_smsc: NpmSmsc, text: str, data_coding: int) -> None:
    async with kept_bind(npm_smsc.port) as (_, esme):
        await npm_smsc.peer.hear("bound")
        npm_smsc.peer.tell(
            "mo", **{"from": "33639981234", "to": "36180", "text": text, "data_coding": data_coding}
        )
        await esme.until(lambda: bool(esme.deliveries))
        pdu = esme.deliveries[0]
        assert (pdu.source_addr, pdu.destination_addr) == (b"33639981234", b"36180")
        if data_coding != 1:  # the package writes GSM 03.38 under the label of ASCII
            assert decode_text(esme.receipts[0].encode("latin-1"), pdu.data_coding) == text
        else:
            assert decode_text(esme.receipts[0].encode("latin-1"), 0) == text
        assert (await npm_smsc.peer.hear("mo_answer"))["command_status"] == 0


async def test_a_part_of_its_long_mo_is_recognised(npm_smsc: NpmSmsc) -> None:
    async with kept_bind(npm_smsc.port) as (_, esme):
        await npm_smsc.peer.hear("bound")
        mo = {
            "from": "33639981234",
            "to": "36180",
            "text": "deuxième",
            "data_coding": 8,
            "udh": "050003090202",
        }
        npm_smsc.peer.tell("mo", **mo)
        await esme.until(lambda: bool(esme.deliveries))
        user_data = split_user_data(esme.deliveries[0].esm_class, esme.receipts[0].encode("latin-1"))
        part = find_concatenation(user_data)
        assert part is not None
        assert (part.reference, part.total, part.number) == (9, 2, 2)
        assert decode_text(user_data.body, 8) == "deuxième"


async def test_ids_in_hexadecimal_with_early_duplicate_receipts_in_decimal() -> None:
    async with (
        run_npm_smsc(hex_ids=True, receipts="early", copies=2, form="text") as (_, port),
        kept_bind(port) as (_, esme),
    ):
        await esme.until(lambda: "bound" in esme.happened)
        esme.submit(1, NUMBER)
        await esme.until(lambda: len(esme.deliveries) == 2 and bool(esme.answers))
        assert esme.happened == ["bound", "delivery", "delivery", "answer"]
        receipts = [parse_receipt(pdu) for pdu in esme.deliveries]
        assert {receipt.carrier_id for receipt in receipts if receipt} == {str(int(esme.answers[0][2], 16))}


async def test_receipts_without_text(npm_smsc: NpmSmsc) -> None:
    npm_smsc.peer.tell("set", form="tlv")
    async with kept_bind(npm_smsc.port) as (_, esme):
        await esme.until(lambda: "bound" in esme.happened)
        esme.submit(1, NUMBER)
        await esme.until(lambda: bool(esme.deliveries))
        receipt = parse_receipt(esme.deliveries[0])
        assert receipt is not None
        assert (receipt.carrier_id, receipt.state) == (esme.answers[0][2], ReceiptState.DELIVERED)


async def test_throttling_silence_and_reversed_responses(npm_smsc: NpmSmsc) -> None:
    npm_smsc.peer.tell("set", throttle=1, silent=1, reverse=3, receipts="none")
    async with kept_bind(npm_smsc.port) as (bind, esme):
        await esme.until(lambda: "bound" in esme.happened)
        for number in range(5):
            esme.submit(number, NUMBER)
        await esme.until(lambda: len(esme.answers) == 4)
        assert [(context, status) for context, status, _ in esme.answers] == [
            (0, 0x58),
            (4, 0),
            (3, 0),
            (2, 0),
        ]
        assert bind.session is not None
        assert bind.session.in_flight == 1


async def test_the_bind_comes_back_after_a_drop_and_after_an_unbind(npm_smsc: NpmSmsc) -> None:
    async with kept_bind(npm_smsc.port) as (_, esme):
        for ending in ("drop", "unbind"):
            await npm_smsc.peer.hear("bound")
            npm_smsc.peer.tell(ending)
            await npm_smsc.peer.hear("closed")
        await npm_smsc.peer.hear("bound")
        assert npm_smsc.peer.said("unbind_answer") == [{"event": "unbind_answer", "command_status": 0}]
        await esme.until(lambda: esme.happened.count("bound") == 3)


async def test_a_wrong_password_is_told_as_such(npm_smsc: NpmSmsc) -> None:
    npm_smsc.peer.tell("set", password="other")
    await npm_smsc.peer.hear("set")
    async with kept_bind(npm_smsc.port) as (bind, _):
        await npm_smsc.peer.hear_count("refused", 2)
        assert bind.state.last_failure is FailureKind.CREDENTIALS
