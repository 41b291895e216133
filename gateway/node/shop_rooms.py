"""What works for shops beside single messages: people and lists, imports, campaigns, links, orders.

Made from the rooms of message traffic and told of the configuration with them. Decides nothing: who hears
what, and which endpoints there are, is all there is here.
"""

from collections.abc import Coroutine
from typing import Any

from gateway.config import Config
from gateway.web.shop_routes import ShopRoute


class ShopRooms:
    """The shops' rooms of one node."""

    def list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What goes on by itself, by name; the end of any is the end of the node."""
        return []

    def list_routes(self) -> list[ShopRoute]:
        """Every endpoint of one shop, for the public API and for the admin socket."""
        return []

    async def apply(self, config: Config) -> None:
        """Take over a configuration that was read again."""
