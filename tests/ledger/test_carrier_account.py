"""A carrier's log beside our rows: each submit one attempt, each acknowledged receipt a row."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.ledger.carrier_account import CarrierAccount, compare_with_carrier
from gateway.ledger.carrier_log import BadCarrierLog, CarrierLog
from gateway.store.flights import Flight
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt

pytestmark = pytest.mark.integration


class Smsc:
    """Writes the log of a simulator, an hour ago."""

    def __init__(self) -> None:
        self.at = (datetime.now(UTC) - timedelta(hours=1)).timestamp()
        self.lines: list[bytes] = []

    def note(self, event: str, **fields: Any) -> None:
        line = {"event": event, "n": len(self.lines) + 1, "at": self.at, "session": 1, **fields}
        self.lines.append(json.dumps(line).encode() + b"\n")

    def take(self, flight: Flight, carrier_id: str, *, part: int = 0, command_status: int = 0) -> None:
        self.note(
            "submit", command_status=command_status, carrier_id=carrier_id, receipt_id=carrier_id,
            destination=f"+{flight.to_address}", text=flight.text, number=part + 1,
        )  # fmt: skip

    def acknowledge(self, carrier_id: str) -> None:
        self.note("receipt", carrier_id=carrier_id)
        self.note("accepted", carrier_id=carrier_id)

    async def compare(self, desk: Desk, *, ago: timedelta = timedelta(minutes=-1)) -> CarrierAccount:
        """Looked at a minute later, when nothing is under way any more, unless told otherwise."""

        async def batches() -> AsyncIterator[Sequence[bytes]]:
            yield self.lines

        return await compare_with_carrier(
            desk.rig.database, batches(), connectors=(), clock=lambda: datetime.now(UTC) - ago
        )


def counts(account: CarrierAccount) -> dict[str, int]:
    return {name: finding.count for name, finding in account.findings.items() if finding.count}


class World:
    """Three messages: one with its answer and receipt, one of two parts, one that no answer came for."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.smsc = Smsc()

    async def live(self) -> None:
        desk, smsc, new = self.desk, self.smsc, self.desk.rig.new_message
        self.told, self.long, self.silent = await desk.begin(new(), new(parts=2), new(text="et puis"))
        await desk.tell(
            [
                desk.answered(self.told, carrier_id="T"),
                desk.answered(self.long, 0, carrier_id="L0"),
                desk.answered(self.long, 1, carrier_id="L1"),
                desk.answered(self.silent, wanted=S.UNKNOWN),
            ],
            [receipt("T"), receipt("nobody")],
        )
        smsc.note("bind", system_id="a", mode="transceiver", command_status=0)
        smsc.take(self.told, "T")
        smsc.take(self.long, "L0")
        smsc.take(self.long, "L1", part=1)
        smsc.take(self.silent, "U")
        smsc.take(self.silent, "", command_status=0x58)
        smsc.acknowledge("T")


@pytest.fixture
async def world(desk: Desk) -> World:
    world = World(desk)
    await world.live()
    return world


async def test_every_submit_is_one_attempt_and_every_receipt_is_kept(world: World) -> None:
    account = await world.smsc.compare(world.desk)
    assert counts(account) == {}
    assert (account.taken, account.answered, account.unanswered, account.refused) == (4, 3, 1, 1)
    assert (account.receipts_sent, account.receipts_acknowledged) == (1, 1)
    assert account.as_json()["agrees"] is True


async def test_an_answer_that_the_carrier_never_gave_is_lost(world: World) -> None:
    del world.smsc.lines[1]
    account = await world.smsc.compare(world.desk)
    assert counts(account) == {"lost": 1}
    assert "was answered with id T, which the carrier's log does not have" in account.lost.sentences[0]


async def test_a_submit_that_nothing_of_ours_stands_for_is_named(world: World) -> None:
    world.smsc.take(world.told, "again")
    world.smsc.take(world.silent, "U2")
    account = await world.smsc.compare(world.desk)
    assert counts(account) == {"unexplained": 2}
    assert "as again, and no attempt stands for it" in account.unexplained.sentences[0]


async def test_a_part_that_was_resent_and_taken_twice_is_doubled(world: World) -> None:
    desk = world.desk
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.to_be_resent(flight))
    [again] = await desk.intend(await desk.claim())
    await desk.tell(desk.answered(again, carrier_id="second"))
    world.smsc.take(flight, "second")
    assert counts(await world.smsc.compare(desk)) == {}
    world.smsc.take(flight, "first")
    account = await world.smsc.compare(desk)
    assert counts(account) == {"doubled": 1}
    assert "was taken 2 times, as second and first" in account.doubled.sentences[0]


async def test_an_acknowledged_receipt_without_a_row_is_missing(world: World) -> None:
    world.smsc.acknowledge("L1")
    world.smsc.acknowledge("U")
    account = await world.smsc.compare(world.desk)
    assert counts(account) == {"receipts_missing": 2}
    await world.desk.tell(receipt("L1"))
    await world.desk.tell(receipt("U"))  # its id was never learnt: it waits for its message, and is kept
    assert counts(await world.smsc.compare(world.desk)) == {}


async def test_what_has_just_happened_is_under_way(world: World) -> None:
    world.smsc.at = datetime.now(UTC).timestamp()
    world.smsc.take(world.told, "new")
    world.smsc.acknowledge("L0")
    account = await world.smsc.compare(world.desk, ago=timedelta(seconds=1))
    assert (counts(account), account.under_way) == ({}, 1)


async def test_the_journal_of_the_sink_is_read_too(world: World) -> None:
    at, told, long = world.smsc.at, world.told, world.long
    world.smsc.lines = [
        f"B {at:.6f} 1 smsc-a\n".encode(),
        f"S {at:.6f} 1 T {told.to_address} {told.text}\n".encode(),
        f"R {at:.6f} 1 T\n".encode(),
        f"A {at:.6f} 1 T 0\n".encode(),
        *(f"S {at:.6f} 1 {name} {long.to_address} {long.text}\n".encode() for name in ("L0", "L1")),
        f"A {at:.6f} 1 L0 8\n".encode(),
        f"S {at:.6f} 1 cut".encode(),
    ]
    account = await world.smsc.compare(world.desk)
    assert (account.lines, account.taken, account.answered, account.receipts_acknowledged) == (7, 3, 3, 1)
    assert counts(account) == {}


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"{}\n", b'{"event": "submit", "at": 1}\n', b"S x 1 a b c\n"]
)
def test_another_file_is_refused_with_the_line(line: bytes) -> None:
    with pytest.raises(BadCarrierLog, match="line 1 is of no carrier's log"):
        CarrierLog().read([line], until=0)
