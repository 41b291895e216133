from collections import Counter, deque
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.pacing import LATENESS_SECONDS, TICK_SECONDS, Pacer, spread_phase

SPEEDS = st.floats(min_value=0.1, max_value=20_000)
PHASES = st.floats(0, 1, exclude_max=True)
# The monotonic clock of a machine that was started a while ago: floats there are coarser than near zero.
START = 3_000_000.0


def most_in_a_second(speed: float) -> float:
    """What any second may hold: the speed, and the credit of a pacer that was called late."""
    return speed + max(1.0 + min(speed * LATENESS_SECONDS, 0.99), speed * TICK_SECONDS) + 0.001


def run(pacer: Pacer, moments: list[float], wanted: int = 1_000_000) -> list[tuple[float, int]]:
    return [(moment, pacer.take(moment, wanted)) for moment in moments]


def ticks(seconds: float, step: float) -> list[float]:
    return [START + number * step for number in range(int(seconds / step) + 1)]


@given(SPEEDS, PHASES, st.lists(st.floats(0, 0.5), min_size=1, max_size=60), st.data())
def test_no_window_of_a_second_holds_more_than_the_speed_and_one_tick(
    speed: float, phase: float, waits: list[float], data: st.DataObject
) -> None:
    pacer = Pacer(speed, now=START, phase=phase)
    now = START
    sent: list[tuple[float, int]] = []
    for wait in waits:
        now += wait
        sent.append((now, pacer.take(now, data.draw(st.integers(0, 500)))))
    allowed = most_in_a_second(speed)
    for first, (opened_at, _) in enumerate(sent):
        window = sum(count for moment, count in sent[first:] if moment < opened_at + 1.0)
        assert window <= allowed


@given(st.integers(1, 99), st.lists(st.floats(0, 0.5), min_size=1, max_size=60))
def test_no_second_holds_more_than_one_part_above_a_whole_speed(speed: int, waits: list[float]) -> None:
    pacer = Pacer(speed, now=START)
    now = START
    sent: list[float] = []
    for wait in waits:
        now += wait
        sent += [now] * pacer.take(now, 500)
    for opened_at in sent:
        assert sum(opened_at <= moment < opened_at + 1.0 for moment in sent) <= speed + 1


@pytest.mark.parametrize("speed", [1.0, 7.0, 20.0])
def test_a_part_that_left_fifty_milliseconds_late_makes_no_later_one_late(speed: float) -> None:
    pacer = Pacer(speed, now=START)
    assert pacer.take(START, 1) == 1
    late = START + 1 / speed + LATENESS_SECONDS * 0.98
    assert pacer.take(late, 500) == 1
    assert pacer.next_at() == pytest.approx(START + 2 / speed, abs=0.001)


@given(st.floats(min_value=1, max_value=2_000), st.data())
def test_whatever_the_carrier_throttles_no_second_holds_more_than_the_speed_and_no_pause_anything(
    speed: float, data: st.DataObject
) -> None:
    pacer = Pacer(speed, now=START)
    now, paused_until = START, START
    sent: list[tuple[float, int]] = []
    for wait in data.draw(st.lists(st.floats(0, 0.7), min_size=1, max_size=60)):
        now += wait
        what = data.draw(st.sampled_from(["take", "take", "take", "throttle", "recover"]))
        if what == "throttle":
            pause = data.draw(st.sampled_from([1.0, 5.0]))
            pacer.slow_down(now, pause)
            paused_until = max(paused_until, now + pause)
        elif what == "recover":
            pacer.recover(now)
        else:
            taken = pacer.take(now, 1_000_000)
            assert not (taken and now < paused_until)
            sent.append((now, taken))
        assert speed * 0.02 <= pacer.parts_per_second <= speed
    allowed = most_in_a_second(speed)
    for first, (opened_at, _) in enumerate(sent):
        assert sum(count for moment, count in sent[first:] if moment < opened_at + 1.0) <= allowed


@given(SPEEDS, st.floats(0, 100), st.integers(0, 1000))
def test_one_call_never_takes_more_than_wanted_nor_than_a_tick_of_speed(
    speed: float, idle: float, wanted: int
) -> None:
    taken = Pacer(speed, now=START).take(START + idle, wanted)
    assert 0 <= taken <= min(wanted, max(1, int(speed * TICK_SECONDS + 1e-4)))


LATE = [(speed, step) for speed in (0.5, 3.0, 20.0, 50.0, 99.0, 100.0) for step in (0.001, 0.004, 0.009)]
LATE_AND_FAST = [(speed, step) for speed in (1000.0, 20_000.0) for step in (0.001, 0.0137, 0.019)]


