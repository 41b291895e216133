"""One request against the terms: what is planned, and which refusal comes first."""

import gc
import json
from datetime import timedelta

import pytest

from gateway import config
from gateway.config import (
    Amount,
    Charset,
    Concatenation,
    DefaultCharsetConfig,
    DefaultsConfig,
    LimitsConfig,
    PriceConfig,
    RouteConfig,
    RouteMatchConfig,
    RouteTargetConfig,
)
from gateway.domain.lanes import Category
from gateway.domain.pricing import Price
from gateway.intake.planning import Plan, Way
from gateway.intake.refusals import Refusal
from gateway.intake.requests import SendRequest, decode_send
from gateway.smpp.text import Alphabet
from tests.intake.values import (
    CONNECTOR_IDS,
    NOW,
    accept,
    judge,
    make_acceptance,
    make_config,
    make_connector,
    make_shop,
    refuse,
)


def body(**fields: object) -> bytes:
    return json.dumps({"to": "+33612345678", "text": "Bonjour", **fields}).encode()


def test_a_plain_message_is_planned_with_the_shops_defaults() -> None:
    plan = accept(body())
    assert (plan.address, plan.way.country) == ("33612345678", "FR")
    assert plan.way.sender == "BOUTIQUE"
    assert plan.way.category is Category.TRANSACTIONAL
    assert plan.wire.alphabet is Alphabet.GSM7
    assert plan.way.cost == Price(45_000, "EUR")
    assert (plan.way.send_at, plan.way.due_at, plan.way.expires_at) == (None, None, NOW + timedelta(days=2))


@pytest.mark.parametrize(
    "written",
    [
        "+33612345678",
        "0033612345678",
        "06 12 34 56 78",
        "+33 (0)6 12 34 56 78",
        "06.12.34.56.78",
        "+33\u00a06\u00a012\u00a034\u00a056\u00a078",
        "＋３３６１２３４５６７８",
    ],
)
def test_a_number_in_any_written_form_is_the_same_number(written: str) -> None:
    assert accept(body(to=written)).address == "33612345678"


@pytest.mark.parametrize(
    "written", ["hello", "+3361234567", "+331234", "0", "+33 1 42 68 53 00", "😀", "+", "9" * 100]
)
def test_what_is_no_mobile_number_is_refused_at_to(written: str) -> None:
    assert refuse(body(to=written)) == ("invalid_number", "$.to")


def test_a_country_that_the_shop_may_not_send_to_is_refused() -> None:
    assert refuse(body(to="+221771234567")) == ("destination_not_allowed", "$.to")


def test_a_star_among_the_shops_countries_allows_all() -> None:
    shop = make_shop(allowed_countries=frozenset({"*"}))
    assert accept(body(to="+221771234567"), shop=shop).way.country == "SN"


def test_the_sender_of_the_request_goes_before_the_shops_and_the_servers() -> None:
    assert accept(body(**{"from": "CHEZ NOUS"})).way.sender == "CHEZ NOUS"
    assert accept(body(), shop=make_shop(default_sender=None)).way.sender == "GATEWAY"


def test_without_any_sender_the_message_is_refused() -> None:
    acceptance = make_acceptance(make_config(defaults=DefaultsConfig()))
    assert refuse(body(), acceptance, shop=make_shop(default_sender=None)) == ("sender_missing", "$.from")


def test_a_sender_that_no_phone_can_show_is_refused_each_time() -> None:
    acceptance = make_acceptance()
    for _ in range(2):
        assert refuse(body(**{"from": "A VERY LONG NAME"}), acceptance) == ("invalid_sender", "$.from")


def test_exactly_one_of_text_and_binary_is_needed() -> None:
    assert refuse(b'{"to":"+33612345678"}') == ("missing_field", "$.text")
    assert refuse(body(binary="AAEC")) == ("invalid_field", "$.binary")


def test_binary_is_cut_by_octets() -> None:
    plan = accept(b'{"to":"+33612345678","binary":"' + b"AAAA" * 50 + b'"}')
    assert plan.wire.alphabet is Alphabet.BINARY
    assert len(plan.wire.parts) == 2
    assert plan.text is None


