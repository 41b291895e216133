"""When a process that ended is started again."""

from gateway.domain.restarts import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, Restart, plan_restart


def test_a_single_end_is_followed_by_a_start_at_once() -> None:
    assert plan_restart(Restart(), lived_seconds=0.5).pause_seconds == 0


def test_ends_in_a_row_are_followed_ever_later_up_to_a_bound() -> None:
    restart, pauses = Restart(), []
    for _ in range(40):
        restart = plan_restart(restart, lived_seconds=1.0)
        pauses.append(restart.pause_seconds)
    assert pauses[:7] == [0, 1, 2, 4, 8, 16, 30]
    assert set(pauses[7:]) == {LONGEST_PAUSE_SECONDS}


def test_a_process_that_lasted_begins_anew() -> None:
    restart = Restart(early_ends=6, pause_seconds=16.0)
    assert plan_restart(restart, lived_seconds=STEADY_SECONDS) == Restart()
