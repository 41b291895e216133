"""Counts of several nodes that are judged in sum."""

from gateway.oncall.observations import BurstSeen, DeliverySeen
from gateway.oncall.shared_counts import (
    MOST_BURSTS,
    add_bursts,
    add_deliveries,
    is_shared_count,
    write_counts,
)


def test_what_nodes_say_adds_up() -> None:
    theirs = write_counts(
        [DeliverySeen("smsc-a", 40, 90), DeliverySeen("smsc-b", 1, 2)], [BurstSeen("336120", 70)]
    )
    assert add_deliveries([DeliverySeen("smsc-a", 10, 60)], [theirs, {"loop_lag_seconds": 0.1}]) == [
        DeliverySeen("smsc-a", 50, 150),
        DeliverySeen("smsc-b", 1, 2),
    ]
    assert add_bursts([BurstSeen("336999", 80), BurstSeen("336120", 50)], [theirs]) == [
        BurstSeen("336120", 120),
        BurstSeen("336999", 80),
    ]


def test_a_node_says_few_counts_and_none_that_could_be_taken_for_its_lag() -> None:
    counts = write_counts([], [BurstSeen(str(n), 9) for n in range(100)])
    assert len(counts) == MOST_BURSTS
    assert all(map(is_shared_count, counts))
    assert not is_shared_count("loop_lag_seconds")
