"""A campaign from draft to finish, over HTTP with a carrier behind it."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from campaigns.people import ALWAYS_OPEN, add_list, number_of
from e2e.running import Running, connector, run_gateway
from gateway.domain.people import MarketingConsent
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

pytestmark = pytest.mark.integration


@asynccontextmanager
async def gateway_and_carrier(database: str, **settings: Any) -> AsyncIterator[tuple[Running, Simulator]]:
    async with (
        Simulator(load_profile("default")) as carrier,
        run_gateway(
            database,
            [connector("one", carrier.port, parts_per_second=2000, window=100)],
            stop={"drain_seconds": 1},
            country_rules=ALWAYS_OPEN,
            **settings,
        ) as running,
    ):
        yield running, carrier


def submits(carrier: Simulator) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in carrier.read_log(0, most=100_000)]
    return [line for line in lines if line["event"] == "submit"]


async def add_people(running: Running, count: int, **options: Any) -> str:
    ground = running.gateway.ground
    shop_id = await ground.database.fetch_value("find_shop_by_name", "demo")
    return await add_list(ground.database, ground.node.ids, shop_id, range(count), **options)


async def draft(running: Running, list_id: str, **fields: Any) -> dict[str, Any]:
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
    status, answer = await running.shop.call("POST", f"/v1/campaigns/{campaign['id']}/{word}", body or None)
    assert status == 200, answer
    return answer


async def start(running: Running, campaign: dict[str, Any]) -> dict[str, Any]:
    estimate = await act(running, campaign, "estimate")
    return await act(
        running, campaign, "start", recipients=estimate["recipients"], version=campaign["version"]
    )


async def show(running: Running, campaign: dict[str, Any]) -> dict[str, Any]:
    status, answer = await running.shop.call("GET", f"/v1/campaigns/{campaign['id']}")
    assert status == 200, answer
    return answer


async def until_state(
    running: Running, campaign: dict[str, Any], state: str, seconds: float = 15
) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    try:
        async with asyncio.timeout(seconds):
            while (shown := await show(running, campaign))["state"] != state:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never {state}: {shown}") from None
    return shown


async def test_everyone_on_the_list_gets_one_message_and_the_rest_are_counted_by_reason(
    database: str,
) -> None:
    def describe(serial: int) -> dict[str, Any]:
        if serial % 10 == 1:
            return {"marketing_consent": MarketingConsent.OPTED_OUT}
        if serial % 10 == 2:
            return {"marketing_consent": MarketingConsent.UNKNOWN}
        if serial % 10 == 3:
            return {"suppressed": 2}
        if serial % 10 == 4:
            return {"first_name": None}
        return {}

    async with gateway_and_carrier(database) as (running, carrier):
        list_id = await add_people(running, 500, describe=describe)
        campaign = await draft(
            running, list_id, text="Bonjour {{ first_name }} {{ link }}",
            links=[{"name": "link", "url": "https://shop.example.com/soldes"}],
        )  # fmt: skip
        await start(running, campaign)
        ended = await until_state(running, campaign, "finished")
        assert ended["progress"]["people"] == 500
        assert ended["progress"]["recipients"] == 300
        status, left_out = await running.shop.call(
            "GET", f"/v1/campaigns/{campaign['id']}/recipients?exclusion=value_missing&limit=200"
        )
        assert (status, len(left_out["recipients"])) == (200, 50)
        counted = Counter(submit["destination"] for submit in submits(carrier))
        assert set(counted.values()) == {1}
        assert set(counted) == {number_of(n) for n in range(500) if n % 10 not in (1, 2, 3, 4)}
        await running.assert_balanced()
