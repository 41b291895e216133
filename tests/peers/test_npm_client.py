"""The npm package as a client of our simulator."""

import pytest

from gateway.simulator import Simulator, load_profile
from gateway.simulator.mo import MoRequest

from .spoken_peers import run_node

pytestmark = pytest.mark.peers

LONG = "Première partie, deuxième partie 🏔️ et fin. " * 3


async def test_it_binds_submits_reads_receipts_and_an_mo_and_unbinds() -> None:
    async with (
        Simulator(load_profile("default")) as simulator,
        run_node("client.js", str(simulator.port)) as peer,
    ):
        await peer.hear("connected")
        peer.tell("bind", mode="transceiver", system_id="shop", password="secret")
        assert (await peer.hear("bound"))["command_status"] == 0
        peer.tell(
            "submit",
            tag="short",
            source_addr="SHOP",
            destination_addr="33600000001",
            text="Ça va @ €?",
            registered_delivery=1,
        )
        for number, text in enumerate((LONG[:67], LONG[67:]), start=1):
            peer.tell(
                "submit",
                tag=number,
                source_addr="SHOP",
                destination_addr="33600000001",
                text=text,
                data_coding=8,
                udh=f"0500032a02{number:02x}",
                registered_delivery=1,
            )
        submitted = await peer.hear_count("submitted", 3)
        assert [each["command_status"] for each in submitted] == [0, 0, 0]
        receipts = await peer.hear_count("deliver", 3)
        assert {each["receipted_message_id"] for each in receipts} == {each["id"] for each in submitted}
        assert {each["message_state"] for each in receipts} == {2}
        assert all("stat:DELIVRD" in each["text"] for each in receipts)

        mo_text = "Été à Genève 🏖️ " * 8
        outcome = await simulator.deliver_mo(MoRequest(sender="33639981234", recipient="36180", text=mo_text))
        assert outcome.is_acknowledged
        parts = (await peer.hear_count("deliver", 3 + outcome.parts))[3:]
        assert "".join(part["text"] for part in parts) == mo_text
        assert [part["udh"][-4:] for part in parts] == ["0301", "0302", "0303"]

        peer.tell("enquire_link")
        assert (await peer.hear("enquire_link_answer"))["command_status"] == 0
        peer.tell("unbind")
        assert (await peer.hear("unbind_answer"))["command_status"] == 0
        await peer.hear("closed")
        assert simulator.stats.receipts_acknowledged == 3
        assert simulator.stats.sessions == 0


async def test_it_hears_that_it_is_throttled() -> None:
    async with (
        Simulator(load_profile("default")) as simulator,
        run_node("client.js", str(simulator.port)) as peer,
    ):
        simulator.throttle(1)
        peer.tell("bind", mode="transceiver", system_id="shop", password="secret")
        await peer.hear("bound")
        for tag in range(4):
            peer.tell("submit", tag=tag, destination_addr="33600000001", text="x")
        submitted = await peer.hear_count("submitted", 4)
        assert sum(each["command_status"] == 0x58 for each in submitted) >= 2
