"""Which connectors a node leaves to others for a while, because it cannot bind them itself.

A node that a carrier does not know, or cannot reach, would otherwise hold binds that another could use. Pure
but for its own memory; the clock and chance are passed in.
"""

from collections.abc import Callable, Collection
from typing import Final

FAILING_SECONDS: Final = 20.0
"""For how long no bind of a connector came up here before it is left to others."""
_SPREAD: Final = 0.5
"""Of that time, by chance on top: two nodes do not leave one connector at the same moment."""
_FIRST_SECONDS: Final = 300.0
_LONGEST_SECONDS: Final = 3_600.0


class Reluctance:
    """The connectors of one node that do not come up. `draw` gives a number from 0 to 1."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._give_up_at: dict[int, float] = {}
        self._until: dict[int, float] = {}
        self._times: dict[int, int] = {}

    def forget(self, connector_ids: Collection[int]) -> None:
        """The configuration was read again: try everything anew. Only `connector_ids` are remembered at
        all."""
        self._give_up_at.clear()
        self._until.clear()
        self._times = {key: times for key, times in self._times.items() if key in connector_ids}

    def judge(self, failing: Collection[int], others: Collection[int], now: float) -> frozenset[int]:
        """The connectors to leave to other nodes now.

        `failing` are held here and not up, `others` are those that some other node is able to bind: what
        nobody else would take is never left.
        """
        self._give_up_at = {
            key: self._give_up_at.get(key, now + FAILING_SECONDS * (1 + _SPREAD * self._draw()))
            for key in failing
        }
        for connector_id, at in list(self._give_up_at.items()):
            if now >= at and connector_id in others:
                times = self._times[connector_id] = self._times.get(connector_id, 0) + 1
                self._until[connector_id] = now + min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** (times - 1))
                del self._give_up_at[connector_id]
        self._until = {key: until for key, until in self._until.items() if now < until and key in others}
        return frozenset(self._until)
