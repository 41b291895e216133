"""The shops that there are, by name and by number, as they were read last; other nodes make shops too."""

from gateway.store.database import Database
from gateway.store.shops import list_shops


class KnownShops:
    """Empty until the first `refresh`. A shop that was known once stays known: its messages have its number.

    `names` and `ids` are kept for good, so others may hold on to them.
    """

    def __init__(self, database: Database) -> None:
        self.names: dict[int, str] = {}
        self.ids: dict[str, int] = {}
        self._database = database
        self._resending: frozenset[int] = frozenset()

    def resends_unknown(self, shop_id: int) -> bool:
        """Whether a shop wants transactional messages of unknown outcome sent again."""
        return shop_id in self._resending

    async def refresh(self) -> None:
        """Read all shops. Raises `StoreUnavailable`."""
        shops = await list_shops(self._database)
        self.names.update({shop.id: shop.name for shop in shops})
        self.ids.update({shop.name: shop.id for shop in shops})
        self._resending = frozenset(shop.id for shop in shops if shop.resends_unknown)
