"""Group commit on a real Postgres: what is durable when, and what every kind of fault costs whom."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import asyncpg
import pytest

from gateway.store.database import Connection
from gateway.store.errors import LeaseLost, RowRefused, StoreUnavailable
from gateway.store.writer import GroupWriter
from tests.store.rig import CutProxy, Rig, eventually, running, take_node, terminate

pytestmark = pytest.mark.integration

Item = tuple[int, str]
Hook = Callable[[Connection, int], Coroutine[Any, Any, None]]


async def _nothing(connection: Connection, attempt: int) -> None: ...


class Notebook:
    """A batch work that copies items to a table; `hook` runs in the transaction, after the rows."""

    def __init__(self) -> None:
        self.hook: Hook = _nothing
        self.attempts = 0
        self.batches: list[list[int]] = []
        self.refusals: list[tuple[int, Exception]] = []

    async def write(self, connection: Connection, items: Sequence[Item]) -> int:
        self.attempts += 1
        await connection.copy("note", ("n", "words"), list(items))
        await self.hook(connection, self.attempts)
        return len(items)

    def committed(self, items: Sequence[Item], result: int) -> None:
        assert result == len(items)
        self.batches.append([n for n, _ in items])

    def refused(self, item: Item, error: Exception) -> None:
        self.refusals.append((item[0], error))


@pytest.fixture
async def notebook(rig: Rig) -> Notebook:
    await rig.execute("CREATE TABLE note (n int4 PRIMARY KEY, words text NOT NULL)")
    return Notebook()


def make_writer(
    rig: Rig, notebook: Notebook, *, dsn: str | None = None, **options: Any
) -> GroupWriter[Item, int]:
    values: dict[str, Any] = {"name": "notes", "batch_rows": 100, **options}
    return GroupWriter(dsn or rig.dsn, rig.queries, rig.node.fence, notebook, **values)


async def stored(rig: Rig) -> list[int]:
    return [row[0] for row in await rig.fetch("SELECT n FROM note ORDER BY n")]


async def drain(writer: GroupWriter[Item, int], *, seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        await writer.drained()


def raising(code: str, *, attempts: int = 1) -> Hook:
    """A server error of this class at the first attempts."""

    async def hook(connection: Connection, attempt: int) -> None:
        if attempt <= attempts:
            await connection.raw.execute(
                f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{code}'; END $$"
            )

    return hook


async def test_what_was_put_is_durable_once_drained(rig: Rig, notebook: Notebook) -> None:
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put_many([(n, "x") for n in range(250)])
        await drain(writer)
        assert await stored(rig) == list(range(250))
    assert [len(batch) for batch in notebook.batches] == [100, 100, 50]
    assert (writer.backlog_rows, writer.commits) == (0, 3)


async def test_items_put_while_a_batch_commits_share_the_next_one(rig: Rig, notebook: Notebook) -> None:
    writer = make_writer(rig, notebook)

    async def put_more(connection: Connection, attempt: int) -> None:
        if attempt == 1:
            for n in range(10, 20):
                writer.put((n, "x"))

    notebook.hook = put_more
    async with running(writer.run):
        writer.put((1, "x"))
        await drain(writer)
        await drain(writer)
    assert notebook.batches == [[1], list(range(10, 20))]


@pytest.mark.parametrize(("gathers", "batches"), [(False, [[1], [2]]), (True, [[1, 2]])])
async def test_a_writer_that_gathers_lets_a_small_batch_grow(
    rig: Rig, notebook: Notebook, gathers: bool, batches: list[list[int]]
) -> None:
    writer = make_writer(rig, notebook, gathers=gathers)
    async with running(writer.run):
        writer.put((1, "x"))
        for _ in range(3):
            await asyncio.sleep(0)
        writer.put((2, "x"))
        await drain(writer)
    assert notebook.batches == batches


async def test_who_sends_one_at_a_time_is_not_waited_for_again(rig: Rig, notebook: Notebook) -> None:
    async def is_stored() -> bool:
        return notebook.batches == [[1]]

    writer = make_writer(rig, notebook, gathers=True)
    async with running(writer.run):
        writer.put((1, "x"))
        await eventually(is_stored)  # nothing else comes meanwhile
        writer.put((2, "x"))
        for _ in range(3):
            await asyncio.sleep(0)
        writer.put((3, "x"))
        await drain(writer)
    assert notebook.batches == [[1], [2], [3]]


async def test_one_heavy_item_is_a_batch_of_its_own(rig: Rig, notebook: Notebook) -> None:
    writer = make_writer(rig, notebook, batch_rows=10, weigh=lambda item: item[0])
    async with running(writer.run):
        for n in (4, 5, 500, 3):
            writer.put((n, "x"))
        assert writer.backlog_rows == 512
        await drain(writer)
    assert notebook.batches == [[4, 5], [500], [3]]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param((40, "a\0b"), id="a NUL, refused by the server"),
        pytest.param((40, "\ud800"), id="a lone surrogate, refused by the driver"),
        pytest.param((1 << 40, "x"), id="a number too large, refused by the driver"),
        pytest.param((7, "x"), id="a key that is there"),
    ],
)
async def test_a_bad_row_fails_alone(rig: Rig, notebook: Notebook, bad: Item) -> None:
    await rig.execute("INSERT INTO note VALUES (7, 'here before')")
    good = [(n, "x") for n in range(100, 160)]
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put_many([*good[:23], bad, *good[23:]])
        await drain(writer)
        writer.put((900, "x"))
        await drain(writer)
    assert await stored(rig) == [7, *(n for n, _ in good), 900]
    [(refused, error)] = notebook.refusals
    assert refused == bad[0]
    assert isinstance(error, RowRefused)
    assert error.__cause__ is not None


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_a_conflict_repeats_the_whole_batch(rig: Rig, notebook: Notebook, code: str) -> None:
    notebook.hook = raising(code)
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put_many([(n, "x") for n in range(5)])
        await drain(writer)
    assert (notebook.attempts, notebook.batches, notebook.refusals) == (2, [[0, 1, 2, 3, 4]], [])
    assert await stored(rig) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("code", ["25006", "53100", "53200", "57P01", "57014", "58030"])
async def test_a_server_that_is_full_or_stopping_is_waited_for(
    rig: Rig, notebook: Notebook, code: str
) -> None:
    notebook.hook = raising(code, attempts=3)
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put((1, "x"))
        await eventually(_is_away(writer))
        await drain(writer)
    assert not writer.is_away
    assert await stored(rig) == [1]


def _is_away(writer: GroupWriter[Item, int]) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def check() -> bool:
        return writer.is_away

    return check


async def test_a_killed_connection_repeats_the_batch_once(rig: Rig, notebook: Notebook) -> None:
    async def kill(connection: Connection, attempt: int) -> None:
        if attempt == 1:
            assert await terminate(rig.dsn, "estafette-notes") == 1

    notebook.hook = kill
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put_many([(n, "x") for n in range(5)])
        await drain(writer)
    assert (notebook.attempts, notebook.batches) == (2, [[0, 1, 2, 3, 4]])
    assert await stored(rig) == [0, 1, 2, 3, 4]


async def test_a_commit_whose_answer_is_lost_is_not_repeated(rig: Rig, notebook: Notebook) -> None:
    """The rows have no key to stumble over: only the transaction's id tells that they are there."""
    await rig.execute("ALTER TABLE note DROP CONSTRAINT note_pkey")
    async with CutProxy(rig.dsn) as proxy:
        writer = make_writer(rig, notebook, dsn=proxy.dsn)
        async with running(writer.run):
            proxy.cut_commits = 1
            writer.put_many([(n, "x") for n in range(5)])
            await drain(writer)
    assert (notebook.attempts, notebook.batches) == (1, [[0, 1, 2, 3, 4]])
    assert await stored(rig) == [0, 1, 2, 3, 4]


