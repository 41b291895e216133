"""The endpoints of campaigns as the server makes them, for a running API under test; nothing is ever sent."""

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.campaigns.desk import CampaignDesk, DeskDeps
from gateway.campaigns.estimate import ConnectorSpeed
from gateway.campaigns.making import LinkTools
from gateway.campaigns.moves import CampaignMoves, MoveDeps
from gateway.campaigns.trying import TrialDeps
from gateway.config import Config
from gateway.domain.destinations import find_destination_fault
from gateway.domain.link_codes import LinkCodes, OptoutTokens
from gateway.intake.marketing_rules import build_marketing_rules
from gateway.store.links import LinkSeqs
from gateway.web.campaign_handlers import CampaignTools, campaign_routes
from gateway.web.report_handlers import make_summarise
from gateway.web.shop_routes import ShopRoute
from tests.web.harness import SECRET, Gateway

BASE_URL = "https://l.example.com"


def now() -> datetime:
    return datetime.now(UTC)


def make_campaign_routes(gateway: Gateway) -> list[ShopRoute]:
    """Every endpoint of campaigns."""

    async def find_nobody(shop_id: int, kind: str) -> Sequence[int]:
        return ()

    async def tell_nobody() -> None: ...

    async def read_speeds() -> list[ConnectorSpeed]:
        return [ConnectorSpeed("smsc-a", 50.0)]

    rules = build_marketing_rules(Config())
    database, ids = gateway.database, gateway.node.ids
    desk = CampaignDesk(
        DeskDeps(
            database=database,
            moves=CampaignMoves(
                MoveDeps(
                    database=database, ids=ids, clock=now, find_endpoints=find_nobody, on_moved=tell_nobody
                )
            ),
            ids=ids,
            acceptance=lambda: gateway.intake.acceptance,
            rules=lambda: rules,
            speeds=read_speeds,
            find_link_fault=lambda url: find_destination_fault(url, own_hosts=["l.example.com"]),
            base_url=lambda: BASE_URL,
            clock=now,
            random=lambda: 0.5,
        )
    )
    links = LinkTools(
        seqs=LinkSeqs(database),
        encode_code=LinkCodes(SECRET).encode,
        encode_token=OptoutTokens(SECRET).encode,
        base_url=lambda: BASE_URL,
    )
    trials = TrialDeps(database=database, desk=desk, intake=gateway.intake, links=links, ids=ids)
    return campaign_routes(
        CampaignTools(
            database=database,
            desk=desk,
            trials=trials,
            rules=lambda: rules,
            speed_of=lambda _: 0.0,
            summarise=make_summarise(database),
        )
    )
