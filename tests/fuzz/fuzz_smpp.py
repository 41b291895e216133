"""Hostile octets against everything that reads the wire: framing, codec, hot path, receipts, headers,
sessions.

With atheris installed it is a coverage-guided target; without, it feeds mutated PDUs for a while:

    python tests/fuzz/fuzz_smpp.py --seconds 60 [--seed 1]

Whatever arrives, the outcome is PDUs or a `PeerFault`; anything else is a finding and ends the run with the
input.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from datetime import UTC, datetime

from gateway.session.owner import SessionOwner
from gateway.session.session import Session
from gateway.session.settings import SessionSettings
from gateway.smpp import pdus
from gateway.smpp.codec import decode, encode
from gateway.smpp.errors import BadPdu
from gateway.smpp.framing import Framer
from gateway.smpp.hotpath import decode_deliver_sm, decode_message_id, decode_submit_sm
from gateway.smpp.receipts import parse_receipt
from gateway.smpp.rules import Role
from gateway.smpp.text import decode_text
from gateway.smpp.times import decode_receipt_time, decode_time
from gateway.smpp.udh import find_concatenation, split_user_data

NOW = datetime(2025, 1, 31, tzinfo=UTC)

SEEDS = [
    encode(pdus.BindTransceiver(system_id=b"acme", password=b"pw", sequence_number=1)),
    encode(pdus.BindTransceiverResp(system_id=b"smsc", tlvs=((0x0210, b"\x34"),), sequence_number=1)),
    encode(
        pdus.SubmitSm(source_addr=b"ACME", destination_addr=b"39333", short_message=b"hi", sequence_number=2)
    ),
    encode(pdus.SubmitSmResp(message_id=b"0a1b2c", sequence_number=2)),
    encode(
        pdus.DeliverSm(
            esm_class=0x44,
            short_message=b"\x05\x00\x03\x01\x02\x01id:7 sub:001 dlvrd:001 submit date:2501311159 "
            b"done date:2501311200 stat:DELIVRD err:000 text:hi",
            tlvs=((0x001E, b"7\0"), (0x0427, b"\x02"), (0x0423, b"\x03\x00\x01")),
            sequence_number=3,
        )
    ),
    encode(pdus.DataSm(esm_class=4, tlvs=((0x0424, b"id:7 stat:UNDELIV"),), sequence_number=4)),
    encode(pdus.EnquireLink(sequence_number=5)),
    encode(pdus.Unbind(sequence_number=6)),
    encode(pdus.GenericNack(command_status=3, sequence_number=2)),
    encode(pdus.QuerySm(message_id=b"7", sequence_number=7)),
    encode(pdus.UnknownPdu(0x0A0A, b"x", 0, 8)),
]


class _Sink(asyncio.Transport):
    """A connection that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Session | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        del data

    def is_closing(self) -> bool:
        return self.protocol is None

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self.protocol is not None:
            protocol, self.protocol = self.protocol, None
            protocol.connection_lost(None)


def read_pdus(octets: bytes) -> None:
    """Every reader of the SMPP room, on whatever PDUs `octets` hold."""
    buffer, frames = Framer().feed(octets)
    for frame in frames:
        decode_message_id(buffer, frame[3], frame[4])
        for reader in (decode_deliver_sm, decode_submit_sm):
            if frame[0] in (4, 5) and (reader is decode_submit_sm) == (frame[0] == 4):
                with contextlib.suppress(BadPdu):
                    reader(buffer, frame)
        try:
            pdu = decode(buffer, frame)
        except BadPdu:
            continue
        if isinstance(pdu, pdus.DeliverSm | pdus.DataSm):
            receipt = parse_receipt(pdu, text_without_esm_class=True)
            if receipt is not None:
                decode_receipt_time(receipt.done_text, near=NOW)
        if isinstance(pdu, pdus.SubmitSm | pdus.DeliverSm):
            user_data = split_user_data(pdu.esm_class, pdu.short_message)
            find_concatenation(user_data, pdu.tlvs)
            decode_text(user_data.body, pdu.data_coding)
            decode_time(pdu.validity_period, now=NOW)


def feed_session(role: Role, octets: bytes, cut: int) -> None:
    """A session in `role` that gets `octets` in two reads. Needs a running loop."""
    session = Session(role, _Owner(), SessionSettings(), authenticate=lambda _s, _p: 0)
    transport = _Sink()
    transport.protocol = session
    session.connection_made(transport)
    for chunk in (octets[:cut], octets[cut:]):
        if transport.protocol is not None:
            session.data_received(chunk)
    transport.abort()


class _Owner(SessionOwner):
    """Hears everything and does nothing."""


async def try_input(octets: bytes) -> None:
    """One input through all of it."""
    read_pdus(octets)
    for role in Role:
        feed_session(role, octets, len(octets) // 3)


def mutate(chance: random.Random) -> bytes:
    """Some PDUs with some damage; the length of the first is mended half the time, so that it is read at
    all.
    """
    octets = bytearray(b"".join(chance.choices(SEEDS, k=chance.randint(1, 4))))
    for _ in range(chance.randint(0, 8)):
        position = chance.randrange(len(octets))
        match chance.randrange(4):
            case 0:
                octets[position] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 1:
                del octets[position : position + chance.randint(1, 8)]
            case 2:
                octets[position:position] = chance.randbytes(chance.randint(1, 8))
            case _:
                octets[position:position] = octets[position : position + 20]
        if not octets:
            return b""
    if chance.random() < 0.5 and len(octets) >= 16:
        octets[:4] = len(octets).to_bytes(4, "big")
    return bytes(octets)


async def run(seconds: float, seed: int) -> int:
    """Feed mutated PDUs for `seconds`; return how many. A finding raises, with the input in a note."""
    chance = random.Random(seed)
    ends_at = time.monotonic() + seconds
    count = 0
    while time.monotonic() < ends_at:
        octets = mutate(chance)
        try:
            await try_input(octets)
        except Exception as exc:
            exc.add_note(f"input {count} of seed {seed}: {octets.hex()}")
            raise
        count += 1
        if count % 100 == 0:
            await asyncio.sleep(0)  # let planned flushes run
    return count


def main() -> int:
    """Run with atheris when it is there and asked for, else with our own mutations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--atheris", action="store_true", help="coverage-guided; further arguments go to it")
    options, rest = parser.parse_known_args()
    if options.atheris:
        import atheris  # type: ignore[import-not-found]  # optional, only for long runs

        atheris.instrument_all()
        atheris.Setup([sys.argv[0], *rest], lambda octets: asyncio.run(try_input(octets)))
        atheris.Fuzz()
    count = asyncio.run(run(options.seconds, options.seed))
    print(f"{count} inputs, seed {options.seed}: nothing but PDUs and protocol errors")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
