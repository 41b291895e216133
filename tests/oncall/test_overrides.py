"""What people change of connectors for a while: laid over the configuration, kept, ended by itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.config import ConnectorConfig, HostPort
from gateway.domain.identifiers import IdSource
from gateway.oncall.connector_desk import ConnectorDesk, Terms
from gateway.oncall.errors import NotRunning, UnknownConnector
from gateway.oncall.overrides import OverrideBoard, lay_over
from gateway.store.audit import list_audit
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.overrides import Override, OverrideKey
from gateway.store.queries import load_queries

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONFIG = ConnectorConfig(name="smsc-a", hosts=(HostPort("127.0.0.1", 2775),), system_id="x", window=10)


def override(key: OverrideKey, value: float) -> Override:
    return Override(1, key, value, "uid 0", "", NOON, None)


def test_nothing_changed_is_the_configuration_itself() -> None:
    assert lay_over(CONFIG, []) is CONFIG


def test_each_change_lays_over_its_own_key() -> None:
    changed = lay_over(
        CONFIG, [override(OverrideKey.PARTS_PER_SECOND, 5.5), override(OverrideKey.WINDOW, 3.0)]
    )
    assert (changed.parts_per_second, changed.window, changed.enabled) == (5.5, 3, True)
    assert lay_over(CONFIG, [override(OverrideKey.DOWN, 0)]).enabled is False


class Desk:
    """A desk over a real database, with a clock that the test moves."""

    def __init__(self, database: Database) -> None:
        self.now = NOON
        self.followed = 0
        self.has_others = False
        self.retried: list[int] = []
        self.database = database
        self.board = OverrideBoard(database, on_changed=self._follow, clock=lambda: self.now)
        self.desk = ConnectorDesk(
            database,
            self.board,
            connector_ids=lambda: {"smsc-a": 1},
            retry_now=lambda connector_id: False,
            retry_elsewhere=self._retry_elsewhere,
            ids=IdSource(0, lambda: 1_772_366_400_000, high_water=0),
            clock=lambda: self.now,
        )

    def _retry_elsewhere(self, connector_id: int) -> bool:
        self.retried.append(connector_id)
        return self.has_others

    async def _follow(self) -> None:
        self.followed += 1
        self.board.settle(self.board.overrides)

    async def audited(self) -> list[tuple[str, str, str]]:
        notes = await list_audit(self.database, before_id=(1 << 63) - 1, most=10)
        return [(note.actor, note.action, note.subject) for note in notes]


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"))
    yield Desk(opened)
    await opened.aclose()


@pytest.mark.integration
async def test_a_connector_taken_down_stays_so_until_its_time_is_over(desk: Desk) -> None:
    await desk.desk.take_down("smsc-a", Terms("uid 0", "line test", 3600))
    assert desk.board.is_down(1)
    later = OverrideBoard(desk.database, on_changed=desk._follow, clock=lambda: desk.now)
    await later.read()
    assert later.is_down(1), "a restart does not forget it"
    desk.now += timedelta(hours=1)
    assert not desk.board.is_down(1), "the end needs no look at the database"
    await desk.board.read()
    assert not desk.board.overrides
    assert await desk.desk.bring_up("smsc-a", Terms("uid 0")) is False
    assert await desk.audited() == [
        ("uid 0", "connector.up", "connector smsc-a"),
        ("uid 0", "connector.down", "connector smsc-a"),
    ]


@pytest.mark.integration
async def test_a_later_change_replaces_the_earlier_one_and_null_lifts_it(desk: Desk) -> None:
    key = OverrideKey.PARTS_PER_SECOND
    await desk.desk.change("smsc-a", {key: 5.0, OverrideKey.WINDOW: 2.0}, Terms("uid 0"))
    changed = await desk.desk.change("smsc-a", {key: 7.0}, Terms("uid 7", "evening", 60))
    assert [(each.key.name, each.value, each.author) for each in changed] == [
        ("PARTS_PER_SECOND", 7.0, "uid 7"),
        ("WINDOW", 2.0, "uid 0"),
    ]
    assert [each.key for each in await desk.desk.change("smsc-a", {key: None}, Terms("uid 0"))] == [
        OverrideKey.WINDOW
    ]
    assert len(await desk.audited()) == 3


@pytest.mark.integration
async def test_changes_and_their_ends_are_followed_once_each(desk: Desk) -> None:
    task = asyncio.create_task(desk.board.run())
    await desk.desk.take_down("smsc-a", Terms("uid 0", "", 60))
    await _until(lambda: desk.followed == 1)
    desk.now += timedelta(seconds=60)
    desk.board._look.set()
    await _until(lambda: desk.followed == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await desk.database.fetch_value("lift_override", 1, OverrideKey.DOWN, NOON) == 0, "its row is gone"


@pytest.mark.integration
async def test_a_name_that_is_not_configured_and_binds_that_do_not_run_are_said_so(desk: Desk) -> None:
    with pytest.raises(UnknownConnector, match="smsc-z"):
        await desk.desk.take_down("smsc-z", Terms("uid 0"))
    with pytest.raises(NotRunning, match="connector up smsc-a"):
        await desk.desk.retry("smsc-a", Terms("uid 0"))
    assert await desk.audited() == []


@pytest.mark.integration
async def test_binds_that_another_node_holds_are_tried_there(desk: Desk) -> None:
    desk.has_others = True
    await desk.desk.retry("smsc-a", Terms("uid 0"))
    assert desk.retried == [1]
    assert len(await desk.audited()) == 1


async def _until(fact: object) -> None:
    async with asyncio.timeout(5):
        while not fact():  # type: ignore[operator]  # noqa: ASYNC110 - rows and counts set no event
            await asyncio.sleep(0.01)
