"""Outcomes on a real Postgres: every kind of evidence, in every order that carriers and crashes make."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from gateway.domain.delays import DelayKind, bucket_of
from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.lanes import Category
from gateway.domain.message import Reason, entered_bit
from gateway.store.evidence import ReceiptOutcome
from gateway.store.unmatched import find_unmatched
from gateway.store.waiting_evidence import find_abandoned, find_without_receipt
from tests.store.desk import ALL_SLOTS, Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import CONNECTOR, CutProxy, Rig, running, take_node, terminate

pytestmark = pytest.mark.integration

LONG_ID = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(200))

APPLIED, REPEATED, INTERMEDIATE, LATE = (
    ReceiptOutcome.APPLIED,
    ReceiptOutcome.REPEATED,
    ReceiptOutcome.INTERMEDIATE,
    ReceiptOutcome.LATE,
)


async def rollup(rig: Rig) -> dict[int, int]:
    rows = await rig.fetch("SELECT state, sum(messages)::int FROM stat_hour GROUP BY 1")
    return {row[0]: row[1] for row in rows}


async def retry_unmatched(desk: Desk) -> None:
    found = await find_unmatched(desk.rig.database, as_it_is, low_id=0, high_id=HIGHEST_ID, limit=100)
    await desk.tell(list(found))


def as_it_is(connector_id: int, written: str) -> str:
    return written.lower()


async def test_an_answer_makes_the_message_sent_and_its_id_findable(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="1A2B"))
    row = await desk.row(flight.id)
    assert (row["state"], row["command_status"], row["final_at"]) == (S.SENT, 0, None) or row[
        "command_status"
    ] is None
    assert row["sent_at"] is not None
    [found] = await desk.rig.fetch("SELECT day, connector_id, carrier_id, id, part, shop_id FROM receipt_map")
    assert found == (datetime.now(UTC).date(), CONNECTOR, "1a2b", flight.id, 0, 1)
    [part] = await desk.rig.fetch("SELECT part, attempt, state, command_status, carrier_id FROM part")
    assert part == (0, 0, S.SENT, 0, "1A2B")


async def test_answer_and_receipt_in_one_batch_deliver(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell([receipt("a"), desk.answered(flight, carrier_id="a")])
    assert await desk.state(flight.id) is S.DELIVERED
    counts = await rollup(desk.rig)
    assert (counts[0], counts[S.SENT], counts[S.DELIVERED]) == (1, 1, 1)
    await desk.assert_balanced()


async def test_a_receipt_a_batch_before_its_answer_delivers_through_memory(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    answer = desk.answered(flight, carrier_id="a")
    await desk.tell(receipt("a"), answer)
    assert await desk.state(flight.id) is S.DELIVERED
    assert await desk.count("part") == 1
    await desk.assert_balanced()


async def test_a_receipt_before_its_answer_was_even_read_is_kept_and_matched_later(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(receipt("a", acknowledge="seat 1", at=datetime.now(UTC)))
    assert desk.ear.acknowledged == ["seat 1"], "it is durable: the carrier need not send it again"
    assert (await desk.ledger()).receipts_unmatched_open == 1
    await retry_unmatched(desk)
    assert await desk.count("receipt_unmatched") == 1, "still without a message, and not kept twice"
    await desk.tell(desk.answered(flight, carrier_id="a"))
    await retry_unmatched(desk)
    assert await desk.state(flight.id) is S.DELIVERED
    assert await desk.rig.value("SELECT outcome FROM receipt_unmatched") == ReceiptOutcome.MATCHED_LATER
    assert (await desk.ledger()).receipts_unmatched_open == 0
    await retry_unmatched(desk)
    assert await desk.outcomes_of(flight.id) == [APPLIED]
    await desk.assert_balanced()


async def test_a_receipt_after_a_restart_finds_its_message_in_the_database(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell([desk.answered(flight, 0, carrier_id="a"), desk.answered(flight, 1, carrier_id="b")])
    desk.restart()
    await desk.tell([receipt("b"), receipt("a")])
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_late_receipt_does_not_undo_delivery_and_every_receipt_is_kept(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(
        desk.answered(flight, carrier_id="a"),
        receipt("a", None),
        [receipt("a"), receipt("a")],
        receipt("a", S.FAILED),
    )
    desk.restart()
    await desk.tell(receipt("a", S.EXPIRED))
    assert await desk.state(flight.id) is S.DELIVERED
    assert await desk.outcomes_of(flight.id) == [INTERMEDIATE, APPLIED, REPEATED, LATE, LATE]
    counts = await rollup(desk.rig)
    assert S.FAILED not in counts
    assert S.EXPIRED not in counts
    await desk.assert_balanced()


async def test_an_id_that_no_message_has_is_kept_by_itself(desk: Desk) -> None:
    await desk.tell([receipt("nobody"), receipt("nobody"), receipt("nobody", connector_id=2)])
    assert await desk.count("receipt_unmatched") == 3
    assert await desk.count("receipt") == 0
    assert (await desk.ledger()).receipts_unmatched_open == 3
    await desk.assert_balanced()


async def test_of_two_messages_with_one_id_the_open_one_has_the_receipt(desk: Desk) -> None:
    """SMSCs begin their ids again after a restart."""
    [old] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(old, carrier_id="0"), receipt("0"))
    [new] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(new, carrier_id="0"))
    desk.restart()
    await desk.tell(receipt("0", S.FAILED))
    assert (await desk.state(old.id), await desk.state(new.id)) == (S.DELIVERED, S.FAILED)
    desk.restart()
    await desk.tell(receipt("0"))
    assert (await desk.state(old.id), await desk.state(new.id)) == (S.DELIVERED, S.FAILED)


async def test_one_id_at_two_connectors_is_two_messages(desk: Desk) -> None:
    await desk.accept(desk.rig.new_message(), desk.rig.new_message(connector_id=2))
    [here] = await desk.intend(await desk.claim())
    [there] = await desk.intend(await desk.claim(connector_id=2))
    await desk.tell([desk.answered(here, carrier_id="7"), desk.answered(there, carrier_id="7")])
    desk.restart()
    await desk.tell(receipt("7", connector_id=2))
    assert (await desk.state(here.id), await desk.state(there.id)) == (S.SENT, S.DELIVERED)


async def test_a_throttled_message_is_queued_again_and_announced(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, wanted=S.QUEUED, command_status=0x58))
    assert desk.ear.requeued == {(CONNECTOR, 2, 2): flight.id}
    [(attempt, entered)] = await desk.rig.fetch("SELECT attempt, entered FROM queue")
    assert attempt == 1
    assert entered == (await desk.row(flight.id))["entered"]
    [again] = await desk.intend(await desk.claim())
    await desk.tell(desk.answered(again, carrier_id="a"))
    rows = await desk.rig.fetch("SELECT attempt, state, command_status FROM part ORDER BY attempt")
    assert rows == [(0, S.QUEUED, 0x58), (1, S.SENT, 0)]
    assert await desk.state(flight.id) is S.SENT
    await desk.assert_balanced()


async def test_a_retry_with_a_delay_waits_in_the_schedule(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, wanted=S.QUEUED, retry_in=timedelta(seconds=60)))
    assert (await desk.count("queue"), await desk.count("schedule")) == (0, 1)
    await desk.assert_balanced()
    now = datetime.now(UTC)
    assert await desk.release(now) == 0
    assert await desk.release(now + timedelta(seconds=61)) == 1
    [again] = await desk.intend(await desk.claim())
    assert (again.id, again.attempt) == (flight.id, 1)
    await desk.assert_balanced()


async def test_messages_throttled_together_wait_in_their_order(desk: Desk) -> None:
    flights = await desk.begin(*(desk.rig.new_message() for _ in range(20)))
    await desk.tell([desk.answered(flight, wanted=S.QUEUED) for flight in reversed(flights)])
    assert [flight.id for flight in await desk.claim()] == sorted(flight.id for flight in flights)


async def test_a_message_unwritten_at_a_stop_waits_again_uncounted(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell(desk.unsent(flight, 0, 1))
    assert await desk.state(flight.id) is S.QUEUED
    assert (await desk.count("part"), await desk.count("queue")) == (0, 1)
    assert await desk.rig.value("SELECT count(*) FROM stat_submission") == 0
    await desk.assert_balanced()


async def test_a_late_answer_fills_the_row_of_its_attempt(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell([desk.answered(flight, 0, S.UNKNOWN), desk.answered(flight, 1, S.QUEUED)])
    [again] = await desk.intend(await desk.claim())
    await desk.tell(desk.answered(again, 1, carrier_id="b"))
    assert await desk.state(flight.id) is S.UNKNOWN
    await desk.tell(desk.late(flight, 0, "A"))
    rows = await desk.rig.fetch(
        "SELECT part, attempt, state, command_status, carrier_id FROM part ORDER BY part, attempt"
    )
    assert rows == [(0, 0, S.UNKNOWN, 0, "A"), (1, 0, S.QUEUED, 0x58, None), (1, 1, S.SENT, 0, "b")]
    assert await desk.state(flight.id) is S.SENT
    await desk.tell([receipt("a"), receipt("b")])
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_a_late_refusal_fails_what_was_unknown(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell([desk.answered(flight, wanted=S.UNKNOWN), desk.late(flight, 0, None)])
    row = await desk.row(flight.id)
    assert (row["state"], row["reason"], row["command_status"]) == (S.FAILED, Reason.REJECTED_BY_CARRIER, 8)
    await desk.assert_balanced()


async def test_a_row_that_moved_under_the_batch_is_judged_again(desk: Desk) -> None:
    """Memory may be older than the row; the row rules."""
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="a"))
    stale = flight.progress
    await desk.tell(receipt("a"))
    flight.progress = stale
    desk.book.remember(CONNECTOR, "a", flight, 0)
    await desk.tell(receipt("a", S.FAILED))
    assert await desk.state(flight.id) is S.DELIVERED
    assert await desk.outcomes_of(flight.id) == [APPLIED, LATE]
    assert (await rollup(desk.rig)).get(S.FAILED) is None
    await desk.assert_balanced()


async def test_a_failure_is_kept_with_class_status_and_words(desk: Desk) -> None:
    refused, undelivered = await desk.begin(desk.rig.new_message(), desk.rig.new_message())
    await desk.tell(
        [
            desk.answered(refused, wanted=S.FAILED, command_status=0x0B, failure_class=1),
            desk.answered(undelivered, carrier_id="a"),
        ],
        receipt("a", S.FAILED, err="011"),
    )
    row = await desk.row(refused.id)
    assert (row["failure_class"], row["command_status"], row["reason"]) == (
        1,
        0x0B,
        Reason.REJECTED_BY_CARRIER,
    )
    row = await desk.row(undelivered.id)
    assert (row["stat"], row["err"], row["reason"]) == ("UNDELIV", "011", Reason.RECEIPT_SAID_SO)
    classes = await desk.rig.fetch("SELECT failure_class, messages FROM stat_hour WHERE state = 6 ORDER BY 1")
    assert classes == [(1, 1), (2, 1)]
    await desk.assert_balanced()


async def test_cancelling_ends_a_message_that_waits_and_leaves_any_other(desk: Desk) -> None:
    waiting, scheduled, sending = (
        desk.rig.new_message(parts=2),
        desk.rig.new_message(due_in=timedelta(hours=1)),
        desk.rig.new_message(),
    )
    await desk.begin(sending)
    await desk.accept(waiting, scheduled)
    done = {
        message.id: asyncio.get_running_loop().create_future() for message in (waiting, scheduled, sending)
    }
    endings = [desk.ending(message_id)._replace(done=future) for message_id, future in done.items()]
    await desk.tell([*endings], [*(ending._replace(done=None) for ending in endings)])
    assert [future.result() for future in done.values()] == [True, True, False]
    row = await desk.row(waiting.id)
    assert (row["state"], row["reason"], row["part_states"]) == (
        S.CANCELLED,
        Reason.CANCELLED_BY_SHOP,
        bytes([S.CANCELLED] * 2),
    )
    assert row["entered"] == 1 | entered_bit(S.QUEUED) | entered_bit(S.CANCELLED)
    assert (await desk.row(scheduled.id))["entered"] & entered_bit(S.SCHEDULED)
    assert (await rollup(desk.rig))[S.CANCELLED] == 2
    await desk.assert_balanced()


async def test_cancelling_a_message_that_waits_for_another_attempt_ends_its_waiting_parts(
    desk: Desk,
) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell([desk.answered(flight, 0, carrier_id="a"), desk.answered(flight, 1, S.QUEUED)])
    await desk.tell(desk.ending(flight.id))
    row = await desk.row(flight.id)
    assert (row["state"], row["part_states"]) == (S.CANCELLED, bytes([S.SENT, S.CANCELLED]))
    await desk.tell(receipt("a"))
    assert await desk.state(flight.id) is S.CANCELLED, "an end stands; the part tells what came"
    await desk.assert_balanced()


async def test_another_shops_message_cannot_be_ended(desk: Desk) -> None:
    [message_id] = await desk.accept(desk.rig.new_message())
    await desk.tell(desk.ending(message_id, shop_id=2))
    assert (await desk.count("queue"), await desk.count("message_state")) == (1, 0)


async def test_intents_of_a_dead_epoch_become_unknown_and_no_other(desk: Desk) -> None:
    abandoned, answered = await desk.begin(desk.rig.new_message(parts=2), desk.rig.new_message())
    await desk.tell(desk.answered(answered, carrier_id="a"))
    rig = desk.rig
    assert await find_abandoned(rig.database, low_id=0, limit=10) == []
    rig.node = await take_node(rig.database)
    desk.restart()
    [alive] = await desk.begin(rig.new_message())
    [found] = await find_abandoned(rig.database, low_id=0, limit=10)
    assert (found.id, found.connector_id, found.attempt) == (abandoned.id, CONNECTOR, 0)
    await desk.tell(desk.written_off(abandoned.id, Reason.NO_RESPONSE))
    row = await desk.row(abandoned.id)
    assert (row["state"], row["reason"]) == (S.UNKNOWN, Reason.NO_RESPONSE)
    assert await desk.state(alive.id) is S.SENDING
    assert await find_abandoned(rig.database, low_id=0, limit=10) == []
    await desk.assert_balanced()


async def test_the_attempt_that_a_crash_cut_short_has_a_row_for_each_part_that_may_have_left(
    desk: Desk,
) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=3))
    await desk.tell(desk.answered(flight, 1, carrier_id="b"))
    desk.restart()
    await desk.tell(off := desk.abandoned(flight.id))
    rows = await desk.rig.fetch(
        "SELECT part, attempt, bind_no, state, command_status, submitted_at FROM part"
        " WHERE part <> 1 ORDER BY 1"
    )
    assert rows == [(part, 0, 0, S.UNKNOWN, None, off.intended_at) for part in (0, 2)]
    await desk.tell(off)
    assert await desk.count("part") == 3, "and no more however often it is looked at"
    await desk.assert_balanced()


@pytest.mark.parametrize("retry_in", [timedelta(0), timedelta(minutes=5)])
async def test_an_abandoned_message_that_is_wanted_again_goes_out_again_but_for_the_parts_taken(
    desk: Desk, retry_in: timedelta
) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell(desk.answered(flight, 0, carrier_id="a"))
    desk.restart()
    await desk.tell(desk.abandoned(flight.id, retry_in=retry_in))
    row = await desk.row(flight.id)
    assert (row["state"], row["attempt"], row["reason"]) == (S.QUEUED, 1, Reason.NONE)
    assert (await desk.count("schedule"), await desk.count("unknown_message")) == (1, 0)
    await desk.assert_balanced()
    assert await desk.release(datetime.now(UTC) + timedelta(minutes=6)) == 1
    [again] = await desk.intend(await desk.claim())
    assert list(again.progress.part_states) == [S.SENT, S.SENDING]
    await desk.tell(desk.answered(again, 1, carrier_id="b"), [receipt("a"), receipt("b")])
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_messages_without_an_answer_are_listed_while_they_are_so(desk: Desk) -> None:
    first, second, third = await desk.begin(*(desk.rig.new_message(parts=parts) for parts in (1, 2, 1)))
    await desk.tell([
        desk.answered(first, wanted=S.UNKNOWN), desk.answered(second, 0, S.UNKNOWN),
        desk.answered(second, 1, carrier_id="b"), desk.answered(third, carrier_id="c"),
    ])  # fmt: skip
    listed = "SELECT id, connector_id FROM unknown_message ORDER BY 1"
    assert await desk.rig.fetch(listed) == sorted([(first.id, CONNECTOR), (second.id, CONNECTOR)])
    await desk.assert_balanced()
    await desk.tell(receipt("c", S.UNKNOWN))
    assert await desk.count("unknown_message") == 2, "the carrier's own word for it is another thing"
    await desk.tell([desk.late(first, 0, "a"), desk.late(second, 0, None)])
    assert (await desk.state(first.id), await desk.state(second.id)) == (S.SENT, S.FAILED)
    assert await desk.count("unknown_message") == 0
    await desk.assert_balanced()


async def test_a_message_that_somebody_closed_stays_closed_whatever_memory_says(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell([desk.answered(flight, 0, S.UNKNOWN), desk.answered(flight, 1, S.UNKNOWN)])
    await desk.rig.execute("UPDATE message_state SET reason = $1", Reason.CLOSED_BY_OPERATOR)
    await desk.rig.execute("DELETE FROM unknown_message")
    await desk.tell(desk.late(flight, 0, "a"))
    row = await desk.row(flight.id)
    assert (row["reason"], list(row["part_states"])) == (Reason.CLOSED_BY_OPERATOR, [S.SENT, S.UNKNOWN])
    await desk.assert_balanced()
    await desk.tell(desk.late(flight, 1, "b"))
    assert await desk.state(flight.id) is S.SENT
    await desk.assert_balanced()


async def test_what_this_process_is_sending_is_not_abandoned_though_its_lease_is_late(desk: Desk) -> None:
    """After an outage of the database a node finds its own lease expired until the renewal is through."""
    rig = desk.rig
    [flight] = await desk.begin(rig.new_message())
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second'")
    assert await find_abandoned(rig.database, low_id=0, limit=10) == []
    await take_node(rig.database)
    [found] = await find_abandoned(rig.database, low_id=0, limit=10)
    assert (found.shop_id, found.id, found.slot) == (1, flight.id, flight.slot)


async def test_a_missing_receipt_is_written_off_and_still_welcome(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="a"))
    find = find_without_receipt
    soon, late = (datetime.now(UTC) + timedelta(days=days) for days in (1, 3))
    database = desk.rig.database
    assert await find(database, low_id=0, expired_before=soon, slots=ALL_SLOTS, limit=9) == []
    assert await find(database, low_id=0, expired_before=late, slots=[flight.slot ^ 1], limit=9) == []
    [key] = await find(database, low_id=0, expired_before=late, slots=ALL_SLOTS, limit=9)
    assert key == (1, flight.id, flight.slot)
    desk.restart()
    await desk.tell(desk.written_off(flight.id, Reason.NO_RECEIPT))
    assert (await desk.row(flight.id))["reason"] == Reason.NO_RECEIPT
    await desk.tell(receipt("a"))
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_deliver_sm_is_acknowledged_after_the_commit_only(desk: Desk) -> None:
    async with desk.rig.database.transaction() as blocker:
        await blocker.raw.execute("LOCK TABLE stat_receipt IN EXCLUSIVE MODE")
        async with running(desk.outcomes.run):
            desk.outcomes.put(receipt("x", acknowledge="seat 1"))
            await asyncio.sleep(0.2)
            assert desk.ear.acknowledged == []
            await blocker.raw.execute("ROLLBACK; BEGIN")
            await desk.outcomes.drained()
    assert desk.ear.acknowledged == ["seat 1"]


async def test_a_receipt_that_postgres_refuses_is_refused_alone(desk: Desk) -> None:
    bad = replace(receipt("x", acknowledge="bad"), stat="a\0b")
    await desk.tell([receipt("y", acknowledge="one"), bad, receipt("z", acknowledge="two")])
    assert sorted(desk.ear.acknowledged, key=str) == ["one", "two"]
    assert desk.ear.refused == ["bad"]


@pytest.mark.parametrize("carrier_id", ["a\0b", LONG_ID], ids=["NUL", "too long for an index"])
async def test_an_answer_with_an_id_that_cannot_be_stored_still_makes_the_message_sent(
    desk: Desk, carrier_id: str
) -> None:
    bad, good = await desk.begin(desk.rig.new_message(), desk.rig.new_message())
    await desk.tell([desk.answered(bad, carrier_id=carrier_id), desk.answered(good, carrier_id="a")], [])
    assert (await desk.state(bad.id), await desk.state(good.id)) == (S.SENT, S.SENT)
    await desk.assert_balanced()


async def test_a_batch_cut_off_at_its_commit_is_counted_once(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    async with CutProxy(desk.rig.dsn) as proxy:
        desk.restart(outcomes_dsn=proxy.dsn)
        proxy.cut_commits = 1
        await desk.tell(desk.answered(flight, carrier_id="a"))
        proxy.swallow_commits = 1
        await desk.tell(receipt("a", acknowledge="seat"))
    assert await desk.state(flight.id) is S.DELIVERED
    assert desk.ear.acknowledged == ["seat"]
    assert await desk.outcomes_of(flight.id) == [APPLIED]
    await desk.assert_balanced()


async def test_writers_killed_under_load_lose_and_double_nothing(desk: Desk) -> None:
    flights = await desk.begin(*(desk.rig.new_message() for _ in range(300)))
    async with running(desk.outcomes.run):
        for number, flight in enumerate(flights):
            desk.outcomes.put(desk.answered(flight, carrier_id=f"c{number}"))
            if number % 100 == 50:
                await terminate(desk.rig.dsn, "estafette-outcomes")
            if number % 7 == 0:
                desk.outcomes.put(receipt(f"c{number}"))
                await asyncio.sleep(0.001)
        await desk.outcomes.drained()
    states = dict(await desk.rig.fetch("SELECT state, count(*)::int FROM message_state GROUP BY 1"))
    assert states == {S.DELIVERED: 43, S.SENT: 257}
    assert await desk.count("part") == 300
    await desk.assert_balanced()


async def test_an_event_is_written_with_the_transition_where_a_shop_wants_it(desk: Desk) -> None:
    wanted, unwanted = await desk.begin(
        desk.rig.new_message(wants_events=True, webhook_url="https://example.org/h"), desk.rig.new_message()
    )
    await desk.tell(
        [desk.answered(wanted, carrier_id="a"), desk.answered(unwanted, carrier_id="b")],
        [receipt("a"), receipt("b")],
    )
    rows = await desk.rig.fetch(
        "SELECT subject_id, endpoint_id, kind FROM outbox ORDER BY sequence, endpoint_id"
    )
    assert rows == [
        (wanted.id, 0, "message.sent"),
        (wanted.id, 70, "message.sent"),
        (wanted.id, 0, "message.delivered"),
        (wanted.id, 70, "message.delivered"),
    ]
    assert desk.ear.events == 2


async def test_a_campaigns_failures_and_waits_are_counted_and_no_others(desk: Desk) -> None:
    rig, day = desk.rig, timedelta(days=1)
    in_campaign = [rig.new_message(campaign_id=9, category=Category.MARKETING) for _ in range(3)]
    flights = await desk.begin(*in_campaign, rig.new_message())
    delivered, refused, undelivered, other = flights
    later = datetime.now(UTC) + timedelta(seconds=40)
    await desk.tell(
        [
            desk.answered(delivered, carrier_id="a"),
            desk.answered(refused, wanted=S.FAILED, failure_class=1, command_status=11),
            desk.answered(undelivered, carrier_id="c"),
            desk.answered(other, carrier_id="d"),
        ],
        [receipt("a", at=later), receipt("c", S.FAILED, err="027", at=later), receipt("d", at=later)],
        [receipt("a", at=later + day), receipt("c", S.FAILED, err="027", at=later + day)],
    )
    failures = await rig.fetch(
        "SELECT campaign_id, failure_class, command_status, stat, err, messages FROM stat_failure ORDER BY 2"
    )
    assert failures == [(9, 1, 11, "", "", 1), (9, 2, -1, "UNDELIV", "027", 1)]
    [wait] = await rig.fetch("SELECT campaign_id, kind, bucket, messages FROM stat_delay")
    assert wait == (9, DelayKind.DELIVERY, bucket_of(40), 1)


async def test_a_wait_spans_a_restart(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(campaign_id=9, category=Category.MARKETING))
    await desk.tell(desk.answered(flight, carrier_id="a"))
    desk.restart()
    await desk.tell(receipt("a", at=datetime.now(UTC) + timedelta(seconds=40)))
    assert await desk.rig.fetch("SELECT bucket, messages FROM stat_delay") == [(bucket_of(40), 1)]
