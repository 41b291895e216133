"""The server killed in the middle of a campaign: everyone still gets one message."""

import asyncio
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.identifiers import IdSource
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries
from tests.campaigns.acting import submits
from tests.campaigns.people import ALWAYS_OPEN, add_list, number_of
from tests.e2e.running import ServerProcess, Shop, configuration, connector, open_keyed_shop

pytestmark = pytest.mark.integration

RECIPIENTS = 2_000
KILLS = 3


@asynccontextmanager
async def running_server(dsn: str, carrier: Simulator) -> AsyncIterator[tuple[ServerProcess, Database, Shop]]:
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        config = configuration(
            dsn,
            folder,
            [connector("one", carrier.port, parts_per_second=1_000, window=50)],
            country_rules=ALWAYS_OPEN,
            admin={"socket": str(folder / "admin.sock")},
        )
        server = ServerProcess(folder, config)
        database = await Database.open(dsn, load_queries(locate_sql() / "queries"))
        try:
            await server.start()
            async with open_keyed_shop(database, server.port) as shop:
                yield server, database, shop
        finally:
            await server.aclose()
            await database.aclose()


async def read(database: Database, sql: str) -> tuple[Any, ...]:
    async with database.connection() as connection:
        row = await connection.raw.fetchrow(sql)
        assert row is not None
        return tuple(row)


async def test_whenever_the_server_is_killed_each_recipient_has_one_message(database: str) -> None:
    chance = random.Random(7)
    async with (
        Simulator(load_profile("default")) as carrier,
        running_server(database, carrier) as (server, rows, shop),
    ):
        shop_id = (await read(rows, "SELECT id FROM shop"))[0]
        ids = IdSource(30, lambda: time.time_ns() // 1_000_000)
        list_id = await add_list(rows, ids, shop_id, range(RECIPIENTS))
        body = {"name": "x", "text": "Bonjour {{ first_name }}", "audience": {"lists": [list_id]}}
        _, campaign = await shop.call("POST", "/v1/campaigns", body)
        path = f"/v1/campaigns/{campaign['id']}"
        status, answer = await shop.call("POST", f"{path}/start", {"recipients": RECIPIENTS, "version": 1})
        assert status == 200, answer
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            server.signal(signal.SIGKILL)
            await server.wait()
            await server.start()
        async with asyncio.timeout(20):
            while (await shop.call("GET", path))[1]["state"] != "finished":  # noqa: ASYNC110 - as a shop would
                await asyncio.sleep(0.2)
        made = await read(
            rows,
            "SELECT count(*), count(DISTINCT to_address), count(DISTINCT contact_id) FROM message "
            "WHERE campaign_id IS NOT NULL",
        )
        assert made == (RECIPIENTS, RECIPIENTS, RECIPIENTS)
        kept = await read(
            rows,
            "SELECT count(DISTINCT r.message_id), count(m.id) FROM campaign_recipient r "
            "JOIN message m ON m.id = r.message_id AND m.contact_id = r.contact_id",
        )
        assert kept == (RECIPIENTS, RECIPIENTS)
        texts = Counter(submit["destination"] for submit in submits(carrier))
        assert max(texts.values()) == 1
        assert texts.keys() <= {number_of(n) for n in range(RECIPIENTS)}
        # Whoever got no text had theirs on its way when the server died: never sent again, and told apart.
        open_ends = await read(rows, "SELECT count(*) FROM message_state WHERE state IN (3, 10)")
        assert RECIPIENTS - len(texts) <= open_ends[0]
