"""Delays in buckets: the error of the scale, its ends, and percentiles of counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.delays import (
    LAST_BUCKET,
    LONGEST_SECONDS,
    bucket_floors,
    bucket_of,
    percentile,
    seconds_of,
)


@given(st.floats(min_value=0.1, max_value=LONGEST_SECONDS))
def test_a_buckets_middle_is_within_12_percent_of_what_fell_into_it(seconds: float) -> None:
    assert abs(seconds_of(bucket_of(seconds)) - seconds) <= 0.12 * seconds


@given(st.floats(min_value=0, max_value=3e6), st.floats(min_value=0, max_value=3e6))
def test_longer_waits_never_fall_into_a_lower_bucket(one: float, other: float) -> None:
    assert bucket_of(min(one, other)) <= bucket_of(max(one, other)) <= LAST_BUCKET


def test_what_lies_beyond_the_scale_falls_into_its_ends() -> None:
    assert bucket_of(-5) == bucket_of(0) == bucket_of(0.099) == 0
    assert bucket_of(0.1) == 1
    assert bucket_of(10 * LONGEST_SECONDS) == LAST_BUCKET < 100


def test_percentiles_are_those_of_the_counted_waits() -> None:
    waits = [2.0] * 90 + [60.0] * 8 + [3600.0] * 2
    counts: dict[int, int] = {}
    for wait in waits:
        counts[bucket_of(wait)] = counts.get(bucket_of(wait), 0) + 1
    assert percentile(counts, 0.5) == pytest.approx(2.0, rel=0.12)
    assert percentile(counts, 0.95) == pytest.approx(60.0, rel=0.12)
    assert percentile(counts, 1.0) == pytest.approx(3600.0, rel=0.12)


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.5) is None


def test_the_floors_of_buckets_are_where_the_rule_steps() -> None:
    floors = bucket_floors()
    assert len(floors) == LAST_BUCKET
    for bucket, floor in enumerate(floors, 1):
        assert bucket_of(floor / 1_000_000) == bucket == bucket_of((floor - 1) / 1_000_000) + 1
