from collections import Counter
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lanes import Category
from gateway.domain.pricing import Price
from gateway.domain.routing import Choice, NoRoute, Route, RouteDecision, RouteMatch, RouteTarget, Routing

A, B, C = 1, 2, 3
NAMES = {A: "smsc-a", B: "smsc-b", C: "smsc-c"}
BOTH = (RouteTarget(A), RouteTarget(B))
DEFAULT = Route("default", BOTH)


def choose(
    routing: Routing,
    *,
    address: str = "33612345678",
    country: str = "FR",
    sender: str = "SHOP",
    category: Category = Category.TRANSACTIONAL,
    shop: str = "demo",
    up: Collection[int] = (A, B, C),
    draw: float = 0.0,
    prices: dict[int, Price] | None = None,
) -> RouteDecision | NoRoute:
    return routing.choose(
        address,
        country,
        sender=sender,
        category=category,
        shop=shop,
        is_up=lambda connector_id: connector_id in up,
        draw=draw,
        price_of=lambda connector_id, _address, _country: (prices or {}).get(connector_id),
    )


def decide(routing: Routing, **conditions: object) -> RouteDecision:
    decision = choose(routing, **conditions)  # type: ignore[arg-type]  # the test names what differs
    assert isinstance(decision, RouteDecision)
    return decision


def test_without_routes_every_enabled_connector_is_a_failover_target() -> None:
    routing = Routing([], NAMES)
    assert decide(routing).connector_id == A
    assert decide(routing, up=(B, C)).connector_id == B


def test_without_any_connector_the_refusal_says_so() -> None:
    refusal = choose(Routing([], {}))
    assert isinstance(refusal, NoRoute)
    assert "none of its connectors is enabled" in refusal.reason


@pytest.mark.parametrize(
    ("match", "misses"),
    [
        (RouteMatch(prefixes=("44", "336")), {"address": "33712345678"}),
        (RouteMatch(countries=("IT", "FR")), {"country": "ES"}),
        (RouteMatch(senders=("SHOP",)), {"sender": "Shop"}),
        (RouteMatch(categories=(Category.TRANSACTIONAL,)), {"category": Category.OTP}),
        (RouteMatch(shops=("demo",)), {"shop": "other"}),
    ],
)
def test_each_condition_must_hold(match: RouteMatch, misses: dict[str, object]) -> None:
    routing = Routing([Route("special", (RouteTarget(C),), match), DEFAULT], NAMES)
    assert decide(routing).route_name == "special"
    assert decide(routing, **misses).route_name == "default"
    assert decide(routing).route_name == "special"


def test_all_conditions_together_must_hold() -> None:
    match = RouteMatch(countries=("FR",), shops=("demo",), categories=(Category.OTP,))
    routing = Routing([Route("special", (RouteTarget(C),), match), DEFAULT], NAMES)
    assert decide(routing, category=Category.OTP).route_name == "special"
    assert decide(routing, category=Category.OTP, shop="other").route_name == "default"


def test_a_sender_number_matches_with_or_without_its_plus() -> None:
    match = RouteMatch(senders=("+33700000000",))
    routing = Routing([Route("special", (RouteTarget(C),), match), DEFAULT], NAMES)
    assert decide(routing, sender="33700000000").route_name == "special"


def test_the_first_route_that_matches_is_used() -> None:
    broad = Route("broad", (RouteTarget(A),), RouteMatch(prefixes=("33",)))
    narrow = Route("narrow", (RouteTarget(B),), RouteMatch(prefixes=("336",)))
    assert decide(Routing([broad, narrow], NAMES)).route_name == "broad"
    assert decide(Routing([narrow, broad], NAMES)).route_name == "narrow"


def test_no_match_names_the_message_and_the_remedy() -> None:
    routing = Routing([Route("fr", BOTH, RouteMatch(countries=("FR",)))], NAMES)
    refusal = choose(routing, country="RO", address="40712345678")
    assert refusal == NoRoute(
        "No route takes transactional messages of shop demo to RO; "
        "add a route without conditions as the last one to catch the rest."
    )


def test_a_route_of_disabled_connectors_refuses_rather_than_leaks_to_the_next() -> None:
    routing = Routing([Route("fr", (RouteTarget(9),), RouteMatch(countries=("FR",))), DEFAULT], NAMES)
    refusal = choose(routing)
    assert isinstance(refusal, NoRoute)
    assert "Route fr" in refusal.reason


