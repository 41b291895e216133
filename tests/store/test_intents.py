"""Intents on a real Postgres: who wins a race for a queue row, and what a second attempt sends again."""

import asyncio

import pytest

from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, Reason, accepted, entered_bit
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.store.intake import NewMessage
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import Rig, running

pytestmark = pytest.mark.integration


async def test_an_intent_takes_the_queue_row_and_says_who_is_sending(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    row = await desk.row(flight.id)
    assert (row["state"], row["part_states"], row["attempt"]) == (S.SENDING, bytes([S.SENDING] * 2), 0)
    assert (row["node_no"], row["epoch"]) == (desk.rig.node.node_no, desk.rig.node.epoch)
    assert row["entered"] == 1 | entered_bit(S.QUEUED) | entered_bit(S.SENDING)
    assert await desk.count("queue") == 0
    assert (flight.progress.state, flight.progress.part_states) == (S.SENDING, row["part_states"])


async def test_a_message_whose_queue_row_is_gone_is_not_sent(desk: Desk) -> None:
    await desk.accept(desk.rig.new_message(), desk.rig.new_message())
    first, second = await desk.claim()
    await desk.tell(desk.ending(first.id))
    assert await desk.intend([first, second]) == [second]
    assert desk.gone == [first]
    assert await desk.state(first.id) is S.CANCELLED


async def test_a_batch_takes_the_rows_of_many_streams_and_of_no_other(desk: Desk) -> None:
    """A row that was handed to another connector meanwhile is not the claimant's, though the batch has that
    stream too."""
    new = desk.rig.new_message
    messages = [
        new(connector_id=connector_id, category=category)
        for connector_id in (3, 1, 2)
        for category in (Category.OTP, Category.MARKETING)
        for _ in range(3)
    ]
    left = [new(connector_id=connector_id, category=Category.MARKETING) for connector_id in (1, 3, 4)]
    await desk.accept(*messages, *left)
    wanted = {message.id for message in messages}
    claimed = [flight for connector_id in (1, 2, 3) for flight in await desk.claim(connector_id=connector_id)]
    flights = [flight for flight in claimed if flight.id in wanted]
    await desk.rig.execute("UPDATE queue SET connector_id = 1 WHERE id = $1", messages[0].id)
    assert {flight.id for flight in await desk.intend(flights)} == wanted - {messages[0].id}
    assert [flight.id for flight in desk.gone] == [messages[0].id]
    waiting = {row[0] for row in await desk.rig.fetch("SELECT id FROM queue")}
    assert waiting == {messages[0].id, *(m.id for m in left)}


async def test_one_intent_of_two_for_one_message_wins(desk: Desk) -> None:
    await desk.accept(desk.rig.new_message())
    [first] = await desk.claim()
    [second] = await desk.claim()
    assert await desk.intend([first]) == [first]
    assert await desk.intend([second]) == []


async def test_cancel_and_intent_in_a_race_have_one_winner(desk: Desk) -> None:
    messages = [desk.rig.new_message() for _ in range(200)]
    await desk.accept(*messages)
    flights = await desk.claim()
    async with running(desk.intents.run, desk.outcomes.run):
        done: list[asyncio.Future[bool]] = []
        for flight in flights:
            ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            done.append(ended)
            desk.outcomes.put(desk.ending(flight.id)._replace(done=ended))
            desk.intents.put_many([flight])
            await asyncio.sleep(0)
        await asyncio.gather(desk.intents.drained(), desk.outcomes.drained())
    cancelled = {flight.id for flight, ended in zip(flights, done, strict=True) if ended.result()}
    sending = {flight.id for flight in desk.ready}
    assert cancelled | sending == {message.id for message in messages}
    assert not cancelled & sending
    states = dict(await desk.rig.fetch("SELECT id, state FROM message_state"))
    assert {id_ for id_, state in states.items() if state == S.CANCELLED} == cancelled
    await desk.assert_balanced()


async def test_a_second_attempt_sends_only_the_parts_that_were_not_taken(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=3))
    await desk.tell(
        [
            desk.answered(flight, 0, carrier_id="A0"),
            desk.answered(flight, 1, S.QUEUED),
            desk.answered(flight, 2, S.UNKNOWN),
        ]
    )
    assert await desk.state(flight.id) is S.QUEUED
    [again] = await desk.intend(await desk.claim())
    assert again.attempt == 1
    assert again.progress.part_states == bytes([S.SENT, S.SENDING, S.UNKNOWN])
    assert (await desk.row(flight.id))["attempt"] == 1
    await desk.assert_balanced()


