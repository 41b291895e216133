"""Who is taken for dead, and when."""

from datetime import UTC, datetime

import pytest

from gateway.node.lateness import GAP_SECONDS, GRACE_SECONDS, Lateness
from gateway.store.leases import NodeRecord

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def node(*, is_alive: bool = False, is_held: bool = True, overdue_seconds: float = 0.5) -> NodeRecord:
    return NodeRecord(
        node_no=1,
        epoch=1,
        host="there",
        pid=1,
        version="0",
        started_at=NOW,
        expires_at=NOW,
        is_alive=is_alive,
        overdue_seconds=overdue_seconds,
        is_held=is_held,
        is_stopping=False,
        connector_ids=frozenset(),
        figures={},
    )


def look_until(lateness: Lateness, until: int, *, begin: int = 0) -> None:
    """A look every second at a node that is alive."""
    for second in range(begin, until):
        assert lateness.find_dead([node(is_alive=True)], float(second)) == []


def test_a_node_that_is_late_after_steady_looks_is_dead_at_once() -> None:
    lateness = Lateness()
    look_until(lateness, 10)
    assert lateness.find_dead([node()], 10.0) == [node()]
    assert lateness.find_dead([node(is_held=False)], 11.0) == [], "it stopped, or somebody was faster"


@pytest.mark.parametrize("way", ["start", "failed look", "gap"])
def test_before_looks_are_steady_again_nobody_is_dead(way: str) -> None:
    lateness, begin = Lateness(), 0.0
    if way != "start":
        look_until(lateness, 10)
        begin = 10.0 if way == "failed look" else 10.0 + GAP_SECONDS
    if way == "failed look":
        lateness.note_failed_look()
    assert lateness.find_dead([node()], begin) == []
    assert lateness.find_dead([node()], begin + GRACE_SECONDS / 2) == []
    assert lateness.find_dead([node()], begin + GRACE_SECONDS) == [node()]


@pytest.mark.parametrize("overdue_seconds", [3600.0, -3600.0])
def test_where_the_clock_was_moved_a_node_gets_the_time_to_renew(overdue_seconds: float) -> None:
    lateness, late = Lateness(), node(overdue_seconds=overdue_seconds)
    look_until(lateness, 10)
    assert lateness.find_dead([late], 10.0) == []
    look_until(lateness, 12, begin=11)
    assert lateness.find_dead([late], 12.0) == [], "it renewed meanwhile, and its time begins anew"
    assert lateness.find_dead([late], 14.0) == []
    assert lateness.find_dead([late], 12.0 + GRACE_SECONDS) == [late]
