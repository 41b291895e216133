"""Medians of repeated measurements, percentiles, and the document that each measurement is told as."""

from dataclasses import replace

import pytest

from bench.cost import Cost
from bench.figures import Figures, share_within, take_median

COST = Cost(
    gateway_cpu_us=20.0,
    postgres_cpu_us=30.0,
    smsc_cpu_us=2.0,
    wal_bytes=700.0,
    disk_bytes=500.0,
    rss_peak_mb=90.0,
    pss_peak_mb=80.0,
    postgres_pss_mb=150.0,
    smsc_pss_mb=3.0,
    cpu_seconds={"gateway": 0.002},
)
RUN = Figures(
    name="cycle",
    messages=100,
    seconds=1.0,
    rate_per_second=100.0,
    parts_per_second=100.0,
    p50_ms=5.0,
    p99_ms=9.0,
    cost=COST,
    ledger_balanced=True,
    own={"share": 0.5},
    parameters={"smsc": "smsc_sink"},
)


def test_each_figure_is_the_median_of_its_own() -> None:
    runs = [
        replace(RUN, rate_per_second=90.0, p99_ms=30.0, own={"share": 0.7}),
        replace(RUN, rate_per_second=110.0, p99_ms=10.0, own={"share": 0.9}),
        replace(RUN, rate_per_second=100.0, p99_ms=20.0, cost=replace(COST, wal_bytes=1.0)),
    ]
    median = take_median(runs)
    assert (median.rate_per_second, median.p99_ms, median.own) == (100.0, 20.0, {"share": 0.7})
    assert (median.cost.wal_bytes, median.cost.gateway_cpu_us) == (700.0, 20.0)
    assert median.parameters == {"smsc": "smsc_sink", "repeats": 3, "rates_of_repeats": [90.0, 110.0, 100.0]}


def test_a_figure_that_one_run_was_too_short_for_is_left_out() -> None:
    assert take_median([RUN, replace(RUN, own={})]).own == {}


def test_one_bad_run_spoils_the_figure() -> None:
    assert take_median([RUN, RUN]).is_good
    assert not take_median([RUN, replace(RUN, ledger_balanced=False)]).is_good
    spoiled = take_median([RUN, replace(RUN, wrong=("two clicks are lost",))])
    assert (spoiled.is_good, spoiled.wrong) == (False, ("two clicks are lost",))


def test_the_document_is_flat_and_has_every_key_that_a_measurement_promises() -> None:
    promised = (
        "name messages seconds rate_per_second parts_per_second p50_ms p99_ms gateway_cpu_us postgres_cpu_us "
        "smsc_cpu_us wal_bytes disk_bytes rss_peak_mb pss_peak_mb postgres_pss_mb smsc_pss_mb "
        "ledger_balanced wrong parameters share"
    )
    document = RUN.as_document()
    assert document.keys() == set(promised.split())
    assert document["parameters"] == {"smsc": "smsc_sink", "cpu_seconds": {"gateway": 0.002}}


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: int) -> None:
    assert share_within([float(value) for value in range(1, 101)], share) == expected


def test_of_nothing_every_percentile_is_zero() -> None:
    assert share_within([], 0.99) == 0.0
