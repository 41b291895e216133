"""The terms on which messages are taken in now: connectors, routes, prices and the configured bounds.

Built from the configuration at start and at each reload; an immutable value that is swapped whole. Refuses
to know which connectors are up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.config import Config, ConnectorConfig, InterfaceVersion, RouteConfig
from gateway.domain.lanes import Category
from gateway.domain.pricing import Price, PriceRule, PriceTable
from gateway.domain.routing import Choice, Route, RouteMatch, RouteTarget, Routing
from gateway.smpp.carrier_text import AS_USUAL, CarrierText

TEST_CONNECTOR_NAME = "simulator"
"""The built-in carrier that test keys send to."""


@dataclass(frozen=True, slots=True)
class ConnectorTerms:
    """What acceptance needs of a connector: how it counts parts, and what it bills."""

    id: int
    name: str
    wants: CarrierText
    """`AS_USUAL` itself where the carrier wants texts so: acceptance compares by identity."""
    max_parts: int
    """Parts of one text that may go there: the server's limit, or the carrier's where that is lower."""
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

    @property
    def prefix_digits(self) -> int:
        """Numbers of a country that agree in so many digits have the same routes and prices."""
        lengths = [terms.prices.prefix_digits for terms in self.connectors.values()]
        return max((self.routing.prefix_digits, *lengths))

    def price_of(self, connector_id: int, address: str, country: str) -> Price | None:
        """The price of one part; None where it is unknown."""
        return self.connectors[connector_id].prices.price_per_part(address, country)


def build_terms(config: Config, connector_ids: Mapping[str, int]) -> SendingTerms:
    """The terms of `config`; `connector_ids` holds the number of every connector by its name, that of the
    built-in simulator too when it runs."""
    terms = {
        connector_ids[connector.name]: _connector_terms(
            connector_ids[connector.name],
            connector,
            currency=config.defaults.currency,
            max_parts=config.limits.max_parts,
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
            connector_id, TEST_CONNECTOR_NAME, AS_USUAL, config.limits.max_parts, built_in
        )
    for connector in config.connectors:
        if connector.test and connector.enabled:
            return terms[connector_ids[connector.name]]
    return None


def _connector_terms(
    connector_id: int, connector: ConnectorConfig, *, currency: str, max_parts: int
) -> ConnectorTerms:
    rules = [PriceRule(rule.price.micros, rule.country, rule.prefix) for rule in connector.prices]
    wants = CarrierText.of(
        concat=connector.concatenation.value,
        default=connector.default_charset.send.value,
        ucs2=connector.ucs2.send.value,
        sends_tlvs=connector.interface_version is not InterfaceVersion.V33,
    )
    return ConnectorTerms(
        id=connector_id,
        name=connector.name,
        wants=AS_USUAL if wants == AS_USUAL else wants,
        max_parts=min(max_parts, connector.max_parts or max_parts),
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
