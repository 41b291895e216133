"""Whose turn it is on which connection, and which connection gets another turn."""

import asyncio

import pytest

from gateway.store.pool import ConnectionPool


class Raw:
    """A connection, as far as the pool looks at it."""

    def __init__(self) -> None:
        self.is_ended = False
        self.has_begun = False

    def is_closed(self) -> bool:
        return self.is_ended

    def is_in_transaction(self) -> bool:
        return self.has_begun

    def terminate(self) -> None:
        self.is_ended = True

    async def close(self) -> None:
        self.is_ended = True


class Desk:
    def __init__(self, *, size: int = 2) -> None:
        self.dialled: list[Raw] = []
        self.fault: OSError | None = None
        self.monotonic = 1_000.0
        self.pool = ConnectionPool(self._dial, size=size, monotonic=lambda: self.monotonic)

    async def _dial(self) -> Raw:
        if self.fault is not None:
            raise self.fault
        self.dialled.append(Raw())
        return self.dialled[-1]

    async def acquire(self, count: int = 1) -> list[Raw]:
        return [await self.pool.acquire(0.01) for _ in range(count)]

    def release(self, *raws: Raw, is_fit: bool = True) -> None:
        for raw in raws:
            self.pool.release(raw, is_fit=is_fit)


async def test_the_connection_used_last_is_used_next() -> None:
    desk = Desk()
    first, second = await desk.acquire(2)
    desk.release(second, first)
    assert await desk.acquire() == [first]
    assert len(desk.dialled) == 2


async def test_there_are_never_more_than_the_size() -> None:
    desk = Desk(size=2)
    first, _ = await desk.acquire(2)
    with pytest.raises(TimeoutError):
        await desk.acquire()
    desk.release(first)
    assert await desk.acquire() == [first]


async def test_whoever_waits_is_served_before_whoever_comes_later() -> None:
    desk = Desk(size=1)
    [raw] = await desk.acquire()
    waiting = asyncio.create_task(desk.pool.acquire(10.0))
    await asyncio.sleep(0)
    desk.release(raw)
    with pytest.raises(TimeoutError):
        await desk.acquire()
    assert await waiting is raw


async def test_who_gives_up_waiting_takes_no_place() -> None:
    desk = Desk(size=1)
    [raw] = await desk.acquire()
    waiting = asyncio.create_task(desk.pool.acquire(10.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    desk.release(raw)
    assert await desk.acquire() == [raw]


async def test_a_server_that_does_not_answer_costs_no_place() -> None:
    desk = Desk(size=1)
    desk.fault = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        await desk.acquire()
    desk.fault = None
    assert await desk.acquire() == desk.dialled


@pytest.mark.parametrize("why", ["unfit", "in a transaction", "ended by the server"])
async def test_a_connection_that_is_not_fit_is_ended_and_replaced(why: str) -> None:
    desk = Desk(size=1)
    [raw] = await desk.acquire()
    raw.has_begun = why == "in a transaction"
    raw.is_ended = why == "ended by the server"
    desk.release(raw, is_fit=why != "unfit")
    assert raw.is_ended
    [other] = await desk.acquire()
    assert other is not raw


async def test_a_connection_that_ended_while_nobody_used_it_is_passed_over() -> None:
    desk = Desk()
    first, second = await desk.acquire(2)
    desk.release(first, second)
    second.is_ended = True
    assert await desk.acquire() == [first]


async def test_connections_that_are_not_needed_are_closed_and_the_others_stay() -> None:
    desk = Desk()
    first, second = await desk.acquire(2)
    desk.release(first, second)
    desk.monotonic += 299
    desk.release(*await desk.acquire())
    assert not first.is_ended
    desk.monotonic += 1
    desk.release(*await desk.acquire())
    assert (first.is_ended, second.is_ended) == (True, False)


async def test_a_connection_is_replaced_after_an_hour() -> None:
    desk = Desk(size=1)
    for _ in range(60):
        desk.release(*await desk.acquire())
        desk.monotonic += 60
    assert len(desk.dialled) == 1
    desk.release(*await desk.acquire())
    assert desk.dialled[0].is_ended
    assert await desk.acquire() == desk.dialled[1:]


async def test_a_cut_ends_idle_connections_and_those_in_use() -> None:
    desk = Desk()
    first, second = await desk.acquire(2)
    desk.release(first)
    desk.pool.cut()
    assert (first.is_ended, second.is_ended) == (True, True)
    desk.release(second)
    [third] = await desk.acquire()
    assert third not in (first, second)


async def test_closing_waits_for_those_in_use_and_then_cuts_them() -> None:
    desk = Desk()
    first, second = await desk.acquire(2)
    closing = asyncio.create_task(desk.pool.aclose(0.05))
    await asyncio.sleep(0)
    desk.release(first)
    assert (first.is_ended, second.is_ended) == (True, False)
    await closing
    assert second.is_ended
