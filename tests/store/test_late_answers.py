"""An answer that comes after its message was put back to be sent again, on a real Postgres (quirks 8, 34)."""

from datetime import timedelta

import pytest

from gateway.domain.message import Reason
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt

pytestmark = pytest.mark.integration


async def attempts(desk: Desk) -> list[tuple[int, int, int, int | None, str | None]]:
    rows = await desk.rig.fetch(
        "SELECT part, attempt, state, command_status, carrier_id FROM part ORDER BY part, attempt"
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


@pytest.mark.parametrize("retry_in", [None, timedelta(minutes=1)])
async def test_a_message_that_waits_to_be_sent_again_is_taken_back_by_its_late_answer(
    desk: Desk, retry_in: timedelta | None
) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.to_be_resent(flight, retry_in=retry_in))
    assert await desk.state(flight.id) is S.QUEUED
    await desk.tell(desk.late(flight, 0, "A"))
    assert await desk.state(flight.id) is S.SENT
    assert (await desk.count("queue"), await desk.count("schedule")) == (0, 0)
    assert await attempts(desk) == [(0, 0, S.QUEUED, 0, "A")]
    await desk.tell(receipt("a"))
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_a_message_claimed_to_be_sent_again_is_taken_back_before_its_intent(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.to_be_resent(flight))
    claimed = await desk.claim()
    await desk.tell(desk.late(flight, 0, "A"))
    assert await desk.intend(claimed) == []
    assert desk.gone == claimed
    assert await desk.state(flight.id) is S.SENT
    await desk.assert_balanced()


async def test_silence_and_the_late_answer_in_one_batch_send_nothing_again(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell([desk.to_be_resent(flight), desk.late(flight, 0, "A")])
    assert await desk.state(flight.id) is S.SENT
    assert (await desk.count("queue"), await desk.count("schedule")) == (0, 0)
    await desk.assert_balanced()


async def test_a_message_sent_again_meanwhile_keeps_both_answers_and_is_one_message(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.to_be_resent(flight))
    [again] = await desk.intend(await desk.claim())
    await desk.tell(desk.late(flight, 0, "A"))
    assert await desk.state(flight.id) is S.SENT
    await desk.tell(desk.answered(again, carrier_id="B"))
    assert await attempts(desk) == [(0, 0, S.QUEUED, 0, "A"), (0, 1, S.SENT, 0, "B")]
    await desk.tell(receipt("b"))
    await desk.tell(receipt("a"))
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_a_second_silence_does_not_undo_what_the_late_answer_said(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.to_be_resent(flight))
    [again] = await desk.intend(await desk.claim())
    await desk.tell([desk.late(flight, 0, "A"), desk.to_be_resent(again)])
    assert await desk.state(flight.id) is S.SENT
    assert await desk.count("queue") == 0
    await desk.assert_balanced()


async def test_only_the_parts_that_still_lack_an_answer_are_sent_again(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=3))
    await desk.tell([
        desk.answered(flight, 0, carrier_id="a"), desk.to_be_resent(flight, 1), desk.to_be_resent(flight, 2)
    ])  # fmt: skip
    await desk.tell(desk.late(flight, 1, "B"))
    assert await desk.state(flight.id) is S.QUEUED
    [again] = await desk.intend(await desk.claim())
    assert list(again.progress.part_states) == [S.SENT, S.SENT, S.SENDING]
    await desk.tell(desk.answered(again, 2, carrier_id="c"))
    await desk.tell([receipt("a"), receipt("b"), receipt("c")])
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_an_answer_to_one_part_while_another_is_still_being_sent_needs_no_second_send(
    desk: Desk,
) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell(desk.to_be_resent(flight, 0))
    assert await desk.state(flight.id) is S.SENDING
    await desk.tell(desk.late(flight, 0, "A"))
    await desk.tell(desk.answered(flight, 1, carrier_id="b"))
    assert await desk.state(flight.id) is S.SENT
    assert await desk.count("queue") == 0
    await desk.assert_balanced()


async def test_a_late_refusal_leaves_a_message_waiting_to_be_sent_again(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.to_be_resent(flight))
    await desk.tell(desk.late(flight, 0, None))
    assert await desk.state(flight.id) is S.QUEUED
    assert await attempts(desk) == [(0, 0, S.QUEUED, 8, None)]
    [again] = await desk.intend(await desk.claim())
    await desk.tell(desk.answered(again, carrier_id="b"))
    row = await desk.row(flight.id)
    assert (row["state"], row["reason"]) == (S.SENT, Reason.NONE)
    await desk.assert_balanced()
