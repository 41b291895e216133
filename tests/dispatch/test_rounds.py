"""The clock that all connectors of a node share."""

import asyncio
from itertools import groupby
from typing import cast

import pytest

from gateway.dispatch.rounds import Rounds
from tests.dispatch.carrier_fakes import TurnedLoop


class Joined:
    def __init__(self, loop: TurnedLoop) -> None:
        self._loop = loop
        self.ordered_at: list[float] = []

    def order(self) -> None:
        self.ordered_at.append(self._loop.now)


def make_rounds() -> tuple[Rounds, TurnedLoop]:
    loop = TurnedLoop()
    return Rounds(cast(asyncio.AbstractEventLoop, loop)), loop


def test_all_who_joined_order_at_one_moment_and_once() -> None:
    rounds, loop = make_rounds()
    one, two = Joined(loop), Joined(loop)
    rounds.join(one)
    loop.advance(0.02)
    rounds.join(two)
    rounds.join(one)
    loop.advance(1)
    assert one.ordered_at == two.ordered_at == [pytest.approx(1_000.05)]


def test_who_joins_while_a_round_runs_is_in_the_next() -> None:
    rounds, loop = make_rounds()

    class Again(Joined):
        def order(self) -> None:
            super().order()
            if len(self.ordered_at) < 3:
                rounds.join(self)

    again = Again(loop)
    rounds.join(again)
    loop.advance(1)
    assert again.ordered_at == pytest.approx([1_000.05, 1_000.10, 1_000.15])


@pytest.mark.parametrize("now", [1_000.0, 1_000.0013, 3_000_000.001])
@pytest.mark.parametrize("due_in", [-5.0, 0.0, 0.0001, 0.002, 0.0333])
def test_a_tick_is_never_before_its_time_nor_now_and_little_later(now: float, due_in: float) -> None:
    rounds, loop = make_rounds()
    loop.now = now
    tick = rounds.next_tick(now + due_in)
    assert tick > now
    assert tick > now + due_in - 1e-6
    assert tick <= now + max(due_in, 0.0) + 0.002 + 1e-6
    assert rounds.next_tick(tick) == tick, "what is due on a tick leaves on it"


def test_orders_of_many_leave_turns_to_others_in_between() -> None:
    rounds, loop = make_rounds()
    seen: list[str] = []

    class Telling(Joined):
        def order(self) -> None:
            super().order()
            loop.call_soon(lambda: seen.append("another turn"))
            seen.append("order")

    for _ in range(200):
        rounds.join(Telling(loop))
    loop.advance(0.05)
    assert seen.count("order") == 200
    longest = max(len(list(run)) for what, run in groupby(seen) if what == "order")
    assert longest <= 25


def test_what_is_asked_for_in_a_round_is_asked_for_together_at_its_end_and_in_order() -> None:
    rounds, loop = make_rounds()
    seen: list[str] = []

    class Asking(Joined):
        def __init__(self, loop: TurnedLoop, name: str) -> None:
            super().__init__(loop)
            self.name = name

        def order(self) -> None:
            seen.append("order")
            rounds.with_round(lambda: seen.append(self.name))
            if self.name == "0":
                loop.call_soon(lambda: rounds.with_round(lambda: seen.append("between")))

    for number in range(60):
        rounds.join(Asking(loop, str(number)))
    loop.advance(0.05)
    assert seen[:60] == ["order"] * 60
    assert [name for name in seen[60:] if name != "between"] == [str(number) for number in range(60)]
    assert seen[60:].index("between") in range(25, 60), "after what was asked for before it"
    rounds.with_round(lambda: seen.append("no round"))
    assert seen[-1] == "no round"


def test_a_fault_of_one_keeps_no_other_from_what_it_asked_for() -> None:
    rounds, loop = make_rounds()
    seen: list[str] = []

    class Faulty(Joined):
        def order(self) -> None:
            raise ValueError("a fault of ours")

    class Asking(Joined):
        def order(self) -> None:
            rounds.with_round(lambda: seen.append("asked"))

    for one in (Asking(loop), Faulty(loop), Asking(loop)):
        rounds.join(one)
    with pytest.raises(ValueError, match="ours"):
        loop.advance(1)
    loop.advance(1)
    assert seen == ["asked", "asked"]