async def test_a_commit_that_never_arrived_is_repeated(rig: Rig, notebook: Notebook) -> None:
    await rig.execute("ALTER TABLE note DROP CONSTRAINT note_pkey")
    async with CutProxy(rig.dsn) as proxy:
        writer = make_writer(rig, notebook, dsn=proxy.dsn)
        async with running(writer.run):
            proxy.swallow_commits = 2
            writer.put_many([(n, "x") for n in range(5)])
            await drain(writer)
    assert (notebook.attempts, notebook.batches) == (3, [[0, 1, 2, 3, 4]])
    assert await stored(rig) == [0, 1, 2, 3, 4]


async def test_a_commit_under_a_killed_backend_is_stored_once(rig: Rig, notebook: Notebook) -> None:
    """The backend dies inside COMMIT, in a deferred check that sleeps; the transaction is rolled back."""
    await rig.execute("ALTER TABLE note DROP CONSTRAINT note_pkey")
    await rig.execute("CREATE TABLE slow (seconds float8)")
    await rig.execute("INSERT INTO slow VALUES (0.5)")
    await rig.execute(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep((SELECT max(seconds) FROM slow)); RETURN NULL; END $$"
    )
    await rig.execute(
        "CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION linger()"
    )
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put((1, "x"))
        await eventually(_commits(rig))
        await rig.execute("UPDATE slow SET seconds = 0")
        assert await terminate(rig.dsn, "estafette-notes") == 1
        await drain(writer)
    assert await stored(rig) == [1]
    assert notebook.batches == [[1]]


