"""Medians of repeated measurements."""

from dataclasses import replace

from bench.figures import Figures, take_median

RUN = Figures(
    name="cycle",
    messages=100,
    seconds=1.0,
    rate_per_second=100.0,
    parts_per_second=100.0,
    gateway_cpu_us=20.0,
    postgres_cpu_us=30.0,
    wal_bytes=700.0,
    disk_bytes=500.0,
    rss_peak_mb=90.0,
    pss_peak_mb=80.0,
    p50_ms=5.0,
    p99_ms=9.0,
    ledger_balanced=True,
    parameters={"smsc": "smsc_sink"},
)


def test_each_figure_is_the_median_of_its_own() -> None:
    runs = [
        replace(RUN, rate_per_second=90.0, p99_ms=30.0),
        replace(RUN, rate_per_second=110.0, p99_ms=10.0),
        replace(RUN, rate_per_second=100.0, p99_ms=20.0),
    ]
    median = take_median(runs)
    assert (median.rate_per_second, median.p99_ms) == (100.0, 20.0)
    assert median.parameters == {"smsc": "smsc_sink", "repeats": 3, "rates_of_repeats": [90.0, 110.0, 100.0]}


def test_one_unbalanced_run_spoils_the_figure() -> None:
    assert not take_median([RUN, replace(RUN, ledger_balanced=False)]).ledger_balanced


def test_the_document_has_every_key_that_later_benches_use() -> None:
    promised = (
        "name messages rate_per_second gateway_cpu_us postgres_cpu_us wal_bytes disk_bytes rss_peak_mb "
        "p50_ms p99_ms ledger_balanced parameters"
    )
    assert set(promised.split()) <= RUN.as_document().keys()