def test_characters_outside_gsm_are_named_as_what_forces_the_costly_alphabet() -> None:
    assert accept(body(text="prix “bas” 😀")).wire.forcing == ("“", "”", "😀")


def test_smart_encoding_sends_and_shows_the_plain_characters() -> None:
    plan = accept(body(text="l’été “ici”", smart_encoding=True))
    assert plan.wire.alphabet is Alphabet.GSM7
    assert plan.text == 'l\'été "ici"'


def test_smart_encoding_leaves_a_text_alone_that_needs_the_costly_alphabet_anyway() -> None:
    plan = accept(body(text="l’été 😀", smart_encoding=True))
    assert (plan.wire.alphabet, plan.text) == (Alphabet.UCS2, "l’été 😀")


def test_more_parts_than_the_request_or_the_server_allows_are_refused() -> None:
    assert refuse(body(text="x" * 161, max_parts=1)) == ("too_many_parts", "$.text")
    acceptance = make_acceptance(make_config(limits=LimitsConfig(max_parts=2)))
    assert refuse(body(text="x" * 307, max_parts=9), acceptance) == ("too_many_parts", "$.text")
    assert len(accept(body(text="x" * 306), acceptance).wire.parts) == 2


def test_a_text_beyond_255_parts_is_refused() -> None:
    assert refuse(body(text="x" * 39_100)) == ("text_too_long", "$.text")


def test_the_connectors_way_of_splitting_decides_the_number_of_parts() -> None:
    wide = make_config(connectors=(make_connector(concatenation=Concatenation.UDH16),))
    text = "x" * 153 * 2
    assert len(accept(body(text=text)).wire.parts) == 2
    assert len(accept(body(text=text), make_acceptance(wide)).wire.parts) == 3


def test_a_carrier_that_takes_fewer_parts_than_the_server_decides() -> None:
    narrow = make_acceptance(make_config(connectors=(make_connector(max_parts=2),)))
    assert len(accept(body(text="a" * 306), narrow).wire.parts) == 2
    assert refuse(body(text="a" * 307), narrow) == ("too_many_parts", "$.text")
    wide = make_acceptance(make_config(connectors=(make_connector(max_parts=200),)))
    assert refuse(body(text="a" * 153 * 11), wide) == ("too_many_parts", "$.text")


def test_parts_are_counted_in_the_alphabet_that_the_carrier_reads() -> None:
    """What an ASCII carrier cannot show goes as UCS-2, and is counted and priced so from the start."""
    text = "é" * 100
    ascii_only = make_config(
        connectors=(make_connector(default_charset=DefaultCharsetConfig(send=Charset.ASCII)),)
    )
    plan = accept(body(text=text), make_acceptance(ascii_only))
    assert (plan.wire.alphabet, len(plan.wire.parts)) == (Alphabet.UCS2, 2)
    assert plan.way.cost == Price(2 * 45_000, "EUR")
    assert len(accept(body(text=text)).wire.parts) == 1


def test_without_a_matching_route_the_message_is_refused() -> None:
    only_italy = RouteConfig(
        name="italy",
        match=RouteMatchConfig(country=("IT",)),
        connectors=(RouteTargetConfig(name="smsc-a"),),
    )
    assert refuse(body(), make_acceptance(make_config(routes=(only_italy,)))) == ("no_route", "$.to")


def test_a_connector_that_is_down_is_passed_over_for_one_that_is_up() -> None:
    settings = make_config(connectors=(make_connector(), make_connector("smsc-b")))
    plan = accept(body(), make_acceptance(settings, is_up=lambda connector_id: connector_id == 3))
    assert plan.way.connector.name == "smsc-b"
    assert "smsc-a is down" in plan.way.why


def test_a_disabled_connector_takes_nothing() -> None:
    settings = make_config(connectors=(make_connector(enabled=False),))
    assert refuse(body(), make_acceptance(settings)) == ("no_route", "$.to")


def test_max_price_holds_for_all_parts_together() -> None:
    assert refuse(body(text="x" * 161, max_price="0.08")) == ("price_too_high", "$.max_price")
    assert accept(body(text="x" * 161, max_price="0.09")).way.cost == Price(90_000, "EUR")


