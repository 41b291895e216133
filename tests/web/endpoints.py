"""Every endpoint of one shop, for tests that walk all of them."""

from gateway.web.link_handlers import link_routes
from gateway.web.shop_routes import ShopRoute
from tests.web.analytics import make_analytics_routes
from tests.web.audience import make_audience_routes
from tests.web.campaigning import make_campaign_routes
from tests.web.harness import Gateway
from tests.web.importing import make_import_routes


def make_shop_routes(gateway: Gateway) -> list[ShopRoute]:
    return [
        *make_audience_routes(gateway),
        *make_import_routes(gateway),
        *link_routes(gateway.database),
        *make_analytics_routes(gateway),
        *make_campaign_routes(gateway),
    ]
