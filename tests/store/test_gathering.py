"""How long a small batch waits for more rows."""

import asyncio
from collections.abc import Iterator

from gateway.store.gathering import Gathering


class Rows:
    """Rows that come one after another: one more at each look but for the last."""

    def __init__(self, *counts: int | None) -> None:
        self._counts: Iterator[int | None] = iter(counts)
        self.looks = 0

    def __call__(self) -> int | None:
        self.looks += 1
        return next(self._counts)


async def test_a_batch_is_waited_for_as_long_as_it_grows_and_no_longer() -> None:
    rows = Rows(1, 2, 3, 3)
    await Gathering().wait(rows)
    assert rows.looks == 4


async def test_a_batch_that_grows_and_grows_is_not_waited_for_forever() -> None:
    rows = Rows(*range(1, 100))
    await Gathering().wait(rows)
    assert rows.looks <= 6


async def test_a_batch_that_is_large_enough_or_awaited_is_not_waited_for() -> None:
    for rows in (Rows(256), Rows(None), Rows(1, 300), Rows(1, None)):
        async with asyncio.timeout(1):
            await Gathering().wait(rows)


async def test_after_one_that_did_not_grow_the_next_fifteen_are_not_waited_for() -> None:
    gathering = Gathering()
    await gathering.wait(Rows(1, 1))
    for _ in range(15):
        await gathering.wait(Rows())
    again = Rows(1, 2, 2)
    await gathering.wait(again)
    assert again.looks == 3
    still = Rows(1, 2, 2)
    await gathering.wait(still)
    assert still.looks == 3, "it grew, so the next is waited for too"