def test_an_unknown_price_is_unknown_and_no_guard_can_be_held_against_it() -> None:
    acceptance = make_acceptance(make_config(connectors=(make_connector(prices=()),)))
    assert accept(body(), acceptance).way.cost is None
    assert refuse(body(max_price="1"), acceptance) == ("price_unknown", "$.max_price")


def test_max_price_is_not_compared_with_another_currency() -> None:
    acceptance = make_acceptance(make_config(connectors=(make_connector(currency="USD"),)))
    assert refuse(body(max_price="1"), acceptance) == ("price_unknown", "$.max_price")


def test_send_at_sets_the_due_time_and_the_time_to_live_counts_from_it() -> None:
    plan = accept(body(send_at="2026-03-02T10:00:00+01:00", ttl_seconds=3600))
    assert plan.way.due_at == NOW + timedelta(days=1)
    assert plan.way.expires_at == NOW + timedelta(days=1, hours=1)


def test_a_send_at_of_a_moment_ago_means_now() -> None:
    assert accept(body(send_at="2026-03-01T08:56:00Z")).way.due_at is None


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-01T08:54:59Z",
        "0001-01-01T00:00:00+14:00",
        "2026-04-01T09:00:00Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_send_at_in_the_past_or_beyond_30_days_is_refused(moment: str) -> None:
    assert refuse(body(send_at=moment)) == ("invalid_send_at", "$.send_at")


def test_a_time_to_live_beyond_the_servers_limit_is_refused() -> None:
    acceptance = make_acceptance(make_config(limits=LimitsConfig(validity_days=1)))
    assert refuse(body(ttl_seconds=86_401), acceptance) == ("invalid_ttl", "$.ttl_seconds")


def test_a_webhook_url_with_a_fault_is_refused_with_its_words() -> None:
    refusal = judge(
        body(webhook_url="http://10.0.0.1/"), make_acceptance(find_url_fault=lambda _: "it is private")
    )
    assert isinstance(refusal, Refusal)
    assert (refusal.code.value, refusal.detail) == ("invalid_webhook_url", "it is private")


def test_test_messages_go_to_the_simulator_and_cost_nothing() -> None:
    plan = accept(body(max_price="0.001"), is_test=True)
    assert plan.way.connector.name == "simulator"
    assert plan.way.cost == Price(0, "EUR")


def test_test_messages_are_refused_where_nothing_takes_them() -> None:
    acceptance = make_acceptance(make_config(test_mode=config.TestModeConfig(simulator=False)))
    assert refuse(body(), acceptance, is_test=True) == ("test_mode_off", "")


def test_many_at_once_are_judged_as_each_alone() -> None:
    acceptance = make_acceptance()
    long = "ș" * 100
    bodies = [
        body(),
        body(text="„Bonjour”"),
        body(text="„Bonjour”"),
        body(text="„Bonjour”", smart_encoding=True),
        body(text=long),
        body(text=long, to="+33612345679", max_parts=1),
        body(text=long, to="+33612345670", ttl_seconds=60),
        json.dumps({"to": "+33612345678", "binary": "AAEC"}).encode(),
        body(text=long, to="+39347123456"),
        b'{"to": "+33612345678"}',
    ]
    requests = [decode_send(each) for each in bodies]
    planner = acceptance.planner(make_shop(), is_test=False, now=NOW)
    planned = [planner.plan(request, 0.5) for request in requests if isinstance(request, SendRequest)]
    assert planned == [judge(each, acceptance) for each in bodies]


def test_what_numbers_share_ends_at_the_digits_that_routes_and_prices_look_at() -> None:
    prices = (
        PriceConfig(country="FR", price=Amount(45_000)),
        PriceConfig(country="FR", prefix="3361244", price=Amount(90_000)),
    )
    near = RouteMatchConfig(prefix=("336123",))
    settings = make_config(
        connectors=(make_connector(prices=prices), make_connector("smsc-b")),
        routes=(
            RouteConfig(name="near", match=near, connectors=(RouteTargetConfig(name="smsc-b"),)),
            RouteConfig(name="rest", connectors=(RouteTargetConfig(name="smsc-a"),)),
        ),
    )
    planner = make_acceptance(settings).planner(make_shop(), is_test=False, now=NOW)
    numbers = ("+33612345678", "+33612445678", "+33612455678", "+33612345679")
    plans = [planner.plan(SendRequest(to=number, text="x"), 0.5) for number in numbers]
    ways = [plan.way for plan in plans if isinstance(plan, Plan)]
    assert [way.route_name for way in ways] == ["near", "rest", "rest", "near"]
    assert [way.cost_micros for way in ways] == [45_000, 90_000, 45_000, 45_000]
    assert ways[0] is ways[3]


