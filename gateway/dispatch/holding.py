"""What a node holds of a connector; who gives it is not this room's business."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holding:
    """Binds to keep up (numbers from 1), shards of its queue to claim, and a share of its speed. A share of 0
    sends nothing."""

    bind_nos: frozenset[int] = frozenset()
    shards: frozenset[int] = frozenset()
    parts_per_second: float = 0.0
