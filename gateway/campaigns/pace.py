"""How far expansion may run ahead of sending, so that pause, STOP and change of mind take hold, and that who
comes later need not wait behind all that was made before.

Owns two bounds: what may wait at once, 20 s of speed, and for a campaign with a speed of its own how many
parts it has earned by now. Pure: the clock (seconds, monotonic) and what is known are passed in.
"""

from collections.abc import Iterable
from typing import Final

from gateway.domain.campaign import CampaignState
from gateway.store.campaigns import Campaign

AHEAD_SECONDS: Final = 20.0
"""Shared by the campaigns that run at full speed: what is queued leaves in the order in which it was made, so
the first message of another campaign waits for so long. Counts of what really waits are up to 5 s old."""
LEAST_AHEAD_SECONDS: Final = 5.0
"""For each of many campaigns, which are served in turn."""
MOST_AHEAD: Final = 20_000
LEAST_AHEAD: Final = 200
"""Enough that a slow start of a fast carrier is not held back before its speed is known."""
LEAD_SECONDS: Final = 1.0
"""Parts that a campaign with its own speed may have made but not yet earned."""
CHUNK: Final = 2_000
"""Recipients in one transaction: about 150 ms, during which a pause waits."""


def ahead_of(parts_per_second: float, *, sharers: int = 1) -> int:
    """Messages of a campaign that may wait at once, at this speed of the connectors, of which `sharers`
    campaigns take what they can get."""
    seconds = max(LEAST_AHEAD_SECONDS, AHEAD_SECONDS / max(1, sharers))
    return int(min(MOST_AHEAD, max(LEAST_AHEAD, parts_per_second * seconds)))


def count_sharers(campaigns: Iterable[Campaign]) -> int:
    """How many of them make messages as fast as the connectors take them."""
    return sum(
        campaign.state is CampaignState.RUNNING
        and campaign.expanded_at is None
        and campaign.content.parts_per_second is None
        and campaign.content.spread_seconds is None
        for campaign in campaigns
    )


class Pace:
    """The credit of one campaign that has a speed of its own."""

    __slots__ = ("_credit", "_parts_per_message", "_seen_at", "_speed")

    def __init__(self, now: float) -> None:
        self._credit = 0.0
        self._seen_at = now
        self._speed: float | None = None
        self._parts_per_message = 1.0

    def allow(
        self,
        now: float,
        parts_per_second: float | None,
        waiting: int,
        carriers: float,
        *,
        sharers: int = 1,
    ) -> int:
        """How many messages may be made now: at most a chunk, and none while its share of 20 s waits.

        `waiting` counts the campaign's queued messages, `carriers` is the speed of the connectors, `sharers`
        the campaigns without a speed of their own that share them.
        """
        speed = carriers if parts_per_second is None else min(carriers, parts_per_second)
        room = min(CHUNK, ahead_of(speed, sharers=sharers) - waiting)
        if parts_per_second is None:
            self._seen_at, self._credit, self._speed = now, 0.0, None
            return max(0, room)
        if self._speed is None:
            self._credit = max(1.0, parts_per_second * LEAD_SECONDS / 2)
            self._seen_at = now
        self._speed = parts_per_second
        most = max(self._parts_per_message, parts_per_second * LEAD_SECONDS)
        self._credit = min(most, self._credit + (now - self._seen_at) * parts_per_second)
        self._seen_at = now
        return max(0, min(room, int(self._credit / self._parts_per_message + 1e-6)))

    def take(self, messages: int, parts: int) -> None:
        """Messages were made."""
        if messages:
            self._credit -= parts
            self._parts_per_message += (parts / messages - self._parts_per_message) * min(1.0, messages / 50)

    def spread_speed(self, messages_left: int, seconds_left: float) -> float:
        """Parts a second that bring `messages_left` out evenly within the time that is left."""
        return max(0.05, messages_left * self._parts_per_message / max(1.0, seconds_left))
