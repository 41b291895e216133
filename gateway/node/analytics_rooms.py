"""What campaigns came to, on one node: orders, reports, overviews, messages for people, previews of texts.

Decides nothing: who hears what is all there is here.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.analytics.orders import OrderBook
from gateway.analytics.overview import Overviews
from gateway.campaigns.preview import PreviewTerms
from gateway.config import Config
from gateway.intake.changes import MessageChanges
from gateway.intake.marketing_rules import MarketingRules
from gateway.intake.service import Intake
from gateway.store.database import Database
from gateway.store.leases import Node
from gateway.web.order_handlers import OrderTools, order_routes
from gateway.web.overview_handlers import SpeedOf, overview_routes
from gateway.web.people_messages import people_message_routes
from gateway.web.report_handlers import report_routes
from gateway.web.shop_routes import ShopRoute
from gateway.web.text_preview_handlers import text_preview_routes


class AnalyticsRooms:
    """The book of orders, and the endpoints that read what was counted."""

    def __init__(
        self,
        database: Database,
        node: Node,
        config: Config,
        *,
        changes: MessageChanges,
        intake: Intake,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._config = config
        self._intake = intake
        self._clock = clock
        book = OrderBook(
            database,
            ids=node.ids,
            clock=clock,
            attribution=lambda: timedelta(days=self._config.orders.attribution_days),
        )
        self._orders = OrderTools(database=database, book=book, changes=changes, clock=clock)
        self._overviews = Overviews(database, clock=clock, monotonic=time.monotonic)

    def list_routes(self, *, rules: Callable[[], MarketingRules], speed_of: SpeedOf) -> list[ShopRoute]:
        """`rules` gives those of marketing in force, `speed_of` how fast a campaign goes now."""
        return [
            *order_routes(self._orders),
            *report_routes(self._database, lambda: self._config.orders.attribution_days),
            *overview_routes(self._overviews, speed_of),
            *people_message_routes(self._database, self._clock),
            *text_preview_routes(self._database, lambda: self._read_terms(rules())),
        ]

    def apply(self, config: Config) -> None:
        """Take over a configuration that was read again."""
        self._config = config

    def _read_terms(self, rules: MarketingRules) -> PreviewTerms:
        public = self._config.public
        return PreviewTerms(
            self._intake.acceptance,
            rules,
            base_url=public.address,
            has_public_address=public.base_url is not None,
        )
