"""The regular look, on a real database: rows follow the book, also after the database was away."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.config import AlertsConfig
from gateway.oncall.bind_diary import BindDiary
from gateway.oncall.book import Notice
from gateway.oncall.duties import Duty
from gateway.oncall.observations import BindSeen, Observations
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

    def __init__(
        self, database: Database, node_no: int = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.now = NOON
        self.duty = Duty(node_no)
        self.seen: dict[str, Any] = {}
        self.told: list[Notice] = []
        announcer = Announcer(node="sms1", next_id=lambda: "evt_1", clock=lambda: self.now)
        announcer.put = self.told.append  # type: ignore[method-assign]  # what is told is what is looked at
        self.watch = Watch(
            database,
            announcer,
            observe=self._observe,
            limits=AlertsConfig(),
            clock=lambda: self.now,
            monotonic=monotonic,
            node_no=node_no,
        )

    async def _observe(self) -> Observations:
        values: dict[str, Any] = {
            "is_database_away": False,
            "holds_lease": True,
            "duty": self.duty,
            **self.seen,
        }
        return Observations(now=self.now, host="sms1", node="node 0 on sms1", **values)

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


async def test_one_of_two_nodes_tells_and_the_other_takes_over_what_it_told(database: str) -> None:
    store = await open_database(database)
    first, second = Looking(store, 0), Looking(store, 1)
    first.duty = Duty(0, other_nodes=frozenset({1}))
    second.duty = Duty(1, decides=False, other_nodes=frozenset({0}))
    assert await first.look(missing_connectors=["smsc-b"]) == ["raised connector_missing"]
    assert await second.look(missing_connectors=["smsc-b"]) == []
    assert await second.look(600) == [], "what stands is the other's to end"
    assert [entry.alert.subject for entry in second.watch.book.standing] == ["smsc-b"], "yet it is listed"
    assert not second.watch.book.own
    # Node 0 dies: node 1 decides now, sees the same, and tells only its end.
    second.duty = Duty(1)
    assert await second.look(missing_connectors=["smsc-b"]) == []
    assert await second.look(30) == []
    assert await second.look(61) == ["cleared connector_missing"]
    # Node 0 was only slow: what it told before has been ended, and is not told by it once more.
    first.duty = Duty(0, decides=False, other_nodes=frozenset({1}))
    assert await first.look(900) == []
    assert not first.watch.book.standing
    assert [entry.alert.subject for entry in first.watch.book.ended] == ["smsc-b"]
    await store.aclose()


async def test_an_alert_of_a_bind_goes_with_the_bind(database: str) -> None:
    store = await open_database(database)
    first, second = Looking(store, 0), Looking(store, 1)
    bind, name = BindSeen("smsc-a", 1, "transceiver", NOON - timedelta(hours=1)), "smsc-a bind 1"
    first.duty = Duty(0, own_binds=frozenset({name}), other_nodes=frozenset({1}))
    second.duty = Duty(1, decides=False, binds_elsewhere=frozenset({name}), other_nodes=frozenset({0}))
    assert await first.look(binds=[bind]) == ["raised bind_down"]
    assert await second.look() == []
    first.duty = Duty(0, binds_elsewhere=frozenset({name}), other_nodes=frozenset({1}))
    second.duty = Duty(1, decides=False, own_binds=frozenset({name}), other_nodes=frozenset({0}))
    assert await first.look(900) == []
    # It has only just begun to bind there: that is no end of the trouble, and no new one.
    assert await second.look(900, binds=[replace(bind, down_since=second.now + timedelta(seconds=890))]) == []
    assert await second.look(55, binds=[replace(bind, down_since=None)]) == []
    assert await second.look(61, binds=[replace(bind, down_since=None)]) == ["cleared bind_down"]
    await store.aclose()


async def test_a_process_that_stood_still_leaves_out_one_look(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It woke after 15 s and told whoever is on call that the database was away."""
    looks: list[float] = []
    waits = iter([5.0, 15.0, 5.0])
    elapsed = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal elapsed
        waited = next(waits, None)
        if waited is None:
            raise asyncio.CancelledError
        elapsed += waited

    async def look() -> None:
        looks.append(elapsed)

    store = await open_database(database)
    watch = Looking(store, monotonic=lambda: elapsed).watch
    monkeypatch.setattr(watch, "look", look)
    monkeypatch.setattr("gateway.oncall.watch.asyncio", SimpleNamespace(sleep=sleep))
    with pytest.raises(asyncio.CancelledError):
        await watch.run()
    assert looks == [0.0, 5.0, 25.0]
