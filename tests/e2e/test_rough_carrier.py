"""A carrier that refuses three submits in ten with 0x58 and cuts connections: nothing lost, nothing doubled.

The simulator's log, which is only ever appended to, is counted by itself and compared with the ledger.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec
import pytest

from e2e.running import Running, connector, run_gateway
from e2e.simulator_log import SimulatorLog
from gateway.domain.message import MessageState
from gateway.simulator.profile import FaultRules, Profile, Range
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.profile_sessions import DropForm
from gateway.simulator.smsc import Simulator

pytestmark = pytest.mark.integration

BATCH = 1_000
PARTS_PER_SECOND = 20_000
"""All the speed there is: what remains of it is the carrier's doing."""
LATENCY_MS = Range(least=200, most=500)
WAITING = ("scheduled", "queued", "sending", "sent")
STATES = "SELECT m.to_address, s.state FROM message m LEFT JOIN message_state s USING (shop_id, id, slot)"


@dataclass(frozen=True, slots=True)
class Run:
    """How much, how rough, and how long it may take."""

    messages: int
    drop_every_seconds: float
    drop: DropForm
    window: int
    binds: int
    deadline_seconds: float


SHORT = Run(1_200, 2.0, DropForm.CLOSE, window=200, binds=3, deadline_seconds=60)
SHORT_ABRUPT = Run(300, 1.0, DropForm.RESET, window=100, binds=2, deadline_seconds=60)
LONG = Run(20_000, 10.0, DropForm.CLOSE, window=300, binds=4, deadline_seconds=1_200)


def rough_profile(run: Run) -> Profile:
    faults = FaultRules(drop_every_seconds=run.drop_every_seconds, drop=run.drop)
    profile = load_profile("rough")
    submit = msgspec.structs.replace(profile.submit, latency_ms=LATENCY_MS)
    return msgspec.structs.replace(profile, faults=faults, submit=submit)


def number_of(n: int) -> str:
    return f"6{12_000_000 + n:08}"


async def send_all(running: Running, run: Run) -> None:
    for start in range(0, run.messages, BATCH):
        items = [
            {"to": f"+33{number_of(n)}", "text": f"message {n}"}
            for n in range(start, min(start + BATCH, run.messages))
        ]
        status, answer = await running.shop.call("POST", "/v1/messages/batch", {"messages": items})
        assert (status, answer["refused"]) == (202, 0), answer


async def read_states(running: Running) -> dict[str, str]:
    async with running.gateway.ground.database.connection() as connection:
        rows = await connection.raw.fetch(STATES)
    return {row["to_address"][-9:]: MessageState(row["state"] or MessageState.QUEUED).word for row in rows}


async def until_ended(running: Running, run: Run) -> dict[str, str]:
    """What became of each number, once nothing is under way."""
    states: dict[str, str] = {}
    try:
        async with asyncio.timeout(run.deadline_seconds):
            while len(states) < run.messages or any(state in WAITING for state in states.values()):
                await asyncio.sleep(0.5)
                states = await read_states(running)
    except TimeoutError:
        raise AssertionError(f"still under way: {Counter(states.values())}") from None
    return states


async def survive(database: str, run: Run, log_path: Path) -> tuple[Counter[str], int]:
    """Messages by state, and the number of drops."""
    settings = {"window": run.window, "binds": run.binds, "parts_per_second": PARTS_PER_SECOND}
    carrier = Simulator(rough_profile(run), log_path=log_path, random=Random(5))
    await carrier.start()
    async with run_gateway(database, [connector("rough", carrier.port, **settings)]) as running:
        await send_all(running, run)
        states = await until_ended(running, run)
        await running.assert_balanced()
        drops = carrier.stats.drops
        await carrier.aclose()
    compare(states, read_log(log_path), run, drops)
    return Counter(states.values()), drops


def read_log(path: Path) -> SimulatorLog:
    log = SimulatorLog()
    with path.open("rb") as lines:
        log.read(lines)
    return log


def compare(states: dict[str, str], log: SimulatorLog, run: Run, drops: int) -> None:
    """The gateway's word for each message beside what the carrier has written down."""
    unknown = {number for number, state in states.items() if state == "unknown"}
    delivered = {number for number, state in states.items() if state == "delivered"}
    assert len(unknown) + len(delivered) == run.messages, Counter(states.values())
    assert len(unknown) <= run.window * run.binds * drops
    taken = {number: sent for number, sent in log.sent.items() if sent.taken}
    assert not [number for number, sent in taken.items() if sent.is_doubled]
    assert delivered <= taken.keys()
    assert taken.keys() <= delivered | unknown
    for n in range(run.messages):
        if number_of(n) in delivered:
            assert taken[number_of(n)].text == f"message {n}"


async def test_a_connector_under_throttling_and_drops_loses_and_doubles_nothing(
    database: str, tmp_path: Path
) -> None:
    counts, drops = await survive(database, SHORT, tmp_path / "carrier.log")
    assert drops >= 2
    assert counts["delivered"] > SHORT.messages * 0.5


async def test_a_connection_that_is_reset_loses_and_doubles_nothing(database: str, tmp_path: Path) -> None:
    _, drops = await survive(database, SHORT_ABRUPT, tmp_path / "carrier.log")
    assert drops >= 1


@pytest.mark.slow
async def test_twenty_thousand_messages_under_throttling_and_drops(database: str, tmp_path: Path) -> None:
    counts, drops = await survive(database, LONG, tmp_path / "carrier.log")
    print(f"{dict(counts)}, {drops} drops")
