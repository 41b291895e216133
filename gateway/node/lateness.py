"""When a node whose lease ran out may be taken for dead.

After an outage of Postgres, or a jump of its clock, every lease has run out although nobody died, and who
looks first must give the others time to renew. Pure but for its own memory; the clock is passed in.
"""

from collections.abc import Iterable
from typing import Final

from gateway.store.leases import NodeRecord

GRACE_SECONDS: Final = 4.0
"""Of looks without a gap before another node is deposed: a renewal is tried every 3 s, and twice a second
after one that failed."""
GAP_SECONDS: Final = 3.0
"""Between two looks; more is an outage, of the database or of ourselves."""


class Lateness:
    """What one node has seen of the others' leases."""

    def __init__(self) -> None:
        self._steady_since: float | None = None
        self._looked_at = float("-inf")
        self._dead_from: dict[tuple[int, int], float] = {}
        """By number and epoch."""

    def note_failed_look(self) -> None:
        """Nothing could be seen: whoever is late next may just be slower than we are."""
        self._steady_since = None

    def find_dead(self, nodes: Iterable[NodeRecord], now: float) -> list[NodeRecord]:
        """Those of the nodes, as just seen, that will not come back."""
        if self._steady_since is None or now - self._looked_at > GAP_SECONDS:
            self._steady_since = now
        self._looked_at = now
        late = [node for node in nodes if node.is_held and not node.is_alive]
        dead_from = {(node.node_no, node.epoch): now + _wait_for(node) for node in late}
        self._dead_from = {key: self._dead_from.get(key, at) for key, at in dead_from.items()}
        if now - self._steady_since < GRACE_SECONDS:
            return []
        return [node for node in late if now >= self._dead_from[node.node_no, node.epoch]]


def _wait_for(node: NodeRecord) -> float:
    """Seconds from when a node is first seen late. Where its lease was over long before, between two looks,
    or lasts longer than any does, the clock of the database was moved: then it gets the time to renew."""
    return 0.0 if 0 <= node.overdue_seconds < GAP_SECONDS else GRACE_SECONDS
