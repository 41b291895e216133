"""A database that answers every question and stores nothing, as on a full disk: told, and outlived."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from e2e.running import Running, connector, run_gateway
from store.rig import eventually

pytestmark = pytest.mark.integration

BODY = {"to": "+33612345678", "text": "bonjour"}


@asynccontextmanager
async def without_room(dsn: str) -> AsyncIterator[None]:
    """The server has no room for messages while the context is entered."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$"
    )
    await connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        yield
    finally:
        await connection.execute("DROP FUNCTION refuse CASCADE")
        await connection.close()


async def readiness(running: Running) -> tuple[int, str]:
    async with running.shop.session.get(running.shop.url + "/readyz") as response:
        return response.status, (await response.json())["detail"]


async def test_a_database_that_answers_but_stores_nothing_is_told_and_outlived(database: str) -> None:
    async with run_gateway(database, [connector("one", 1)], waits=False) as running:
        status = running.gateway.rooms.status
        async with without_room(database):
            code, problem = await running.shop.call("POST", "/v1/messages", BODY)
            assert (code, problem["code"]) == (503, "store_unavailable")
            assert await readiness(running) == (503, "the database answers but stores nothing")
            shown = status.show_status()
            assert shown["database"] == "away"
            assert shown["database_away_since"] is None
            assert "No space left on device" in str(shown["limits"])
            assert (await running.shop.call("GET", "/v1/messages"))[0] == 200

        async def is_taken() -> bool:
            return (await running.shop.call("POST", "/v1/messages", BODY))[0] == 202

        await eventually(is_taken)
        assert await readiness(running) == (200, "messages are taken in")
        assert status.show_status()["database"] == "up"
        await running.assert_balanced()
