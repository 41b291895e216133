"""The pool: what a caller hears when Postgres is away, and that it recovers by itself."""

import asyncio

import asyncpg
import pytest

from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from tests.store.rig import QUERIES, CutProxy, Rig, terminate

pytestmark = pytest.mark.integration


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(StoreUnavailable, match="try again in"):
        await Database.open("postgresql://x@127.0.0.1:1/none", QUERIES)


async def test_a_transaction_is_whole_or_nothing(rig: Rig) -> None:
    await rig.execute("CREATE TABLE note (n int)")

    async def stumble() -> None:
        async with rig.database.transaction() as connection:
            await connection.raw.execute("INSERT INTO note VALUES (1)")
            raise KeyError

    with pytest.raises(KeyError):
        await stumble()
    assert await rig.value("SELECT count(*) FROM note") == 0


async def test_connections_that_the_server_ended_are_replaced(rig: Rig) -> None:
    async with rig.database.connection(), rig.database.connection():
        pass
    assert await terminate(rig.dsn, "estafette") >= 2
    await asyncio.sleep(0.1)
    for _ in range(4):
        assert await rig.database.fetch_value("database_clock") is not None


async def test_a_backend_that_ends_under_a_caller_is_an_absence_not_a_fault(rig: Rig) -> None:
    async def lose_it() -> None:
        async with rig.database.connection() as connection:
            await terminate(rig.dsn, "estafette")
            await asyncio.sleep(0.05)
            await connection.fetch_value("database_clock")

    with pytest.raises(StoreUnavailable):
        await lose_it()
    assert await rig.database.fetch_value("database_clock") is not None


async def test_a_full_pool_is_told_after_its_deadline(rig: Rig) -> None:
    database = await Database.open(rig.dsn, QUERIES, pool_size=1)
    try:
        async with database.connection():
            with pytest.raises(StoreUnavailable, match="no free connection"):
                await database.fetch_value("database_clock")
    finally:
        await database.aclose()


async def test_the_pool_works_again_once_the_server_is_back(rig: Rig) -> None:
    async with CutProxy(rig.dsn) as proxy:
        database = await Database.open(proxy.dsn, QUERIES)
        try:
            proxy.is_closed = True
            proxy.cut()
            with pytest.raises(StoreUnavailable):
                await database.fetch_value("database_clock")
            proxy.is_closed = False
            assert await database.fetch_value("database_clock") is not None
        finally:
            await database.aclose()


async def test_an_error_of_the_statement_is_the_callers(rig: Rig) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await rig.execute("SELEC 1")
