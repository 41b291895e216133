"""Intake on a real Postgres: rows of an accepted request, and an idempotency key that holds for 24 h."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, entered_bit
from gateway.store.errors import RowRefused, StoreUnavailable
from gateway.store.intake import MESSAGE_COLUMNS, NewMessage, Stored
from gateway.store.keyed_answers import IDEMPOTENCY_HOURS, KeyedAnswer, key_slot
from tests.store.rig import SHOP, CutProxy, Rig, eventually, running

pytestmark = pytest.mark.integration


def keyed(key: str = "order-1", *, body: bytes = b"a" * 32, shop_id: int = SHOP) -> KeyedAnswer:
    return KeyedAnswer(shop_id, key, body, 202, b'{"id":"msg_1"}')


async def test_a_message_is_stored_as_it_was_accepted(rig: Rig) -> None:
    message = rig.new_message(
        parts=3,
        text="Ça va ? 🎉",
        campaign_id=5,
        client_reference="A-7",
        webhook_url="https://example.org/h",
        metadata='{"order": 7}',
        is_sensitive=True,
        wants_events=True,
        contact_id=9,
    )
    await rig.accept(message)
    [row] = await rig.fetch(f"SELECT {', '.join(MESSAGE_COLUMNS)} FROM message")
    assert row == tuple(getattr(message, name) for name in MESSAGE_COLUMNS)


async def test_a_message_without_a_time_waits_in_the_queue_and_is_announced(rig: Rig) -> None:
    first, second = rig.new_message(), rig.new_message(category=Category.OTP)
    await rig.accept(first, second)
    queued = 1 | entered_bit(MessageState.QUEUED)
    rows = await rig.fetch("SELECT id, lane, category, attempt, entered FROM queue ORDER BY lane DESC")
    assert rows == [(first.id, 2, 2, 0, queued), (second.id, 1, 1, 0, queued)]
    assert rig.queued == {(1, 2, 2): first.id, (1, 1, 1): second.id}
    assert await rig.value("SELECT count(*) FROM schedule") == 0
    assert await rig.value("SELECT count(*) FROM message_state") == 0


async def test_a_message_for_later_waits_in_the_schedule_and_nobody_hears_of_it(rig: Rig) -> None:
    message = rig.new_message(due_in=timedelta(hours=3))
    await rig.accept(message)
    [(due_at, entered)] = await rig.fetch("SELECT due_at, entered FROM schedule")
    assert (due_at, entered) == (message.due_at, 1 | entered_bit(MessageState.SCHEDULED))
    assert await rig.value("SELECT count(*) FROM queue") == 0
    assert rig.queued == {}


async def test_what_was_taken_in_is_counted_once_for_hour_shop_and_campaign(rig: Rig) -> None:
    await rig.accept(
        rig.new_message(parts=2, campaign_id=8),
        rig.new_message(campaign_id=8),
        rig.new_message(is_test=True),
    )
    counted = "SELECT sum(messages)::int, sum(parts)::int, sum(cost_micros)::int FROM"
    assert await rig.fetch(f"{counted} stat_hour WHERE state = 0") == [(3, 4, 180_000)]
    assert await rig.fetch(f"{counted} stat_shop WHERE state = 0") == [(2, 3, 135_000)]
    assert await rig.fetch(f"{counted} stat_campaign WHERE campaign_id = 8") == [(2, 3, 135_000)]


async def test_the_lowest_new_id_of_each_stream_is_announced(rig: Rig) -> None:
    messages = [rig.new_message() for _ in range(20)]
    await rig.accept(*reversed(messages))
    assert rig.queued == {(1, 2, 2): min(message.id for message in messages)}


async def test_passwords_are_offered_after_the_commit_and_only_those_not_taken_are_announced(
    rig: Rig,
) -> None:
    offered: list[int] = []

    def take_first(messages: Sequence[NewMessage]) -> list[NewMessage]:
        offered.extend(message.id for message in messages)
        return list(messages[1:])

    otp = Category.OTP
    first, second = rig.new_message(category=otp), rig.new_message(category=otp)
    later, other = rig.new_message(category=otp, due_in=timedelta(hours=1)), rig.new_message()
    writer = rig.intake(offer=take_first)
    async with running(writer.run):
        await writer.store([first, later, second, other])
    assert offered == [first.id, second.id]
    assert rig.queued == {(1, 1, 1): second.id, (1, 2, 2): other.id}


async def test_one_bad_request_does_not_touch_its_neighbours(rig: Rig) -> None:
    writer = rig.intake()
    good = [rig.new_message() for _ in range(9)]
    bad = rig.new_message(text="a\0b")
    requests = [[message] for message in good]
    requests.insert(4, [bad, rig.new_message()])
    async with running(writer.run):
        outcomes = await asyncio.gather(
            *(writer.store(request) for request in requests), return_exceptions=True
        )
    assert isinstance(outcomes.pop(4), RowRefused)
    assert outcomes == [Stored.COMMITTED] * 9
    assert {row[0] for row in await rig.fetch("SELECT id FROM message")} == {m.id for m in good}
    assert await rig.value("SELECT sum(messages)::int FROM stat_hour") == 9


async def test_a_key_used_again_stores_nothing(rig: Rig) -> None:
    writer = rig.intake()
    async with running(writer.run):
        assert await writer.store([rig.new_message()], keyed=keyed()) is Stored.COMMITTED
        assert await writer.store([rig.new_message()], keyed=keyed(body=b"b" * 32)) is Stored.KEY_EXISTS
    assert await rig.value("SELECT count(*) FROM message") == 1
    [row] = await rig.fetch("SELECT key_slot, shop_id, key, body_sha256, status, answer FROM idempotency_key")
    assert row == (key_slot("order-1"), SHOP, "order-1", b"a" * 32, 202, b'{"id":"msg_1"}')


async def test_one_key_in_parallel_is_stored_once(rig: Rig) -> None:
    """Also across the writers of small and of large requests, and within one batch."""
    writer = rig.intake()
    requests: list[list[NewMessage]] = [[rig.new_message()] for _ in range(10)]
    requests += [[rig.new_message() for _ in range(100)] for _ in range(4)]
    async with running(writer.run):
        outcomes = await asyncio.gather(*(writer.store(request, keyed=keyed()) for request in requests))
    assert outcomes.count(Stored.COMMITTED) == 1
    stored = len(requests[outcomes.index(Stored.COMMITTED)])
    assert await rig.value("SELECT count(*)::int FROM message") == stored
    assert await rig.value("SELECT sum(messages)::int FROM stat_hour") == stored


async def test_a_key_belongs_to_its_shop(rig: Rig) -> None:
    writer = rig.intake()
    async with running(writer.run):
        outcomes = await asyncio.gather(
            writer.store([rig.new_message()], keyed=keyed()),
            writer.store([rig.new_message(shop_id=2)], keyed=keyed(shop_id=2)),
        )
    assert set(outcomes) == {Stored.COMMITTED}


@pytest.mark.parametrize(("minutes", "wanted"), [(-1, Stored.KEY_EXISTS), (1, Stored.COMMITTED)])
async def test_a_key_is_free_again_after_24_hours(rig: Rig, minutes: int, wanted: Stored) -> None:
    writer = rig.intake()
    age = timedelta(hours=IDEMPOTENCY_HOURS, minutes=minutes)
    async with running(writer.run):
        await writer.store([rig.new_message()], keyed=keyed())
        await rig.execute("UPDATE idempotency_key SET created_at = now() - $1::interval", age)
        assert await writer.store([rig.new_message()], keyed=keyed(body=b"b" * 32)) is wanted
    is_fresh = wanted is Stored.COMMITTED
    assert await rig.value("SELECT body_sha256 FROM idempotency_key") == (b"b" if is_fresh else b"a") * 32


async def test_a_refused_request_leaves_its_key_free(rig: Rig) -> None:
    writer = rig.intake()
    async with running(writer.run):
        with pytest.raises(RowRefused):
            await writer.store([rig.new_message(text="\0")], keyed=keyed())
        assert await writer.store([rig.new_message()], keyed=keyed()) is Stored.COMMITTED


async def test_any_text_can_be_a_key(rig: Rig) -> None:
    writer = rig.intake()
    async with running(writer.run):
        for key in ("clé", "🎉" * 60, " ", "'; DROP TABLE message; --"):
            assert await writer.store([rig.new_message()], keyed=keyed(key)) is Stored.COMMITTED
            assert await writer.store([rig.new_message()], keyed=keyed(key)) is Stored.KEY_EXISTS


async def test_a_caller_that_gives_up_before_its_batch_begins_has_stored_nothing(rig: Rig) -> None:
    """It was told that the outcome is open, and may ask again without a key."""
    writer = rig.intake()
    impatient, patient = (asyncio.create_task(writer.store([rig.new_message()])) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    async with running(writer.run):
        assert await patient is Stored.COMMITTED
        await writer.drained()
    assert await rig.value("SELECT count(*) FROM message") == 1
    assert await rig.value("SELECT sum(messages)::int8 FROM stat_hour") == 1


async def test_new_requests_are_turned_away_while_the_database_is_away(rig: Rig) -> None:
    async with CutProxy(rig.dsn) as proxy:
        proxy.is_closed = True
        writer = rig.intake(dsn=proxy.dsn)

        async def is_turned_away() -> bool:
            try:
                await writer.store([rig.new_message()])
            except StoreUnavailable as exc:
                return exc.retry_after_seconds > 0
            return False

        async def is_taken_in() -> bool:
            return not await is_turned_away()

        async with running(writer.run):
            assert await is_turned_away(), "by the attempt to store it"
            assert await is_turned_away(), "at the door"
            proxy.is_closed = False
            await eventually(is_taken_in)
    assert await rig.value("SELECT count(*) FROM message") == 1


async def test_a_caller_waits_no_longer_than_it_wants_to(rig: Rig) -> None:
    """The batch is under way, held up by somebody's lock: it may be stored yet."""
    message, writer = rig.new_message(), rig.intake()
    async with rig.database.connection() as other, running(writer.run):
        await writer.store([rig.new_message()])
        async with other.raw.transaction():
            await other.raw.execute("LOCK TABLE queue IN SHARE MODE")
            with pytest.raises(TimeoutError):
                await writer.store([message], within_seconds=0.2)
        await writer.drained()
    assert rig.queued == {(1, 2, 2): message.id}


