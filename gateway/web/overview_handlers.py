"""A shop's last hours over HTTP, for the console's first screen."""

from collections.abc import Callable

from aiohttp import web

from gateway.analytics.overview import STEP_SECONDS, Overview, Overviews, Series
from gateway.store.campaigns import Campaign, CampaignFigures
from gateway.web.admin_access import Permission
from gateway.web.bodies import Query
from gateway.web.campaign_view import show_campaign
from gateway.web.message_handlers import answer_json
from gateway.web.money_view import show_moneys
from gateway.web.report_view import show_campaign_line, show_failure_group
from gateway.web.shop_routes import ShopCaller, ShopRoute

_MOST_HOURS = 168

SpeedOf = Callable[[int], float]
"""The speed of a campaign at the moment, in parts a second."""


class OverviewHandlers:
    """`speed_of` gives how fast a campaign goes now."""

    def __init__(self, overviews: Overviews, speed_of: SpeedOf) -> None:
        self._overviews = overviews
        self._speed_of = speed_of

    async def show(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("hours",))
        hours = query.integer("hours", default=24, low=1, high=_MOST_HOURS)
        overview = await self._overviews.show(caller.shop.id, hours)
        return answer_json(self._show(overview))

    def _show(self, overview: Overview) -> dict[str, object]:
        series = overview.series
        sent, delivered = sum(series.sent), sum(series.delivered)
        return {
            "now": overview.now,
            "hours": overview.hours,
            "taken_in": sum(series.taken_in),
            "sent": sent,
            "delivered": delivered,
            "delivered_percent": round(100 * delivered / sent, 1) if sent else None,
            "failed": sum(series.failed),
            "clicks": sum(series.clicks),
            "revenue": show_moneys(overview.revenue),
            "series": _show_series(series),
            "failures": [show_failure_group(kind, messages) for kind, messages in overview.failures],
            "campaigns": [self._show_campaign(*each) for each in overview.campaigns],
            "inbound": {"texts": overview.inbound_texts, "stops": overview.stops},
        }

    def _show_campaign(self, campaign: Campaign, figures: CampaignFigures) -> dict[str, object]:
        shown = show_campaign(campaign, figures, parts_per_second=self._speed_of(campaign.id))
        return {**show_campaign_line(campaign), "progress": shown["progress"]}


def overview_routes(overviews: Overviews, speed_of: SpeedOf) -> list[ShopRoute]:
    """`GET /overview`, for people only."""
    handlers = OverviewHandlers(overviews, speed_of)
    return [ShopRoute("GET", "/overview", None, Permission.SEE_CAMPAIGNS, handlers.show)]


def _show_series(series: Series) -> dict[str, object]:
    return {
        "step_seconds": STEP_SECONDS,
        "starts_at": series.starts_at,
        "taken_in": series.taken_in,
        "sent": series.sent,
        "delivered": series.delivered,
        "failed": series.failed,
        "clicks": series.clicks,
    }
