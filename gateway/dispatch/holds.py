"""What is held as dispatch sees it: operators' holds, and campaigns that are paused or being wound up.

Looked at twice a second, and read at once when this node changes one. Owns what a hold covers; places none.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.domain.lanes import Category, HoldScope, Lane
from gateway.store.database import Database
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.holds import EVERY_SHOP, Hold, list_holds, list_stopped_campaigns


class HeldInStream(NamedTuple):
    """Whose messages of one stream are passed over. Empty lists: nobody's."""

    shops: Sequence[int]
    campaigns: Sequence[int]


_NOTHING = HeldInStream((), ())


class HoldBoard:
    """What may not leave now. `on_released` hears when less is held than before."""

    def __init__(
        self, database: Database, *, on_released: Callable[[], None], has_holds: HasWork = has_perhaps
    ) -> None:
        self._database = database
        self._has_holds = has_holds
        self._on_released = on_released
        self._held: set[tuple[int, HoldScope]] = set()
        self._campaigns: set[int] = set()
        self._lock = asyncio.Lock()
        self.holds: list[Hold] = []

    async def look(self) -> None:
        """The regular look, for what other nodes hold. Raises as `refresh`."""
        if self._held or self._campaigns or await self._has_holds():
            await self.refresh()

    async def refresh(self) -> None:
        """Read what is held. Raises `StoreUnavailable`; what was held stays held then."""
        async with self._lock:  # one after another: what an older look saw must not undo what a newer one did
            await self._refresh()

    async def _refresh(self) -> None:
        holds = await list_holds(self._database)
        campaigns = set(await list_stopped_campaigns(self._database))
        self.holds = holds
        before, self._held = self._held, {(hold.shop_id, hold.scope) for hold in holds}
        campaigns_before, self._campaigns = self._campaigns, campaigns
        if before - self._held or campaigns_before - campaigns:
            self._on_released()

    def stops_category(self, category: int) -> bool:
        """Whether nothing of this category may leave, whichever shop's."""
        return self._stops(EVERY_SHOP, category)

    def stops_shop(self, shop_id: int, category: int) -> bool:
        """Whether this shop's messages of this category may not leave."""
        return bool(self._held) and self._stops(shop_id, category)

    def stops_campaign(self, campaign_id: int | None) -> bool:
        """Whether nothing of this campaign may leave; a message of none has None."""
        return campaign_id in self._campaigns

    def held_in(self, lane: int, category: int) -> HeldInStream:
        """What a claim of a stream passes over. Campaigns wait in the bulk lane only."""
        if not self._held and not self._campaigns:
            return _NOTHING
        shops = sorted({shop_id for shop_id, _ in self._held if self._stops(shop_id, category)})
        return HeldInStream(shops, sorted(self._campaigns) if lane == Lane.BULK else ())

    def _stops(self, shop_id: int, category: int) -> bool:
        if (shop_id, HoldScope.ALL) in self._held:
            return True
        return category == Category.MARKETING and (shop_id, HoldScope.MARKETING) in self._held
