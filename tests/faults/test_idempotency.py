"""One idempotency key from many callers at once, on one node and on two, and across a crash."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from e2e.running import (
    Answer,
    ServerProcess,
    Shop,
    configuration,
    connector,
    open_keyed_shop,
    run_gateway,
)

from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries

pytestmark = pytest.mark.integration

AT_ONCE = 50
BODY = {"to": "+33612345678", "text": "once"}


async def post(shop: Shop, key: str) -> Answer:
    return await shop.call("POST", "/v1/messages", BODY, Idempotency_Key=key)


async def test_one_key_at_once_on_two_nodes_makes_one_message(database: str) -> None:
    carrier = connector("one", 1)
    async with (
        run_gateway(database, [carrier], waits=False) as first,
        run_gateway(database, [carrier], waits=False) as second,
    ):
        callers = [first.shop, second.shop] * (AT_ONCE // 2)
        answers = await asyncio.gather(*(post(shop, "k") for shop in callers))
        ids = {answer["id"] for status, answer in answers if status == 202}
        assert len(ids) == 1
        refused = {(status, answer["code"]) for status, answer in answers if status != 202}
        assert refused <= {(409, "idempotency_key_in_use")}
        assert await count_messages(database) == 1
        for shop in (first.shop, second.shop):
            status, answer = await post(shop, "k")
            assert (status, {answer["id"]}) == (202, ids)
        await first.assert_balanced()


async def test_a_key_in_use_says_when_to_ask_again(database: str) -> None:
    async with (
        run_gateway(database, [connector("one", 1)], waits=False) as running,
        slow_commits(database, 0.3),
    ):
        headers = {"Authorization": f"Bearer {running.shop.live}", "Idempotency-Key": "k"}
        first = asyncio.create_task(post(running.shop, "k"))
        await until_committing(database)
        url = running.shop.url + "/v1/messages"
        async with running.shop.session.post(url, json=BODY, headers=headers) as response:
            assert response.status == 409
            assert int(response.headers["Retry-After"]) > 0
        assert (await first)[0] == 202


async def test_a_kill_between_commit_and_answer_is_answered_on_repeat(database: str) -> None:
    """The first caller hears nothing, its message is stored, and a repeat gets the answer meant for it."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        server = ServerProcess(Path(name), configuration(database, Path(name), [connector("one", 1)]))
        opened = await Database.open(database, load_queries(locate_sql() / "queries"))
        try:
            await server.start()
            async with open_keyed_shop(opened, server.port) as shop:
                async with slow_commits(database, 0.5):
                    first = asyncio.create_task(post(shop, "k"))
                    await until_committing(database)
                    server.signal(signal.SIGKILL)
                    with pytest.raises(aiohttp.ClientError):
                        await first
                    await server.wait()
                await server.start()
                status, answer = await post(shop, "k")
                assert status == 202
                again = await post(shop, "k")
                assert again == (status, answer)
                assert await count_messages(database) == 1
                assert (await shop.show(answer["id"]))["text"] == BODY["text"]
        finally:
            await server.aclose()
            await opened.aclose()


async def count_messages(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM message"))
    finally:
        await connection.close()


@asynccontextmanager
async def slow_commits(dsn: str, seconds: float) -> AsyncIterator[None]:
    """Every COMMIT that stores a key takes so long in the server, whoever has gone meanwhile."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        f"CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$"
    )
    await connection.execute(
        "CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON idempotency_key DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION linger()"
    )
    try:
        yield
    finally:
        await connection.execute("DROP FUNCTION linger CASCADE")  # waits for a COMMIT that still lingers
        await connection.close()


async def until_committing(dsn: str) -> None:
    """Until a commit of the intake lingers, be it a COMMIT or the end of a statement alone."""
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(10):
            while not await connection.fetchval(  # noqa: ASYNC110 - rows have no event
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                " AND application_name = 'estafette-intake' AND datname = current_database()"
            ):
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
