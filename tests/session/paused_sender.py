"""A node in small, for the test that stops it: binds, submits more than the kernel takes, and holds its lease
for a moment longer. Run as a program: PORT LOOP.

Says `full DEADLINE` when the kernel is full, in seconds of the monotonic clock, and at the end how many
requests came back unwritten.
"""

import asyncio
import math
import sys
import time

import uvloop

from gateway.session.session import Session
from gateway.session.settings import SessionSettings
from gateway.smpp.pdus import BindTransceiver
from gateway.smpp.rules import Role

from .sockets import eventually
from .wire import TEMPLATE, Recorder

WINDOW = 20_000
TEXT = b"x" * 254
LEASE_SECONDS = 0.2


async def send(port):
    owner = Recorder()
    deadline = math.inf
    _, session = await asyncio.get_running_loop().create_connection(
        lambda: Session(
            Role.ESME, owner, SessionSettings(window=WINDOW), may_write=lambda: time.monotonic() < deadline
        ),
        "127.0.0.1",
        port,
    )
    await session.bind(BindTransceiver(system_id=b"acme", password=b"pw"))
    for context in range(WINDOW):
        session.submit(context, TEMPLATE, b"39333", TEXT)
    await eventually(lambda: session.counters.writes > 1)
    deadline = time.monotonic() + LEASE_SECONDS
    print("full", deadline, flush=True)
    await session.wait_closed()
    print("unwritten", sum(map(len, owner.named("unwritten"))), flush=True)


if __name__ == "__main__":
    factory = uvloop.new_event_loop if sys.argv[2] == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(send(int(sys.argv[1])))