async def test_a_receipt_stored_while_the_message_waits_again_is_not_overwritten(desk: Desk) -> None:
    [flight] = await desk.begin(desk.rig.new_message(parts=2))
    await desk.tell([desk.answered(flight, 0, carrier_id="a0"), desk.answered(flight, 1, S.QUEUED)])
    [claimed] = await desk.claim()
    await desk.tell(receipt("a0"))
    [again] = await desk.intend([claimed])
    assert again.progress.part_states == bytes([S.DELIVERED, S.SENDING])
    await desk.tell(desk.answered(again, 1, carrier_id="a1"), receipt("a1"))
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_a_receipt_stored_between_read_and_write_of_an_intent_is_not_overwritten(
    desk: Desk, rig: Rig
) -> None:
    """The intent's update waits for the row of a receipt's batch and must then see that it moved."""
    [flight] = await desk.begin(rig.new_message(parts=2))
    await desk.tell([desk.answered(flight, 0, carrier_id="a0"), desk.answered(flight, 1, S.QUEUED)])
    claimed = await desk.claim()
    delivered = bytes([MessageState.DELIVERED, MessageState.QUEUED])
    async with running(desk.intents.run):
        async with rig.database.transaction() as receipts:
            await receipts.raw.execute("UPDATE message_state SET part_states = $1", delivered)
            desk.intents.put_many(claimed)
            await asyncio.sleep(0.3)
        await desk.intents.drained()
    assert (await desk.row(flight.id))["part_states"] == bytes([S.DELIVERED, S.SENDING])


async def test_a_message_of_which_nothing_was_taken_may_be_cut_otherwise(desk: Desk) -> None:
    """Another connector, or new settings of this one, may send one PDU where three were."""
    [flight] = await desk.begin(desk.rig.new_message(parts=3))
    await desk.tell([desk.answered(flight, part, S.QUEUED) for part in range(3)])
    [claimed] = await desk.claim()
    claimed.progress = accepted(1, scheduled=False)
    [again] = await desk.intend([claimed])
    assert again.progress.part_states == bytes([S.SENDING])
    await desk.tell(desk.answered(again, carrier_id="a"), receipt("a"))
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_a_message_of_a_dead_process_can_be_claimed_by_the_next(desk: Desk) -> None:
    """A claim is only memory: until the intent the row stays in the queue."""
    await desk.accept(desk.rig.new_message())
    assert len(await desk.claim()) == 1
    desk.restart()
    assert len(await desk.claim()) == 1


async def to_contact(desk: Desk, *, category: Category, **standing: int) -> NewMessage:
    address = f"336200000{desk.rig.numbers:02}"
    contact_id = await desk.rig.put_contact(address, **standing)
    return desk.rig.new_message(to_address=address, category=category, contact_id=contact_id)


async def test_who_opted_out_since_gets_no_marketing_and_still_every_code(desk: Desk) -> None:
    marketing, otp = Category.MARKETING, Category.OTP
    willing = await to_contact(desk, category=marketing)
    suppressed = await to_contact(desk, category=marketing, suppressed=SuppressionScope.MARKETING)
    opted_out = await to_contact(desk, category=marketing, marketing_consent=MarketingConsent.OPTED_OUT)
    banned = await to_contact(desk, category=otp, suppressed=SuppressionScope.ALL)
    code = await to_contact(desk, category=otp, suppressed=SuppressionScope.MARKETING)
    stranger = desk.rig.new_message(category=marketing)
    await desk.accept(willing, suppressed, opted_out, banned, code, stranger)
    begun = await desk.intend(await desk.claim())
    assert {flight.id for flight in begun} == {willing.id, code.id, stranger.id}
    assert {flight.id for flight in desk.gone} == {suppressed.id, opted_out.id, banned.id}
    await desk.tell(list(desk.refused))
    blocked = dict(await desk.rig.fetch("SELECT id, reason FROM message_state WHERE state = $1", S.BLOCKED))
    assert blocked == {
        suppressed.id: Reason.OPTED_OUT,
        opted_out.id: Reason.OPTED_OUT,
        banned.id: Reason.SUPPRESSED,
    }
    await desk.assert_balanced()


async def test_another_shops_contact_of_the_same_number_stops_nothing(desk: Desk) -> None:
    message = await to_contact(desk, category=Category.MARKETING)
    assert message.to_address
    await desk.rig.put_contact(message.to_address, shop_id=2, suppressed=SuppressionScope.ALL)
    assert len(await desk.begin(message)) == 1
