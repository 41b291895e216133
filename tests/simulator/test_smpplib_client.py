"""A client that we did not write, smpplib, against the simulator."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import smpplib.client
import smpplib.consts
import smpplib.gsm

from gateway.simulator import Simulator, load_profile
from gateway.simulator.mo import MoRequest
from gateway.simulator.profile_reading import parse_profile

pytestmark = pytest.mark.integration


@contextmanager
def smpplib_client(port: int) -> Iterator[Any]:
    client = smpplib.client.Client("127.0.0.1", port, timeout=5, allow_unknown_opt_params=True)
    client.connect()
    try:
        client.bind_transceiver(system_id="shop", password="secret")
        yield client
        client.unbind()
    finally:
        client.disconnect()


def read(client: Any, *commands: str) -> dict[str, list[Any]]:
    """Read as many PDUs as `commands` names, acknowledge deliveries, and sort them by command."""
    found: dict[str, list[Any]] = {}
    for _ in commands:
        pdu = client.read_pdu()
        found.setdefault(pdu.command, []).append(pdu)
        if pdu.command == "deliver_sm":
            client.set_message_received_handler(lambda pdu: 0)
            client._message_received(pdu)
    assert sorted(commands) == sorted(name for name, pdus in found.items() for _ in pdus)
    return found


def send_long_text(port: int) -> tuple[list[str], list[str]]:
    """Bind, send a text of two parts, read answers and receipts, unbind; ids of both."""
    parts, encoding, esm_class = smpplib.gsm.make_parts("A long text, in two parts. " * 8)
    with smpplib_client(port) as client:
        for part in parts:
            client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
                source_addr="SHOP",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                destination_addr="33600000001",
                short_message=part,
                data_coding=encoding,
                esm_class=esm_class,
                registered_delivery=True,
            )
        found = read(client, *("submit_sm_resp", "deliver_sm") * len(parts))
    answered = [pdu.message_id.decode() for pdu in found["submit_sm_resp"]]
    receipted = [pdu.receipted_message_id.decode() for pdu in found["deliver_sm"]]
    return answered, receipted


async def test_smpplib_binds_sends_a_long_text_reads_its_receipts_and_unbinds() -> None:
    async with Simulator(load_profile("default")) as simulator:
        answered, receipted = await asyncio.to_thread(send_long_text, simulator.port)
        assert len(answered) == 2
        assert sorted(answered) == sorted(receipted)
        assert simulator.stats.receipts_acknowledged == 2
        lines = [msgspec.json.decode(line) for line in simulator.read_log(0)]
        submits = [line for line in lines if line["event"] == "submit"]
        assert [(line["number"], line["total"]) for line in submits] == [(1, 2), (2, 2)]
        assert lines[-1]["event"] == "close"
        assert lines[-1]["reason"] == "peer_unbound"


async def test_smpplib_reads_an_mo() -> None:
    def read_one(port: int, is_bound: asyncio.Event, loop: asyncio.AbstractEventLoop) -> Any:
        with smpplib_client(port) as client:
            loop.call_soon_threadsafe(is_bound.set)
            return read(client, "deliver_sm")["deliver_sm"][0]

    async with Simulator(load_profile("default")) as simulator:
        is_bound = asyncio.Event()
        reading = asyncio.create_task(
            asyncio.to_thread(read_one, simulator.port, is_bound, asyncio.get_running_loop())
        )
        await is_bound.wait()
        outcome = await simulator.deliver_mo(MoRequest(sender="33639981234", recipient="36180", text="Été"))
        pdu = await reading
        assert outcome.is_acknowledged
        assert (pdu.source_addr, pdu.destination_addr) == (b"33639981234", b"36180")
        assert pdu.short_message == b"\x1ft\x05"


async def test_smpplib_hears_of_wrong_credentials() -> None:
    profile = parse_profile("bind: {accounts: [{system_id: shop, password: other}]}", source="test")
    async with Simulator(profile) as simulator:
        with pytest.raises(smpplib.exceptions.PDUError) as caught:
            await asyncio.to_thread(send_long_text, simulator.port)
        assert caught.value.args[1] == 0x0E
