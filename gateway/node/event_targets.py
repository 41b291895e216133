"""Which webhook endpoints want which event, for those who write events below the room of webhooks."""

from collections.abc import Sequence

from gateway.store.optout_events import EndpointsFor
from gateway.webhooks.directory import EndpointDirectory, find_wanting


class DirectoryTargets:
    """By the directory, which remembers endpoints for a while."""

    def __init__(self, directory: EndpointDirectory) -> None:
        self._directory = directory

    async def look_up(self, shop_ids: set[int]) -> EndpointsFor:
        webhooks = await self._directory.look_up(shop_ids)

        def endpoints_for(shop_id: int, kind: str) -> Sequence[int]:
            shop = webhooks.get(shop_id)
            return () if shop is None else [endpoint.id for endpoint in find_wanting(shop, kind)]

        return endpoints_for
