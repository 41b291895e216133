"""A campaign on two nodes: it goes at its own speed, and everyone gets one message whoever comes and goes."""

import asyncio
import json
import signal
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.identifiers import IdSource
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries
from tests.campaigns.acting import add_people, draft, gateway_and_carrier, rows, start, submits, until_state
from tests.campaigns.people import ALWAYS_OPEN, add_list, number_of
from tests.e2e.running import (
    ServerProcess,
    Shop,
    configuration,
    connector,
    open_keyed_shop,
    run_another,
    until,
)

pytestmark = pytest.mark.integration


async def test_two_nodes_share_a_campaign_and_its_speed_and_one_of_them_ends_it(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier), AsyncExitStack() as leaving:
        connectors = [connector("one", carrier.port, parts_per_second=2000, window=100)]
        second = await leaving.enter_async_context(
            run_another(running, connectors, country_rules=ALWAYS_OPEN)
        )
        campaign = await draft(running, await add_people(running, 120), parts_per_second=40)
        await start(running, campaign)
        await until(lambda: submits(carrier))
        first_at = time.monotonic()
        await until(lambda: len(submits(carrier)) >= 60)
        made_by = await rows(running, "SELECT count(DISTINCT (id >> 9) & 31) FROM message")
        await leaving.aclose()  # its slots come back, further on than the first node ever had them
        await until(lambda: len(running.gateway.rooms.traffic.ownership.slots) == 256)
        await until_state(running, campaign, "finished")
        # At twice its speed it would take 1.5 s. Each node may be a second's parts ahead, no more.
        assert time.monotonic() - first_at > 2.0
        assert made_by == [(2,)]
        counted = Counter(submit["destination"] for submit in submits(carrier))
        assert counted == {number_of(serial): 1 for serial in range(120)}
        await running.assert_balanced()
        assert second.ground.node.node_no != running.gateway.ground.node.node_no


async def read_status(server: ServerProcess) -> dict[str, Any]:
    _, output, fault = await server.run_command("status", "--json")
    assert output, fault
    return dict(json.loads(output))


@pytest.mark.slow
async def test_the_node_that_decides_is_killed_and_the_other_ends_the_campaign(database: str) -> None:
    """Who had a text on its way when the server died has an unknown outcome, and gets no second one."""
    people = 3_000
    async with AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(Simulator(load_profile("default")))
        servers = []
        for _ in range(2):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="node-")))
            connectors = [connector("one", carrier.port, parts_per_second=200, window=20, binds=2)]
            content = configuration(database, folder, connectors, country_rules=ALWAYS_OPEN)
            server = ServerProcess(folder, {**content, "admin": {"socket": str(folder / "admin.sock")}})
            stack.push_async_callback(server.aclose)
            await server.start()
            servers.append(server)
        store = await Database.open(database, load_queries(locate_sql() / "queries"))
        stack.push_async_callback(store.aclose)
        shop = await stack.enter_async_context(open_keyed_shop(store, servers[1].port))
        ids = IdSource(30, lambda: time.time_ns() // 1_000_000)
        list_id = await add_list(store, ids, 1, range(people))
        body = {"name": "x", "text": "Bonjour {{ first_name }}", "audience": {"lists": [list_id]}}
        _, campaign = await shop.call("POST", "/v1/campaigns", body)
        path = f"/v1/campaigns/{campaign['id']}"
        status, answer = await shop.call("POST", f"{path}/start", {"recipients": people, "version": 1})
        assert status == 200, answer
        await until(lambda: len(submits(carrier)) > 300)
        decides = [(await read_status(server))["node"]["decides"] for server in servers]
        assert sorted(decides) == [False, True]
        servers[decides.index(True)].signal(signal.SIGKILL)
        alive = servers[decides.index(False)]
        async with asyncio.timeout(90):
            survivor = Shop(shop.session, f"http://127.0.0.1:{alive.port}", shop.live, shop.test)
            while (await survivor.call("GET", path))[1]["state"] != "finished":  # noqa: ASYNC110 - as a shop would
                await asyncio.sleep(0.2)
        texts = Counter(submit["destination"] for submit in submits(carrier))
        assert max(texts.values()) == 1
        status, ledger, _ = await alive.run_command("ledger", "--json")
        assert status == 0, ledger
