"""Waits in buckets: how long from sending to a receipt, or to a first click, kept as counts that add up.

Owns the scale. Buckets grow by a quarter each, so that a bucket's middle is within 12 % of whatever fell into
it, and 75 of them reach from a tenth of a second to 14 days.
"""

from collections.abc import Mapping
from enum import IntEnum
from math import log, sqrt
from typing import Final

SHORTEST_SECONDS: Final = 0.1
"""Shorter waits fall into bucket 0: no receipt or click tells them apart."""

LONGEST_SECONDS: Final = 14 * 86_400.0
"""Longer ones fall into the last bucket: validity and 72 h for receipts end before."""

GROWTH: Final = 1.25
_MIDDLE: Final = sqrt(GROWTH)
_LOG_GROWTH: Final = log(GROWTH)


class DelayKind(IntEnum):
    """What was waited for. Stored; never renumber."""

    DELIVERY = 1
    """From sent to delivered."""
    FIRST_CLICK = 2
    """From sent to a person's first click."""


def bucket_of(seconds: float) -> int:
    """The bucket of a wait; negative ones (two clocks) count as none."""
    if seconds < SHORTEST_SECONDS:
        return 0
    return min(LAST_BUCKET, 1 + int(log(seconds / SHORTEST_SECONDS) / _LOG_GROWTH))


LAST_BUCKET: Final = 1 + int(log(LONGEST_SECONDS / SHORTEST_SECONDS) / _LOG_GROWTH)


def bucket_floors() -> list[int]:
    """The shortest wait of bucket 1 and of each after it, in whole microseconds: exactly where `bucket_of`
    steps, so that a database that sorts waits by these finds the same buckets."""
    floors = []
    for bucket in range(1, LAST_BUCKET + 1):
        low, high = 0, int(LONGEST_SECONDS * 2_000_000)
        while low < high:
            middle = (low + high) // 2
            if bucket_of(middle / 1_000_000) >= bucket:
                high = middle
            else:
                low = middle + 1
        floors.append(low)
    return floors


def seconds_of(bucket: int) -> float:
    """The middle of a bucket, in seconds."""
    if bucket == 0:
        return SHORTEST_SECONDS / 2
    return SHORTEST_SECONDS * float(GROWTH ** (bucket - 1)) * _MIDDLE


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The wait in seconds that `share` (0–1) of all counted ones did not exceed; None when none was counted.

    `counts` are numbers of waits by bucket.
    """
    total = sum(counts.values())
    if total <= 0:
        return None
    reached, bucket = 0, 0
    for bucket in sorted(counts):
        reached += counts[bucket]
        if reached >= share * total:
            break
    return seconds_of(bucket)
