"""The judgement of one message of a campaign: route, alphabet, parts and cost of a text for one number.

The short way through `acceptance`, for texts whose sender and moment are settled once and whose numbers were
brought to E.164 long before. Runs for every recipient: about 3 µs a single-part text.
"""

from typing import NamedTuple

from gateway.domain.lanes import Category
from gateway.domain.routing import NoRoute
from gateway.intake.acceptance import Acceptance
from gateway.intake.planning import ANYWHERE, NO_CURRENCY
from gateway.intake.refusals import RefusalCode
from gateway.intake.terms import ConnectorTerms
from gateway.smpp.carrier_text import plan_carrier_text
from gateway.smpp.errors import TextTooLong
from gateway.smpp.split import TextPlan
from gateway.store.shops import Shop


class BulkPlan(NamedTuple):
    """How a text goes to one number. `cost_micros` None: nobody knows the price."""

    connector: ConnectorTerms
    wire: TextPlan
    cost_micros: int | None
    currency: str

    @property
    def parts(self) -> int:
        return len(self.wire.parts)


class BulkPlanner:
    """Plans the messages of one campaign by the terms of the moment it was made at."""

    def __init__(self, acceptance: Acceptance, shop: Shop, *, sender: str, category: Category) -> None:
        self._terms = acceptance.terms
        self._is_up = acceptance.is_up
        self._shop = shop
        self._sender = sender
        self._category = category
        self._allowed = None if ANYWHERE in shop.allowed_countries else shop.allowed_countries

    def choose(self, address: str, country: str, *, draw: float) -> ConnectorTerms | RefusalCode:
        """Where a message to this number goes, or why it cannot; `draw` is uniform in [0, 1)."""
        if self._allowed is not None and country not in self._allowed:
            return RefusalCode.DESTINATION_NOT_ALLOWED
        terms = self._terms
        decision = terms.routing.choose(
            address,
            country,
            sender=self._sender,
            category=self._category,
            shop=self._shop.name,
            is_up=self._is_up,
            draw=draw,
            price_of=terms.price_of,
        )
        if isinstance(decision, NoRoute):
            return RefusalCode.NO_ROUTE
        return terms.connectors[decision.connector_id]

    def plan(
        self, address: str, country: str, text: str, *, max_parts: int | None, draw: float
    ) -> BulkPlan | RefusalCode:
        """The plan, or why the message cannot go. `max_parts` narrows the connector's own limit."""
        connector = self.choose(address, country, draw=draw)
        if isinstance(connector, RefusalCode):
            return connector
        try:
            wire = plan_carrier_text(text, connector.wants)
        except TextTooLong:
            return RefusalCode.TEXT_TOO_LONG
        parts = len(wire.parts)
        if parts > connector.max_parts or (max_parts is not None and parts > max_parts):
            return RefusalCode.TOO_MANY_PARTS
        price = connector.prices.price_per_part(address, country)
        if price is None:
            return BulkPlan(connector, wire, None, NO_CURRENCY)
        return BulkPlan(connector, wire, price.micros * parts, price.currency)
