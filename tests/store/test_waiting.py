"""The queue, holds and names on a real Postgres."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gateway.dispatch.holds import HoldBoard
from gateway.domain.campaign import CampaignState
from gateway.domain.lanes import Category, HoldScope, Lane
from gateway.domain.message import accepted
from gateway.store.holds import EVERY_SHOP, list_holds, place_hold, release_hold
from gateway.store.instance import read_instance_secret, register_connectors
from gateway.store.queue import (
    Claimed,
    Wish,
    claim_around_holds,
    claim_due_messages,
    claim_from_streams,
    count_waiting,
    find_expired_waiting,
    flight_of,
    move_queued,
    release_due,
)
from tests.store.desk import ALL_SHARDS, ALL_SLOTS, Desk, S
from tests.store.rig import CONNECTOR, Rig

pytestmark = pytest.mark.integration

STREAM = (CONNECTOR, 2, 2)
NOW = datetime.now(UTC)


async def test_claims_come_in_order_after_the_cursor_and_in_the_callers_shards(rig: Rig) -> None:
    messages = sorted([rig.new_message() for _ in range(60)], key=lambda message: message.id)
    await rig.accept(*messages)
    async with rig.database.connection() as connection:

        async def claim(after_id: int, shards: tuple[int, ...], limit: int) -> list[int]:
            flights = await claim_due_messages(
                connection, STREAM, after_id=after_id, shards=shards, limit=limit
            )
            return [flight.id for flight in flights]

        ids = [message.id for message in messages]
        assert await claim(0, ALL_SHARDS, 100) == ids
        assert await claim(ids[9], ALL_SHARDS, 5) == ids[10:15]
        low, high = await claim(0, ALL_SHARDS[:8], 100), await claim(0, ALL_SHARDS[8:], 100)
        assert sorted(low + high) == ids
        assert {message_id >> 14 & 15 for message_id in low} <= set(range(8))
        assert await claim(ids[-1], ALL_SHARDS, 100) == []
    assert await rig.value("SELECT count(*)::int FROM queue") == 60, "a claim takes nothing away"


async def test_a_claim_of_one_stream_sees_no_other(rig: Rig) -> None:
    await rig.accept(rig.new_message(category=Category.MARKETING), rig.new_message(connector_id=2))
    async with rig.database.connection() as connection:
        assert await claim_due_messages(connection, STREAM, after_id=0, shards=ALL_SHARDS, limit=9) == []


async def test_what_waits_is_counted_by_stream_up_to_a_cap(rig: Rig) -> None:
    await rig.accept(*(rig.new_message() for _ in range(7)), rig.new_message(category=Category.OTP))
    waiting = await count_waiting(rig.database, [CONNECTOR, 2], cap=5)
    assert {(each.lane, each.category, each.messages) for each in waiting} == {(1, 1, 1), (2, 2, 5)}
    now = datetime.now(UTC)
    assert all(abs((now - each.oldest_at).total_seconds()) < 30 for each in waiting)


async def test_due_messages_are_queued_in_their_slots_and_announced(rig: Rig) -> None:
    soon, later = rig.new_message(due_in=timedelta(minutes=5)), rig.new_message(due_in=timedelta(days=5))
    await rig.accept(soon, later)
    then = datetime.now(UTC) + timedelta(minutes=6)
    others = [slot for slot in ALL_SLOTS if slot != soon.slot]
    assert await release_due(rig.database, then, others, limit=9) == ({}, 0)
    assert await release_due(rig.database, then, ALL_SLOTS, limit=9) == ({STREAM: soon.id}, 1)
    assert await rig.fetch("SELECT id FROM schedule") == [(later.id,)]
    assert await rig.value("SELECT entered & 4 FROM queue") == 4


async def test_late_messages_are_found_wherever_they_wait(desk: Desk) -> None:
    rig = desk.rig
    queued = rig.new_message(expires_in=timedelta(minutes=1))
    scheduled = rig.new_message(due_in=timedelta(hours=1), expires_in=timedelta(minutes=1))
    await rig.accept(queued, scheduled, rig.new_message())
    then = datetime.now(UTC) + timedelta(minutes=2)
    assert await find_expired_waiting(rig.database, NOW, ALL_SLOTS, limit=9) == []
    found = await find_expired_waiting(rig.database, then, ALL_SLOTS, limit=9)
    assert {key[1] for key in found} == {queued.id, scheduled.id}
    await desk.tell([desk.ending(key[1], S.EXPIRED) for key in found])
    assert await find_expired_waiting(rig.database, then, ALL_SLOTS, limit=9) == []
    await desk.assert_balanced()


async def test_waiting_messages_move_to_another_connector_with_all_they_carry(desk: Desk) -> None:
    rig = desk.rig
    [tried] = await desk.begin(rig.new_message())
    await desk.tell(desk.answered(tried, wanted=S.QUEUED))
    [fresh, other] = [rig.new_message(), rig.new_message()]
    await rig.accept(fresh, other)
    async with rig.database.transaction() as connection:
        moved = await move_queued(connection, STREAM, 2, [tried.id, fresh.id, 12345])
    assert sorted(moved) == sorted([tried.id, fresh.id])
    [again] = [flight for flight in await desk.claim(connector_id=2) if flight.id == tried.id]
    assert (again.attempt, again.connector_id, again.accepted_connector_id) == (1, 2, CONNECTOR)
    await desk.intend(await desk.claim(connector_id=2))
    await desk.tell([desk.answered(flight, carrier_id=f"c{flight.id}") for flight in desk.ready])
    assert await rig.fetch("SELECT DISTINCT connector_id FROM part WHERE state = 4") == [(2,)]
    await desk.assert_balanced()


async def test_a_hold_keeps_its_first_author_and_ends_once(rig: Rig) -> None:
    async def place(by: str) -> bool:
        return await place_hold(
            rig.database, EVERY_SHOP, HoldScope.MARKETING, now=NOW, held_by=by, reason="complaints"
        )

    assert await place("ana")
    assert not await place("bob")
    [hold] = await list_holds(rig.database)
    assert (hold.held_by, hold.reason, hold.scope) == ("ana", "complaints", HoldScope.MARKETING)
    assert await release_hold(rig.database, EVERY_SHOP, HoldScope.MARKETING)
    assert not await release_hold(rig.database, EVERY_SHOP, HoldScope.MARKETING)


async def test_the_board_tells_what_is_stopped_and_when_less_is(rig: Rig) -> None:
    released: list[int] = []
    board = HoldBoard(rig.database, on_released=lambda: released.append(1))

    async def place(shop_id: int, scope: HoldScope) -> None:
        await place_hold(rig.database, shop_id, scope, now=NOW, held_by="ana", reason="")
        await board.refresh()

    marketing, otp = Category.MARKETING, Category.OTP
    await place(EVERY_SHOP, HoldScope.MARKETING)
    assert (board.stops_category(marketing), board.stops_category(otp)) == (True, False)
    await place(3, HoldScope.ALL)
    assert (board.stops_shop(3, otp), board.stops_shop(4, otp)) == (True, False)
    await place(EVERY_SHOP, HoldScope.ALL)
    assert board.stops_category(otp)
    assert released == []
    await release_hold(rig.database, EVERY_SHOP, HoldScope.ALL)
    await board.refresh()
    assert released == [1]
    assert not board.stops_category(otp)
    assert board.stops_category(marketing)


async def test_the_secret_is_made_once(rig: Rig) -> None:
    assert await read_instance_secret(rig.database, b"first", NOW) == b"first"
    assert await read_instance_secret(rig.database, b"second", NOW) == b"first"


async def test_a_connectors_number_is_its_for_ever(rig: Rig) -> None:
    first = await register_connectors(rig.database, ["b", "a"], NOW)
    assert sorted(first) == ["a", "b"]
    second = await register_connectors(rig.database, ["c"], NOW)
    assert second == {**first, "c": second["c"]}
    assert second["c"] not in first.values()
    assert await register_connectors(rig.database, ["a", "b", "c"], NOW) == second


async def put_campaign(rig: Rig, campaign_id: int, state: CampaignState, *, wound_up: bool = False) -> None:
    await rig.execute(
        "INSERT INTO campaign (shop_id, id, category, state, pause_reason, version, created_at, updated_at,"
        " state_changed_at, created_by, name, text, links, audience, wound_up_at)"
        " VALUES (1, $1, 3, $2, 0, 1, now(), now(), now(), 'ana', 'c', 'x', '[]', '{}',"
        " CASE WHEN $3 THEN now() END)",
        campaign_id,
        int(state),
        wound_up,
    )


async def test_paused_campaigns_and_those_being_wound_up_are_stopped(rig: Rig) -> None:
    released: list[int] = []
    board = HoldBoard(rig.database, on_released=lambda: released.append(1))
    for campaign_id, state in enumerate(CampaignState, 1):
        await put_campaign(rig, campaign_id, state)
    await put_campaign(rig, 20, CampaignState.CANCELLED, wound_up=True)
    await board.refresh()
    stopped = {campaign_id for campaign_id in range(1, 21) if board.stops_campaign(campaign_id)}
    assert stopped == {CampaignState.PAUSED, CampaignState.CANCELLED}
    assert not board.stops_campaign(None)
    assert board.held_in(Lane.BULK, Category.MARKETING).campaigns == sorted(stopped)
    assert not any(board.held_in(Lane.OTP, Category.OTP))
    assert released == []
    await rig.execute(
        "UPDATE campaign SET state = $1 WHERE id = $2", CampaignState.RUNNING, CampaignState.PAUSED
    )
    await board.refresh()
    assert released == [1]
    assert not board.stops_campaign(CampaignState.PAUSED)


async def test_a_claim_passes_over_what_is_held_and_says_how_far_it_has_read(rig: Rig) -> None:
    paused = [rig.new_message(category=Category.MARKETING, campaign_id=7) for _ in range(20)]
    held = [rig.new_message(category=Category.MARKETING, shop_id=2) for _ in range(5)]
    free = [rig.new_message(category=Category.MARKETING, campaign_id=8) for _ in range(4)]
    stream = (CONNECTOR, 3, 3)
    async with rig.database.connection() as connection:

        async def claim(after_id: int, *, limit: int, rows_to_read: int) -> Claimed:
            return await claim_around_holds(
                connection,
                stream,
                after_id=after_id,
                shards=ALL_SHARDS,
                limit=limit,
                held_shops=[2],
                held_campaigns=[7],
                rows_to_read=rows_to_read,
            )

        assert await claim(0, limit=5, rows_to_read=10) == Claimed([], 0, 0, False)
        await rig.accept(*paused, *held, *free)
        ids = sorted(message.id for message in (*paused, *held, *free))
        wanted = sorted(message.id for message in free)
        found, after_id, rows_read, looks = [], 0, 0, 0
        has_more = True
        while has_more:
            claimed = await claim(after_id, limit=3, rows_to_read=10)
            found += [flight.id for flight in claimed.flights]
            after_id, has_more = claimed.read_to, claimed.has_more
            rows_read, looks = rows_read + claimed.rows_read, looks + 1
        assert found == wanted
        assert (after_id, rows_read) == (ids[-1], 29), "every row was passed once"
        assert looks <= 5


async def test_claims_of_many_streams_are_told_apart(rig: Rig) -> None:
    """Each has its own cursor, shards and limit; what has nothing to give stands in nobody's way."""
    first = [rig.new_message(connector_id=1) for _ in range(9)]
    second = [rig.new_message(connector_id=2, category=Category.OTP, parts=2) for _ in range(9)]
    await rig.accept(*first, *second)
    ids = sorted(message.id for message in first)
    of_second = sorted(message.id for message in second)
    shard = second[0].slot & 15
    wishes = [
        Wish((2, 1, 1), 0, [shard], 100),
        Wish((1, 3, 3), 0, ALL_SHARDS, 100),
        Wish((1, 2, 2), ids[2], ALL_SHARDS, 3),
        Wish((2, 1, 1), of_second[4], ALL_SHARDS, 100),
    ]
    async with rig.database.connection() as connection:
        claimed = await claim_from_streams(connection, wishes)
    assert [[flight.id for flight in flights] for flights in claimed] == [
        sorted(message.id for message in second if message.slot & 15 == shard),
        [],
        ids[3:6],
        of_second[5:],
    ]
    assert {(flight.connector_id, flight.lane, flight.category) for flight in claimed[2]} == {(1, 2, 2)}
    assert {(flight.connector_id, flight.lane, flight.category) for flight in claimed[3]} == {(2, 1, 1)}


