"""How much one target may take."""

from datetime import datetime, timedelta

import pytest

from gateway.webhooks.pace import FAILURES_BEFORE_REST, Pace

from .rows import NOW

ROOM = 1000


def seconds_until(moment: datetime | None) -> float:
    assert moment is not None
    return (moment - NOW).total_seconds()


def failing(times: int, *, since: float = 0.0) -> Pace:
    pace = Pace(16)
    for number in range(times):
        pace.note_failure(0.1, NOW - timedelta(seconds=since if number == 0 else 0))
    return pace


def slow(seconds: float = 1.0) -> Pace:
    pace = Pace(2)
    for _ in range(100):
        pace.note_success(seconds)
    return pace


def test_a_slow_target_takes_rows_until_it_holds_half_of_the_free_room() -> None:
    pace = slow()
    pace.held = 499
    assert pace.postponed_until(NOW, room=1000) is None
    pace.held = 500
    assert pace.postponed_until(NOW, room=1000) is not None
    pace.held = 5
    assert pace.postponed_until(NOW, room=10) is not None


def test_of_a_target_that_answers_within_two_seconds_all_is_taken() -> None:
    quick = Pace(16)
    for _ in range(100):
        quick.note_success(0.02)
    quick.held = 1500
    assert quick.is_quick
    assert quick.postponed_until(NOW, room=8) is None
    quick.held = 1700
    assert not quick.is_quick
    assert quick.postponed_until(NOW, room=8) is not None


def test_a_target_is_not_believed_to_be_quick_before_five_answers() -> None:
    pace = Pace(16)
    for _ in range(4):
        pace.note_success(0.001)
    pace.held = 10
    assert not pace.is_quick
    pace.note_success(0.001)
    assert pace.is_quick


def test_rows_beyond_are_booked_at_the_targets_own_speed_up_to_a_minute() -> None:
    pace = slow(2.0)
    pace.held = ROOM
    booked = [seconds_until(pace.postponed_until(NOW, room=ROOM)) for _ in range(100)]
    assert booked[0] == pytest.approx(2, abs=0.01)
    assert booked[10] - booked[9] == pytest.approx(1, abs=0.01)
    assert booked == sorted(booked)
    assert booked[-1] == 60


def test_of_a_target_not_known_yet_rows_are_booked_for_a_second_later() -> None:
    pace = Pace(2)
    pace.held = ROOM
    assert {seconds_until(pace.postponed_until(NOW, room=ROOM)) for _ in range(100)} == {1.0}


def test_quick_successes_widen_the_window_one_by_one_to_the_limit() -> None:
    pace = Pace(4)
    widths = []
    for _ in range(5):
        pace.in_flight = 0
        while pace.may_start():
            pace.in_flight += 1
        widths.append(pace.in_flight)
        pace.note_success(0.05)
    assert widths == [2, 3, 4, 4, 4]


def test_slow_successes_narrow_the_window_to_two_and_failures_halve_it() -> None:
    pace = Pace(16)
    for _ in range(20):
        pace.note_success(0.05)
    pace.note_failure(0.05, NOW)
    pace.in_flight = 8
    assert not pace.may_start()
    pace.in_flight = 7
    assert pace.may_start()
    for _ in range(20):
        pace.note_success(5.0)
    pace.in_flight = 2
    assert not pace.may_start()


def test_a_target_rests_after_three_failures_in_a_row() -> None:
    assert not failing(FAILURES_BEFORE_REST - 1).is_resting
    pace = failing(FAILURES_BEFORE_REST)
    assert pace.is_resting
    assert seconds_until(pace.postponed_until(NOW, room=ROOM)) == 5


def test_one_success_ends_the_rest() -> None:
    pace = failing(9)
    pace.note_success(0.1)
    assert not pace.is_resting
    assert pace.postponed_until(NOW, room=ROOM) is None


def test_after_a_pause_one_row_is_let_through_to_see_whether_it_is_back() -> None:
    pace = failing(FAILURES_BEFORE_REST)
    later = NOW + timedelta(seconds=5)
    assert pace.postponed_until(later, room=ROOM) is None
    pace.held = 1
    assert pace.postponed_until(later, room=ROOM) is not None


def test_pauses_between_probes_grow_to_a_minute() -> None:
    pauses = []
    for failures in range(3, 9):
        rest_until = failing(failures).rest_until
        pauses.append(seconds_until(rest_until))
    assert pauses == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize(("failing_for", "put_off"), [(0, 5), (400, 100), (7200, 1800), (10**6, 1800)])
def test_other_rows_wait_a_quarter_of_the_time_it_has_been_failing(
    failing_for: float, put_off: float
) -> None:
    pace = failing(FAILURES_BEFORE_REST, since=failing_for)
    assert seconds_until(pace.postponed_until(NOW, room=ROOM)) == put_off


def test_what_a_person_asked_for_does_not_wait_for_a_rest_but_for_room() -> None:
    pace = failing(FAILURES_BEFORE_REST)
    assert pace.postponed_until(NOW, room=ROOM, is_urgent=True) is None
    pace.held = ROOM
    assert pace.postponed_until(NOW, room=ROOM, is_urgent=True) is not None
    pace.in_flight = 1
    assert not pace.may_start()
