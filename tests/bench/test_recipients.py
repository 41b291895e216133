"""Recipients of measurements: distinct, valid, of several countries; texts of as many parts as asked."""

import json

import pytest

from bench.recipients import COUNTRIES, MOST_RECIPIENTS, batches, count_slots, number_of, text_of
from gateway.domain.phone import normalise_number
from gateway.smpp.split import plan_text


def test_numbers_are_distinct_and_valid_in_every_country() -> None:
    serials = [*range(2000), *range(0, MOST_RECIPIENTS, 400_009)]
    numbers = {number_of(serial) for serial in serials}
    assert len(numbers) == len(set(serials))
    assert {normalise_number(number).country for number in numbers} == set(COUNTRIES)


def test_some_thousand_numbers_reach_every_slot() -> None:
    assert count_slots(20_000) == 256


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_a_text_has_as_many_parts_as_asked(parts: int) -> None:
    assert len(plan_text(text_of(99_999_999, parts)).parts) == parts


def test_batches_hold_every_message_once() -> None:
    bodies = [json.loads(body)["messages"] for body in batches(2500, parts=1, batch_size=1000)]
    assert [len(items) for items in bodies] == [1000, 1000, 500]
    assert len({item["to"] for items in bodies for item in items}) == 2500
