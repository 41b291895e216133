"""Small batches stored by one statement: the same rows as by a transaction, and the same promises when the
line is lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, entered_bit
from gateway.store.errors import LeaseLost, RowRefused, StoreUnavailable
from gateway.store.flights import Flight
from gateway.store.intake import MESSAGE_COLUMNS, QUEUE_COLUMNS, IntakeWriter, NewMessage, Stored
from gateway.store.keyed_answers import KeyedAnswer, key_slot
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import SHOP, CutProxy, Rig, eventually, running

pytestmark = pytest.mark.integration

TEXT = "only by one statement"


@pytest.fixture
async def cut(rig: Rig) -> AsyncIterator[CutProxy]:
    """Knows the statement by the text that it carries. Keys do not keep a repeat from being seen."""
    for table in ("message", "queue"):
        await rig.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    async with CutProxy(rig.dsn, commits=(TEXT.encode(),)) as proxy:
        yield proxy


async def store(
    rig: Rig, writer: IntakeWriter, *messages: NewMessage, keyed: KeyedAnswer | None = None
) -> Stored:
    async with running(writer.run), asyncio.timeout(8):
        return await writer.store(messages, keyed=keyed)


def make_key(key: str = "order-1", *, shop_id: int = SHOP) -> KeyedAnswer:
    return KeyedAnswer(shop_id, key, b"a" * 32, 202, b'{"id":"msg_1"}')


async def was_one_statement(rig: Rig, writer: str) -> bool:
    """Whether the last that a writer's connection said was no COMMIT."""
    [(query,)] = await rig.fetch(
        "SELECT query FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()",
        f"estafette-{writer}",
    )
    return str(query).startswith("WITH lease")


async def counted(rig: Rig) -> list[int]:
    """Rows of content and queue, and messages by the totals of hours and of shops."""
    return [
        await rig.value("SELECT count(*)::int FROM message"),
        await rig.value("SELECT count(*)::int FROM queue"),
        await rig.value("SELECT coalesce(sum(messages), 0)::int FROM stat_hour WHERE state = 0"),
        await rig.value("SELECT coalesce(sum(messages), 0)::int FROM stat_shop WHERE state = 0"),
    ]


async def test_a_message_is_stored_by_one_statement_as_it_was_accepted(rig: Rig) -> None:
    message = rig.new_message(
        parts=3,
        text="Ça va ? 🎉",
        body=b"\x00\xff",
        client_reference="A-7",
        webhook_url="https://example.org/h",
        metadata='{"order": 7}',
        is_sensitive=True,
        wants_events=True,
        contact_id=9,
    )
    writer = rig.intake()
    async with running(writer.run):
        await writer.store([message])
        assert await was_one_statement(rig, "intake")
    [row] = await rig.fetch(f"SELECT {', '.join(MESSAGE_COLUMNS)} FROM message")
    assert row == tuple(getattr(message, name) for name in MESSAGE_COLUMNS)
    [queued] = await rig.fetch(f"SELECT {', '.join(QUEUE_COLUMNS)} FROM queue")
    kind = (message.connector_id, message.lane, message.category)
    entered = 1 | entered_bit(S.QUEUED)
    assert queued == (*kind, message.id, message.slot, message.shop_id, 0, 0, entered, message.expires_at)
    assert rig.queued == {(1, 2, 2): message.id}


async def test_one_statement_counts_as_a_transaction_does(rig: Rig) -> None:
    def make(*, campaign_id: int | None) -> list[NewMessage]:
        kinds = (Category.OTP, Category.TRANSACTIONAL, Category.TRANSACTIONAL)
        made = [rig.new_message(parts=2, category=kind, campaign_id=campaign_id) for kind in kinds]
        return [*made, rig.new_message(is_test=True, country="DE", campaign_id=campaign_id)]

    totals = (
        "SELECT hour, shop_id, connector_id, country, lane, currency, state, failure_class, messages, parts,"
        " cost_micros FROM stat_hour ORDER BY 1, 2, 3, 4, 5",
        "SELECT day, shop_id, category, lane, currency, state, messages, parts, cost_micros FROM stat_shop"
        " ORDER BY 1, 2, 3, 4",
    )
    await rig.accept(*make(campaign_id=8))  # a campaign's take a transaction
    by_transaction = [await rig.fetch(each) for each in totals]
    for table in ("stat_hour", "stat_shop"):
        await rig.execute(f"DELETE FROM {table}")
    for _ in range(2):
        await rig.accept(*make(campaign_id=None))
    doubled = [[(*row[:-3], *(2 * sums for sums in row[-3:])) for row in rows] for rows in by_transaction]
    assert [await rig.fetch(each) for each in totals] == doubled


