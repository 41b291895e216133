"""The rate of each quarter of a long run, from the sink's counters of each second."""

from bench.cycle import rates_of_quarters


def test_a_run_that_slows_down_shows_it_in_its_last_quarter() -> None:
    fast = [(float(second), second * 100) for second in range(1, 9)]
    slow = [(8.0 + 2 * second, 800 + second * 100) for second in range(1, 9)]
    rates = rates_of_quarters(fast + slow, 1_600)
    assert rates == [100.0, 100.0, 50.0, 50.0]


def test_a_run_of_seconds_has_no_quarters() -> None:
    assert rates_of_quarters([(1.0, 1_000), (2.0, 1_600)], 1_600) == []
