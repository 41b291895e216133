"""Partitions on a real Postgres: made ahead, dropped whole, and never at the price of a waiting writer."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.identifiers import first_id_at
from gateway.store.errors import StoreUnavailable
from gateway.store.partitions import (
    DAYS_AHEAD,
    drop_receipt_map_day,
    list_partition_days,
    list_receipt_map_days,
    make_partitions_ahead,
    seal_and_drop_day,
)
from tests.store.rig import Rig

pytestmark = pytest.mark.integration

PARENTS = ("message", "queue", "schedule", "message_state", "part", "receipt", "inbound", "outbox")


_WAITING_FOR_A_LOCK = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def today() -> date:
    return datetime.now(UTC).date()


async def test_yesterday_to_a_week_ahead_is_there(rig: Rig) -> None:
    wanted = [today() + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]
    assert await list_partition_days(rig.database) == wanted
    assert await list_receipt_map_days(rig.database) == wanted
    for parent in PARENTS:
        children = await rig.value(
            "SELECT count(*)::int FROM pg_inherits WHERE inhparent = $1::text::regclass", parent
        )
        assert children == len(wanted), parent


async def test_the_database_and_the_ids_agree_where_a_day_begins(rig: Rig) -> None:
    for day in (date(2025, 1, 1), date(2026, 2, 28), date(2040, 12, 31)):
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        assert await rig.value("SELECT day_floor_id($1)", day) == first_id_at(midnight)


async def test_making_them_again_changes_nothing_and_a_gap_is_filled(rig: Rig) -> None:
    before = await list_partition_days(rig.database)
    gap = before[3]
    await rig.execute(f"SELECT drop_day_partitions('{gap}')")
    await drop_receipt_map_day(rig.database, before[5])
    await make_partitions_ahead(rig.database, today())
    assert await list_partition_days(rig.database) == before
    assert await list_receipt_map_days(rig.database) == before


async def test_two_nodes_that_make_a_day_at_once_both_go_on(rig: Rig) -> None:
    day = today() + timedelta(days=DAYS_AHEAD + 1)
    async with rig.database.transaction() as other_node:
        await other_node.execute("make_day_partitions", day)
        making = asyncio.create_task(make_partitions_ahead(rig.database, today() + timedelta(days=1)))
        while not await rig.value(_WAITING_FOR_A_LOCK):  # noqa: ASYNC110 - another session's wait sets no event
            await asyncio.sleep(0.01)
    await making
    assert (await list_partition_days(rig.database))[-1] == day


async def test_a_long_reader_postpones_far_days_and_stops_no_writer(rig: Rig) -> None:
    async with rig.database.transaction() as backup:
        await backup.raw.execute("LOCK TABLE message, receipt_map IN ACCESS SHARE MODE")
        made = asyncio.create_task(make_partitions_ahead(rig.database, today() + timedelta(days=3)))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(3):
            await rig.accept(rig.new_message())
        await made
        with pytest.raises(StoreUnavailable, match="backup"):
            await make_partitions_ahead(rig.database, today() + timedelta(days=10))
    await make_partitions_ahead(rig.database, today() + timedelta(days=3))
    assert max(await list_partition_days(rig.database)) == today() + timedelta(days=3 + DAYS_AHEAD)


async def test_a_day_goes_with_its_seal_and_its_unmatched_receipts_only(rig: Rig) -> None:
    low, high = (
        first_id_at(datetime.combine(today() + timedelta(days=offset), datetime.min.time(), UTC))
        for offset in (0, 1)
    )
    for number in (low - 1, low, high - 1, high):
        await rig.execute(
            "INSERT INTO receipt_unmatched (receipt_id, connector_id, carrier_id, other_id, state, wanted,"
            " failure_class, outcome, received_at, stat, err, from_address, to_address, ends_message)"
            " VALUES ($1, 1, 'x', '', 2, 5, 0, 5, now(), 'DELIVRD', '', '', '', false)",
            number,
        )
    await seal_and_drop_day(
        rig.database, today(), low_id=low, high_id=high, now=datetime.now(UTC), counts='{"messages": 7}'
    )
    assert today() not in await list_partition_days(rig.database)
    assert await rig.fetch("SELECT receipt_id FROM receipt_unmatched ORDER BY 1") == [(low - 1,), (high,)]
    assert await rig.fetch("SELECT day, counts->>'messages' FROM ledger_day") == [(today(), "7")]


async def test_a_day_that_is_being_read_is_dropped_another_time(rig: Rig) -> None:
    async with rig.database.transaction() as backup:
        await backup.raw.execute("LOCK TABLE message IN ACCESS SHARE MODE")
        with pytest.raises(StoreUnavailable):
            await seal_and_drop_day(
                rig.database, today(), low_id=0, high_id=1, now=datetime.now(UTC), counts="{}"
            )
    assert today() in await list_partition_days(rig.database)
    assert await rig.value("SELECT count(*) FROM ledger_day") == 0