async def test_a_key_is_stored_in_the_one_statement_of_its_message(rig: Rig) -> None:
    writer = rig.intake()
    async with running(writer.run):
        assert await writer.store([rig.new_message()], keyed=make_key()) is Stored.COMMITTED
        assert await was_one_statement(rig, "intake")
    [row] = await rig.fetch("SELECT key_slot, shop_id, key, body_sha256, status, answer FROM idempotency_key")
    assert row == (key_slot("order-1"), SHOP, "order-1", b"a" * 32, 202, b'{"id":"msg_1"}')
    age = "SELECT extract(epoch FROM now() - created_at)::int FROM idempotency_key"
    assert await rig.value(age) in range(-1, 60)
    assert await counted(rig) == [1, 1, 1, 1]


async def test_a_key_that_is_there_keeps_no_neighbour_from_being_stored(rig: Rig) -> None:
    writer = rig.intake()
    await store(rig, writer, rig.new_message(), keyed=make_key())
    async with running(writer.run), asyncio.timeout(8):
        outcomes = await asyncio.gather(
            writer.store([rig.new_message()], keyed=make_key("order-2")),
            writer.store([rig.new_message()], keyed=make_key()),
            writer.store([rig.new_message()]),
            writer.store([rig.new_message(shop_id=2)], keyed=make_key(shop_id=2)),
        )
    assert outcomes == [Stored.COMMITTED, Stored.KEY_EXISTS, Stored.COMMITTED, Stored.COMMITTED]
    assert await counted(rig) == [4, 4, 4, 4]
    assert await rig.value("SELECT count(*)::int FROM idempotency_key") == 3


@pytest.mark.parametrize(("is_kept", "wanted"), [(True, Stored.KEY_EXISTS), (False, Stored.COMMITTED)])
async def test_a_key_that_another_node_stores_meanwhile_is_waited_for(
    rig: Rig, is_kept: bool, wanted: Stored
) -> None:
    """It is not there to be seen when the statement begins. No total is taken before the key is."""
    writer = rig.intake()
    await store(rig, writer, rig.new_message())
    async with running(writer.run), rig.database.connection() as other, asyncio.timeout(8):
        transaction = other.raw.transaction()
        await transaction.start()
        await other.raw.execute(
            "INSERT INTO idempotency_key VALUES ($1, $2, 'order-1', '', 202, '', now())",
            key_slot("order-1"),
            SHOP,
        )
        storing = asyncio.create_task(writer.store([rig.new_message()], keyed=make_key()))
        await eventually(_waits(rig, "intake"))
        await rig.execute("SELECT FROM stat_hour FOR UPDATE NOWAIT")
        await (transaction.commit() if is_kept else transaction.rollback())
        assert await storing is wanted
    stored = 2 if wanted is Stored.COMMITTED else 1
    assert await counted(rig) == [stored] * 4


@pytest.mark.parametrize("keyed", [None, make_key()])
async def test_a_lost_answer_is_not_repeated(rig: Rig, cut: CutProxy, keyed: KeyedAnswer | None) -> None:
    cut.cut_commits = 1
    outcome = await store(rig, rig.intake(dsn=cut.dsn), rig.new_message(text=TEXT), keyed=keyed)
    assert (outcome, await counted(rig)) == (Stored.COMMITTED, [1, 1, 1, 1])


async def test_a_statement_that_never_arrived_is_repeated(rig: Rig, cut: CutProxy) -> None:
    cut.swallow_commits = 1
    outcome = await store(rig, rig.intake(dsn=cut.dsn), rig.new_message(text=TEXT))
    assert (outcome, await counted(rig)) == (Stored.COMMITTED, [1, 1, 1, 1])


async def test_a_statement_that_arrives_after_its_repetition_stores_nothing(rig: Rig, cut: CutProxy) -> None:
    cut.delay_commits = 1
    outcome = await store(rig, rig.intake(dsn=cut.dsn), rig.new_message(text=TEXT))
    assert (outcome, await counted(rig)) == (Stored.COMMITTED, [1, 1, 1, 1])
    await arrive_late(cut)
    assert await counted(rig) == [1, 1, 1, 1]


