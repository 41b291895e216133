"""Moves of campaigns on a real Postgres."""

from datetime import UTC, datetime

import pytest

from gateway.campaigns.moves import CampaignMoves, MoveDeps
from gateway.domain.campaign import CampaignState
from gateway.store.campaigns import CampaignContent, add_campaign
from gateway.store.database import Database
from tests.store.rig import QUERIES, SHOP, open_rig

pytestmark = pytest.mark.integration


async def test_a_move_needs_one_connection_only(database: str) -> None:
    """With two for each, as many moves at once as there are connections would wait for one another."""
    moved_at = datetime.now(UTC)
    heard = []

    async def find_endpoints(shop_id: int, kind: str) -> list[int]:
        return [70]

    async def on_moved() -> None:
        heard.append(True)

    async with open_rig(database) as rig:
        one = await Database.open(database, QUERIES, pool_size=1)
        try:
            content = CampaignContent("x", text="Bonjour")
            campaign = await add_campaign(
                one, SHOP, rig.node.ids.next_id(0), content, now=moved_at, actor="test"
            )
            moves = CampaignMoves(MoveDeps(one, rig.node.ids, lambda: moved_at, find_endpoints, on_moved))
            for state in (CampaignState.PLANNED, CampaignState.RUNNING):
                moved = await moves.move(campaign, state, actor="test")
                assert moved is not None
                campaign = moved
        finally:
            await one.aclose()
        assert await rig.fetch("SELECT endpoint_id, kind FROM outbox") == [(70, "campaign.started")]
    assert len(heard) == 2