async def test_too_much_that_waits_is_turned_away(rig: Rig) -> None:
    writer = rig.intake()
    message = rig.new_message()
    waiting = [asyncio.create_task(writer.store([message] * 10_000)) for _ in range(7)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="too much is waiting"):
        await writer.store([message] * 100)
    for task in waiting:
        task.cancel()


async def test_small_requests_do_not_wait_for_large_ones(rig: Rig) -> None:
    """Each kind has a writer of its own: a batch that hangs in a lock leaves a one-time password free."""
    await rig.accept(rig.new_message(campaign_id=3))
    writer = rig.intake()
    async with running(writer.run), rig.database.transaction() as blocker:
        large = [rig.new_message() for _ in range(100)]
        await blocker.raw.execute("SELECT FROM stat_campaign FOR UPDATE")
        slow = asyncio.create_task(writer.store([*large, rig.new_message(campaign_id=3)]))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(3):
            assert await writer.store([rig.new_message(category=Category.OTP, shop_id=2)]) is Stored.COMMITTED
        assert not slow.done()


async def test_a_large_request_is_stored_while_another_waits_for_its_commit(rig: Rig) -> None:
    await rig.accept(rig.new_message(campaign_id=3))
    writer = rig.intake()
    async with running(writer.run), rig.database.transaction() as blocker:
        await blocker.raw.execute("SELECT FROM stat_campaign FOR UPDATE")
        slow_rows = [rig.new_message(campaign_id=3) for _ in range(100)]
        slow = asyncio.create_task(writer.store(slow_rows))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(3):
            assert await writer.store([rig.new_message(shop_id=2) for _ in range(100)]) is Stored.COMMITTED
        assert not slow.done()
    assert await rig.value("SELECT count(*)::int FROM message WHERE shop_id = 2") == 100


