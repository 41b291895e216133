"""A shop's last hours at a glance, from sums; kept for a second, so that many lookers cost one look."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.campaign import CampaignState
from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.message import MessageState
from gateway.store.campaigns import Campaign, CampaignFigures, list_campaigns, read_figures
from gateway.store.database import Database
from gateway.store.overview import OverviewSums, read_overview
from gateway.store.rollups import ACCEPTED

_KEPT_SECONDS: Final = 1.0
_MOST_KEPT: Final = 256
_MOST_CAMPAIGNS: Final = 20
STEP_SECONDS: Final = 3_600
"""Sums are kept by hour."""


@dataclass(frozen=True, slots=True)
class Series:
    """Counts by step from `starts_at`, the last step being the one that runs."""

    starts_at: datetime
    taken_in: Sequence[int]
    sent: Sequence[int]
    delivered: Sequence[int]
    failed: Sequence[int]
    clicks: Sequence[int]


@dataclass(frozen=True, slots=True)
class Overview:
    """What a shop's overview shows."""

    now: datetime
    hours: int
    series: Series
    failures: Sequence[tuple[int, int]]
    """(failure class, messages), most frequent first."""
    revenue: dict[str, int]
    campaigns: Sequence[tuple[Campaign, CampaignFigures]]
    inbound_texts: int
    stops: int


class Overviews:
    """Makes overviews, one at a time for each shop and span."""

    def __init__(
        self, database: Database, *, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._kept: dict[tuple[int, int], tuple[float, Overview]] = {}
        self._looking = asyncio.Lock()

    async def show(self, shop_id: int, hours: int) -> Overview:
        """The last `hours` whole hours and the one that runs. Raises `StoreUnavailable`."""
        async with self._looking:
            key = (shop_id, hours)
            kept = self._kept.get(key)
            if kept is not None and self._monotonic() - kept[0] < _KEPT_SECONDS:
                return kept[1]
            overview = await self._read(shop_id, hours)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (self._monotonic(), overview)
            return overview

    async def _read(self, shop_id: int, hours: int) -> Overview:
        now = self._clock()
        starts_at = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
        sums = await read_overview(self._database, shop_id, starts_at)
        campaigns = [
            campaign
            for state in (CampaignState.RUNNING, CampaignState.PAUSED)
            for campaign in await list_campaigns(
                self._database, shop_id, below_id=HIGHEST_ID, state=state, most=_MOST_CAMPAIGNS
            )
        ]
        figures = await read_figures(self._database, shop_id, [campaign.id for campaign in campaigns])
        return Overview(
            now=now,
            hours=hours,
            series=_make_series(sums, starts_at, hours),
            failures=_count_failures(sums),
            revenue=sums.revenue,
            campaigns=[(campaign, figures[campaign.id]) for campaign in campaigns],
            inbound_texts=sums.inbound_texts,
            stops=sums.stops,
        )


def _make_series(sums: OverviewSums, starts_at: datetime, hours: int) -> Series:
    def count(state: int) -> list[int]:
        steps = [0] * hours
        for row in sums.traffic:
            place = int((row.hour - starts_at).total_seconds()) // STEP_SECONDS
            if row.state == state and 0 <= place < hours:
                steps[place] += row.messages
        return steps

    steps = [starts_at + timedelta(seconds=STEP_SECONDS * place) for place in range(hours)]
    return Series(
        starts_at=starts_at,
        taken_in=count(ACCEPTED),
        sent=count(MessageState.SENT),
        delivered=count(MessageState.DELIVERED),
        failed=count(MessageState.FAILED),
        clicks=[sums.clicks.get(step, 0) for step in steps],
    )


def _count_failures(sums: OverviewSums) -> list[tuple[int, int]]:
    counts: dict[int, int] = {}
    for row in sums.traffic:
        if row.state == MessageState.FAILED:
            counts[row.failure_class] = counts.get(row.failure_class, 0) + row.messages
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
