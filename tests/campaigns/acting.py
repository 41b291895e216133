"""What a shop does with campaigns over HTTP, and a gateway with a carrier to do it on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.domain.public_ids import decode_public_id
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.store.campaigns import Campaign, find_campaign
from tests.campaigns.people import ALWAYS_OPEN, add_list
from tests.e2e.running import Running, connector, run_gateway


@asynccontextmanager
async def gateway_and_carrier(
    database: str, *, speed: float = 2000, **settings: Any
) -> AsyncIterator[tuple[Running, Simulator]]:
    """A gateway on one simulated carrier, under rules that are open all day."""
    async with (
        Simulator(load_profile("default")) as carrier,
        run_gateway(
            database,
            [connector("one", carrier.port, parts_per_second=speed, window=100)],
            stop={"drain_seconds": 1},
            **{"country_rules": ALWAYS_OPEN, **settings},
        ) as running,
    ):
        yield running, carrier


def submits(carrier: Simulator) -> list[dict[str, Any]]:
    """Every submit_sm that the carrier took, in order."""
    lines = [json.loads(line) for line in carrier.read_log(0, most=100_000)]
    return [line for line in lines if line["event"] == "submit"]


async def add_people(running: Running, count: int, *, first: int = 0, **options: Any) -> str:
    """A list of new people of the shop `demo`; its public id."""
    ground = running.gateway.ground
    shop_id = await shop_id_of(running)
    serials = range(first, first + count)
    return await add_list(ground.database, ground.node.ids, shop_id, serials, **options)


async def shop_id_of(running: Running) -> int:
    row = await running.gateway.ground.database.fetch_row("find_shop_by_name", "demo")
    assert row is not None
    return int(row["id"])


async def draft(running: Running, list_id: str, **fields: Any) -> dict[str, Any]:
    """A campaign to everyone on a list."""
    wanted = {
        "name": "Soldes",
        "text": "Bonjour {{ first_name }}",
        "audience": {"lists": [list_id]},
        **fields,
    }
    status, campaign = await running.shop.call("POST", "/v1/campaigns", wanted)
    assert status == 201, campaign
    return campaign


async def act(running: Running, campaign: dict[str, Any], word: str, **body: Any) -> dict[str, Any]:
    """Do something to a campaign; the answer."""
    path = f"/v1/campaigns/{campaign['id']}/{word}"
    status, answer = await running.shop.call("POST", path, body or None)
    assert status == 200, answer
    return answer


async def start(running: Running, campaign: dict[str, Any]) -> dict[str, Any]:
    """Read the estimate, agree to its number, start."""
    estimate = await act(running, campaign, "estimate")
    return await act(
        running, campaign, "start", recipients=estimate["recipients"], version=campaign["version"]
    )


async def show(running: Running, campaign: dict[str, Any]) -> dict[str, Any]:
    status, answer = await running.shop.call("GET", f"/v1/campaigns/{campaign['id']}")
    assert status == 200, answer
    return answer


async def until_state(
    running: Running, campaign: dict[str, Any], state: str, *, seconds: float = 60
) -> dict[str, Any]:
    """The campaign once it is in a state."""
    shown: dict[str, Any] = {}
    try:
        async with asyncio.timeout(seconds):
            while (shown := await show(running, campaign))["state"] != state:  # noqa: ASYNC110 - as a shop would
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never {state}: {shown}") from None
    return shown


async def rows(running: Running, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    async with running.gateway.ground.database.connection() as connection:
        return [tuple(row) for row in await connection.raw.fetch(sql, *arguments)]


async def find_campaign_of(running: Running, campaign: dict[str, Any]) -> Campaign:
    """The campaign as the store has it."""
    found = await find_campaign(
        running.gateway.ground.database, await shop_id_of(running), decode_public_id("cmp", campaign["id"])
    )
    assert found is not None
    return found
