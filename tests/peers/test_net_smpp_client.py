"""Net::SMPP of Perl as a client of our SMSC role."""

import pytest

from gateway.simulator import Simulator, load_profile
from gateway.simulator.mo import MoRequest
from gateway.smpp.gsm import encode_gsm

from .spoken_peers import run_net_smpp

pytestmark = pytest.mark.peers

EVERY_PART = b"Second opinion. " * 9


async def test_it_binds_submits_reads_receipts_and_an_mo_and_unbinds() -> None:
    async with Simulator(load_profile("default")) as simulator, run_net_smpp(simulator.port) as peer:
        bound = await peer.hear("bound")
        assert (bound["status"], bound["system_id"]) == (0, "ESTAFETTE")
        gsm = encode_gsm("Ça va @ €?")
        assert gsm is not None
        peer.tell("submit", tag="short", to="33639985001", text=gsm.hex())
        for number in (1, 2):
            udh = bytes((5, 0, 3, 42, 2, number))
            peer.tell("submit", tag=number, to="33639985002", text=(udh + EVERY_PART).hex(), esm_class=0x40)
        submitted = await peer.hear_count("submitted", 3)
        assert [each["status"] for each in submitted] == [0, 0, 0]
        receipts = await peer.hear_count("deliver", 3)
        assert {each["receipted_message_id"] for each in receipts} == {each["id"] for each in submitted}
        assert {each["state"] for each in receipts} == {2}
        assert all(b"stat:DELIVRD" in bytes.fromhex(each["text"]) for each in receipts)
        assert all(each["esm_class"] & 0x3C == 0x04 for each in receipts)

        text = "Été à Genève"
        outcome = await simulator.deliver_mo(MoRequest(sender="33639981234", recipient="36180", text=text))
        assert outcome.is_acknowledged
        written = (await peer.hear_count("deliver", 4))[3]
        assert (written["from"], written["to"]) == ("33639981234", "36180")
        assert bytes.fromhex(written["text"]) == encode_gsm(text)

        peer.tell("enquire_link")
        assert (await peer.hear("enquire_link_answer"))["status"] == 0
        peer.tell("unbind")
        assert (await peer.hear("unbind_answer"))["status"] == 0
        assert simulator.stats.bad_pdus == 0


async def test_it_hears_a_refusal_without_a_body() -> None:
    async with Simulator(load_profile("default")) as simulator, run_net_smpp(simulator.port) as peer:
        await peer.hear("bound")
        peer.tell("submit", tag="refused", to="33639980003", text=b"magic".hex())
        assert (await peer.hear("submitted"))["status"] == 0x0B
