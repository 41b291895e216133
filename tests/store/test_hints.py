"""Hints between nodes on a real Postgres: heard by the others, gathered, and never needed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.store.hints import QueueHints
from gateway.store.intake import Stream
from tests.e2e.running import until
from tests.store.rig import CutProxy, Rig, running

pytestmark = pytest.mark.integration

STREAM = (1, 2, 2)


class Desk:
    """One node's hints, and what it heard."""

    def __init__(self, rig: Rig, node_no: int, dsn: str) -> None:
        self.heard: list[dict[Stream, int]] = []
        self.retried: list[int] = []
        self.hints = QueueHints(
            dsn,
            rig.queries,
            node_no=node_no,
            is_shared=lambda connector_id: connector_id == 1,
            on_queued=self.heard.append,
            on_retry=self.retried.append,
        )


@asynccontextmanager
async def two_desks(rig: Rig, dsn: str) -> AsyncIterator[tuple[Desk, Desk]]:
    first, second = Desk(rig, 0, dsn), Desk(rig, 1, dsn)
    async with running(first.hints.run), running(second.hints.run):
        await until_connected(rig, 2)
        yield first, second


async def until_connected(rig: Rig, count: int) -> None:
    async with asyncio.timeout(10):
        while await listeners(rig) < count:  # noqa: ASYNC110 - a row of the server's
            await asyncio.sleep(0.02)


async def listeners(rig: Rig) -> int:
    found = await rig.value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'estafette-hints' "
        "AND datname = current_database() AND query LIKE '%LISTEN%'"
    )
    return int(found)


async def test_the_other_node_hears_the_lowest_id_and_the_teller_nothing(rig: Rig) -> None:
    async with two_desks(rig, rig.dsn) as (first, second):
        for lowest in (9, 4, 7):
            first.hints.tell({STREAM: lowest})
        await until(lambda: second.heard)
        assert (second.heard, first.heard) == ([{STREAM: 4}], [])


async def test_a_connector_that_is_to_be_tried_at_once_is_told_the_others_alone(rig: Rig) -> None:
    async with two_desks(rig, rig.dsn) as (first, second):
        first.hints.tell_retry(7)
        await until(lambda: second.retried)
        assert (second.retried, first.retried, second.heard) == ([7], [], [])


async def test_of_a_connector_that_is_not_shared_nothing_is_told(rig: Rig) -> None:
    async with two_desks(rig, rig.dsn) as (first, second):
        first.hints.tell({(2, 1, 1): 5})
        first.hints.tell({STREAM: 8})
        await until(lambda: second.heard)
        assert second.heard == [{STREAM: 8}]


async def test_after_a_lost_connection_hints_go_on(rig: Rig) -> None:
    async with CutProxy(rig.dsn) as proxy, two_desks(rig, proxy.dsn) as (first, second):
        proxy.cut()
        async with asyncio.timeout(10):
            while not second.heard:
                first.hints.tell({STREAM: 3})
                await asyncio.sleep(0.1)
        assert second.heard[0] == {STREAM: 3}
