"""What a campaign will come to: parts at best and worst, and when it is done under the limits that there are.

Pure arithmetic over counts. Knows no audience, no routing and no price; who measured the counts says whether
they are a sample.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class PartCounts:
    """The parts of a campaign's messages: all together, and of one message."""

    total: int
    best: int
    median: int
    worst: int


def count_parts(messages_by_parts: Mapping[int, int]) -> PartCounts:
    """Totals of a histogram: how many messages have one part, two, and so on. Zeroes for no messages."""
    sizes = sorted(parts for parts, messages in messages_by_parts.items() if messages > 0)
    if not sizes:
        return PartCounts(0, 0, 0, 0)
    messages = sum(messages_by_parts[parts] for parts in sizes)
    total = sum(parts * messages_by_parts[parts] for parts in sizes)
    passed, median = 0, sizes[0]
    for median in sizes:
        passed += messages_by_parts[median]
        if 2 * passed >= messages:
            break
    return PartCounts(total, sizes[0], median, sizes[-1])


@dataclass(frozen=True, slots=True)
class ConnectorLoad:
    """What one connector gets of the campaign, and what waits there before it."""

    name: str
    parts: int
    parts_per_second: float
    parts_ahead: int = 0


@dataclass(frozen=True, slots=True)
class SendingTime:
    """How long sending takes, and which limit makes it so; None where a connector has no speed at all."""

    wanted: timedelta | None
    limited_by: str


def estimate_sending_time(
    loads: Iterable[ConnectorLoad], *, campaign_parts_per_second: float | None, spread: timedelta | None
) -> SendingTime:
    """The time from the first part to the last: connectors work side by side, each at its own speed.

    The campaign's own speed holds over all of them; `spread` is the time that it is spread over on purpose,
    and never shortens anything.
    """
    loads = [load for load in loads if load.parts > 0]
    limits: list[tuple[float, str]] = []
    for load in loads:
        name = f"connector {load.name}"
        if load.parts_per_second <= 0:
            return SendingTime(None, f"{name}: nothing can be sent")
        own_seconds = load.parts / load.parts_per_second
        wait_seconds = load.parts_ahead / load.parts_per_second
        sentence = f"{name}: {_speed(load.parts_per_second)}"
        if wait_seconds > own_seconds:
            sentence += f", {load.parts_ahead:,} parts wait before it"
        limits.append((own_seconds + wait_seconds, sentence))
    parts = sum(load.parts for load in loads)
    if campaign_parts_per_second is not None and parts:
        limits.append(
            (parts / campaign_parts_per_second, f"the campaign: {_speed(campaign_parts_per_second)}")
        )
    if spread is not None:
        limits.append((spread.total_seconds(), "the time it is spread over"))
    if not limits:
        return SendingTime(timedelta(0), "nothing")
    seconds, limited_by = max(limits, key=lambda limit: limit[0])
    return SendingTime(timedelta(seconds=seconds), limited_by)


def _speed(parts_per_second: float) -> str:
    return f"{parts_per_second:,.10g} parts/s"
