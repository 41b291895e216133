"""Parts and time of a campaign, under each limit in turn."""

from datetime import timedelta
from statistics import median_low

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.estimate import ConnectorLoad, PartCounts, count_parts, estimate_sending_time


@given(st.dictionaries(st.integers(1, 8), st.integers(0, 50)))
def test_part_counts_agree_with_the_messages_written_out(histogram: dict[int, int]) -> None:
    written = [parts for parts, messages in histogram.items() for _ in range(messages)]
    expected = (
        PartCounts(sum(written), min(written), median_low(written), max(written))
        if written
        else PartCounts(0, 0, 0, 0)
    )
    assert count_parts(histogram) == expected


def estimate(
    *loads: ConnectorLoad, own: float | None = None, spread_hours: float | None = None
) -> tuple[float | None, str]:
    spread = None if spread_hours is None else timedelta(hours=spread_hours)
    found = estimate_sending_time(loads, campaign_parts_per_second=own, spread=spread)
    return None if found.wanted is None else found.wanted.total_seconds(), found.limited_by


A = ConnectorLoad("smsc-a", 1000, 50)
B = ConnectorLoad("smsc-b", 1000, 10)


def test_connectors_work_side_by_side_and_the_slower_limits() -> None:
    assert estimate(A) == (20, "connector smsc-a: 50 parts/s")
    assert estimate(A, B) == (100, "connector smsc-b: 10 parts/s")


def test_the_campaigns_own_speed_holds_over_all_connectors() -> None:
    assert estimate(A, B, own=10) == (200, "the campaign: 10 parts/s")
    assert estimate(A, own=500) == (20, "connector smsc-a: 50 parts/s")


def test_spreading_takes_the_time_it_says_unless_something_takes_longer() -> None:
    assert estimate(A, spread_hours=2) == (7200, "the time it is spread over")
    assert estimate(A, own=0.1, spread_hours=2) == (10_000, "the campaign: 0.1 parts/s")


def test_what_waits_before_it_counts_and_is_said() -> None:
    queued = ConnectorLoad("smsc-a", 1000, 50, parts_ahead=5000)
    assert estimate(queued) == (120, "connector smsc-a: 50 parts/s, 5,000 parts wait before it")


def test_a_connector_without_speed_has_no_end() -> None:
    assert estimate(A, ConnectorLoad("smsc-c", 5, 0)) == (None, "connector smsc-c: nothing can be sent")


def test_nobody_to_send_to_takes_no_time() -> None:
    assert estimate(ConnectorLoad("smsc-a", 0, 50), own=5) == (0, "nothing")
