"""The terms on which messages are taken in now: connectors, routes, prices and the configured bounds.

Built from the configuration at start and at each reload; an immutable value that is swapped whole. Refuses
to know which connectors are up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.config import Config, ConnectorConfig, RouteConfig
from gateway.domain.lanes import Category
from gateway.domain.pricing import Price, PriceRule, PriceTable
from gateway.domain.routing import Choice, Route, RouteMatch, RouteTarget, Routing
from gateway.smpp.split import Concat

TEST_CONNECTOR_NAME = "simulator"
"""The built-in carrier that test keys send to."""


@dataclass(frozen=True, slots=True)
class ConnectorTerms:
    """What acceptance needs of a connector: how it counts parts, and what it bills."""

    id: int
    name: str
    concat: Concat
    prices: PriceTable


@dataclass(frozen=True, slots=True)
class SendingTerms:
    """Everything a message is judged by besides its shop."""

    connectors: Mapping[int, ConnectorTerms]
    routing: Routing
    test_connector: ConnectorTerms | None
    default_country: str | None
    default_sender: str | None
    default_ttl: timedelta
    longest_ttl: timedelta
    furthest_send_at: timedelta
    max_parts: int

    def price_of(self, connector_id: int, address: str, country: str) -> Price | None:
        """The price of one part; None where it is unknown."""
        return self.connectors[connector_id].prices.price_per_part(address, country)


def build_terms(config: Config, connector_ids: Mapping[str, int]) -> SendingTerms:
    """The terms of `config`; `connector_ids` holds the number of every connector by its name, that of the
    built-in simulator too when it runs."""
    terms = {
        connector_ids[connector.name]: _connector_terms(
            connector_ids[connector.name], connector, config.defaults.currency
        )
        for connector in config.connectors
    }
    enabled = {
        connector_ids[connector.name]: connector.name
        for connector in config.connectors
        if connector.enabled and not connector.test
    }
    return SendingTerms(
        connectors=terms,
        routing=Routing([_route(route, connector_ids) for route in config.routes], enabled),
        test_connector=_find_test_connector(config, connector_ids, terms),
        default_country=config.defaults.country,
        default_sender=config.defaults.sender,
        default_ttl=timedelta(seconds=config.defaults.ttl_seconds),
        longest_ttl=timedelta(days=config.limits.validity_days),
        furthest_send_at=timedelta(days=config.limits.send_at_days),
        max_parts=config.limits.max_parts,
    )


def _find_test_connector(
    config: Config, connector_ids: Mapping[str, int], terms: Mapping[int, ConnectorTerms]
) -> ConnectorTerms | None:
    """The built-in simulator when it runs, else the first enabled connector marked `test`."""
    if config.test_mode.simulator and TEST_CONNECTOR_NAME in connector_ids:
        connector_id = connector_ids[TEST_CONNECTOR_NAME]
        built_in = PriceTable(config.defaults.currency, ())
        return terms.get(connector_id) or ConnectorTerms(
            connector_id, TEST_CONNECTOR_NAME, Concat.UDH8, built_in
        )
    for connector in config.connectors:
        if connector.test and connector.enabled:
            return terms[connector_ids[connector.name]]
    return None


def _connector_terms(connector_id: int, connector: ConnectorConfig, currency: str) -> ConnectorTerms:
    rules = [PriceRule(rule.price.micros, rule.country, rule.prefix) for rule in connector.prices]
    return ConnectorTerms(
        id=connector_id,
        name=connector.name,
        concat=Concat(connector.concatenation.value),
        prices=PriceTable(connector.currency or currency, rules),
    )


def _route(route: RouteConfig, connector_ids: Mapping[str, int]) -> Route:
    match = route.match
    return Route(
        name=route.name,
        targets=tuple(RouteTarget(connector_ids[target.name], target.weight) for target in route.connectors),
        match=RouteMatch(
            prefixes=match.prefix,
            countries=match.country,
            senders=match.sender,
            categories=tuple(Category[word.name] for word in match.category),
            shops=match.shop,
        ),
        choice=Choice(route.choose.value),
    )
