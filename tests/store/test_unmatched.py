"""Receipts and their messages on a real Postgres: early, late, by another rule, for none at all."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from gateway.domain.failures import FailureClass
from gateway.domain.identifiers import HIGHEST_ID, first_id_at
from gateway.domain.message import Reason
from gateway.store.evidence import InboundSeen, ReceiptOutcome, ReceiptSeen
from gateway.store.unmatched import (
    RETRIED_FOR,
    find_unmatched,
    give_up_unmatched,
    list_unmatched,
)
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import CONNECTOR

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
APPLIED, REPEATED, LATE = ReceiptOutcome.APPLIED, ReceiptOutcome.REPEATED, ReceiptOutcome.LATE
UNMATCHED, TOO_LATE = ReceiptOutcome.UNMATCHED, ReceiptOutcome.TOO_LATE
EVERY = tuple(ReceiptOutcome)


def as_written(connector_id: int, written: str) -> str:
    return written.lower()


def from_hex(connector_id: int, written: str) -> str:
    return str(int(written, 16))


async def find(desk: Desk, *, by: object = as_written) -> list[ReceiptSeen]:
    return await find_unmatched(desk.rig.database, by, low_id=0, high_id=HIGHEST_ID, limit=100)  # type: ignore[arg-type]


async def outcomes(desk: Desk) -> list[int]:
    return [
        row[0] for row in await desk.rig.fetch("SELECT outcome FROM receipt_unmatched ORDER BY receipt_id")
    ]


async def test_a_receipt_that_overtook_its_answer_is_judged_right_after_it(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(receipt("a", None), receipt("a"), desk.answered(flight, carrier_id="a", remember=False))
    assert await desk.state(flight.id) is S.DELIVERED, "without another look at the table"
    assert await desk.outcomes_of(flight.id) == [ReceiptOutcome.INTERMEDIATE, APPLIED]
    assert await outcomes(desk) == [ReceiptOutcome.MATCHED_LATER] * 2
    assert await find(desk) == []
    await desk.assert_balanced()


async def test_what_a_receipt_meant_is_kept_for_a_later_look(desk: Desk) -> None:
    [failed, notified] = await desk.begin(desk.rig.new_message(), desk.rig.new_message())
    absent = replace(
        receipt("A", S.FAILED), failure_class=int(FailureClass.ABSENT), carrier_at=datetime.now(UTC)
    )
    notice = replace(receipt("b"), wanted=None)  # an intermediate notification of DELIVERED
    await desk.tell([replace(absent, carrier_id="a", written_id="A"), notice])
    desk.restart()
    await desk.tell(
        desk.answered(failed, carrier_id="a", remember=False),
        desk.answered(notified, carrier_id="b", remember=False),
    )
    await desk.tell(await find(desk))
    row = await desk.row(failed.id)
    assert (row["state"], row["failure_class"]) == (S.FAILED, FailureClass.ABSENT)
    assert (
        await desk.rig.value("SELECT carrier_at FROM receipt WHERE id = $1", failed.id) == absent.carrier_at
    )
    assert await desk.state(notified.id) is S.SENT, "it was on its way, and still is"
    await desk.assert_balanced()


async def test_a_corrected_id_form_finds_the_messages_of_receipts_that_came_before_it(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="255"))
    await desk.tell(replace(receipt("ff"), written_id="FF"))
    desk.restart()
    await desk.tell(await find(desk))
    assert await desk.state(flight.id) is S.SENT
    await desk.tell(await find(desk, by=from_hex))
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_a_second_id_is_tried_at_each_look(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(replace(receipt("ff"), other_id="255"))
    desk.restart()
    await desk.tell(desk.answered(flight, carrier_id="255", remember=False))
    await desk.tell(await find(desk))
    assert await desk.state(flight.id) is S.DELIVERED


async def test_a_receipt_days_later_finds_its_message_among_older_days(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="a"))
    for age in (1, 4, 10):
        day = datetime.now(UTC).date() - timedelta(days=age)
        await desk.rig.execute("SELECT make_day_partitions($1)", day)
        await desk.rig.execute("UPDATE receipt_map SET day = $1", day)
        desk.restart()
        await desk.tell(receipt("a", None))
    assert await desk.count("receipt") == 3
    assert await desk.count("receipt_unmatched") == 0


async def test_a_receipt_of_a_message_that_is_no_longer_kept_is_too_late(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="a"))
    for table in ("message", "message_state"):
        await desk.rig.execute(f"DELETE FROM {table} WHERE id = $1", flight.id)
    desk.restart()
    await desk.tell(receipt("a", acknowledge="seat 1"))
    assert desk.ear.acknowledged == ["seat 1"], "the carrier need not send it again"
    assert await outcomes(desk) == [TOO_LATE]
    counted = await desk.rig.fetch("SELECT outcome, sum(receipts)::int FROM stat_receipt GROUP BY 1")
    assert counted == [(TOO_LATE, 1)]
    assert await find(desk) == [], "and nobody looks for it again"


async def test_a_receipt_of_a_message_submitted_before_any_id_that_is_kept_is_too_late(desk: Desk) -> None:
    now = datetime.now(UTC)
    dated = replace(receipt("a"), carrier_at=now, submitted_at=now - 13 * DAY)
    await desk.tell([dated, replace(receipt("b"), carrier_at=now, submitted_at=now - 3 * DAY)])
    assert sorted(await outcomes(desk)) == [UNMATCHED, TOO_LATE]
    await desk.assert_balanced()


async def test_one_receipt_for_all_parts_delivers_after_a_restart_too(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=3))
    await desk.tell([desk.answered(flight, part, carrier_id=f"p{part}") for part in range(3)])
    desk.restart()
    await desk.tell(replace(receipt("p2"), ends_message=True))
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_the_first_end_stands_and_what_contradicts_it_is_kept(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(
        desk.answered(flight, carrier_id="a"), receipt("a", S.FAILED), receipt("a"), receipt("a", S.FAILED)
    )
    row = await desk.row(flight.id)
    assert (row["state"], row["reason"]) == (S.FAILED, Reason.RECEIPT_SAID_SO)
    assert await desk.outcomes_of(flight.id) == [APPLIED, LATE, REPEATED]
    await desk.assert_balanced()


async def test_receipts_of_one_id_in_one_batch_are_for_the_messages_that_had_it_in_turn(desk: Desk) -> None:
    """The SMSC started its ids again while the first message was still on its way."""
    old, new = await desk.begin(desk.rig.new_message(), desk.rig.new_message())
    await desk.tell(desk.answered(old, carrier_id="0"), desk.answered(new, carrier_id="0"))
    await desk.tell([receipt("0", S.FAILED), receipt("0"), receipt("0")])
    assert (await desk.state(new.id), await desk.state(old.id)) == (S.FAILED, S.DELIVERED)
    assert await desk.outcomes_of(new.id) == [APPLIED, LATE]
    later, last = await desk.begin(desk.rig.new_message(), desk.rig.new_message())
    await desk.tell(desk.answered(later, carrier_id="1"), desk.answered(last, carrier_id="1"))
    desk.restart()
    await desk.tell([receipt("1", S.FAILED), receipt("1")])
    assert (await desk.state(last.id), await desk.state(later.id)) == (S.FAILED, S.DELIVERED)
    await desk.assert_balanced()


async def test_a_date_from_long_before_the_submission_is_not_kept(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="a"))
    now = datetime.now(UTC)
    await desk.tell(
        replace(receipt("a", None), carrier_at=now - 3 * DAY), replace(receipt("a"), carrier_at=now - DAY / 2)
    )
    kept = await desk.rig.fetch("SELECT carrier_at FROM receipt ORDER BY receipt_id")
    assert kept == [(None,), (now - DAY / 2,)]


def text_of(carrier_id: str) -> InboundSeen:
    return InboundSeen(
        shop_id=0, slot=0, connector_id=CONNECTOR, data_coding=0, esm_class=0, reference=None, part=1,
        parts=1, from_address="33639980000", to_address="36777", text=f"id:{carrier_id} stat:DELIVRD",
        body=b"", at=datetime.now(UTC),
    )  # fmt: skip


async def test_a_text_that_reads_like_a_receipt_is_one_only_when_its_id_is_ours(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, carrier_id="a"))
    guesses = [replace(receipt(each, acknowledge=each), otherwise=text_of(each)) for each in ("a", "nobody")]
    await desk.tell(guesses)
    assert await desk.state(flight.id) is S.DELIVERED
    assert await desk.rig.fetch("SELECT text FROM inbound") == [("id:nobody stat:DELIVRD",)]
    assert await desk.count("receipt_unmatched") == 0
    assert sorted(map(str, desk.ear.acknowledged)) == ["a", "nobody"]
    await desk.assert_balanced()


async def test_an_id_of_any_length_is_kept_and_matched(desk: Desk) -> None:
    long_id = "9f" * 400
    await desk.tell(receipt(long_id, acknowledge="seat 1"))
    assert desk.ear.acknowledged == ["seat 1"]
    [kept] = await list_unmatched(desk.rig.database, EVERY, connector_id=None, high_id=HIGHEST_ID, limit=9)
    assert kept.carrier_id == long_id


async def test_after_72_hours_a_receipt_is_given_up_and_stays_listed(desk: Desk) -> None:
    await desk.rig.execute("INSERT INTO connector (name, created_at) VALUES ('smsc-a', now())")
    await desk.tell([receipt("a"), receipt("b")])
    old = first_id_at(datetime.now(UTC) - RETRIED_FOR) - 1
    await desk.rig.execute("UPDATE receipt_unmatched SET receipt_id = $1 WHERE carrier_id = 'a'", old)
    assert await give_up_unmatched(desk.rig.database, datetime.now(UTC)) == 1
    assert [each.carrier_id for each in await find(desk)] == ["b"]
    page = await list_unmatched(desk.rig.database, EVERY, connector_id=CONNECTOR, high_id=HIGHEST_ID, limit=9)
    assert [(each.carrier_id, each.outcome) for each in page] == [
        ("b", UNMATCHED),
        ("a", ReceiptOutcome.GIVEN_UP),
    ]
    following = await list_unmatched(
        desk.rig.database, EVERY, connector_id=None, high_id=page[0].receipt_id, limit=9
    )
    assert [each.carrier_id for each in following] == ["a"]
    assert await list_unmatched(desk.rig.database, EVERY, connector_id=2, high_id=HIGHEST_ID, limit=9) == []
