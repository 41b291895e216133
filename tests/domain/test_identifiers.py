"""Ids and slots: the layout by vectors that must never change, and what ids promise whatever a clock does."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.identifiers import (
    EPOCH,
    EPOCH_UNIX_MS,
    NODE_COUNT,
    SLOT_COUNT,
    IdSource,
    day_of_id,
    first_id_at,
    node_of_id,
    slot_of_address,
    slot_of_id,
    time_of_id,
    unix_ms_of_id,
)

SLOTS = {
    "33639980000": 193,
    "33639980001": 87,
    "221771234567": 177,
    "390612345678": 164,
    "40712345678": 151,
    "15551234567": 41,
    "GATEWAY": 101,
    "38008": 248,
}
"""Slots stand in every stored key: a change of any of these loses rows of every installation."""


class Clock:
    """A clock that the test moves, in milliseconds after the epoch of ids."""

    def __init__(self, ms: int = 1_000_000) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return EPOCH_UNIX_MS + self.ms


@pytest.mark.parametrize(("address", "slot"), SLOTS.items())
def test_slot_of_an_address_never_changes(address: str, slot: int) -> None:
    assert slot_of_address(address) == slot


def test_an_address_that_is_not_ascii_has_no_slot() -> None:
    with pytest.raises(UnicodeEncodeError):
        slot_of_address("BOUTIQUÉ")


def test_layout_is_time_slot_node_sequence() -> None:
    ids = IdSource(3, Clock(ms=1))
    assert ids.next_id(200) == (1 << 22) | (200 << 14) | (3 << 9) | 0
    assert ids.next_id(7) == (1 << 22) | (7 << 14) | (3 << 9) | 1


@given(
    ms=st.integers(1, (1 << 41) - 1),
    slot=st.integers(0, SLOT_COUNT - 1),
    node_no=st.integers(0, NODE_COUNT - 1),
)
def test_an_id_tells_its_time_slot_and_node_and_fits_a_bigint(ms: int, slot: int, node_no: int) -> None:
    identifier = IdSource(node_no, Clock(ms)).next_id(slot)
    assert 0 < identifier < 1 << 63
    assert (slot_of_id(identifier), node_of_id(identifier)) == (slot, node_no)
    assert unix_ms_of_id(identifier) == EPOCH_UNIX_MS + ms
    assert time_of_id(identifier) == EPOCH + timedelta(milliseconds=ms)


@pytest.mark.parametrize("node_no", [-1, NODE_COUNT])
def test_a_node_number_outside_its_bits_is_refused(node_no: int) -> None:
    with pytest.raises(ValueError, match="node number"):
        IdSource(node_no, Clock())


def test_the_day_of_an_id_is_the_utc_day() -> None:
    midnight = int((datetime(2026, 3, 2, tzinfo=UTC) - EPOCH) / timedelta(milliseconds=1))
    assert day_of_id(IdSource(0, Clock(midnight - 1)).next_id(255)) == date(2026, 3, 1)
    assert day_of_id(IdSource(0, Clock(midnight)).next_id(0)) == date(2026, 3, 2)


@given(st.integers(1, 10**12), st.integers(0, 255), st.integers(0, 31))
def test_first_id_at_is_the_lower_bound_of_a_moment(ms: int, slot: int, node_no: int) -> None:
    moment = EPOCH + timedelta(milliseconds=ms)
    low, high = first_id_at(moment), first_id_at(moment + timedelta(milliseconds=1))
    assert low <= IdSource(node_no, Clock(ms)).next_id(slot) < high
    assert IdSource(node_no, Clock(ms - 1)).next_id(slot) < low


def test_a_moment_before_the_epoch_bounds_nothing() -> None:
    assert first_id_at(datetime(2020, 1, 1, tzinfo=UTC)) == 0


def test_more_than_512_ids_of_one_millisecond_run_ahead_of_the_clock() -> None:
    ids = IdSource(0, Clock(ms=5))
    made = [ids.next_id(9) for _ in range(1_025)]
    assert len(set(made)) == 1_025
    assert [unix_ms_of_id(made[n]) - EPOCH_UNIX_MS for n in (0, 511, 512, 1_023, 1_024)] == [5, 5, 6, 6, 7]


def test_ids_do_not_repeat_when_the_clock_steps_back() -> None:
    clock = Clock(ms=1_000)
    ids = IdSource(0, clock)
    before = [ids.next_id(9) for _ in range(10)]
    clock.ms = 400
    after = [ids.next_id(9) for _ in range(600)]
    assert min(after) > max(before)
    assert len(set(before + after)) == 610


def test_a_successor_starts_above_the_high_water_though_its_clock_is_behind() -> None:
    first = IdSource(4, Clock(ms=5_000))
    made = [first.next_id(slot) for slot in (255, 0, 128)]
    second = IdSource(4, Clock(ms=10), high_water=first.high_water)
    assert max(made) <= first.high_water
    assert second.next_id(0) > first.high_water


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 255)), min_size=1, max_size=200),
    st.integers(0, 40),
)
def test_ids_are_unique_and_their_time_never_runs_back(readings: list[tuple[int, int]], high_ms: int) -> None:
    clock = Clock()
    high_water = ((high_ms + 1) << 22) - 1 if high_ms else 0
    ids = IdSource(1, clock, high_water=high_water)
    made = []
    for clock.ms, slot in readings:
        made.append(ids.next_id(slot))
        assert made[-1] <= ids.high_water
    assert len(set(made)) == len(made)
    assert all(unix_ms_of_id(a) <= unix_ms_of_id(b) for a, b in pairwise(made))
    assert min(made) > high_water


@given(st.lists(st.integers(0, 255), max_size=1_200), st.integers(0, 600))
def test_many_ids_at_once_are_those_that_one_after_another_would_be(slots: list[int], earlier: int) -> None:
    at_once, singly = IdSource(1, Clock()), IdSource(1, Clock())
    for ids in (at_once, singly):
        for _ in range(earlier):
            ids.next_id(7)
    assert at_once.next_ids(slots) == [singly.next_id(slot) for slot in slots]
    assert at_once.next_id(9) == singly.next_id(9)
