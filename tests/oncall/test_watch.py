"""The regular look, on a real database: rows follow the book, also after the database was away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.config import AlertsConfig
from gateway.oncall.bind_diary import BindDiary
from gateway.oncall.book import Notice
from gateway.oncall.observations import Observations
from gateway.oncall.telling import Announcer
from gateway.oncall.watch import Watch
from gateway.session.bind import BindMode, BindPhase, BindState
from gateway.session.connecting import Endpoint
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries

pytestmark = pytest.mark.integration
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Looking:
    """A watch whose sight and clock the test sets."""

    def __init__(self, database: Database) -> None:
        self.now = NOON
        self.seen: dict[str, Any] = {}
        self.told: list[Notice] = []
        announcer = Announcer(node="sms1", next_id=lambda: "evt_1", clock=lambda: self.now)
        announcer.put = self.told.append  # type: ignore[method-assign]  # what is told is what is looked at
        self.watch = Watch(
            database, announcer, observe=self._observe, limits=AlertsConfig(), clock=lambda: self.now
        )

    async def _observe(self) -> Observations:
        values: dict[str, Any] = {"is_database_away": False, "holds_lease": True, **self.seen}
        return Observations(now=self.now, host="sms1", **values)

    async def look(self, seconds: float = 5, **seen: Any) -> list[str]:
        self.now += timedelta(seconds=seconds)
        self.seen = seen
        before = len(self.told)
        await self.watch.look()
        return [f"{each.kind.value} {each.entry.alert.kind.value}" for each in self.told[before:]]


async def open_database(dsn: str) -> Database:
    return await Database.open(dsn, load_queries(locate_sql() / "queries"))


async def rows_of(database: Database) -> list[tuple[str, int, bool]]:
    async with database.connection() as connection:
        rows = await connection.raw.fetch("SELECT * FROM alert ORDER BY raised_at")
    return [(row["kind"], row["times_told"], row["cleared_at"] is not None) for row in rows]


async def test_an_alert_is_one_row_from_its_beginning_to_its_end(database: str) -> None:
    store = await open_database(database)
    looking = Looking(store)
    assert await looking.look(missing_connectors=["smsc-b"]) == ["raised connector_missing"]
    assert await rows_of(store) == [("connector_missing", 1, False)]
    assert await looking.look(3600, missing_connectors=["smsc-b"]) == ["repeated connector_missing"]
    restarted = Looking(store)
    restarted.now = looking.now
    assert await restarted.look(missing_connectors=["smsc-b"]) == [], "a restart tells nothing twice"
    assert await restarted.look(61) == ["cleared connector_missing"]
    assert await rows_of(store) == [("connector_missing", 3, True)]
    again = Looking(store)
    again.now = restarted.now
    await again.look()
    assert [entry.alert.subject for entry in again.watch.book.ended] == ["smsc-b"]
    await store.aclose()


async def test_a_database_that_is_away_is_told_from_memory_and_written_down_later(database: str) -> None:
    store = await open_database(database)
    looking = Looking(store)
    await looking.look()
    assert await looking.look(is_database_away=True) == ["raised database_away"]
    assert await rows_of(store) == []
    assert await looking.look(120) == ["cleared database_away"]
    assert await rows_of(store) == [("database_away", 2, True)]
    await store.aclose()


async def test_a_bind_that_comes_and_goes_leaves_two_rows_and_its_attempts_none(database: str) -> None:
    store = await open_database(database)
    numbers = iter(range(1, 100))
    diary = BindDiary(store, next_id=lambda: next(numbers))
    for phase, error in (
        (BindPhase.CONNECTING, None),
        (BindPhase.BOUND, None),
        (BindPhase.BACKING_OFF, "the carrier\0hung up"),
        (BindPhase.CONNECTING, "the carrier hung up"),
        (BindPhase.BACKING_OFF, "refused"),
    ):
        diary.note("smsc-a", 1, BindMode.TRANSCEIVER, BindState(phase, NOON, Endpoint("h", 1), error))
    await diary.write()
    await diary.write()
    async with store.connection() as connection:
        rows = await connection.raw.fetch("SELECT kind, subject, data FROM event ORDER BY id")
    assert [(row["kind"], row["subject"]) for row in rows] == [("bind.up", "smsc-a"), ("bind.down", "smsc-a")]
    assert '"error": "the carrier hung up"' in rows[1]["data"]
    await store.aclose()
