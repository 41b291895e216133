"""How late parts are: against an even schedule, and after the part before; read from the sink's journal."""

from pathlib import Path

import pytest

from bench.connectors import late_gaps, lateness, read_arrivals
from bench.server import MOST_OF_A_ROUTE, make_routes


def test_on_an_even_schedule_nothing_is_late_wherever_it_begins() -> None:
    times = [1_700_000_000.25 + index / 20 for index in range(100)]
    assert lateness(times, 20.0) == pytest.approx([0.0] * 100, abs=1e-5)


def test_one_late_part_is_late_alone_when_the_next_are_on_time_again() -> None:
    assert lateness([0.0, 0.08, 0.10, 0.15], 20.0) == pytest.approx([0.0, 0.03, 0.0, 0.0])


def test_time_that_is_not_made_up_for_makes_all_that_follow_late() -> None:
    assert lateness([0.0, 0.08, 0.13, 0.18], 20.0) == pytest.approx([0.0, 0.03, 0.03, 0.03])
    assert late_gaps([0.0, 0.08, 0.13, 0.18], 20.0) == pytest.approx([0.03, 0.0, 0.0])


def test_a_burst_is_no_way_to_be_on_time() -> None:
    late = lateness([0.0, 0.05, 0.10, 0.10, 0.10, 0.25], 20.0)
    assert late == pytest.approx([0.10, 0.10, 0.10, 0.05, 0.0, 0.10])


def test_nothing_is_late_where_nothing_came() -> None:
    assert lateness([], 20.0) == late_gaps([], 20.0) == []


def test_parts_are_told_by_the_account_of_their_bind(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text(
        "B 10.000000 1 bench-0\nB 10.000000 2 bench-1\nB 10.000000 3 bench-0\n"
        "S 11.000000 1 901 33600000000 Bonjour\nS 11.500000 2 902 33600000001 Bonjour\n"
        "R 11.600000 1 901 0\nA 11.700000 1 901 0\nS 12.000000 3 903 33600000002 Bon jour\n"
        "C 13.000000 1 bench-0\n"
    )
    assert read_arrivals(journal) == {"bench-0": [11.0, 12.0], "bench-1": [11.5]}


@pytest.mark.parametrize("count", [2, 64, 65, 200, 256])
def test_every_connector_is_on_one_route_and_no_route_has_too_many(count: int) -> None:
    names = [f"bench-{number}" for number in range(count)]
    routes = [[each["name"] for each in route["connectors"]] for route in make_routes(names)]  # type: ignore[attr-defined]
    assert sorted(name for route in routes for name in route) == sorted(names)
    assert max(map(len, routes)) <= MOST_OF_A_ROUTE
