"""Every shipped profile of the simulator against one gateway: 200 messages each, none lost, none doubled.

What became of each message is compared with the simulator's own log, and what the person reads with what the
shop wrote.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random

import msgspec
import pytest

from e2e.quirk_cases import CASES, Case
from e2e.running import Running, connector, run_gateway
from e2e.simulator_log import SimulatorLog
from gateway.domain.message import MessageState
from gateway.simulator.mo import MoRequest
from gateway.simulator.profile_reading import load_profile, shipped_profiles
from gateway.simulator.smsc import Simulator

pytestmark = pytest.mark.integration

MESSAGES = 200
DEADLINE_SECONDS = 50.0
LOG_LINES = 10_000

TEXTS = (
    "Votre commande est prête",
    "stat:UNDELIV id:1 err:042 done date:0000000000 text:no receipt",
    "@£$¥èéùì_ÄÖÑÜ§¿äöñüà and [{}] ~ \\ | ^",
    "seven c",
    "Ваш заказ готов 😀",
    "Prix : 12,50 €",
    "@" * 8,
    "x" * 160,
    "Ваш заказ готов. " * 8,
    "Bonjour, votre colis n° 4711 vous attend. " * 5,
)
"""Two of ten are of several parts. Their characters are in GSM 03.38 and in Latin-1, or need UCS-2."""

SHORT_CODE = "36180"
SPEAK = ("data-sm", "default", "early-receipts", "latin1", "national", "octets", "plus-addresses", "strays")
SPEAK += ("transmitter-receiver", "utf8", "version-33")
"""Profiles whose handsets are listened to: every alphabet, every form of a number, one bind, two, a pair."""
FROM_HANDSETS = (
    {"text": "Été @ 12 £ ? OK ! " * 12, "order": [2, 1]},
    {"text": "Ваш заказ 😀 готов. " * 9, "order": [3, 3, 1, 2]},
    {"text": "Bonjour @ é", "udh": "05040b8423f0"},
    {"text": ""},
)
"""Long ones out of order and with a part twice, one for a port, one without text."""

STATES = "SELECT m.to_address, s.state FROM message m LEFT JOIN message_state s USING (shop_id, id, slot)"


@dataclass(slots=True)
class Lane:
    """One profile at work."""

    name: str
    case: Case
    simulator: Simulator
    prefix: str
    """The first digits of its people's numbers, without country code."""
    log: SimulatorLog = field(default_factory=SimulatorLog)
    states: dict[str, str] = field(default_factory=dict)
    """What the gateway says of each number."""

    @property
    def sender(self) -> str:
        return self.case.sender if self.case.sender != "BOUTIQUE" else f"M{self.prefix}"

    def numbers(self) -> list[str]:
        return [f"{self.prefix}{n:05}" for n in range(MESSAGES)]

    def differences(self) -> dict[str, tuple[str, str]]:
        """Numbers of which the log and the gateway say two things: (the log, the gateway)."""
        per_message = self.case.is_receipt_per_message
        judged = {each: self.log.judge(each, is_receipt_per_message=per_message) for each in self.numbers()}
        return {
            number: (" or ".join(states), self.states[number])
            for number, states in judged.items()
            if self.states[number] not in states
        }

    def is_settled(self) -> bool:
        """Whether nothing is under way, and the gateway knows all that the carrier said."""
        if {"queued", "scheduled", "sending"} & set(self.states.values()):
            return False
        return all(state == "unknown" for _, state in self.differences().values())


@asynccontextmanager
async def profiles_at_work(
    database: str, cases: Mapping[str, Case]
) -> AsyncIterator[tuple[Running, list[Lane]]]:
    """A gateway with a connector for each profile, and a route to each by its sender."""
    async with AsyncExitStack() as stack:
        lanes = []
        for index, (name, case) in enumerate(cases.items()):
            simulator = Simulator(load_profile(name), random=Random(index))
            await stack.enter_async_context(simulator)
            lanes.append(Lane(name, case, simulator, f"61{index:02}"))
        connectors = [
            connector(
                each.name,
                each.simulator.port,
                inbound_addresses=[{"address": SHORT_CODE, "shop": "demo"}],
                **deepcopy(each.case.settings),
            )
            for each in lanes
        ]
        routes = [
            {"name": each.name, "match": {"sender": [each.sender]}, "connectors": [{"name": each.name}]}
            for each in lanes
        ]
        yield await stack.enter_async_context(run_gateway(database, connectors, routes=routes)), lanes


