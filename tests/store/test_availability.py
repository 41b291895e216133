"""Away or up: asked on a connection of its own, told to whoever waits, and what it means for callers."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.store.availability import Availability, Probe
from gateway.store.connecting import Dialler
from gateway.store.database import Database
from gateway.store.errors import OutcomeUnknown, StoreUnavailable
from gateway.store.queries import Query
from tests.store.rig import QUERIES, CutProxy, Rig, eventually, running, terminate

pytestmark = pytest.mark.integration


@pytest.fixture
async def proxy(rig: Rig) -> AsyncIterator[CutProxy]:
    async with CutProxy(rig.dsn) as opened:
        yield opened


@pytest.fixture
async def watched(proxy: CutProxy) -> AsyncIterator[Database]:
    """A database behind the proxy, and the probe at work."""
    opened = await Database.open(proxy.dsn, QUERIES, pool_size=2)
    try:
        async with running(opened.watch):
            yield opened
    finally:
        await opened.aclose()


async def test_a_server_that_is_gone_and_back_is_told_so(proxy: CutProxy, watched: Database) -> None:
    availability = watched.availability
    async with asyncio.timeout(10):
        proxy.is_closed = True
        proxy.cut()
        await availability.wait_away()
        assert availability.away_since is not None
        with pytest.raises(StoreUnavailable):
            await watched.fetch_value("database_clock")
        proxy.is_closed = False
        await availability.wait_up()
        assert availability.away_since is None
        assert await watched.fetch_value("database_clock") is not None


async def test_the_end_of_one_connection_is_no_absence(rig: Rig, watched: Database) -> None:
    await watched.fetch_value("database_clock")
    told: list[str] = []

    class Listener:
        def on_away(self) -> None:
            told.append("away")

        def on_back(self) -> None:
            told.append("back")

    async def asked_anew() -> None:
        """A connection over which the question was answered ends; two at one question would be an absence."""
        answered = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'estafette-probe' "
            "AND datname = current_database() AND state = 'idle' AND query LIKE '%pg_is_in_recovery%'"
        )
        while not await rig.value(answered):  # noqa: ASYNC110 - a server sets no event
            await asyncio.sleep(0.02)
        await terminate(rig.dsn, "estafette-probe")

    with watched.availability.heeded_by(Listener()):
        async with asyncio.timeout(10):
            await asked_anew()
            await asked_anew()
    assert told == []


class SilentDialler:
    """Whose connections never come about."""

    async def dial(self, **_: object) -> object:
        return await asyncio.Future()


async def test_a_question_that_waits_while_batches_are_committed_is_no_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.store.availability._PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("gateway.store.availability._ASK_EACH_SECONDS", 0.0)
    availability = Availability()
    probe = Probe(cast(Dialler, SilentDialler()), availability, QUERIES)
    async with running(probe.run):
        for _ in range(30):
            availability.heard += 1
            await asyncio.sleep(0.01)
            assert not availability.is_away
        async with asyncio.timeout(5):
            await availability.wait_away()


async def test_a_server_that_takes_no_writes_any_more_is_away(rig: Rig, watched: Database) -> None:
    """A primary that was made a standby ends its connections, and is told by those made anew."""
    name = await rig.value("SELECT current_database()")
    await rig.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await terminate(rig.dsn, "estafette-probe")
    async with asyncio.timeout(10):
        await watched.availability.wait_away()


async def test_whoever_waits_for_an_answer_hears_of_the_absence(watched: Database) -> None:
    """And does not sit out the time limit of a statement."""
    entered = asyncio.Event()

    async def wait_long() -> None:
        async with watched.connection() as connection:
            entered.set()
            await connection.raw.execute("SELECT pg_sleep(20)")

    waiting = asyncio.create_task(wait_long())
    await entered.wait()
    watched.availability.tell_away("made up")
    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailable):
            await waiting


async def test_a_commit_without_an_answer_is_an_open_outcome(
    rig: Rig, proxy: CutProxy, watched: Database
) -> None:
    await rig.execute("CREATE TABLE note (n int)")

    async def write() -> None:
        async with watched.transaction() as connection:
            await connection.raw.execute("INSERT INTO note VALUES (1)")

    proxy.cut_commits = 1
    with pytest.raises(OutcomeUnknown):
        await write()
    assert await rig.value("SELECT count(*) FROM note") == 1


async def test_a_statement_without_an_answer_is_an_open_outcome_where_it_changes_rows(
    rig: Rig, proxy: CutProxy
) -> None:
    await rig.execute("CREATE TABLE note (n int)")
    write, read = "INSERT INTO note SELECT 1 FROM pg_sleep(0.2)", "SELECT pg_sleep(0.3)"
    queries = {
        **QUERIES,
        "write": Query("write", "", "", (), write, changes_rows=True),
        "read": Query("read", "", "", (), read, changes_rows=False),
    }
    database = await Database.open(proxy.dsn, queries)

    async def lose(name: str) -> Exception:
        asking = asyncio.create_task(database.execute(name))
        await _until_asked(rig, queries[name].sql)
        proxy.cut()
        with pytest.raises(StoreUnavailable) as caught:
            await asking
        return caught.value

    try:
        assert type(await lose("read")) is StoreUnavailable
        assert type(await lose("write")) is OutcomeUnknown
    finally:
        await database.aclose()


async def test_what_the_server_itself_undid_is_no_open_outcome(rig: Rig) -> None:
    """It says at COMMIT that its disk is full."""
    await rig.execute("CREATE TABLE note (n int)")
    await rig.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'No space left' USING ERRCODE = '53100'; END $$"
    )
    await rig.execute(
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(StoreUnavailable, match="No space left") as caught:
        async with rig.database.transaction() as connection:
            await connection.raw.execute("INSERT INTO note VALUES (1)")
    assert type(caught.value) is StoreUnavailable


async def _until_asked(rig: Rig, words: str) -> None:
    async def is_asked() -> bool:
        return bool(
            await rig.value(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND position($1 IN query) > 0"
                " AND pid <> pg_backend_pid() AND datname = current_database()",
                words,
            )
        )

    await eventually(is_asked)


async def test_writes_of_the_pool_end_with_the_lease_and_reads_do_not(rig: Rig) -> None:
    """At the door, and once more before the COMMIT of a process that stood still meanwhile."""
    await rig.execute("CREATE TABLE note (n int)")
    holds_lease = True
    rig.database.may_write = lambda: holds_lease

    async def write() -> None:
        nonlocal holds_lease
        async with rig.database.transaction() as connection:
            await connection.raw.execute("INSERT INTO note VALUES (1)")
            holds_lease = False

    with pytest.raises(StoreUnavailable, match="lease"):
        await write()
    with pytest.raises(StoreUnavailable, match="lease"):
        await write()
    with pytest.raises(StoreUnavailable, match="lease"):
        await rig.database.execute("release_node", rig.node.node_no, rig.node.epoch, 0)
    assert await rig.value("SELECT count(*) FROM note") == 0
    async with rig.database.lease_connection() as connection:
        assert await connection.fetch_value("database_clock") is not None


async def test_the_leases_do_not_wait_for_the_pool(rig: Rig) -> None:
    small = await Database.open(rig.dsn, QUERIES, pool_size=1)
    try:
        async with small.connection(), small.lease_connection() as connection:
            assert await connection.fetch_value("database_clock") is not None
    finally:
        await small.aclose()