async def test_a_statement_that_arrives_after_its_refusal_stores_nothing(rig: Rig, cut: CutProxy) -> None:
    """Whoever was told that nothing is stored may have sent it elsewhere since."""
    cut.delay_commits, cut.swallow_commits = 1, 1
    writer = rig.intake(dsn=cut.dsn)
    with pytest.raises(StoreUnavailable):
        await store(rig, writer, rig.new_message(text=TEXT))
    await arrive_late(cut)
    assert await counted(rig) == [0, 0, 0, 0]


async def arrive_late(proxy: CutProxy) -> None:
    proxy.late.set()
    async with asyncio.timeout(5):
        await proxy.came_late.wait()


async def test_nothing_is_stored_under_a_lease_that_ran_out(rig: Rig) -> None:
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second'")
    with pytest.raises(StoreUnavailable, match="not renewed"):
        await store(rig, rig.intake(), rig.new_message())
    assert await counted(rig) == [0, 0, 0, 0]


async def test_nothing_is_stored_under_a_lease_of_another(rig: Rig) -> None:
    await rig.execute("UPDATE node_lease SET epoch = epoch + 1")
    writer = rig.intake()
    storing = asyncio.create_task(writer.store([rig.new_message()]))
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(5):
            await writer.run()
    storing.cancel()
    assert caught.group_contains(LeaseLost)
    assert await counted(rig) == [0, 0, 0, 0]


async def test_a_bad_row_fails_alone(rig: Rig) -> None:
    writer = rig.intake()
    async with running(writer.run):
        outcomes = await asyncio.gather(
            writer.store([rig.new_message()]),
            writer.store([rig.new_message(text="a\0b")]),
            writer.store([rig.new_message()]),
            return_exceptions=True,
        )
    assert (outcomes[0], outcomes[2]) == (Stored.COMMITTED, Stored.COMMITTED)
    assert isinstance(outcomes[1], RowRefused)
    assert await counted(rig) == [2, 2, 2, 2]


@pytest.mark.parametrize("is_shops", [False, True])
async def test_one_statement_takes_the_totals_in_the_order_of_all_others(rig: Rig, is_shops: bool) -> None:
    """While it waits for hours it has no row of shops; while it waits for shops it has those of hours."""
    writer = rig.intake()
    await store(rig, writer, rig.new_message())
    async with running(writer.run), asyncio.timeout(8):
        async with rig.database.transaction() as blocker:
            await blocker.raw.execute(f"SELECT FROM {'stat_shop' if is_shops else 'stat_hour'} FOR UPDATE")
            storing = asyncio.create_task(writer.store([rig.new_message()]))
            await eventually(_waits(rig, "intake"))
            if is_shops:
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await rig.execute("SELECT FROM stat_hour FOR UPDATE NOWAIT")
            else:
                await rig.execute("SELECT FROM stat_shop FOR UPDATE NOWAIT")
        await storing


def _waits(rig: Rig, writer: str) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def check() -> bool:
        return bool(
            await rig.fetch(
                "SELECT FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()"
                " AND wait_event_type = 'Lock'",
                f"estafette-{writer}",
            )
        )

    return check


async def test_a_statement_that_takes_too_long_is_repeated(rig: Rig) -> None:
    """The server ends it by its time limit as it does when a person cancels it."""
    writer = rig.intake()
    await store(rig, writer, rig.new_message())
    async with running(writer.run), rig.database.connection() as other, asyncio.timeout(8):
        async with other.raw.transaction():
            await other.raw.execute("SELECT FROM stat_hour FOR UPDATE")
            storing = asyncio.create_task(writer.store([rig.new_message()]))
            await eventually(_cancelled(rig, "intake"))
        assert await storing is Stored.COMMITTED
    assert await counted(rig) == [2, 2, 2, 2]


def _cancelled(rig: Rig, writer: str) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def check() -> bool:
        rows = await rig.fetch(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
            " AND datname = current_database() AND wait_event_type = 'Lock'",
            f"estafette-{writer}",
        )
        return bool(rows)

    return check


