"""What an operator is told limits a connector: each cause in words, and in a form for programs."""

import pytest

from gateway.dispatch.limits import Limit, LimitCause, find_limit
from tests.dispatch.carrier_fakes import Bench


def limit_of(bench: Bench, *, is_bound: bool = True) -> Limit:
    return find_limit(bench.run, is_bound=is_bound)


def test_nothing_limits_a_connector_that_has_nothing_to_send() -> None:
    bench = Bench()
    bench.bind()
    assert limit_of(bench) == Limit(None, "", 100, 100)


def test_a_connector_without_a_bind_is_down() -> None:
    limit = limit_of(Bench(), is_bound=False)
    assert (limit.cause, limit.words, limit.parts_per_second) == (LimitCause.DOWN, "no bind is up", 0)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0x58, "limited by carrier: 0x58, 25/s of 50/s (ESME_RTHROTTLED)"),
        (0x14, "limited by carrier: 0x14, 25/s of 50/s (ESME_RMSGQFUL)"),
        (0x4A1, "limited by carrier: 0x4a1, 25/s of 50/s"),
    ],
)
def test_a_carrier_that_throttles_is_named_with_its_status_and_the_speeds(status: int, words: str) -> None:
    bench = Bench(parts_per_second=50)
    bench.bind()
    bench.run.slow_down(1.0, status)
    assert limit_of(bench) == Limit(LimitCause.CARRIER, words, 25, 50, status)


def test_the_speed_that_is_given_back_is_seen_until_nothing_limits_any_more() -> None:
    bench = Bench(parts_per_second=50)
    bench.bind()
    bench.run.slow_down(1.0, 0x58)
    seen = []
    for _ in range(13):
        bench.loop.advance(1.0)
        bench.run.recover()
        seen.append(limit_of(bench).words.partition(", ")[2].partition(" (")[0])
    assert seen[:4] == ["25/s of 50/s", "28/s of 50/s", "30/s of 50/s", "32/s of 50/s"]
    assert seen[-1] == ""


def test_a_carrier_that_refuses_as_much_however_slow_we_are_is_not_slowed_further() -> None:
    bench = Bench(parts_per_second=50)
    bench.bind()
    while not bench.run.is_throttled_at_any_speed:
        for taken, throttled in ((1, 0), (1, 0), (0, 1)):
            bench.run.note_answers(taken=taken, throttled=throttled)
            if throttled:
                bench.run.slow_down(1.0, 0x58)
            bench.loop.advance(1.0)
            bench.run.recover()
    for _ in range(20):
        bench.loop.advance(1.0)
        bench.run.recover()
    bench.run.slow_down(1.0, 0x58)
    words = "limited by carrier: 0x58, 49/s of 50/s (ESME_RTHROTTLED), at any speed"
    assert limit_of(bench).words == words
    bench.loop.advance(0.06)
    assert not bench.run.pacer.is_paused(bench.loop.time())


def test_a_slow_connector_shows_tenths() -> None:
    bench = Bench(parts_per_second=1)
    bench.bind()
    bench.run.slow_down(1.0, 0x58)
    assert "0x58, 0.5/s of 1.0/s" in limit_of(bench).words


def test_a_full_window_and_a_silent_carrier_are_told_apart() -> None:
    bench = Bench(parts_per_second=1_000)
    session = bench.bind(window=3)
    bench.claim(bench.flights(10))
    bench.loop.advance(0.1)
    limit = limit_of(bench)
    assert limit.cause is LimitCause.WINDOW
    assert limit.words == "the window is full: 3 submits await their answer"
    session.unanswered_seconds = 8.0
    limit = limit_of(bench)
    assert limit.cause is LimitCause.SILENCE
    assert limit.words == "3 submits await their answer, the oldest for 8 s"


def test_messages_that_wait_for_nothing_but_the_speed_are_at_the_speed() -> None:
    bench = Bench(parts_per_second=5)
    bench.bind()
    bench.claim(bench.flights(10))
    bench.loop.advance(0.1)
    assert limit_of(bench) == Limit(LimitCause.SPEED, "at its parts_per_second, 5", 5, 5)