async def test_a_key_in_two_large_requests_at_once_is_the_first_ones(rig: Rig) -> None:
    """Each has a writer of its own, and neither sees what the other has not committed."""
    await rig.accept(rig.new_message(campaign_id=3))
    writer = rig.intake()
    async with running(writer.run):
        async with rig.database.transaction() as blocker:
            await blocker.raw.execute("SELECT FROM stat_campaign FOR UPDATE")
            first_rows = [rig.new_message(campaign_id=3) for _ in range(100)]
            requests = [asyncio.create_task(writer.store(first_rows, keyed=keyed()))]
            await wait_for_locks(rig, 1)
            other_rows = [rig.new_message() for _ in range(100)]
            requests.append(asyncio.create_task(writer.store(other_rows, keyed=keyed())))
            await wait_for_locks(rig, 2)
        assert await asyncio.gather(*requests) == [Stored.COMMITTED, Stored.KEY_EXISTS]
    assert await rig.value("SELECT count(*)::int FROM message") == 101
    assert await rig.value("SELECT sum(messages)::int FROM stat_hour") == 101


async def test_a_large_request_goes_to_the_writer_that_works(rig: Rig) -> None:
    await rig.accept(rig.new_message(campaign_id=3))
    writer = rig.intake()
    async with running(writer.run):
        async with rig.database.transaction() as blocker:
            await blocker.raw.execute("SELECT FROM stat_campaign FOR UPDATE")
            rows = [rig.new_message(campaign_id=3) for _ in range(100)]
            lost = asyncio.gather(writer.store(rows), return_exceptions=True)
            for _ in range(2):  # a lost connection is tried again once
                await wait_for_locks(rig, 1)
                await rig.fetch(
                    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            assert [type(outcome) for outcome in await lost] == [StoreUnavailable]
        assert await writer.store([rig.new_message() for _ in range(100)]) is Stored.COMMITTED


async def wait_for_locks(rig: Rig, connections: int) -> None:
    """Until so many connections wait for what others hold."""

    async def are_so_many() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        return bool(await rig.value(f"{waiting} AND wait_event_type = 'Lock'") == connections)

    await eventually(are_so_many)


async def test_a_request_larger_than_one_copy_is_stored_whole(rig: Rig) -> None:
    messages = [rig.new_message() for _ in range(2_001)]
    await rig.accept(*messages)
    for table in ("message", "queue"):
        assert await rig.value(f"SELECT count(DISTINCT id) FROM {table}") == 2_001
    assert await rig.value("SELECT sum(messages)::int FROM stat_hour") == 2_001
