"""The clock that all connectors of a node share."""

import asyncio
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
