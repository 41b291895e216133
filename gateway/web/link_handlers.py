"""Links of a shop's campaigns over HTTP: where they lead and how often they were opened."""

from collections.abc import Mapping

from aiohttp import web

from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database
from gateway.store.links import LinkTotals, list_link_totals
from gateway.web.admin_access import Permission
from gateway.web.bodies import Query
from gateway.web.message_handlers import answer_json
from gateway.web.problems import ProblemRaised
from gateway.web.shop_routes import ShopCaller, ShopRoute


class LinkHandlers:
    """The link endpoint of one shop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign_id = _read_campaign(Query(request, ("campaign_id",)))
        links = await list_link_totals(self._database, caller.shop.id, campaign_id)
        return answer_json({"links": [_show(link) for link in links]})


def link_routes(database: Database) -> list[ShopRoute]:
    handlers = LinkHandlers(database)
    return [ShopRoute("GET", "/links", "campaigns:read", Permission.SEE_CAMPAIGNS, handlers.list)]


def _read_campaign(query: Query) -> int:
    campaign_id = query.public_id("campaign_id", "cmp")
    if campaign_id is None:
        raise ProblemRaised(
            "invalid_parameter", "The parameter campaign_id is missing.", "Name the campaign, as cmp_…"
        )
    return campaign_id


def _show(link: LinkTotals) -> Mapping[str, object]:
    return {
        "id": encode_public_id("lnk", link.id),
        "name": link.name,
        "url": link.url,
        "clicks": link.clicks,
        "people": link.people,
        "machine_visits": link.machine_visits,
    }
