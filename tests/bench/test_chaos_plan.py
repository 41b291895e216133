"""What `bench chaos` does to whom, and how fast messages come meanwhile."""

from collections import Counter

import pytest

from bench.chaos_plan import LONGEST_GAP_SECONDS, Pace, Target, plan_blows


@pytest.mark.parametrize("kills", [1, 2, 3, 5, 10, 50])
@pytest.mark.parametrize("pauses", [0, 3])
def test_every_kill_and_pause_that_was_asked_for_is_in_the_plan(kills: int, pauses: int) -> None:
    blows = plan_blows(kills=kills, pauses=pauses, nodes=2, seed=7)
    counts = Counter(blow.target for blow in blows)
    assert counts[Target.PAUSE] == pauses
    assert counts[Target.GATEWAY] + counts[Target.POSTGRES] + counts[Target.BOTH] == kills
    assert all(0 < blow.gap_seconds <= LONGEST_GAP_SECONDS and blow.node in (0, 1) for blow in blows)


def test_a_seed_gives_the_same_plan_again_and_another_seed_another() -> None:
    first = plan_blows(kills=50, pauses=5, nodes=2, seed=1)
    assert plan_blows(kills=50, pauses=5, nodes=2, seed=1) == first
    assert plan_blows(kills=50, pauses=5, nodes=2, seed=2) != first


def test_fifty_kills_hit_gateway_and_postgres_and_sometimes_both() -> None:
    counts = Counter(blow.target for blow in plan_blows(kills=50, pauses=0, nodes=1, seed=1))
    assert counts == {Target.GATEWAY: 25, Target.POSTGRES: 20, Target.BOTH: 5}


def test_a_node_stays_down_for_a_takeover_only_where_there_is_another() -> None:
    alone = plan_blows(kills=20, pauses=0, nodes=1, seed=1)
    assert not any(blow.stays_down for blow in alone)
    pair = plan_blows(kills=20, pauses=2, nodes=2, seed=1)
    down = Counter(blow.target for blow in pair if blow.stays_down)
    assert down == {Target.GATEWAY: 5, Target.PAUSE: 2}


@pytest.mark.parametrize("quick_seconds", [1.0, 6.0])
@pytest.mark.parametrize("takeover_seconds", [10.0, 40.0])
def test_messages_last_as_long_as_there_are_blows_however_long_they_take(
    quick_seconds: float, takeover_seconds: float
) -> None:
    plan = plan_blows(kills=20, pauses=5, nodes=2, seed=1)
    pace, left = Pace(plan), 50_000.0
    for blow in plan:
        flow_seconds = takeover_seconds if blow.stays_down else quick_seconds
        for _ in range(250):
            left -= pace.per_second(int(left)) * flow_seconds / 250
        assert left > 100  # and with them the load of the next
        pace.note_blow(flow_seconds)


def test_the_pace_has_a_floor_and_a_ceiling() -> None:
    pace = Pace(plan_blows(kills=1, pauses=0, nodes=1, seed=1))
    assert pace.per_second(1) == 20
    assert pace.per_second(10_000_000) == 1_000
    pace.note_blow(1.0)
    assert pace.per_second(1) == 1_000  # nothing more to wait for
