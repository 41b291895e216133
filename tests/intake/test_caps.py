"""Caps of shops: what they count, when they block, what gives an allowance back."""

import json
from datetime import timedelta

from gateway.domain.identifiers import EPOCH
from gateway.intake.caps import STEP, Caps
from gateway.intake.planning import Plan
from gateway.intake.refusals import Refusal
from gateway.store.caps import Spend
from tests.intake.values import NOW, accept, make_acceptance, make_config, make_connector, make_shop


def plan(to: str = "+33612345678", category: str = "otp", text: str = "x") -> Plan:
    return accept(json.dumps({"to": to, "category": category, "text": text}).encode())


def code(refusal: Refusal | None) -> str | None:
    return None if refusal is None else refusal.code.value


def test_one_number_gets_only_so_many_one_time_passwords_an_hour() -> None:
    caps, shop = Caps(), make_shop(otp_per_number_hour=2)
    assert [code(caps.take(plan(), shop, NOW)) for _ in range(3)] == [None, None, "otp_cap_recipient"]
    assert caps.take(plan("+33612345679"), shop, NOW) is None
    assert caps.take(plan(category="transactional"), shop, NOW) is None
    assert code(caps.take(plan(), shop, NOW + timedelta(minutes=49))) == "otp_cap_recipient"
    assert caps.take(plan(), shop, NOW + timedelta(minutes=60)) is None


def test_a_walk_through_a_block_of_numbers_is_stopped() -> None:
    caps, shop = Caps(), make_shop(otp_per_prefix_hour=3)
    numbers = [f"+3361234567{digit}" for digit in range(4)]
    codes = [code(caps.take(plan(number), shop, NOW)) for number in numbers]
    assert codes == [None, None, None, "otp_cap_prefix"]
    assert caps.take(plan("+33612995678"), shop, NOW) is None


def test_counts_of_one_shop_do_not_touch_another() -> None:
    caps = Caps()
    assert caps.take(plan(), make_shop(otp_per_number_hour=1), NOW) is None
    assert caps.take(plan(), make_shop(id=8, otp_per_number_hour=1), NOW) is None


def test_what_was_sent_before_a_restart_counts() -> None:
    caps, shop = Caps(), make_shop(otp_per_number_hour=2)
    step = (NOW - EPOCH) // STEP
    caps.load_otps(shop.id, [("33612345678", step - 1, 2), ("33612345679", step - 6, 9)])
    assert code(caps.take(plan(), shop, NOW)) == "otp_cap_recipient"
    assert caps.take(plan("+33612345679"), shop, NOW) is None


def test_what_other_nodes_took_in_counts_and_nothing_counts_twice() -> None:
    caps, shop = Caps(), make_shop(otp_per_number_hour=4, otp_per_prefix_hour=6)
    step = (NOW - EPOCH) // STEP
    assert caps.take(plan(), shop, NOW) is None
    for _ in range(3):
        caps.load_otps(shop.id, [("33612345678", step, 3)])
    assert caps.take(plan(), shop, NOW) is None, "three of four: one was this node's own"
    assert code(caps.take(plan(), shop, NOW)) == "otp_cap_recipient"
    assert [code(caps.take(plan("+33612345670"), shop, NOW)) for _ in range(3)] == [
        None,
        None,
        "otp_cap_prefix",
    ]


def test_what_was_not_stored_after_all_is_given_back() -> None:
    caps, shop = Caps(), make_shop(otp_per_number_hour=1, spend_day_micros=45_000)
    assert caps.take(plan(), shop, NOW) is None
    caps.give_back(plan(), shop, NOW)
    assert caps.take(plan(), shop, NOW) is None
    assert caps.take(plan(), shop, NOW) is not None


def test_a_refused_message_counts_for_nothing() -> None:
    caps, shop = Caps(), make_shop(otp_per_number_hour=5, spend_day_micros=100_000)
    assert code(caps.take(plan(text="x" * 500), shop, NOW)) == "spend_cap_day"
    assert [code(caps.take(plan(), shop, NOW)) for _ in range(3)] == [None, None, "spend_cap_day"]


def test_spend_is_capped_for_the_day_and_for_the_month() -> None:
    caps, shop = Caps(), make_shop(spend_day_micros=90_000, spend_month_micros=135_000)
    first = plan(category="transactional")
    assert [code(caps.take(first, shop, NOW)) for _ in range(3)] == [None, None, "spend_cap_day"]
    tomorrow = NOW + timedelta(days=1)
    assert [code(caps.take(first, shop, tomorrow)) for _ in range(2)] == [None, "spend_cap_month"]
    assert caps.take(first, shop, NOW + timedelta(days=31)) is None


def test_stored_spend_is_taken_up_and_a_smaller_figure_loses_nothing() -> None:
    caps, shop = Caps(), make_shop(spend_day_micros=90_000)
    first = plan(category="transactional")
    assert caps.take(first, shop, NOW) is None
    caps.load_spend(shop.id, NOW.date(), {"EUR": Spend(10, 10)})
    assert caps.take(first, shop, NOW) is None
    caps.load_spend(shop.id, NOW.date(), {"EUR": Spend(90_000, 90_000)})
    assert code(caps.take(first, shop, NOW)) == "spend_cap_day"


def test_a_cap_in_another_currency_than_the_price_blocks_rather_than_guesses() -> None:
    dollars = make_acceptance(make_config(connectors=(make_connector(currency="USD"),)))
    shop = make_shop(spend_day_micros=90_000)
    body = b'{"to":"+33612345678","text":"x"}'
    assert code(Caps().take(accept(body, dollars), shop, NOW)) == "spend_cap_currency"
    unpriced = make_acceptance(make_config(connectors=(make_connector(prices=()),)))
    assert code(Caps().take(accept(body, unpriced), shop, NOW)) == "spend_cap_currency"


def test_a_shop_without_caps_is_not_counted() -> None:
    caps = Caps()
    assert all(caps.take(plan(), make_shop(), NOW) is None for _ in range(1000))