async def test_a_claimed_flight_says_what_the_message_says(rig: Rig) -> None:
    """Each column has a value of its own: they are told apart by their place alone."""
    message = rig.new_message(
        shop_id=11,
        parts=2,
        cost_micros=12,
        country="DE",
        currency="USD",
        campaign_id=13,
        contact_id=14,
        is_sensitive=True,
        wants_events=True,
        webhook_url="https://shop.example/hook",
        text="text",
        body=b"body",
        from_address="SHOP",
    )
    await rig.accept(message)
    await rig.execute("UPDATE queue SET attempt = 15, refusals = 16, connector_id = 17")
    async with rig.database.connection() as connection:
        [flight] = await claim_due_messages(connection, (17, 2, 2), after_id=0, shards=ALL_SHARDS, limit=9)
        around = await claim_around_holds(
            connection,
            (17, 2, 2),
            after_id=0,
            shards=ALL_SHARDS,
            limit=9,
            held_shops=[1],
            held_campaigns=[1],
            rows_to_read=9,
        )
    names = [
        "shop_id", "id", "slot", "parts", "cost_micros", "country", "currency", "campaign_id", "contact_id",
        "is_sensitive", "is_test", "wants_events", "expires_at", "to_address", "from_address", "text", "body",
    ]  # fmt: skip
    for each in (flight, *around.flights):
        assert [getattr(each, name) for name in names] == [getattr(message, name) for name in names]
        assert (each.connector_id, each.accepted_connector_id, each.lane, each.category) == (
            17,
            CONNECTOR,
            2,
            2,
        )
        assert (each.attempt, each.refusals, each.has_webhook_url) == (15, 16, True)
        assert each.progress == accepted(2, scheduled=False)
    assert len(around.flights) == 1


async def test_an_unread_flight_says_what_a_claim_would_read(rig: Rig) -> None:
    message = rig.new_message(parts=2, contact_id=9, webhook_url="https://example.org/h", body=b"\x01")
    await rig.accept(message)
    async with rig.database.connection() as connection:
        [read] = await claim_due_messages(connection, STREAM, after_id=0, shards=ALL_SHARDS, limit=1)
    assert msgspec.structs.asdict(flight_of(message)) == msgspec.structs.asdict(read)
