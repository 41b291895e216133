"""The holds as dispatch sees them: read twice a second, and at once when this node places or ends one."""

from collections.abc import Callable

from gateway.domain.lanes import Category, HoldScope
from gateway.store.database import Database
from gateway.store.holds import EVERY_SHOP, Hold, list_holds


class HoldBoard:
    """What may not leave now. `on_released` hears when less is held than before."""

    def __init__(self, database: Database, *, on_released: Callable[[], None]) -> None:
        self._database = database
        self._on_released = on_released
        self._held: set[tuple[int, HoldScope]] = set()
        self.holds: list[Hold] = []

    async def refresh(self) -> None:
        """Read the holds. Raises `StoreUnavailable`; what was held stays held then."""
        self.holds = await list_holds(self._database)
        before, self._held = self._held, {(hold.shop_id, hold.scope) for hold in self.holds}
        if before - self._held:
            self._on_released()

    def stops_category(self, category: int) -> bool:
        """Whether nothing of this category may leave, whichever shop's."""
        return self._stops(EVERY_SHOP, category)

    def stops_shop(self, shop_id: int, category: int) -> bool:
        """Whether this shop's messages of this category may not leave."""
        return bool(self._held) and self._stops(shop_id, category)

    def _stops(self, shop_id: int, category: int) -> bool:
        if (shop_id, HoldScope.ALL) in self._held:
            return True
        return category == Category.MARKETING and (shop_id, HoldScope.MARKETING) in self._held
