"""Routes: which connector takes a message, and why, in words an operator can follow.

Owns the rules and their compiled table. Told from outside which connectors are up, what a part costs and the
random draw; knows nothing of binds, queues or configuration files.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate
from typing import Final

from gateway.domain.lanes import Category
from gateway.domain.pricing import Price

IsUp = Callable[[int], bool]
PriceOf = Callable[[int, str, str], Price | None]
"""Price of one part by connector id, E.164 digits and country; None where it is unknown."""

_NO_ROUTES: Final = "(none configured)"
"""The name of the implied route over all connectors; a configured name has no parentheses."""

_CACHED_MATCHES: Final = 8192
"""Messages of a shop to one prefix are alike. So many kinds are kept (about 2 MB), then all forgotten."""


class Choice(Enum):
    """How a route picks among its connectors that are up."""

    FAILOVER = "failover"
    WEIGHTED = "weighted"
    CHEAPEST = "cheapest"


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """Conditions; each that is not empty must hold, by any of its values."""

    prefixes: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    shops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteTarget:
    connector_id: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    targets: tuple[RouteTarget, ...]
    match: RouteMatch = RouteMatch()
    choice: Choice = Choice.FAILOVER


@dataclass(frozen=True, slots=True)
class _Query:
    """What routes look at: E.164 digits, country, canonical sender, category and the shop's name."""

    address: str
    country: str
    sender: str
    category: Category
    shop: str


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """A connector for a message. When it is not up the message waits for it: no other was up either."""

    connector_id: int
    route_name: str
    is_up: bool
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No connector may take the message; `reason` says why and what to change."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lot:
    """The decisions that a message may be given as connectors are now: one, or several drawn by weight."""

    decisions: tuple[RouteDecision, ...]
    borders: tuple[int, ...] = ()
    """Where the weights of the decisions after the first begin."""
    weight: int = 0
    """Of all together."""

    def draw(self, draw: float) -> RouteDecision:
        """The decision on which `draw`, a random number in [0, 1), falls."""
        return self.decisions[bisect_right(self.borders, draw * self.weight)]


@dataclass(frozen=True, slots=True)
class _Matched:
    """A route that matched, with the lots it has given, by (its one connector, connectors that are down,
    price); no connector for a lot by weight."""

    route: Route
    how: str
    lots: dict[tuple[int | None, tuple[int, ...], Price | None], Lot] = field(default_factory=dict)