@pytest.mark.parametrize("many", [1, 70])
async def test_columns_that_a_newer_version_adds_do_no_harm(desk: Desk, many: int) -> None:
    """A newer node migrates while an older one is at work, on connections that have prepared their
    statements. 70 messages take transactions, one a statement."""
    rig = desk.rig
    intake = rig.intake()
    async with running(intake.run, desk.intents.run, desk.outcomes.run), asyncio.timeout(8):
        for _ in range(2):
            await intake.store([rig.new_message(category=Category.OTP) for _ in range(many)])
            flights = await desk.claim()
            assert len(flights) == many
            desk.intents.put_many(flights)
            await desk.intents.drained()
            desk.outcomes.put_many(
                [desk.answered(flight, carrier_id=str(flight.id), remember=False) for flight in flights]
            )
            await desk.outcomes.drained()
            desk.outcomes.put_many([receipt(str(flight.id)) for flight in flights])
            await desk.outcomes.drained()
            assert {await desk.state(flight.id) for flight in flights} == {S.DELIVERED}
            await add_a_column_everywhere(rig)
    assert await desk.count("message") == 2 * many
    await desk.assert_balanced()


async def add_a_column_everywhere(rig: Rig) -> None:
    tables = await rig.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace"
    )
    assert len(tables) > 40
    for (table,) in tables:
        await rig.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS added_later text")


# Intents.


async def claim_passwords(desk: Desk, count: int) -> list[Flight]:
    await desk.accept(*(desk.rig.new_message(category=Category.OTP, parts=2) for _ in range(count)))
    return await desk.claim()


async def test_intents_of_passwords_are_one_statement(desk: Desk) -> None:
    flights = await claim_passwords(desk, 3)
    began_at = datetime.now(UTC)
    async with running(desk.intents.run):
        desk.intents.put_many(flights)
        await desk.intents.drained()
        assert await was_one_statement(desk.rig, "intents-otp")
    assert sorted(flight.id for flight in desk.ready) == sorted(flight.id for flight in flights)
    for flight in flights:
        row = await desk.row(flight.id)
        assert (row["state"], row["reason"], row["failure_class"], row["attempt"]) == (S.SENDING, 0, 0, 0)
        assert (row["node_no"], row["epoch"]) == (desk.rig.node.node_no, desk.rig.node.epoch)
        assert row["entered"] == 1 | entered_bit(S.QUEUED) | entered_bit(S.SENDING)
        assert row["part_states"] == flight.progress.part_states == bytes([S.SENDING] * 2)
        assert row["changed_at"] >= began_at
        assert (row["sent_at"], row["final_at"], row["command_status"], row["stat"]) == (None,) * 4
    assert await desk.count("queue") == 0
    await desk.assert_balanced()


async def test_a_password_that_is_gone_keeps_no_other_from_being_sent(desk: Desk) -> None:
    first, *others = await claim_passwords(desk, 3)
    await desk.tell(desk.ending(first.id))
    ready = await desk.intend([first, *others])
    assert sorted(flight.id for flight in ready) == sorted(flight.id for flight in others)
    assert desk.gone == [first]
    assert await desk.state(first.id) is MessageState.CANCELLED


async def test_a_password_is_begun_once_by_two(desk: Desk) -> None:
    [first] = await claim_passwords(desk, 1)
    [second] = await desk.claim()
    assert await desk.intend([first]) == [first]
    assert await desk.intend([second]) == []
    assert desk.gone == [second]


async def test_a_password_that_was_refused_for_now_is_begun_again(desk: Desk) -> None:
    """It has a state row already, which takes a transaction."""
    [flight] = await desk.intend(await claim_passwords(desk, 1))
    await desk.tell(desk.answered(flight, 0, S.QUEUED), desk.answered(flight, 1, S.QUEUED))
    [again] = await desk.claim()
    assert again.attempt == 1
    assert await desk.intend([again]) == [again]
    assert await desk.state(flight.id) is S.SENDING


@pytest.mark.parametrize("lost", ["cut_commits", "swallow_commits"])
async def test_a_password_is_begun_once_though_the_line_is_lost(desk: Desk, lost: str) -> None:
    """The answer to its statement is lost, or the statement before it arrives."""
    async with CutProxy(desk.rig.dsn, commits=(b"intents-otp",)) as proxy:
        desk.restart(intents_dsn=proxy.dsn)
        first, second = await claim_passwords(desk, 2)
        async with running(desk.intents.run), asyncio.timeout(8):
            desk.intents.put_many([first])
            await desk.intents.drained()
            setattr(proxy, lost, 1)
            desk.intents.put_many([second])
            await desk.intents.drained()
        assert getattr(proxy, lost) == 0
    assert (desk.ready, desk.gone) == ([first, second], [])
    assert await desk.count("message_state") == 2
    assert second.progress.state is S.SENDING