@pytest.mark.parametrize(("speed", "step"), LATE + LATE_AND_FAST)
def test_a_loop_that_is_late_by_less_than_a_tick_keeps_full_speed(speed: float, step: float) -> None:
    pacer = Pacer(speed, now=START)
    total = sum(count for _, count in run(pacer, ticks(20, step)))
    assert total == pytest.approx(speed * 20, rel=0.005, abs=1.1)


def test_at_low_speed_parts_leave_one_by_one_evenly() -> None:
    pacer = Pacer(50, now=START)
    sent = [moment for moment, count in run(pacer, ticks(2, 0.001)) if count]
    gaps = [after - before for before, after in pairwise(sent)]
    assert min(gaps) >= 0.0189
    assert max(gaps) <= 0.0211


@pytest.mark.parametrize("speed", [0.5, 7, 50, 333, 20_000])
def test_a_caller_that_sleeps_until_the_next_part_loses_none_and_never_wakes_in_vain(speed: float) -> None:
    pacer = Pacer(speed, now=START)
    now = START
    for _ in range(1000):
        assert pacer.take(now, 1) == 1
        now = max(now, pacer.next_at())
    assert now - START == pytest.approx(1000 / speed, rel=0.001)


def test_a_long_rest_earns_no_burst() -> None:
    pacer = Pacer(1000, now=START)
    assert pacer.take(START + 3600, 1000) == 20


def test_connectors_that_begin_together_leave_apart_ever_after() -> None:
    pacers = [Pacer(20, now=START, phase=spread_phase(number)) for number in range(200)]
    begins_at = START + 60
    sent: dict[int, list[float]] = {number: [] for number in range(200)}
    for step in range(4_000):  # as the loop's ticks do, all have something to send
        now = begins_at + step * 0.0005
        for number, pacer in enumerate(pacers):
            sent[number] += [now] * pacer.take(now, 500)
    assert all(times[0] == begins_at for times in sent.values()), "the first is not kept waiting"
    assert max(times[1] for times in sent.values()) <= begins_at + LATENESS_SECONDS + 0.001
    assert {len(times) for times in sent.values()} <= {40, 41}, "the speed of each is used"
    together = Counter(round(times[-1] - begins_at, 4) for times in sent.values())
    assert max(together.values()) <= 50, "200, if all had the same phase"


def test_after_a_stall_a_schedule_begins_anew_at_its_phase() -> None:
    pacer = Pacer(20, now=START, phase=0.5)
    assert pacer.take(START, 1) == 1
    stalled_until = START + 1.0
    assert pacer.take(stalled_until, 500) == 1
    assert pacer.next_at() == pytest.approx(stalled_until + 0.0253, abs=0.001)


@given(st.integers(min_value=0))
def test_a_phase_is_less_than_a_whole_one(number: int) -> None:
    assert 0.0 <= spread_phase(number) < 1.0


def test_a_clock_that_steps_back_earns_nothing() -> None:
    pacer = Pacer(10, now=START)
    assert pacer.take(START, 1) == 1
    assert pacer.take(START - 60, 1) == 0
    assert pacer.take(START + 0.05, 1) == 0
    assert pacer.take(START + 0.1, 1) == 1


def test_parts_that_were_not_written_may_go_again_without_a_burst() -> None:
    pacer = Pacer(10, now=START)
    assert pacer.take(START, 1) == 1
    pacer.give_back(1)
    assert pacer.take(START, 5) == 1
    pacer.give_back(1000)
    assert pacer.take(START, 1000) == 1


def test_throttling_pauses_then_goes_on_at_half_speed() -> None:
    pacer = Pacer(100, now=START)
    pacer.take(START, 1)
    pacer.slow_down(START, pause_seconds=1.0)
    assert pacer.next_at() >= START + 1.0
    assert pacer.take(START + 0.999, 10) == 0
    assert pacer.parts_per_second == 50
    sent = sum(count for _, count in run(pacer, [START + 1 + n * 0.005 for n in range(200)]))
    assert 49 <= sent <= 51


def test_the_answers_to_one_window_halve_the_speed_once() -> None:
    pacer = Pacer(100, now=START)
    for number in range(10):
        pacer.slow_down(START + number * 0.01, pause_seconds=1.0)
    assert pacer.parts_per_second == 50
    assert pacer.take(START + 1.05, 1) == 0


def test_throttling_without_end_leaves_enough_to_see_the_carrier_recover() -> None:
    pacer = Pacer(100, now=START)
    for number in range(50):
        pacer.slow_down(START + number * 10, pause_seconds=1.0)
    assert pacer.parts_per_second == 2


