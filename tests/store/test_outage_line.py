"""What an outage looks like in the log: its beginning, a reminder a minute, its end."""

import structlog

from gateway.store.errors import StoreUnavailable
from gateway.store.outage_line import OutageLine


class Work:
    """Work that fails when it is told to, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.line = OutageLine(
            structlog.get_logger("test"), "rows.not_read", monotonic=lambda: self.now, what="holds"
        )

    def turn(self, *, fails: bool) -> None:
        with self.line.absorbing():
            if fails:
                raise StoreUnavailable("made up")
        self.now += 0.5


def lines_of(*turns: tuple[bool, int]) -> list[tuple[str, int]]:
    """The lines of so many turns that fail, or work; each event with the failures that it tells of."""
    work = Work()
    with structlog.testing.capture_logs() as logs:
        for fails, times in turns:
            for _ in range(times):
                work.turn(fails=fails)
    return [(line["event"], line["failures"]) for line in logs]


def test_work_that_works_says_nothing() -> None:
    assert lines_of((False, 10)) == []


def test_an_outage_is_told_when_it_begins_and_when_it_is_over() -> None:
    assert lines_of((True, 100), (False, 5)) == [("rows.not_read", 1), ("work.resumed", 100)]


def test_a_long_one_is_told_again_each_minute() -> None:
    assert lines_of((True, 241)) == [("rows.not_read", 1), ("rows.not_read", 121), ("rows.not_read", 241)]


def test_the_next_outage_is_told_anew() -> None:
    events = [event for event, _ in lines_of((True, 2), (False, 1), (True, 2), (False, 1))]
    assert events == ["rows.not_read", "work.resumed"] * 2


def test_a_fault_of_another_kind_goes_on_to_the_caller() -> None:
    work = Work()
    try:
        with work.line.absorbing():
            raise KeyError("made up")
    except KeyError:
        return
    raise AssertionError("it was absorbed")