async def begin(desk: Desk, flight: Flight, batch: int, *, epoch: int) -> tuple[bool, bool] | None:
    """Say the statement of the intents with this mark: whether the lease runs, and whether it is stored."""
    row = await desk.rig.database.fetch_row(
        "intend_at_once",
        *(desk.rig.node.node_no, epoch, "intents-otp", batch),
        *([flight.connector_id], [flight.lane], [flight.category], [flight.id], [flight.slot], [1]),
        *([7], [bytes([S.SENDING] * 2)], S.SENDING, datetime.now(UTC)),
    )
    return None if row is None else (row["is_live"], row["is_stored"])


async def test_an_overtaken_statement_begins_no_password(desk: Desk) -> None:
    """It reaches the server after its writer asked whether it had, and before its repetition: what it took
    then, the repetition would find gone, and nobody would submit it."""
    [flight] = await claim_passwords(desk, 1)
    node_no, epoch = desk.rig.node.node_no, desk.rig.node.epoch
    await desk.rig.database.execute("make_mark", node_no, "intents-otp")
    assert await desk.rig.database.fetch_row("overtake_mark", node_no, epoch, "intents-otp", 5)
    assert await begin(desk, flight, 5, epoch=epoch) == (True, False)
    assert [await desk.count("queue"), await desk.count("message_state")] == [1, 0]
    assert await begin(desk, flight, 7, epoch=epoch) == (True, True)
    assert [await desk.count("queue"), await desk.count("message_state")] == [0, 1]


async def test_no_password_is_begun_without_a_lease(desk: Desk) -> None:
    [flight] = await claim_passwords(desk, 1)
    epoch = desk.rig.node.epoch
    assert await begin(desk, flight, 1, epoch=epoch - 1) is None
    await desk.rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second'")
    assert await begin(desk, flight, 2, epoch=epoch) == (False, False)
    assert [await desk.count("queue"), await desk.count("message_state")] == [1, 0]


async def test_a_process_that_may_not_write_says_no_statement(desk: Desk) -> None:
    """By its own clock the lease may be over, whatever the rows say."""
    [flight] = await claim_passwords(desk, 1)
    asked: list[bool] = []

    def may_write() -> bool:
        asked.append(len(asked) > 0)
        return asked[-1]

    desk.rig.node.fence.may_write = may_write
    async with running(desk.intents.run), asyncio.timeout(8):
        desk.intents.put_many([flight])
        await eventually(_is_asked(asked))
        assert [await desk.count("queue"), await desk.count("message_state")] == [1, 0]
        await desk.intents.drained()
    assert (asked, desk.ready) == ([False, True], [flight])


def _is_asked(asked: list[bool]) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def check() -> bool:
        return bool(asked)

    return check


async def test_a_password_that_was_moved_to_another_connector_is_left_to_it(desk: Desk) -> None:
    moved, other = await claim_passwords(desk, 2)
    await desk.rig.execute("UPDATE queue SET connector_id = connector_id + 1 WHERE id = $1", moved.id)
    assert await desk.intend([moved, other]) == [other]
    assert desk.gone == [moved]
    assert [await desk.count("queue"), await desk.count("message_state")] == [1, 1]


async def test_passwords_do_not_wait_for_the_intents_of_others(desk: Desk) -> None:
    """A campaign's batch is held up by a lock on one of its rows."""
    await desk.accept(desk.rig.new_message())
    *passwords, held = await claim_passwords(desk, 2)
    async with desk.rig.database.connection() as other, running(desk.intents.run):
        async with other.raw.transaction():
            await other.raw.execute("SELECT FROM queue WHERE id = $1 FOR UPDATE", held.id)
            desk.intents.put_many([held])
            await asyncio.sleep(0)
            desk.intents.put_many(passwords)
            await eventually(_are_ready(desk, 2))
            assert held not in desk.ready
        await desk.intents.drained()
    assert held in desk.ready


def _are_ready(desk: Desk, count: int) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def check() -> bool:
        return len(desk.ready) == count

    return check
