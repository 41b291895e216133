"""What works for shops beside single messages: people and lists, imports, campaigns, links, orders.

Made from the rooms of message traffic and told of the configuration with them. Decides nothing: who hears
what, and which endpoints there are, is all there is here.
"""

from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from gateway.config import Config
from gateway.node.analytics_rooms import AnalyticsRooms
from gateway.node.audience_rooms import AudienceRooms
from gateway.node.campaign_rooms import CampaignRooms
from gateway.node.import_rooms import ImportRooms
from gateway.node.link_rooms import LinkRooms
from gateway.web.campaign_handlers import campaign_routes
from gateway.web.report_handlers import make_summarise
from gateway.web.shop_routes import ShopRoute


class ShopRooms:
    """The shops' rooms of one node."""

    def __init__(
        self,
        campaigns: CampaignRooms,
        links: LinkRooms,
        audience: AudienceRooms,
        imports: ImportRooms,
        analytics: AnalyticsRooms,
    ) -> None:
        self.analytics = analytics
        self.audience = audience
        self.imports = imports
        self.campaigns = campaigns
        self.links = links

    def list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What goes on by itself, by name; the end of any is the end of the node."""
        return [
            ("campaigns", self.campaigns.runner.run()),
            *self.links.list_work(),
            *self.audience.list_work(),
            *self.imports.list_work(),
        ]

    def list_routes(self) -> list[ShopRoute]:
        """Every endpoint of one shop, for the public API and for the admin socket."""
        return [
            *campaign_routes(self.campaigns.make_tools(make_summarise(self.campaigns.database))),
            *self.audience.list_routes(),
            *self.links.list_routes(),
            *self.imports.list_routes(),
            *self.analytics.list_routes(
                rules=lambda: self.campaigns.rules, speed_of=self.campaigns.runner.speed_of
            ),
        ]

    def make_pages_app(self) -> web.Application:
        """What recipients see, on a port of its own."""
        return self.links.make_app(self.imports.list_pages(self.links))

    async def apply(self, config: Config) -> None:
        """Take over a configuration that was read again."""
        self.campaigns.apply(config)
        self.links.apply(config)
        self.imports.apply(config)
        self.analytics.apply(config)
