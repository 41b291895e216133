"""What is held as dispatch sees it, when two looks overlap."""

import asyncio
from typing import Any, cast

from gateway.dispatch.holds import HoldBoard
from gateway.store.database import Database


class SlowDatabase:
    """Answers each look with what held when it was asked, as late as the test says."""

    def __init__(self) -> None:
        self.stopped: list[int] = []
        self.answers: list[asyncio.Event] = []

    async def fetch(self, name: str, *_: object) -> list[Any]:
        if name != "list_stopped_campaigns":
            return []
        seen = [{"id": campaign_id} for campaign_id in self.stopped]
        answered = asyncio.Event()
        self.answers.append(answered)
        await answered.wait()
        return seen


async def test_an_older_look_never_undoes_what_a_newer_one_saw() -> None:
    database = SlowDatabase()
    board = HoldBoard(cast(Database, database), on_released=lambda: None)
    before = asyncio.create_task(board.refresh())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    database.stopped = [7]  # paused now, and its own look follows
    after = asyncio.create_task(board.refresh())
    for _ in range(4):
        await asyncio.sleep(0)
        for answered in reversed(database.answers):
            answered.set()
            await asyncio.sleep(0)
    await asyncio.gather(before, after)
    assert board.stops_campaign(7)


class CountingDatabase:
    """Holds of one campaign, while there are any, and how often they were read."""

    def __init__(self) -> None:
        self.stopped: list[int] = []
        self.reads = 0

    async def fetch(self, name: str, *_: object) -> list[Any]:
        self.reads += name == "list_holds"
        return [] if name == "list_holds" else [{"id": campaign_id} for campaign_id in self.stopped]

    async def has_holds(self) -> bool:
        return bool(self.stopped)


async def test_a_look_reads_only_where_something_is_held_or_was() -> None:
    database = CountingDatabase()
    released: list[int] = []
    board = HoldBoard(
        cast(Database, database), on_released=lambda: released.append(1), has_holds=database.has_holds
    )
    await board.look()
    assert database.reads == 0
    database.stopped = [7]
    await board.look()
    assert board.stops_campaign(7)
    database.stopped = []
    await board.look()
    assert not board.stops_campaign(7)
    assert (database.reads, released) == (2, [1])
    await board.look()
    assert database.reads == 2