def _commits(rig: Rig) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def check() -> bool:
        return bool(
            await rig.fetch(
                "SELECT FROM pg_stat_activity WHERE application_name = 'estafette-notes' AND query = 'COMMIT'"
                " AND state = 'active' AND datname = current_database()"
            )
        )

    return check


@pytest.mark.parametrize(("word", "told", "left"), [("COMMIT", 5, 5), ("ROLLBACK", 4, 6)])
async def test_whoever_asks_for_a_mark_waits_for_the_transaction_that_leaves_it(
    rig: Rig, word: str, told: int, left: int
) -> None:
    """A COMMIT whose answer is lost may be at work in the server still."""
    writer = (rig.node.node_no, rig.node.epoch, "notes")
    await rig.database.execute("make_mark", rig.node.node_no, "notes")
    await rig.database.fetch_row("begin_batch", *writer, 4)
    async with rig.database.connection() as connection, asyncio.timeout(8):
        await connection.command("BEGIN")
        await connection.fetch_value("begin_batch", *writer, 5)
        asking = asyncio.create_task(rig.database.fetch_row("overtake_mark", *writer, 5))
        await eventually(_somebody_waits(rig))
        await connection.command(word)
        mark = await asking
    assert mark is not None
    assert mark["batch"] == told
    assert await rig.value("SELECT batch FROM batch_mark WHERE writer = 'notes'") == left


