"""The report of a campaign over HTTP, and the rows behind its figures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.analytics.report import make_report
from gateway.analytics.summaries import summarise
from gateway.domain.clicks import Verdict
from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.public_ids import PublicPrefix, encode_public_id
from gateway.store.campaigns import Campaign, find_campaign, read_figures
from gateway.store.database import Database
from gateway.store.reports import EVERY_MACHINE, list_campaign_clicks, list_campaign_optouts, read_report
from gateway.web.admin_access import Permission
from gateway.web.bodies import Query
from gateway.web.campaign_handlers import Summarise
from gateway.web.message_handlers import PAGE_LIMIT, answer_json, not_found, read_public_id
from gateway.web.problems import ProblemRaised
from gateway.web.report_view import show_click, show_optout, show_report, show_summary
from gateway.web.shop_routes import ShopCaller, ShopRoute

_VERDICTS = {verdict.word: int(verdict) for verdict in Verdict} | {"bot": EVERY_MACHINE}


class ReportHandlers:
    """What became of a shop's campaigns. `attribution_days` gives the setting in force now."""

    def __init__(self, database: Database, attribution_days: Callable[[], int]) -> None:
        self._database = database
        self._attribution_days = attribution_days

    async def report(self, request: web.Request, caller: ShopCaller) -> web.Response:
        Query(request, ())
        campaign = await self._find(request, caller)
        figures = await read_figures(self._database, caller.shop.id, [campaign.id])
        sums = await read_report(self._database, caller.shop.id, campaign.id)
        shown = show_report(
            campaign,
            figures[campaign.id],
            make_report(sums, campaign.state),
            attribution_days=self._attribution_days(),
        )
        return answer_json(shown)

    async def list_clicks(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("verdict", "limit", "cursor"))
        campaign = await self._find(request, caller)
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        found = await list_campaign_clicks(
            self._database,
            caller.shop.id,
            campaign.id,
            verdict=_read_verdict(query),
            below=read_cursor(query, "clk"),
            limit=limit + 1,
        )
        page = found[:limit]
        cursor = encode_public_id("clk", page[-1].id) if len(found) > limit else None
        return answer_json({"clicks": [show_click(click) for click in page], "next_cursor": cursor})

    async def list_optouts(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("limit", "cursor"))
        campaign = await self._find(request, caller)
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        found = await list_campaign_optouts(
            self._database, caller.shop.id, campaign.id, below=read_cursor(query, "evt"), limit=limit + 1
        )
        page = found[:limit]
        cursor = encode_public_id("evt", page[-1].id) if len(found) > limit else None
        return answer_json({"opt_outs": [show_optout(optout) for optout in page], "next_cursor": cursor})

    async def _find(self, request: web.Request, caller: ShopCaller) -> Campaign:
        campaign = await find_campaign(self._database, caller.shop.id, read_public_id(request, "cmp"))
        if campaign is None:
            raise not_found()
        return campaign


def report_routes(database: Database, attribution_days: Callable[[], int]) -> list[ShopRoute]:
    """The report, clicks and opt-outs of a campaign."""
    handlers = ReportHandlers(database, attribution_days)
    return [
        ShopRoute("GET", path, "campaigns:read", Permission.SEE_CAMPAIGNS, handler)
        for path, handler in (
            ("/campaigns/{id}/report", handlers.report),
            ("/campaigns/{id}/clicks", handlers.list_clicks),
            ("/campaigns/{id}/opt-outs", handlers.list_optouts),
        )
    ]


def make_summarise(database: Database) -> Summarise:
    """What the list of campaigns calls for its results, by campaign id."""

    async def summarise_shown(shop_id: int, campaign_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        found = await summarise(database, shop_id, campaign_ids)
        return {campaign_id: show_summary(summary) for campaign_id, summary in found.items()}

    return summarise_shown


def read_cursor(query: Query, prefix: PublicPrefix) -> int:
    """The id below which a page begins; without a cursor, above all of them."""
    cursor = query.public_id("cursor", prefix)
    return HIGHEST_ID if cursor is None else cursor


def _read_verdict(query: Query) -> int | None:
    word = query.text("verdict")
    if word is None:
        return None
    if word not in _VERDICTS:
        raise ProblemRaised(
            "invalid_parameter", f"There is no verdict {word[:40]}.", f"Verdicts: {', '.join(_VERDICTS)}."
        )
    return _VERDICTS[word]
