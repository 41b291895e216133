"""What is forgotten: closed days that balance, sealed first; never an open one, nor a false one."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.config import RetentionConfig
from gateway.domain.identifiers import IdSource
from gateway.domain.message import MessageState, entered_bit
from gateway.ledger.retention import Retention
from gateway.store.partitions import list_partition_days, list_receipt_map_days, make_partitions_ahead
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import Rig

pytestmark = pytest.mark.integration

CONFIG = RetentionConfig()
DAYS = CONFIG.messages_days


class Calendar:
    """Retention under a clock of its own: work is done today, and looked at so many days later."""

    def __init__(self, rig: Rig) -> None:
        self.today = datetime.now(UTC).date()
        self._rig = rig
        self._ahead = 0
        self.decides = True
        self._retention = Retention(rig.database, CONFIG, self._now, decides=lambda: self.decides)

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self._ahead)

    async def look(self, *, days_later: int) -> None:
        self._ahead = days_later
        await self._retention.look()

    async def days(self) -> list[date]:
        return await list_partition_days(self._rig.database)


@pytest.fixture
def calendar(rig: Rig) -> Calendar:
    return Calendar(rig)


async def sealed(rig: Rig) -> dict[date, dict[str, object]]:
    return {day: json.loads(counts) for day, counts in await rig.fetch("SELECT day, counts FROM ledger_day")}


async def test_partitions_are_made_before_they_are_needed(rig: Rig, calendar: Calendar) -> None:
    await calendar.look(days_later=5)
    assert max(await calendar.days()) == calendar.today + timedelta(days=12)


async def test_a_node_that_does_not_decide_makes_partitions_and_drops_none(
    rig: Rig, calendar: Calendar
) -> None:
    calendar.decides = False
    await calendar.look(days_later=DAYS + 2)
    days = await calendar.days()
    assert calendar.today in days
    assert max(days) > calendar.today + timedelta(days=DAYS + 2)
    calendar.decides = True
    await calendar.look(days_later=DAYS + 2)
    assert calendar.today not in await calendar.days()


async def test_a_closed_day_goes_after_its_time_and_leaves_its_counts(desk: Desk, calendar: Calendar) -> None:
    delivered, sent, unknown = await desk.begin(*(desk.rig.new_message() for _ in range(3)))
    await desk.tell(
        [
            desk.answered(delivered, carrier_id="d"),
            desk.answered(sent, carrier_id="s"),
            desk.answered(unknown, wanted=S.UNKNOWN),
        ],
        [receipt("d"), receipt("nobody")],
    )
    await calendar.look(days_later=DAYS)
    assert calendar.today in await calendar.days()
    await calendar.look(days_later=DAYS + 1)
    assert calendar.today not in await calendar.days()
    counts = (await sealed(desk.rig))[calendar.today]
    assert counts["balanced"] is True
    assert counts["messages_by_state"] == {"sent": 1, "delivered": 1, "unknown": 1}
    assert await desk.count("message") == 0
    assert await desk.count("receipt_unmatched") == 0
    await desk.assert_balanced()


@pytest.mark.parametrize("place", ["queued", "scheduled", "sending", "retry"])
async def test_a_day_with_anything_open_is_kept(desk: Desk, calendar: Calendar, place: str) -> None:
    if place == "scheduled":
        await desk.accept(desk.rig.new_message(due_in=timedelta(days=20)))
    elif place == "queued":
        await desk.accept(desk.rig.new_message())
    else:
        [flight] = await desk.begin(desk.rig.new_message())
        if place == "retry":
            await desk.tell(desk.answered(flight, wanted=S.QUEUED, retry_in=timedelta(seconds=9)))
    await calendar.look(days_later=DAYS + 5)
    assert calendar.today in await calendar.days()
    assert await desk.count("message") == 1


async def test_a_day_whose_webhooks_wait_is_kept(desk: Desk, calendar: Calendar) -> None:
    [flight] = await desk.begin(desk.rig.new_message(wants_events=True))
    await desk.tell(desk.answered(flight, wanted=S.FAILED))
    await calendar.look(days_later=DAYS + 5)
    assert calendar.today in await calendar.days()
    await desk.rig.execute("UPDATE outbox SET state = 2")
    await calendar.look(days_later=DAYS + 5)
    assert calendar.today not in await calendar.days()


async def test_a_day_that_does_not_add_up_is_kept(desk: Desk, calendar: Calendar) -> None:
    [flight] = await desk.begin(desk.rig.new_message())
    await desk.tell(desk.answered(flight, wanted=S.FAILED))
    await desk.rig.execute("UPDATE stat_hour SET messages = messages + 1 WHERE state = 6")
    await calendar.look(days_later=DAYS + 5)
    assert calendar.today in await calendar.days()
    assert calendar.today not in await sealed(desk.rig)


async def test_a_message_of_a_kept_day_stays_in_the_ledger_beside_dropped_ones(
    desk: Desk, calendar: Calendar
) -> None:
    """The older day is kept, the newer goes: each is judged by itself."""
    rig = desk.rig
    old = calendar.today - timedelta(days=2)
    await make_partitions_ahead(rig.database, old)
    noon = int(datetime(old.year, old.month, old.day, 12, tzinfo=UTC).timestamp() * 1000)
    ids = IdSource(30, lambda: noon)
    rig.node.ids, current = ids, rig.node.ids
    await desk.accept(rig.new_message())
    await desk.tell(receipt("nobody"))
    rig.node.ids = current
    desk.restart()
    await desk.tell(receipt("nobody else"))
    await calendar.look(days_later=DAYS + 5)
    assert old in await calendar.days()
    assert calendar.today not in await calendar.days()
    queued = 1 | entered_bit(MessageState.QUEUED)
    assert await rig.fetch("SELECT entered FROM queue") == [(queued,)]
    await desk.assert_balanced()


async def test_lookups_and_keys_have_times_of_their_own(desk: Desk, calendar: Calendar) -> None:
    await desk.rig.execute(
        "INSERT INTO idempotency_key VALUES (1, 1, 'old', '', 202, '', now() - interval '1 hour'),"
        " (1, 1, 'new', '', 202, '', now() + interval '30 days')"
    )
    kept = CONFIG.receipt_map_days
    await calendar.look(days_later=kept)
    assert calendar.today in await list_receipt_map_days(desk.rig.database)
    await calendar.look(days_later=kept + 1)
    assert calendar.today not in await list_receipt_map_days(desk.rig.database)
    assert await desk.rig.fetch("SELECT key FROM idempotency_key") == [("new",)]


async def test_a_receipt_for_a_dropped_day_is_kept_without_its_message_and_acknowledged(
    desk: Desk, calendar: Calendar
) -> None:
    """Neither the table of carriers' ids nor the memory of a quiet gateway leads to rows that are gone."""
    rig = desk.rig
    old = calendar.today - timedelta(days=DAYS + 1)
    await make_partitions_ahead(rig.database, old)
    noon = int(datetime(old.year, old.month, old.day, 12, tzinfo=UTC).timestamp() * 1000)
    rig.node.ids, current = IdSource(30, lambda: noon), rig.node.ids
    [flight] = await desk.begin(rig.new_message(expires_in=timedelta(days=9)))
    await desk.tell(desk.answered(flight, carrier_id="a"), desk.answered(flight, wanted=S.FAILED))
    rig.node.ids = current
    await calendar.look(days_later=0)
    assert old not in await calendar.days()
    desk.restart()
    desk.book.remember(1, "a", flight, 0)
    await desk.tell(receipt("a", acknowledge="memory"))
    desk.restart()
    await desk.tell(receipt("a", acknowledge="table"))
    assert desk.ear.acknowledged == ["memory", "table"]
    assert await desk.count("receipt_unmatched") == 2
    await desk.assert_balanced()