def test_what_numbers_share_ends_at_their_country() -> None:
    prices = tuple(
        PriceConfig(country=code, price=Amount(price)) for code, price in (("FR", 45_000), ("SN", 9))
    )
    shop = make_shop(allowed_countries=frozenset({"*"}))
    acceptance = make_acceptance(make_config(connectors=(make_connector(prices=prices),)))
    planner = acceptance.planner(shop, is_test=False, now=NOW)
    plans = [
        planner.plan(SendRequest(to=number, text="x"), 0.5) for number in ("+33612345678", "+221771234567")
    ]
    assert [(plan.way.country, plan.way.cost_micros) for plan in plans if isinstance(plan, Plan)] == [
        ("FR", 45_000),
        ("SN", 9),
    ]


def test_requests_of_one_moment_share_a_planner_and_no_others_do() -> None:
    acceptance, shop = make_acceptance(), make_shop()
    first = acceptance.planner(shop, is_test=False, now=NOW)
    assert acceptance.planner(shop, is_test=False, now=NOW + timedelta(milliseconds=9)) is first
    for other, changes in (
        (shop, {"now": NOW + timedelta(milliseconds=10)}),
        (shop, {"now": NOW - timedelta(milliseconds=1)}),
        (shop, {"is_test": True}),
        (make_shop(id=8), {}),
        (make_shop(allowed_countries=frozenset({"IT"})), {}),
    ):
        acceptance = make_acceptance()
        first = acceptance.planner(shop, is_test=False, now=NOW)
        assert acceptance.planner(other, **{"is_test": False, "now": NOW, **changes}) is not first


def test_a_request_of_very_many_kinds_is_judged_as_any_other() -> None:
    planner = make_acceptance().planner(make_shop(), is_test=False, now=NOW)
    for seconds in (*range(30, 1_300), 30):
        plan = planner.plan(SendRequest(to="+33612345678", text="x", ttl_seconds=seconds), 0.5)
        assert isinstance(plan, Plan)
        assert plan.way.expires_at == NOW + timedelta(seconds=seconds)


def test_a_planner_forgets_kinds_before_they_are_many() -> None:
    planner = make_acceptance().planner(make_shop(), is_test=False, now=NOW)
    gc.collect()
    others = sum(type(thing) is Way for thing in gc.get_objects())
    for seconds in range(30, 2_030):
        planner.plan(SendRequest(to="+33612345678", text="x", ttl_seconds=seconds), 0.5)
    assert 0 < sum(type(thing) is Way for thing in gc.get_objects()) - others <= 1_000


def test_a_text_is_cut_once_for_all_its_people_also_for_a_carrier_that_reads_other_characters() -> None:
    ascii_only = make_config(
        connectors=(make_connector(default_charset=DefaultCharsetConfig(send=Charset.ASCII)),)
    )
    planner = make_acceptance(ascii_only).planner(make_shop(), is_test=False, now=NOW)
    first, second = (planner.plan(SendRequest(to=f"+3361234567{n}", text="é" * 80), 0.5) for n in (1, 2))
    assert isinstance(first, Plan)
    assert isinstance(second, Plan)
    assert first.wire is second.wire
    assert first.wire.alphabet is Alphabet.UCS2


def test_many_at_once_do_not_tear_a_connector_that_goes_down_among_them() -> None:
    asked: list[int] = []

    def is_up(connector_id: int) -> bool:
        asked.append(connector_id)
        return len(asked) == 1  # up when asked first, down at any later look

    planner = make_acceptance(is_up=is_up).planner(make_shop(), is_test=False, now=NOW)
    planned = [planner.plan(SendRequest(to="+33612345678", text="x"), 0.5) for _ in range(3)]
    ways = {plan.way.why for plan in planned if isinstance(plan, Plan)}
    assert ways == {("route (none configured): takes every message", "smsc-a is its only connector")}
    assert asked == [CONNECTOR_IDS["smsc-a"]]