async def send(running: Running, lane: Lane) -> None:
    items = [
        {"to": f"+33{number}", "from": lane.sender, "text": TEXTS[n % len(TEXTS)]}
        for n, number in enumerate(lane.numbers())
    ]
    status, answer = await running.shop.call("POST", "/v1/messages/batch", {"messages": items})
    assert (status, answer["refused"]) == (202, 0), (lane.name, answer)


async def look(running: Running, lanes: list[Lane]) -> None:
    """Read what the gateway says, then what the simulators have logged until now."""
    async with running.gateway.ground.database.connection() as connection:
        rows = await connection.raw.fetch(STATES)
    words = {row["to_address"][-9:]: MessageState(row["state"] or MessageState.QUEUED).word for row in rows}
    for lane in lanes:
        lane.states = {number: words[number] for number in lane.numbers()}
        while lines := lane.simulator.read_log(lane.log.last_n, most=LOG_LINES):
            lane.log.read(lines)


async def until_settled(running: Running, lanes: list[Lane]) -> None:
    loop = asyncio.get_running_loop()
    gives_up_at = loop.time() + DEADLINE_SECONDS
    while True:
        await look(running, lanes)
        waiting = [lane for lane in lanes if not lane.is_settled()]
        if not waiting or loop.time() > gives_up_at:
            break
        await asyncio.sleep(0.25)
    assert not waiting, {
        lane.name: (Counter(lane.states.values()), Counter(lane.differences().values())) for lane in waiting
    }


def check(lane: Lane) -> None:
    """None lost, none doubled, every text as it was written."""
    counts = Counter(lane.states.values())
    assert counts.total() == MESSAGES
    if lane.case.expected is not None:
        assert counts == lane.case.expected
    assert len(lane.differences()) <= lane.case.lost_answers_most, lane.differences()
    for n, number in enumerate(lane.numbers()):
        sent = lane.log.sent.get(number)
        if sent is None:
            assert lane.states[number] == "unknown"
            continue
        assert not sent.is_doubled, (number, sent.taken)
        if lane.states[number] == "delivered":
            assert sent.text == TEXTS[n % len(TEXTS)]


def test_every_shipped_profile_has_a_case() -> None:
    assert sorted(CASES) == shipped_profiles()


async def test_no_profile_makes_a_message_get_lost_or_doubled(database: str) -> None:
    async with profiles_at_work(database, CASES) as (running, lanes):
        await asyncio.gather(*(send(running, lane) for lane in lanes))
        await until_settled(running, lanes)
        faults = {}
        for lane in lanes:
            try:
                check(lane)
            except AssertionError as fault:
                faults[lane.name] = str(fault)
        assert not faults, "\n\n".join(f"{name}: {what[:1500]}" for name, what in faults.items())
        await running.assert_balanced()


async def test_texts_from_handsets_are_read_whole_in_every_alphabet(database: str) -> None:
    cases = {name: CASES[name] for name in SPEAK}
    async with profiles_at_work(database, cases) as (running, lanes):
        expected = Counter[tuple[str, str]]()
        for index, lane in enumerate(lanes):
            for fields in FROM_HANDSETS:
                raw = {"from": f"+3361234500{index}", "to": SHORT_CODE, **fields}
                outcome = await lane.simulator.deliver_mo(msgspec.convert(raw, MoRequest))
                assert outcome.is_acknowledged, (lane.name, fields, outcome)
                expected[f"3361234500{index}", str(fields["text"])] += 1
        async with running.gateway.ground.database.connection() as connection:
            rows = await connection.raw.fetch("SELECT from_address, text FROM inbound")
        assert Counter((row["from_address"], row["text"]) for row in rows) == expected
