"""Who calls: keys and their shops as read from the database, remembered for a second.

Owns the bound on how old an answer may be: a revoked key stops working, and a first suppression is seen,
within a second. Refuses to know headers.
"""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.intake.keys import hash_key, is_well_formed
from gateway.store.shops import KeyHolder

REMEMBERED_SECONDS = 1.0
_CAP = 4096
_UNKNOWN_AT_ONCE = 2
"""Reads at one time for keys never seen: guesses must not take the pool from those who have a key."""


@dataclass(frozen=True, slots=True)
class _Entry:
    holder: KeyHolder | None
    read_at: float


class KeyDirectory:
    """Finds the holder of a key; at most one read a second for each key, whatever its traffic."""

    def __init__(
        self, find: Callable[[bytes], Awaitable[KeyHolder | None]], *, monotonic: Callable[[], float]
    ) -> None:
        self._find = find
        self._monotonic = monotonic
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._reading: dict[str, asyncio.Lock] = {}
        self._strangers = asyncio.Semaphore(_UNKNOWN_AT_ONCE)

    async def find(self, key: str) -> KeyHolder | None:
        """None for a key that does not exist, or no longer. Raises `StoreUnavailable`."""
        entry = self._entries.get(key)
        if entry is not None and self._monotonic() - entry.read_at < REMEMBERED_SECONDS:
            return entry.holder
        if not is_well_formed(key):
            return None
        if entry is None or entry.holder is None:
            async with self._strangers:
                return await self._read_once(key)
        return await self._read_once(key)

    async def _read_once(self, key: str) -> KeyHolder | None:
        """Read unless another caller did while this one waited."""
        lock = self._reading.setdefault(key, asyncio.Lock())
        async with lock:
            entry = self._entries.get(key)
            started = self._monotonic()
            if entry is not None and started - entry.read_at < REMEMBERED_SECONDS:
                return entry.holder
            try:
                holder = await self._read(key)
                self._remember(key, _Entry(holder, started))
            finally:
                self._reading.pop(key, None)
        return holder

    async def _read(self, key: str) -> KeyHolder | None:
        key_hash = hash_key(key)
        holder = await self._find(key_hash)
        if holder is None or not hmac.compare_digest(holder.key_hash, key_hash):
            return None
        return holder

    def _remember(self, key: str, entry: _Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > _CAP:
            self._entries.popitem(last=False)
