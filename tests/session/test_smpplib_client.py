"""smpplib, which we did not write, as a client of our listener."""

import asyncio
import threading

import pytest
import smpplib.client
import smpplib.consts

from gateway.smpp import pdus
from gateway.smpp.udh import find_concatenation, split_user_data

from .sockets import DEADLINE_SECONDS, Carrier, eventually, listening

pytestmark = pytest.mark.integration

PARTS = [b"\x05\x00\x03\x2a\x02\x01" + b"first ", b"\x05\x00\x03\x2a\x02\x02" + b"second"]


def run_client(port, seen, is_finished):
    client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True, timeout=DEADLINE_SECONDS)
    client.set_message_sent_handler(lambda pdu: seen["ids"].append(pdu.message_id))
    client.set_message_received_handler(lambda pdu: seen["received"].append(pdu))
    client.connect()
    seen["bind"] = client.bind_transceiver(system_id="acme", password="pw")
    for part in PARTS:
        client.send_message(
            source_addr="ACME",
            source_addr_ton=5,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr="393331234567",
            short_message=part,
            esm_class=smpplib.consts.SMPP_GSMFEAT_UDHI,
            registered_delivery=True,
        )
    while len(seen["received"]) < 2:
        client.read_once()
    client.unbind()
    client.disconnect()
    is_finished.set()


async def test_smpplib_binds_sends_a_long_message_gets_receipts_and_unbinds():
    carrier = Carrier(with_receipts=True)
    seen = {"ids": [], "received": []}
    is_finished = threading.Event()
    async with listening(carrier) as listener:
        thread = threading.Thread(target=run_client, args=(listener.port, seen, is_finished), daemon=True)
        thread.start()
        await eventually(is_finished.is_set)
        await asyncio.to_thread(thread.join, DEADLINE_SECONDS)
        await eventually(lambda: not listener.sessions)
    assert seen["ids"] == [b"1", b"2"]
    assert [pdu.short_message[:4] for pdu in seen["received"]] == [b"id:1", b"id:2"]
    assert carrier.receipt_answers == [(b"1", 0, b""), (b"2", 0, b"")]
    bodies = {}
    for pdu in carrier.taken:
        assert isinstance(pdu, pdus.SubmitSm)
        user_data = split_user_data(pdu.esm_class, pdu.short_message)
        bodies[find_concatenation(user_data).number] = user_data.body
    assert bodies[1] + bodies[2] == b"first second"
