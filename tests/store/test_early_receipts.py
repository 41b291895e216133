"""Receipts that wait in memory for the answer they overtook."""

from msgspec.structs import replace

from gateway.store.early_receipts import EarlyReceipts
from tests.store.flight_values import receipt


def test_what_came_for_an_id_is_given_once_and_in_order() -> None:
    early = EarlyReceipts()
    first, second = receipt("a", None), receipt("a")
    for each in (first, second, receipt("b")):
        early.keep(each)
    assert early.take(1, "a") == [first, second]
    assert early.take(1, "a") == []
    assert early.take(2, "b") == [], "another connector's"
    assert early


def test_nobody_is_answered_for_it_again() -> None:
    early = EarlyReceipts()
    early.keep(receipt("a", acknowledge="seat 1"))
    assert early.take(1, "a")[0].acknowledge is None


def test_either_of_two_ids_finds_it_and_the_other_forgets_it() -> None:
    early = EarlyReceipts()
    both = replace(receipt("ff"), other_id="255")
    early.keep(both)
    assert early.take(1, "255") == [both]
    assert not early


def test_the_oldest_is_forgotten_beyond_the_cap_and_a_repeat_takes_no_room() -> None:
    early = EarlyReceipts(cap=2)
    for carrier_id in ("a", "b", "c"):
        early.keep(receipt(carrier_id))
    assert early.take(1, "a") == []
    for _ in range(50):
        early.keep(receipt("c"))
    assert len(early.take(1, "c")) == 10
