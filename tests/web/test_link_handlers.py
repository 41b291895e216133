"""Links of a campaign over HTTP: totals of people and machines, for its own shop only."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.domain.clicks import Device, Verdict
from gateway.domain.public_ids import encode_public_id
from gateway.store.links import put_targets
from gateway.store.rollups import Tallies
from gateway.web.link_handlers import link_routes
from tests.web.harness import Gateway, run_gateway

pytestmark = pytest.mark.integration

CAMPAIGN = 9_000_000_000
PATH = f"/v1/links?campaign_id={encode_public_id('cmp', CAMPAIGN)}"


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database, make_routes=lambda running: link_routes(running.database)) as running:
        yield running


async def test_totals_of_a_campaigns_links_are_for_its_own_shop(gateway: Gateway) -> None:
    shop, other = await gateway.add_shop(), await gateway.add_shop("other")
    now = datetime.now(UTC)
    async with gateway.database.transaction() as connection:
        targets = await put_targets(
            connection,
            shop_id=shop.shop.id,
            campaign_id=CAMPAIGN,
            links=[("link", "https://shop.example/spring"), ("map", "https://shop.example/map")],
            ids=gateway.node.ids,
            now=now,
        )
        tallies = Tallies()
        for verdict, is_first in ((Verdict.PERSON, True), (Verdict.PERSON, False), (Verdict.PREVIEW, False)):
            tallies.add_click(
                shop_id=shop.shop.id,
                campaign_id=CAMPAIGN,
                target_id=targets["link"],
                at=now,
                country="FR",
                verdict=int(verdict),
                device=int(Device.PHONE),
                is_first_of_person=is_first,
            )
        await tallies.write(connection)
    status, answer, _ = await gateway.call("GET", PATH, shop.live)
    assert (status, answer) == (200, {"links": [
        {"id": encode_public_id("lnk", targets["link"]), "name": "link", "url": "https://shop.example/spring",
         "clicks": 2, "people": 1, "machine_visits": 1},
        {"id": encode_public_id("lnk", targets["map"]), "name": "map", "url": "https://shop.example/map",
         "clicks": 0, "people": 0, "machine_visits": 0},
    ]})  # fmt: skip
    assert (await gateway.call("GET", PATH, other.live))[1] == {"links": []}


async def test_what_cannot_be_asked_is_said(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    for path, code in (
        ("/v1/links", "invalid_parameter"),
        ("/v1/links?campaign_id=lnk_00000000001", "invalid_parameter"),
        (PATH + "&shop=other", "invalid_parameter"),
    ):
        status, answer, _ = await gateway.call("GET", path, shop.live)
        assert (status, answer["code"]) == (400, code)
    status, answer, _ = await gateway.call("GET", PATH, shop.test)
    assert (status, answer["code"]) == (403, "live_key_needed")