def test_failover_takes_the_first_that_is_up_and_says_which_is_down() -> None:
    routing = Routing([Route("fr", BOTH, RouteMatch(prefixes=("3", "33")))], NAMES)
    assert decide(routing).why == ("route fr: prefix 33 matched", "smsc-a is the first that is up")
    assert decide(routing, up=(B,)).why == (
        "route fr: prefix 33 matched",
        "smsc-a is down",
        "smsc-b is the only one up",
    )


@pytest.mark.parametrize("choice", list(Choice))
def test_when_all_are_down_the_message_waits_for_the_first(choice: Choice) -> None:
    decision = decide(Routing([Route("default", BOTH, choice=choice)], NAMES), up=())
    assert decision.connector_id == A
    assert not decision.is_up
    assert decision.why[-1] == "none is up, so it waits for smsc-a"


def test_weights_share_the_messages() -> None:
    targets = (RouteTarget(A, 3), RouteTarget(B, 1))
    routing = Routing([Route("default", targets, choice=Choice.WEIGHTED)], NAMES)
    drawn = Counter(decide(routing, draw=step / 1000).connector_id for step in range(1000))
    assert drawn == {A: 750, B: 250}


def test_weights_of_connectors_that_are_down_fall_to_the_others() -> None:
    targets = (RouteTarget(A, 8), RouteTarget(B, 1), RouteTarget(C, 1))
    routing = Routing([Route("default", targets, choice=Choice.WEIGHTED)], NAMES)
    drawn = Counter(decide(routing, draw=step / 1000, up=(B, C)).connector_id for step in range(1000))
    assert drawn == {B: 500, C: 500}


def test_what_was_chosen_among_before_is_not_chosen_among_once_a_connector_goes_or_comes() -> None:
    weighted = Route("split", (RouteTarget(A, 1), RouteTarget(B, 1)), choice=Choice.WEIGHTED)
    for route in (weighted, DEFAULT):
        routing = Routing([route], NAMES)
        taken = [
            {decide(routing, up=up, draw=draw).connector_id for draw in (0.1, 0.9)}
            for up in ((A, B), (B,), (A,), (A, B))
        ]
        assert taken == [taken[0], {B}, {A}, taken[0]]


@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=8),
    st.floats(0, 1, exclude_max=True),
)
def test_any_draw_picks_a_target(weights: list[int], draw: float) -> None:
    targets = tuple(RouteTarget(number, weight) for number, weight in enumerate(weights))
    names = {target.connector_id: f"c{target.connector_id}" for target in targets}
    routing = Routing([Route("default", targets, choice=Choice.WEIGHTED)], names)
    assert decide(routing, up=range(8), draw=draw).connector_id in names


CHEAPEST = Routing([Route("default", BOTH, choice=Choice.CHEAPEST)], NAMES)


def test_cheapest_takes_the_lowest_price_and_shows_it() -> None:
    decision = decide(CHEAPEST, prices={A: Price(45_000, "EUR"), B: Price(41_000, "EUR")})
    assert decision.why == ("route default: takes every message", "smsc-b cheapest at 0.041 EUR")


def test_a_known_price_goes_before_an_unknown_one() -> None:
    assert decide(CHEAPEST, prices={B: Price(45_000, "EUR")}).connector_id == B


def test_equal_prices_keep_the_written_order() -> None:
    assert decide(CHEAPEST, prices=dict.fromkeys((A, B), Price(1, "EUR"))).connector_id == A


@pytest.mark.parametrize("prices", [{}, {A: Price(9, "EUR"), B: Price(1, "XOF")}])
def test_prices_that_cannot_be_compared_leave_the_written_order(prices: dict[int, Price]) -> None:
    decision = decide(CHEAPEST, prices=prices)
    assert decision.connector_id == A
    assert decision.why[-1] == "smsc-a is first, as prices cannot be compared"


def test_a_price_change_is_seen_at_once() -> None:
    assert decide(CHEAPEST, prices={A: Price(1, "EUR"), B: Price(2, "EUR")}).connector_id == A
    assert decide(CHEAPEST, prices={A: Price(3, "EUR"), B: Price(2, "EUR")}).connector_id == B


def test_more_kinds_of_messages_than_are_remembered_change_nothing() -> None:
    routing = Routing([Route("mine", (RouteTarget(C),), RouteMatch(senders=("SHOP",))), DEFAULT], NAMES)
    for number in range(10_000):
        assert decide(routing, sender=f"S{number}").route_name == "default"
    assert decide(routing).route_name == "mine"
