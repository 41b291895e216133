"""One clock for all connectors of a node: parts leave on its ticks, what can wait is asked for in its rounds.

A connector of 20 parts a second needs little and often. Two hundred of them, each at a time of its own, wake
the loop for every part and ask the database for a message or two at a time, 4,000 times a second. On common
ticks they wake together, and a round asks for all of them at once: connector after connector, with turns for
others in between, and what they ask for goes on together. Owns the times only; what is asked for is each
connector's own to say.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from math import ceil, floor
from typing import Final, Protocol

_TICK_SECONDS: Final = 0.002
"""Between two looks at a pacer: above 500 parts a second several leave at a time. A part that had to wait for
its tick makes no later one late (`Pacer`)."""

_ROUND_SECONDS: Final = 0.05
"""How much is gathered for one batch: 200 messages, of 200 connectors of 20 parts a second."""

_ORDERS_A_TURN: Final = 25
"""Orders of 200 connectors are 2 to 5 ms of planning, in which no part would leave."""

CALM_SECONDS: Final = 4 * _ROUND_SECONDS
"""Who has enough for so long can wait for a round and for the commits that it begins."""

_ROUNDING: Final = 1e-6
"""Of a tick: a time that stands on one is not moved to the next by the last digits of floats."""


class Joining(Protocol):
    """Who takes part in a round."""

    def order(self) -> None:
        """Ask for everything that is wanted."""


class Rounds:
    """The clock of one node, on `loop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._joined: dict[Joining, None] = {}
        self._coming: deque[Joining] = deque()
        """Those of the round under way who have not ordered yet."""
        self._gathered: list[Callable[[], None]] = []
        """What was asked for meanwhile."""
        self._is_under_way = False

    def next_tick(self, at: float) -> float:
        """The first tick from `at` on that is still to come."""
        coming = floor(self._loop.time() / _TICK_SECONDS + _ROUNDING) + 1
        return max(coming, ceil(at / _TICK_SECONDS - _ROUNDING)) * _TICK_SECONDS

    def join(self, one: Joining) -> None:
        """Have `one` order with all others in the next round; any number of times before it counts once."""
        if not self._joined:
            self._loop.call_at(self._loop.time() + _ROUND_SECONDS, self._run)
        self._joined[one] = None

    def with_round(self, deed: Callable[[], None]) -> None:
        """Do it at the end of the round that is under way, in the order of asking; at once where none is."""
        if self._is_under_way:
            self._gathered.append(deed)
        else:
            deed()

    def _run(self) -> None:
        self._coming.extend(self._joined)
        self._joined = {}
        if not self._is_under_way:
            self._is_under_way = True
            self._order_some()

    def _order_some(self) -> None:
        """Have the next of the round order, and the others in further turns of the loop."""
        try:
            for _ in range(min(len(self._coming), _ORDERS_A_TURN)):
                self._coming.popleft().order()
        finally:
            if self._coming:
                self._loop.call_soon(self._order_some)
            else:
                self._end_round()

    def _end_round(self) -> None:
        self._is_under_way = False
        gathered, self._gathered = self._gathered, []
        for deed in gathered:
            deed()
