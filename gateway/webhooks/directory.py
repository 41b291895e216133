"""Which events each shop wants and where they go, read at most every two seconds for each shop.

Owns a bounded cache of shops' endpoints. Intake asks it whether a message needs events at all, the
writers of events whom they are for, the deliverer for URLs and secrets.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.store.database import Database
from gateway.store.webhook_endpoints import ShopWebhooks, WebhookEndpoint, list_shop_webhooks
from gateway.webhooks.events import EventFamily, is_wanted, wants_family

MAX_AGE_SECONDS = 2.0
_CACHED_SHOPS = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    webhooks: ShopWebhooks | None
    wants_messages: bool
    read_at: float


class EndpointDirectory:
    """Shops' endpoints, at most `max_age_seconds` old. `monotonic` gives seconds."""

    def __init__(
        self,
        database: Database,
        *,
        monotonic: Callable[[], float],
        max_age_seconds: float = MAX_AGE_SECONDS,
        cached_shops: int = _CACHED_SHOPS,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._max_age_seconds = max_age_seconds
        self._cached_shops = cached_shops
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._asked: set[int] = set()
        self._reading = asyncio.Lock()

    async def wants_message_events(self, shop_id: int) -> bool:
        """Whether an enabled endpoint of the shop may want an event of a message: asked at acceptance.

        Costs a dictionary look-up but for one read every two seconds. Raises `StoreUnavailable`.
        """
        entry = self._fresh(shop_id)
        if entry is None:
            await self._read((shop_id,))
            entry = self._entries[shop_id]
        self._asked.add(shop_id)
        return entry.wants_messages

    async def look_up(self, shop_ids: Iterable[int]) -> Mapping[int, ShopWebhooks]:
        """The shops' endpoints and secrets; shops that do not exist are absent. Raises `StoreUnavailable`."""
        wanted = set(shop_ids)
        entries = {shop_id: self._fresh(shop_id) for shop_id in wanted}
        stale = [shop_id for shop_id, entry in entries.items() if entry is None]
        if stale:
            await self._read(stale)
            entries |= {shop_id: self._entries[shop_id] for shop_id in stale}
        self._asked |= wanted
        return {shop_id: entry.webhooks for shop_id, entry in entries.items() if entry and entry.webhooks}

    def forget(self, shop_id: int) -> None:
        """Read a shop anew at the next question: its endpoints were just changed here."""
        self._entries.pop(shop_id, None)

    def _fresh(self, shop_id: int) -> _Entry | None:
        entry = self._entries.get(shop_id)
        if entry is None or self._monotonic() - entry.read_at > self._max_age_seconds:
            return None
        return entry

    async def _read(self, shop_ids: Iterable[int]) -> None:
        """Read these shops, and with them every other that was asked for since the last read: one statement
        for all active shops each two seconds, whoever comes first."""
        async with self._reading:
            missing = [shop_id for shop_id in shop_ids if self._fresh(shop_id) is None]
            if not missing:
                return
            wanted = list({*missing, *self._asked})
            self._asked.clear()
            read_at = self._monotonic()
            found = await list_shop_webhooks(self._database, wanted)
            for shop_id in wanted:
                self._entries[shop_id] = _entry(found.get(shop_id), read_at)
                self._entries.move_to_end(shop_id)
            while len(self._entries) > max(self._cached_shops, len(wanted)):
                self._entries.popitem(last=False)


def _entry(webhooks: ShopWebhooks | None, read_at: float) -> _Entry:
    enabled = [endpoint for endpoint in webhooks.endpoints if endpoint.is_enabled] if webhooks else []
    patterns = [pattern for endpoint in enabled for pattern in endpoint.events]
    return _Entry(webhooks, wants_family(EventFamily.MESSAGE, patterns), read_at)


def find_wanting(webhooks: ShopWebhooks, kind: str) -> list[WebhookEndpoint]:
    """The enabled endpoints of a shop that want an event of this kind, oldest first."""
    return [
        endpoint
        for endpoint in webhooks.endpoints
        if endpoint.is_enabled and is_wanted(kind, endpoint.events)
    ]
