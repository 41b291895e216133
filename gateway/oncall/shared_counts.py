"""Counts that each node keeps in memory and that say something only in sum: receipts of the last minutes by
connector, one-time passwords by block of numbers. A node says its own with its lease, and whoever judges adds
them up.

Pure. Owns the names under which they stand among a node's figures: each begins with a word and a blank, which
the name of no other figure has.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.oncall.observations import BurstSeen, DeliverySeen

_DELIVERED: Final = "delivered "
_ENDED: Final = "ended "
_BURST: Final = "otp "
MOST_BURSTS: Final = 20
"""Blocks that a node says: its row is renewed every second or two."""


def write_counts(deliveries: Iterable[DeliverySeen], bursts: Sequence[BurstSeen]) -> dict[str, float]:
    """What a node says of itself."""
    counts: dict[str, float] = {}
    for each in deliveries:
        counts[_ENDED + each.connector] = each.ended
        counts[_DELIVERED + each.connector] = each.delivered
    counts.update({_BURST + burst.prefix: burst.messages for burst in bursts[:MOST_BURSTS]})
    return counts


def is_shared_count(name: str) -> bool:
    """Whether a figure of a node is one of these; the others tell how far behind it is."""
    return " " in name


def add_deliveries(own: Iterable[DeliverySeen], others: Iterable[Mapping[str, float]]) -> list[DeliverySeen]:
    """This node's and the other nodes' receipts together."""
    ended: Counter[str] = Counter()
    delivered: Counter[str] = Counter()
    for each in own:
        ended[each.connector] += each.ended
        delivered[each.connector] += each.delivered
    for figures in others:
        ended.update(_pick(_ENDED, figures))
        delivered.update(_pick(_DELIVERED, figures))
    return [DeliverySeen(name, delivered[name], count) for name, count in sorted(ended.items())]


def add_bursts(own: Iterable[BurstSeen], others: Iterable[Mapping[str, float]]) -> list[BurstSeen]:
    """This node's and the other nodes' one-time passwords together, the largest first."""
    messages = Counter({burst.prefix: burst.messages for burst in own})
    for figures in others:
        messages.update(_pick(_BURST, figures))
    return [BurstSeen(prefix, count) for prefix, count in messages.most_common()]


def _pick(word: str, figures: Mapping[str, float]) -> dict[str, int]:
    return {name.removeprefix(word): int(count) for name, count in figures.items() if name.startswith(word)}
