from random import Random

import pytest

from gateway.domain.pacing import Pacer
from gateway.domain.throttling import SlowingEffect

LIMIT = 50.0
FAST, SLOW = 1.0, 0.1


def drive(effect: SlowingEffect, answers: int, throttled_share: float, speed_share: float) -> None:
    """Single answers, of which every so many throttles."""
    owed = 0.0
    for _ in range(answers):
        owed += throttled_share
        is_throttled = owed >= 1.0
        owed -= is_throttled
        effect.note(speed_share, taken=not is_throttled, throttled=is_throttled)


def test_refusals_while_slow_lead_to_a_trial_that_keeps_the_speed() -> None:
    effect = SlowingEffect()
    drive(effect, 31, 0.3, SLOW)
    assert not effect.keeps_speed
    drive(effect, 2, 0.3, SLOW)
    assert effect.keeps_speed
    assert not effect.is_in_vain


def test_the_same_share_fast_and_slow_means_in_vain() -> None:
    effect = SlowingEffect()
    drive(effect, 40, 0.3, SLOW)
    drive(effect, 40, 0.3, FAST)
    assert effect.is_in_vain


def test_a_trial_that_is_refused_more_often_ends_and_the_next_comes_later() -> None:
    effect = SlowingEffect()
    drive(effect, 40, 0.2, SLOW)
    drive(effect, 30, 0.9, FAST)
    assert not effect.keeps_speed
    drive(effect, 40, 0.2, SLOW)
    assert not effect.keeps_speed
    drive(effect, 40, 0.2, SLOW)
    assert effect.keeps_speed


@pytest.mark.parametrize("slow", [0.0, 0.05, 0.8, 1.0])
def test_where_slowness_works_or_the_limit_may_be_smaller_yet_nothing_is_tried(slow: float) -> None:
    effect = SlowingEffect()
    drive(effect, 500, slow, SLOW)
    assert not effect.keeps_speed


def test_a_carrier_that_begins_to_count_is_obeyed_again() -> None:
    effect = SlowingEffect()
    drive(effect, 40, 0.3, SLOW)
    drive(effect, 40, 0.3, FAST)
    drive(effect, 60, 0.9, FAST)
    assert not effect.keeps_speed


def test_a_carrier_that_is_well_again_is_judged_anew() -> None:
    effect = SlowingEffect()
    drive(effect, 40, 0.3, SLOW)
    drive(effect, 40, 0.3, FAST)
    drive(effect, 200, 0.0, FAST)
    assert not effect.keeps_speed


def simulate(seconds: int, refuses: "Carrier") -> tuple[int, float, int]:
    """Parts taken, the mean speed of the last half, and refusals in it, of a carrier that answers at once."""
    pacer, effect = Pacer(LIMIT, now=0.0), SlowingEffect()
    taken = late_refusals = 0
    speeds = []
    for step in range(seconds * 200):
        now = step / 200
        if step % 200 == 0:
            pacer.recover(now)
        if step * 2 > seconds * 200:
            speeds.append(pacer.parts_per_second)
        for _ in range(pacer.take(now, 10)):
            is_throttled = refuses(now)
            taken += not is_throttled
            effect.note(pacer.parts_per_second / LIMIT, taken=not is_throttled, throttled=is_throttled)
            if is_throttled:
                late_refusals += step * 2 > seconds * 200
                if effect.keeps_speed:
                    pacer.pause(now, 0.05)
                else:
                    pacer.slow_down(now, 1.0)
    return taken, sum(speeds) / len(speeds), late_refusals


class Carrier:
    """Refuses by chance, or beyond so many in each second of its own clock."""

    def __init__(self, *, share: float = 0.0, most_per_second: int = 1_000_000) -> None:
        self._share, self._most = share, most_per_second
        self._random = Random(7)
        self._second, self._seen = -1, 0

    def __call__(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._seen = int(now), 0
        self._seen += 1
        return self._seen > self._most or self._random.random() < self._share


def test_refusals_by_chance_do_not_stop_the_traffic() -> None:
    taken, speed, _ = simulate(300, Carrier(share=0.3))
    assert speed > LIMIT * 0.9
    assert taken > 300 * 15


@pytest.mark.parametrize("most_per_second", [2, 5, 12, 20, 42])
def test_a_carrier_that_counts_is_never_taken_for_one_that_refuses_by_chance(most_per_second: int) -> None:
    taken, speed, refusals = simulate(600, Carrier(most_per_second=most_per_second))
    assert speed < max(most_per_second * 1.3, 3.5)
    assert taken > 600 * most_per_second * 0.3
    assert refusals < taken * 0.15 + 60