class Routing:
    """The compiled routes over the connectors that exist and are enabled.

    The first route whose conditions all hold is used, in written order. Without routes every connector is a
    failover target, in the order of `connector_names`, which holds the enabled ones
    only. 0.7 µs a decision while the first connector is up.
    """

    def __init__(self, routes: Sequence[Route], connector_names: Mapping[int, str]) -> None:
        self._names = dict(connector_names)
        everything = Route(_NO_ROUTES, tuple(RouteTarget(connector_id) for connector_id in self._names))
        self._routes = [self._keep_enabled(route) for route in routes or (everything,)]
        matches = [route.match for route in self._routes]
        self.prefix_digits = max((len(p) for match in matches for p in match.prefixes), default=0)
        self._looks_at_sender = any(match.senders for match in matches)
        self._cache: dict[tuple[str, str, str, Category, str], _Matched | NoRoute] = {}

    def choose(
        self,
        address: str,
        country: str,
        *,
        sender: str,
        category: Category,
        shop: str,
        is_up: IsUp,
        draw: float,
        price_of: PriceOf,
    ) -> RouteDecision | NoRoute:
        """The connector for a message to E.164 digits `address`.

        `draw` is a random number in [0, 1), used by weighted routes only; `price_of` is asked by cheapest
        routes only. A route whose connectors are all down keeps its messages: they wait for its first.
        """
        lot = self.narrow(
            address, country, sender=sender, category=category, shop=shop, is_up=is_up, price_of=price_of
        )
        return lot if isinstance(lot, NoRoute) else lot.draw(draw)

    def narrow(
        self,
        address: str,
        country: str,
        *,
        sender: str,
        category: Category,
        shop: str,
        is_up: IsUp,
        price_of: PriceOf,
    ) -> Lot | NoRoute:
        """What `choose` chooses among. It is the same for all addresses that agree in their first
        `prefix_digits` and in the prices that `price_of` tells."""
        kind = (
            address[: self.prefix_digits],
            country,
            sender if self._looks_at_sender else "",
            category,
            shop,
        )
        matched = self._cache.get(kind)
        if matched is None:
            if len(self._cache) >= _CACHED_MATCHES:
                self._cache.clear()
            matched = self._find(_Query(address, country, sender, category, shop))
            self._cache[kind] = matched
        if isinstance(matched, NoRoute):
            return matched
        route = matched.route
        first = route.targets[0]
        if route.choice is Choice.FAILOVER and is_up(first.connector_id):
            return self._lot(matched, first, (), None)
        # Asked once only: a connector must not go down between two looks at it.
        down = tuple([target.connector_id for target in route.targets if not is_up(target.connector_id)])
        up: Sequence[RouteTarget] = route.targets
        if down:
            up = [target for target in up if target.connector_id not in down]
            if not up:
                return self._lot(matched, first, down, None)
        if route.choice is Choice.WEIGHTED:
            return self._lot(matched, None, down, None)
        if route.choice is Choice.CHEAPEST:
            prices = [price_of(target.connector_id, address, country) for target in up]
            return self._lot(matched, *_find_cheapest(up, prices, down))
        return self._lot(matched, up[0], down, None)

    def _keep_enabled(self, route: Route) -> Route:
        targets = tuple(target for target in route.targets if target.connector_id in self._names)
        return Route(route.name, targets, route.match, route.choice)

    def _find(self, query: _Query) -> _Matched | NoRoute:
        for route in self._routes:
            how = _explain_match(route.match, query)
            if how is None:
                continue
            if not route.targets:
                return NoRoute(_NOTHING_ENABLED.format(route=route))
            return _Matched(route, f"route {route.name}: {how}")
        return NoRoute(_NOTHING_MATCHES.format(query=query, category=query.category.word))

    def _lot(
        self, matched: _Matched, only: RouteTarget | None, down: tuple[int, ...], price: Price | None
    ) -> Lot:
        """The lot of this one target, or of all that are up by their weights."""
        key = (None if only is None else only.connector_id, down, price)
        lot = matched.lots.get(key)
        if lot is None:
            if len(matched.lots) >= _CACHED_MATCHES:
                matched.lots.clear()
            lot = matched.lots[key] = self._make_lot(matched, only, down, price)
        return lot

    def _make_lot(
        self, matched: _Matched, only: RouteTarget | None, down: tuple[int, ...], price: Price | None
    ) -> Lot:
        if only is not None:
            return Lot((self._write_decision(matched, only, down, price),))
        up = [target for target in matched.route.targets if target.connector_id not in down]
        *borders, weight = accumulate(target.weight for target in up)
        decisions = tuple(self._write_decision(matched, target, down, None) for target in up)
        return Lot(decisions, tuple(borders), weight)

    def _write_decision(
        self, matched: _Matched, target: RouteTarget, down: tuple[int, ...], price: Price | None
    ) -> RouteDecision:
        route = matched.route
        name = self._names[target.connector_id]
        is_up = target.connector_id not in down
        why = [matched.how]
        why.extend(f"{self._names[connector_id]} is down" for connector_id in down)
        if not is_up:
            why.append(f"none is up, so it waits for {name}")
        elif len(route.targets) - len(down) == 1:
            why.append(f"{name} is the only one up" if down else f"{name} is its only connector")
        elif route.choice is Choice.CHEAPEST:
            why.append(
                f"{name} cheapest at {price}" if price else f"{name} is first, as prices cannot be compared"
            )
        elif route.choice is Choice.WEIGHTED:
            why.append(f"{name} drawn by weight {target.weight}")
        else:
            why.append(f"{name} is the first that is up")
        return RouteDecision(target.connector_id, route.name, is_up, tuple(why))


_NOTHING_ENABLED: Final = (
    "Route {route.name}: none of its connectors is enabled; enable one or change the route."
)
_NOTHING_MATCHES: Final = (
    "No route takes {category} messages of shop {query.shop} to {query.country}; "
    "add a route without conditions as the last one to catch the rest."
)


def _explain_match(match: RouteMatch, query: _Query) -> str | None:
    """Which conditions held, in words, or None when one did not."""
    held: list[str] = []
    if match.prefixes:
        prefix = max((p for p in match.prefixes if query.address.startswith(p)), key=len, default=None)
        if prefix is None:
            return None
        held.append(f"prefix {prefix}")
    if match.countries:
        if query.country not in match.countries:
            return None
        held.append(f"country {query.country}")
    if match.senders:
        # Files write numbers with or without the plus; a canonical sender has none.
        if query.sender not in [sender.removeprefix("+") for sender in match.senders]:
            return None
        held.append(f"sender {query.sender}")
    if match.categories:
        if query.category not in match.categories:
            return None
        held.append(f"category {query.category.word}")
    if match.shops:
        if query.shop not in match.shops:
            return None
        held.append(f"shop {query.shop}")
    return ", ".join(held) + " matched" if held else "takes every message"


def _find_cheapest(
    up: Sequence[RouteTarget], prices: Sequence[Price | None], down: tuple[int, ...]
) -> tuple[RouteTarget, tuple[int, ...], Price | None]:
    """The lowest known price, the first written of equal ones; in mixed currencies just the first target."""
    known = [(price, target) for target, price in zip(up, prices, strict=True) if price is not None]
    if not known or len({price.currency for price, _ in known}) > 1:
        return up[0], down, None
    price, target = min(known, key=lambda entry: entry[0].micros)
    return target, down, price
