"""The ledger on a real Postgres: it balances after any history, and finds every kind of tampering."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from gateway.domain.ledger import LedgerReport
from gateway.domain.message import ENDS
from gateway.domain.public_ids import encode_public_id
from gateway.store.evidence import Evidence
from gateway.store.flights import Flight
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import Rig, running

pytestmark = pytest.mark.integration


def faults(report: LedgerReport) -> dict[str, tuple[str, ...]]:
    return {pair.name: pair.ids for pair in report.pairs if not pair.agrees}


async def fill(desk: Desk) -> dict[str, int]:
    """One message in every place that a message can be; their ids by that place."""
    new = desk.rig.new_message
    sent, delivered, failed, unknown, again = await desk.begin(
        new(parts=2), new(campaign_id=4), new(is_test=True), new(), new()
    )
    await desk.accept(waiting := new(), later := new(due_in=timedelta(hours=1)), cancelled := new())
    await desk.tell(
        [
            desk.answered(sent, 0, carrier_id="s0"),
            desk.answered(sent, 1, carrier_id="s1"),
            desk.answered(delivered, carrier_id="d"),
            desk.answered(failed, wanted=S.FAILED),
            desk.answered(unknown, wanted=S.UNKNOWN),
            desk.answered(again, wanted=S.QUEUED),
        ],
        [receipt("d"), receipt("d"), receipt("nobody")],
        desk.ending(cancelled.id),
    )
    return {
        "queued": waiting.id,
        "scheduled": later.id,
        "cancelled": cancelled.id,
        "sent": sent.id,
        "delivered": delivered.id,
        "failed": failed.id,
        "unknown": unknown.id,
        "again": again.id,
    }


async def test_an_empty_gateway_balances(desk: Desk) -> None:
    report = await desk.ledger()
    assert (report.is_balanced, report.messages, report.messages_by_state) == (True, 0, {})


async def test_every_message_is_in_one_place(desk: Desk) -> None:
    await fill(desk)
    report = await desk.ledger()
    assert faults(report) == {}
    assert report.messages == 8
    assert report.messages_by_state == {
        "scheduled": 1,
        "queued": 2,
        "sent": 1,
        "delivered": 1,
        "failed": 1,
        "cancelled": 1,
        "unknown": 1,
    }
    assert report.parts_by_state["sent"] == 2
    assert report.receipts_unmatched_open == 1


IN_ONE_STATE = "every message is in one state"
QUEUE = "(connector_id, lane, category, id, slot, shop_id, attempt, refusals, entered, expires_at)"
TAMPERING = [
    ("DELETE FROM queue WHERE id = $1", "queued", {IN_ONE_STATE}),
    ("DELETE FROM schedule WHERE id = $1", "scheduled", {IN_ONE_STATE}),
    ("DELETE FROM queue WHERE id = $1", "again", {IN_ONE_STATE}),
    ("DELETE FROM message_state WHERE id = $1", "failed", {IN_ONE_STATE, "messages failed"}),
    ("DELETE FROM message WHERE id = $1", "sent", {"every state has its message", "messages taken in"}),
    ("DELETE FROM message WHERE id = $1", "queued", {"every state has its message", "messages taken in"}),
    (
        f"INSERT INTO queue {QUEUE} SELECT connector_id, lane, category, id, slot, shop_id, 0, 0, 5,"
        " expires_at FROM message WHERE id = $1",
        "delivered",
        {IN_ONE_STATE},
    ),
    (
        f"INSERT INTO queue {QUEUE} SELECT connector_id + 1, lane, category, id, slot, shop_id, 0, 0,"
        " entered, expires_at FROM queue WHERE id = $1",
        "queued",
        {IN_ONE_STATE},
    ),
    (
        "INSERT INTO schedule (shop_id, id, slot, connector_id, lane, category, attempt, refusals, entered,"
        " due_at, expires_at) SELECT shop_id, id, slot, connector_id, lane, category, attempt, 0, entered,"
        " now(), expires_at FROM queue WHERE id = $1",
        "queued",
        {IN_ONE_STATE},
    ),
    ("UPDATE message_state SET state = 5 WHERE id = $1", "failed", {IN_ONE_STATE}),
    ("UPDATE message_state SET state = 5, entered = entered | 32 WHERE id = $1", "sent", {IN_ONE_STATE}),
    (
        "UPDATE message_state SET part_states = '\\x05' WHERE id = $1",
        "unknown",
        {IN_ONE_STATE, "delivered parts have a delivered receipt"},
    ),
    ("DELETE FROM part WHERE id = $1 AND part = 1", "sent", {"part states agree with answers"}),
    ("UPDATE part SET state = 4 WHERE id = $1", "again", {"part states agree with answers"}),
    ("DELETE FROM receipt WHERE id = $1", "delivered", {"delivered parts have a delivered receipt"}),
    ("DELETE FROM unknown_message WHERE id = $1", "unknown", {"messages without an answer are listed"}),
    (
        "INSERT INTO unknown_message SELECT shop_id, id, slot, connector_id, now() FROM message"
        " WHERE id = $1",
        "sent",
        {"messages without an answer are listed"},
    ),
    ("DELETE FROM receipt_map WHERE id = $1", "sent", {"carrier ids kept for receipts"}),
    (
        "INSERT INTO receipt_map SELECT now()::date, 1, 'made up', slot, id, 0, shop_id FROM message"
        " WHERE id = $1",
        "unknown",
        {"carrier ids kept for receipts"},
    ),
]


@pytest.mark.parametrize(("statement", "place", "wanted"), TAMPERING)
async def test_tampering_with_a_message_is_found_and_named(
    desk: Desk, statement: str, place: str, wanted: set[str]
) -> None:
    ids = await fill(desk)
    assert await desk.rig.execute(statement, ids[place]) != "DELETE 0"
    found = faults(await desk.ledger())
    assert wanted <= set(found)
    named = {name for names in found.values() for name in names}
    assert named == {encode_public_id("msg", ids[place])}


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("UPDATE stat_hour SET messages = messages + 1 WHERE state = 0", "messages taken in"),
        ("DELETE FROM stat_hour WHERE state = 5", "messages delivered"),
        ("UPDATE stat_hour SET parts = parts - 1 WHERE state = 4 AND parts = 3", "parts sent"),
        ("UPDATE stat_hour SET cost_micros = 0 WHERE state = 6", "cost failed in millionths"),
        ("UPDATE stat_shop SET messages = 0 WHERE state = 4", "shops' messages sent"),
        ("UPDATE stat_shop SET cost_micros = cost_micros + 1 WHERE state = 0", "shops' cost taken in in"),
        ("UPDATE stat_submission SET submissions = submissions + 1 WHERE state = 6", "submissions"),
        ("DELETE FROM stat_receipt WHERE outcome = 1", "receipts matched"),
        ("DELETE FROM receipt_unmatched", "receipts without a message"),
        ("DELETE FROM receipt WHERE outcome = 2", "receipts matched"),
        ("DELETE FROM part WHERE state = 2", "submissions"),
    ],
)
async def test_tampering_with_counts_is_found(desk: Desk, statement: str, wanted: str) -> None:
    await fill(desk)
    tag = await desk.rig.execute(statement)
    assert not tag.endswith(" 0"), "the statement met no row"
    found = faults(await desk.ledger())
    assert any(name.startswith(wanted) for name in found), found


async def test_traffic_meanwhile_does_not_blur_the_ledger(desk: Desk) -> None:
    flights = await desk.begin(*(desk.rig.new_message() for _ in range(300)))
    looks = 0
    async with running(desk.outcomes.run):
        for number, flight in enumerate(flights):
            desk.outcomes.put_many([desk.answered(flight, carrier_id=f"c{number}"), receipt(f"c{number}")])
            if number % 30 == 0:
                await desk.assert_balanced()
                looks += 1
            await asyncio.sleep(0.001)
        await desk.outcomes.drained()
    await desk.assert_balanced()
    assert looks == 10


class History:
    """What may happen to the flights of a desk, drawn one by one; a part is answered once an attempt."""

    def __init__(self, desk: Desk, draw: Random, live: list[Flight]) -> None:
        self.desk = desk
        self.draw = draw
        self.live = live
        self._ids: list[str] = []
        self._answered: set[tuple[int, int, int]] = set()
        self._silent: set[tuple[int, int]] = set()

    def _new_id(self) -> str:
        self._ids.append(f"id{len(self._ids)}")
        return self._ids[-1]

    def die(self) -> None:
        """The process is killed: what it was sending has no answer any more, late or not."""
        self._silent.clear()
        for flight in self.live:
            self._answered |= {(flight.id, part, flight.attempt) for part in range(flight.parts)}

    def step(self) -> Evidence | None:
        desk, draw = self.desk, self.draw
        flight = draw.choice(self.live)
        part = draw.randrange(len(flight.progress.part_states))
        kind = draw.choice(["sent", "sent", "throttled", "failed", "silent", "late", "receipt", "unsent"])
        if kind == "receipt":
            wanted = draw.choice([S.DELIVERED, S.DELIVERED, S.FAILED, S.EXPIRED, S.UNKNOWN, None])
            return receipt(draw.choice([*self._ids, "nobody"]), wanted)
        if kind == "late":
            if (flight.id, part) not in self._silent:
                return None
            self._silent.discard((flight.id, part))
            return desk.late(flight, part, self._new_id())
        attempt = (flight.id, part, flight.attempt)
        if attempt in self._answered or flight.progress.part_states[part] != S.SENDING:
            return None
        self._answered.add(attempt)
        if kind == "unsent":
            return desk.unsent(flight, part)
        if kind == "sent":
            return desk.answered(flight, part, carrier_id=self._new_id(), remember=draw.random() < 0.5)
        if kind == "silent":
            self._silent.add((flight.id, part))
            return desk.answered(flight, part, S.UNKNOWN)
        if kind == "failed":
            return desk.answered(flight, part, S.FAILED)
        delay = timedelta(seconds=60) if draw.random() < 0.3 else None
        return desk.answered(flight, part, S.QUEUED, retry_in=delay)


@pytest.mark.parametrize("seed", range(6))
async def test_rollups_equal_the_recount_after_any_history(desk: Desk, rig: Rig, seed: int) -> None:
    """Evidence of every kind, batches cut anywhere, cancels, further attempts and restarts in between."""
    draw = Random(seed)
    live = await desk.begin(
        *(rig.new_message(parts=draw.choice([1, 1, 2, 3]), is_test=draw.random() < 0.2) for _ in range(12))
    )
    everyone = [flight.id for flight in live]
    history = History(desk, draw, live)
    for _ in range(25):
        steps = (history.step() for _ in range(draw.randrange(1, 20)))
        await desk.tell([step for step in steps if step is not None])
        if draw.random() < 0.2:
            await desk.tell([desk.ending(message_id, S.EXPIRED) for message_id in draw.sample(everyone, 3)])
        if draw.random() < 0.4:
            await desk.release(datetime.now(UTC) + timedelta(minutes=5))
            again = {flight.id: flight for flight in await desk.intend(await desk.claim())}
            history.live = [again.get(flight.id, flight) for flight in history.live]
        if draw.random() < 0.1:
            desk.restart()
            history.die()
            retry_in = draw.choice([None, timedelta(minutes=1)])
            await desk.tell([desk.abandoned(message_id, retry_in=retry_in) for message_id in everyone])
        await desk.assert_balanced()
    states = [row[0] for row in await rig.fetch("SELECT state FROM message_state")]
    assert sum(state in ENDS for state in states) >= 3, "the history went somewhere"


async def freeze(desk: Desk, people: int, *, left_out: int) -> list[int]:
    """A campaign of so many people in one slot, some of them left out, the rest with a message each."""
    rig = desk.rig
    await rig.execute(
        "INSERT INTO campaign (shop_id, id, category, state, pause_reason, version, created_at, updated_at,"
        " state_changed_at, created_by, name, text, links, audience)"
        " VALUES (1, 77, 3, 3, 0, 1, now(), now(), now(), 'ana', 'c', 'x', '[]', '{}')"
    )
    messages = [rig.new_message(campaign_id=77, to_address="33639981111") for _ in range(people - left_out)]
    await desk.accept(*messages)
    for number, message in enumerate(messages):
        await rig.execute(
            "INSERT INTO campaign_recipient VALUES (1, 77, $1, $2, $3, 0)", message.slot, number, message.id
        )
    for number in range(left_out):
        await rig.execute("INSERT INTO campaign_recipient VALUES (1, 77, 5, $1, NULL, 3)", 1_000 + number)
    await rig.execute("INSERT INTO stat_exclusion VALUES (1, 77, 3, $1)", left_out)
    await rig.execute(
        "INSERT INTO campaign_progress VALUES (1, 77, 5, $1, $2, 0, now(), now())", people, len(messages)
    )
    return [message.id for message in messages]


CAMPAIGN_MESSAGES = "every recipient's message exists once"


async def test_a_campaign_balances(desk: Desk) -> None:
    await freeze(desk, 10, left_out=3)
    report = await desk.ledger()
    assert faults(report) == {}
    assert {
        pair.name: pair.left for pair in report.pairs if pair.name.startswith(("people", "every rec"))
    } == {
        "people of campaigns": 10,
        "people left out": 3,
        CAMPAIGN_MESSAGES: 7,
    }


async def test_a_second_message_for_one_recipient_is_named(desk: Desk) -> None:
    await freeze(desk, 5, left_out=0)
    await desk.accept(second := desk.rig.new_message(campaign_id=77))
    assert faults(await desk.ledger()) == {CAMPAIGN_MESSAGES: (encode_public_id("msg", second.id),)}


async def test_a_recipients_message_that_is_not_there_is_named(desk: Desk) -> None:
    ids = await freeze(desk, 5, left_out=0)
    await desk.rig.execute(
        "UPDATE campaign_recipient SET message_id = message_id + 4096 WHERE contact_id = 0"
    )
    found = faults(await desk.ledger())
    assert found == {CAMPAIGN_MESSAGES: tuple(encode_public_id("msg", ids[0] + more) for more in (0, 4096))}


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("DELETE FROM campaign_recipient WHERE exclusion = 3", {"people of campaigns", "people left out"}),
        ("UPDATE stat_exclusion SET people = people + 1", {"people left out"}),
        ("UPDATE campaign_progress SET expanded = expanded - 1", {"recipients with a message"}),
        (
            "UPDATE stat_campaign SET messages = messages + 1 WHERE state = 0",
            {"campaigns' messages taken in"},
        ),
    ],
)
async def test_every_count_of_a_campaign_that_is_off_is_found(
    desk: Desk, tamper: str, fault: set[str]
) -> None:
    await freeze(desk, 10, left_out=3)
    await desk.rig.execute(tamper)
    assert faults(await desk.ledger()).keys() == fault


async def test_messages_of_sealed_days_are_not_missed(desk: Desk) -> None:
    await freeze(desk, 3, left_out=0)
    await desk.rig.execute("UPDATE message SET campaign_id = NULL")
    assert CAMPAIGN_MESSAGES in faults(await desk.ledger())
    today = datetime.now(UTC).date()
    await desk.rig.execute("INSERT INTO ledger_day VALUES ($1, now(), '{}')", today)
    assert CAMPAIGN_MESSAGES not in faults(await desk.ledger())