def test_speed_comes_back_step_by_step_to_the_limit_and_no_further() -> None:
    pacer = Pacer(100, now=START)
    pacer.slow_down(START, pause_seconds=1.0)
    speeds = []
    for second in range(1, 15):
        pacer.recover(START + 1 + second)
        speeds.append(pacer.parts_per_second)
    assert speeds[:3] == pytest.approx([55, 60, 65])
    assert speeds[-1] == pacer.ceiling == 98


class StrictCarrier:
    """Takes so many parts in any second and refuses each above."""

    def __init__(self, parts_per_second: int) -> None:
        self._most = parts_per_second
        self._taken: deque[float] = deque()

    def takes(self, at: float) -> bool:
        while self._taken and self._taken[0] <= at - 1.0:
            self._taken.popleft()
        if len(self._taken) == self._most:
            return False
        self._taken.append(at)
        return True


@pytest.mark.parametrize("speed", [1, 7, 20, 50, 333])
def test_a_carrier_that_refuses_one_part_above_its_figure_is_soon_given_none(speed: int) -> None:
    random = Random(speed)
    pacer, carrier = Pacer(speed, now=START), StrictCarrier(speed)
    taken, refused = 0, 0
    recovered_at = now = START
    settled_at = START + 60
    while now < START + 120:
        now = max(now, pacer.next_at()) + random.random() * 0.008  # a loop that has other work
        for _ in range(pacer.take(now, 1_000)):
            if carrier.takes(now):
                taken += now >= settled_at
            else:
                refused += now >= settled_at
                pacer.slow_down(now, 1.0)
        if now >= recovered_at + 1.0:
            recovered_at = now
            pacer.recover(now)
    assert refused == 0
    assert taken >= 0.96 * speed * 60


@pytest.mark.parametrize("speed", [1, 7, 20, 50])
def test_lateness_that_is_made_good_does_not_cost_a_second_refusal(speed: int) -> None:
    """What is caught up shortens a second by as much."""
    random = Random(speed)
    pacer, carrier = Pacer(speed, now=START), StrictCarrier(speed)
    refused = 0
    recovered_at = now = START
    while now < START + 300:
        now = max(now, pacer.next_at()) + random.random() * 0.03  # a loop that is very busy
        for _ in range(pacer.take(now, 1_000)):
            if not carrier.takes(now):
                refused += 1
                pacer.slow_down(now, 1.0)
        if now >= recovered_at + 1.0:
            recovered_at = now
            pacer.recover(now)
    assert (refused, pacer.ceiling) == (1, 0.98 * speed)


def test_a_carrier_that_was_busy_once_gets_the_whole_speed_again_after_a_while() -> None:
    pacer = Pacer(100, now=START)
    pacer.slow_down(START, pause_seconds=1.0)
    for second in range(2, 700):
        pacer.recover(START + second)
    assert pacer.parts_per_second == pacer.ceiling == 100


def test_a_carrier_with_a_lower_limit_of_its_own_keeps_the_ceiling_near_the_contract() -> None:
    pacer = Pacer(100, now=START)
    for number in range(100):
        pacer.slow_down(START + number * 30, pause_seconds=1.0)
        for second in range(2, 30):
            pacer.recover(START + number * 30 + second)
    assert pacer.ceiling == pytest.approx(90)


def test_nothing_is_recovered_during_the_pause() -> None:
    pacer = Pacer(100, now=START)
    pacer.slow_down(START, pause_seconds=5.0)
    pacer.recover(START + 4.9)
    assert pacer.parts_per_second == 50


def test_a_new_limit_counts_at_once_and_keeps_a_throttled_speed() -> None:
    pacer = Pacer(100, now=START)
    pacer.set_limit(200)
    assert pacer.parts_per_second == 200
    pacer.slow_down(START, pause_seconds=1.0)
    pacer.set_limit(300)
    assert (pacer.parts_per_second, pacer.limit) == (100, 300)
    pacer.set_limit(40)
    assert pacer.limit == 40
    assert pacer.parts_per_second == pacer.ceiling == pytest.approx(39.2)


def test_a_carrier_that_counts_strictly_gets_its_share_of_a_new_limit_at_once() -> None:
    pacer = Pacer(100, now=START)
    pacer.slow_down(START, pause_seconds=1.0)
    pacer.recover(START + 60)
    assert pacer.parts_per_second == 98
    for limit in (300, 50, 100):
        pacer.set_limit(limit)
        assert pacer.parts_per_second == pacer.ceiling == pytest.approx(0.98 * limit)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_no_speed_at_all_is_a_bug(speed: float) -> None:
    with pytest.raises(ValueError, match="sends nothing"):
        Pacer(speed, now=START)