def _somebody_waits(rig: Rig) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def check() -> bool:
        return bool(
            await rig.fetch(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    return check


async def test_a_process_that_stood_still_in_a_transaction_goes_on(rig: Rig, notebook: Notebook) -> None:
    """The server ends a session idle in its transaction, so that nobody waits for a stopped process."""

    async def stand_still(connection: Connection, attempt: int) -> None:
        if attempt == 1:
            await connection.raw.execute("SET idle_in_transaction_session_timeout = 30")
            await asyncio.sleep(0.3)

    notebook.hook = stand_still
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put((1, "x"))
        await drain(writer)
    assert await stored(rig) == [1]


async def test_a_database_that_is_away_is_waited_for(rig: Rig, notebook: Notebook) -> None:
    async with CutProxy(rig.dsn) as proxy:
        proxy.is_closed = True
        writer = make_writer(rig, notebook, dsn=proxy.dsn)
        async with running(writer.run):
            writer.put((1, "x"))
            await eventually(_is_away(writer))
            proxy.is_closed = False
            await drain(writer)
            assert not writer.is_away
            assert await stored(rig) == [1]


async def test_a_taken_over_node_stores_nothing_more_and_stops(rig: Rig, notebook: Notebook) -> None:
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second'")
    successor = await take_node(rig.database, "second")
    assert successor.node_no == 1, "a number never used is taken before an expired one"
    await rig.execute("DELETE FROM node_lease WHERE node_no = 1")
    await rig.execute(
        "INSERT INTO node_lease SELECT n, 1, 'filler ' || n, '', 0, '', now(), now() + interval '1 hour', 0"
        " FROM generate_series(1, 31) AS n"
    )
    successor = await take_node(rig.database, "second")
    assert (successor.node_no, successor.epoch) == (rig.node.node_no, rig.node.epoch + 1)
    writer = make_writer(rig, notebook)
    writer.put((1, "x"))
    with pytest.raises(LeaseLost, match="node 0 \\(epoch 1\\)"):
        async with asyncio.timeout(5):
            await writer.run()
    assert await stored(rig) == []


async def test_a_takeover_waits_for_the_batch_that_holds_the_fence(rig: Rig, notebook: Notebook) -> None:
    async def is_taken_over(connection: Connection, attempt: int) -> None:
        async with rig.database.connection() as other:
            await other.raw.execute("SET lock_timeout = 100")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.raw.execute("UPDATE node_lease SET epoch = epoch + 1")
            await other.raw.execute("UPDATE node_lease SET expires_at = now() + interval '10 seconds'")

    notebook.hook = is_taken_over
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put((1, "x"))
        await drain(writer)
    assert await stored(rig) == [1]


async def test_an_expired_lease_that_is_still_ours_waits_for_its_renewal(
    rig: Rig, notebook: Notebook
) -> None:
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second'")
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put((1, "x"))
        with pytest.raises(TimeoutError):
            await drain(writer, seconds=0.4)
        assert await stored(rig) == []
        await rig.node.renew()
        await drain(writer)
        assert await stored(rig) == [1]


async def test_a_fault_of_the_program_ends_the_writer_and_stores_nothing(
    rig: Rig, notebook: Notebook
) -> None:
    async def stumble(connection: Connection, attempt: int) -> None:
        raise KeyError("made up")

    notebook.hook = stumble
    writer = make_writer(rig, notebook)
    writer.put((1, "x"))
    with pytest.raises(KeyError):
        async with asyncio.timeout(5):
            await writer.run()
    assert await stored(rig) == []


async def test_a_statement_called_wrongly_is_a_fault_of_the_program(rig: Rig, notebook: Notebook) -> None:
    """The driver reports it like a closed connection; waiting for it to pass would wait for ever."""

    async def miscall(connection: Connection, attempt: int) -> None:
        await connection.fetch("check_fence", 1, 2, 3)

    notebook.hook = miscall
    writer = make_writer(rig, notebook)
    writer.put((1, "x"))
    with pytest.raises(asyncpg.InterfaceError):
        async with asyncio.timeout(5):
            await writer.run()


async def test_a_writer_that_is_cancelled_leaves_no_half_of_a_batch(rig: Rig, notebook: Notebook) -> None:
    reached = asyncio.Event()

    async def dwell(connection: Connection, attempt: int) -> None:
        reached.set()
        await asyncio.sleep(60)

    notebook.hook = dwell
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put_many([(n, "x") for n in range(5)])
        await reached.wait()
    assert await stored(rig) == []
    assert (
        await rig.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'estafette-notes'"
            " AND state <> 'idle' AND datname = current_database()"
        )
        == 0
    )


async def test_items_that_somebody_waits_for_are_refused_while_the_server_is_away(
    rig: Rig, notebook: Notebook
) -> None:
    """The batch under way is let go of, what waits behind it too, and nothing of either is stored later."""
    reached = asyncio.Event()

    async def dwell(connection: Connection, attempt: int) -> None:
        if attempt == 1:
            reached.set()
            await connection.raw.execute("SELECT pg_sleep(20)")

    notebook.hook = dwell
    writer = make_writer(rig, notebook, batch_rows=1, keeps_items=False)
    async with running(writer.run):
        writer.put((1, "x"))
        await reached.wait()
        writer.put_many([(n, "x") for n in range(2, 500)])
        rig.database.availability.tell_away("made up")
        assert writer.is_away
        assert writer.backlog_rows == 0
        assert len(notebook.refusals) == 498
        await drain(writer)
        rig.database.availability.tell_up()
        writer.put((900, "x"))
        await drain(writer)
    assert {type(error) for _, error in notebook.refusals} == {StoreUnavailable}
    assert sorted(n for n, _ in notebook.refusals) == list(range(1, 500))
    assert await stored(rig) == [900]


async def test_a_commit_in_doubt_is_seen_through_while_the_server_is_away(
    rig: Rig, notebook: Notebook
) -> None:
    """Somebody waits for it too, but it may be stored: only what waits behind it is refused."""
    async with CutProxy(rig.dsn) as proxy:

        async def lose_it(connection: Connection, attempt: int) -> None:
            if attempt == 1:
                proxy.cut_commits = 1
                proxy.is_closed = True

        notebook.hook = lose_it
        writer = make_writer(rig, notebook, dsn=proxy.dsn, keeps_items=False)
        async with running(writer.run):
            writer.put((1, "x"))
            await eventually(_is_away(writer))
            writer.put((2, "x"))
            rig.database.availability.tell_away("made up")
            assert [n for n, _ in notebook.refusals] == [2]
            proxy.is_closed = False
            rig.database.availability.tell_up()
            await drain(writer)
    assert notebook.batches == [[1]]
    assert await stored(rig) == [1]


async def test_a_line_that_stays_silent_once_the_server_is_back_is_dropped(
    rig: Rig, notebook: Notebook
) -> None:
    """After a failover the old machine never says that it is gone."""
    reached = asyncio.Event()

    async def hang(connection: Connection, attempt: int) -> None:
        if attempt == 1:
            reached.set()
            await connection.raw.execute("SELECT pg_sleep(25)")

    notebook.hook = hang
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put((1, "x"))
        await reached.wait()
        rig.database.availability.tell_away("made up")
        rig.database.availability.tell_up()
        await drain(writer)
    assert await stored(rig) == [1]


async def test_a_line_that_falls_silent_is_given_up_while_the_server_answers_others(
    rig: Rig, notebook: Notebook
) -> None:
    """As behind a pooler that hangs: it takes the COMMIT and its answer never comes, far from any time
    limit."""
    await rig.execute("ALTER TABLE note DROP CONSTRAINT note_pkey")
    async with CutProxy(rig.dsn) as proxy:

        async def fall_silent(connection: Connection, attempt: int) -> None:
            if attempt == 1:
                proxy.strand()

        notebook.hook = fall_silent
        writer = make_writer(rig, notebook, dsn=proxy.dsn)
        async with running(writer.run, rig.database.watch):
            writer.put((1, "x"))
            await drain(writer)
            writer.put((2, "x"))
            await drain(writer)
    assert notebook.batches == [[1], [2]]
    assert await stored(rig) == [1, 2]


async def test_a_batch_is_not_committed_once_the_lease_may_be_over(rig: Rig, notebook: Notebook) -> None:
    """A process that stood still between its last statement and its COMMIT asks the clock when it wakes."""
    holds = True

    async def stand_still(connection: Connection, attempt: int) -> None:
        nonlocal holds
        holds = attempt > 1

    rig.node.fence.may_write = lambda: holds
    notebook.hook = stand_still
    writer = make_writer(rig, notebook)
    async with running(writer.run):
        writer.put((1, "x"))
        await drain(writer)
    assert notebook.attempts == 2
    assert await stored(rig) == [1]
