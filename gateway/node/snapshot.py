"""The console's frame in a few figures: how fast messages move, and which campaigns stand still.

Owns the measure of speed from sums in the database, which count what every node takes in. Knows no request.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.campaign import PauseReason
from gateway.domain.message import MessageState
from gateway.store.database import Database
from gateway.store.overview import sum_traffic_of_shops
from gateway.store.rollups import ACCEPTED

_SPAN: Final = timedelta(hours=24)
"""Messages made longer ago that leave only now, being scheduled, are missed by the speed of one shop."""


class TrafficMeter:
    """Messages a second by shop, between two looks at the sums."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._seen: tuple[float, dict[tuple[int, int], int]] = (0.0, {})
        self._rates: dict[tuple[int, int], float] = {}

    async def look(self, database: Database, *, now: datetime, monotonic: float) -> None:
        """Read the sums. Raises `StoreUnavailable`."""
        since = now.replace(minute=0, second=0, microsecond=0) - _SPAN
        sums = await sum_traffic_of_shops(database, since)
        at, before = self._seen
        if self._since == since and monotonic > at:
            self._rates = {
                key: max(0, count - before.get(key, 0)) / (monotonic - at) for key, count in sums.items()
            }
        self._since = since  # at the turn of the hour the sums lose an hour: the last rates stay
        self._seen = (monotonic, sums)

    def taken_in_per_second(self, shop_id: int | None) -> float:
        return self._rate(ACCEPTED, shop_id)

    def sent_per_second(self, shop_id: int | None) -> float:
        return self._rate(MessageState.SENT, shop_id)

    def _rate(self, state: int, shop_id: int | None) -> float:
        return sum(
            rate
            for (each, counted), rate in self._rates.items()
            if counted == state and (shop_id is None or each == shop_id)
        )


@dataclass(frozen=True, slots=True)
class HaltedCampaign:
    """A campaign that paused itself and waits for a person."""

    shop_id: int
    name: str
    reason: PauseReason


def tell_halted(campaign: HaltedCampaign) -> str:
    """Why it stands still, and what to do."""
    if campaign.reason is PauseReason.SPEND_CAP:
        return (
            f"Campaign {campaign.name} has paused: the shop's cap of spend is reached. Raise it, then resume."
        )
    return f"Campaign {campaign.name} has paused: too many of its messages fail. Look at its failures first."
