"""The endpoints of orders, reports, overviews and previews, on the gateway of a test."""

from datetime import UTC, datetime
from time import monotonic

from gateway.analytics.orders import OrderBook
from gateway.analytics.overview import Overviews
from gateway.campaigns.preview import PreviewTerms
from gateway.config import Config
from gateway.intake.marketing_rules import build_marketing_rules
from gateway.web.order_handlers import OrderTools, order_routes
from gateway.web.overview_handlers import overview_routes
from gateway.web.people_messages import people_message_routes
from gateway.web.report_handlers import report_routes
from gateway.web.shop_routes import ShopRoute
from gateway.web.text_preview_handlers import text_preview_routes
from tests.analytics.shop import DAY
from tests.web.harness import Gateway


def make_analytics_routes(gateway: Gateway) -> list[ShopRoute]:
    database = gateway.database
    book = OrderBook(database, ids=gateway.node.ids, clock=now, attribution=lambda: 7 * DAY)
    rules = build_marketing_rules(Config())
    terms = PreviewTerms(
        gateway.intake.acceptance, rules, base_url="https://l.example.com", has_public_address=True
    )
    return [
        *order_routes(OrderTools(database=database, book=book, changes=gateway.changes, clock=now)),
        *report_routes(database, lambda: 7),
        *overview_routes(Overviews(database, clock=now, monotonic=monotonic), lambda _: 0.0),
        *people_message_routes(database, now),
        *text_preview_routes(database, lambda: terms),
    ]


def now() -> datetime:
    return datetime.now(UTC)
