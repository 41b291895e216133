"""Where a code leads: remembered, else read together with whatever else is asked for meanwhile.

Owns the memory and the batching. A link's row and its target never change, so nothing remembered goes stale,
and known codes lead on while Postgres is away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from typing import Final, NamedTuple

from gateway.domain.destinations import spell_location
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.links import OPTOUT_TARGET, Link, find_link_urls, find_links

LINKS_REMEMBERED: Final = 100_000
"""55 MB when full. The day of a large campaign, and the weeks in which a small shop's texts are opened."""
_URLS_REMEMBERED: Final = 10_000


class Destination(NamedTuple):
    """A link and the address behind it; none for the unsubscribe page."""

    link: Link
    url: str


class _Reading:
    """One batch: whoever is first to hold the lock reads for all."""

    __slots__ = ("fault", "found", "is_done", "seqs")

    def __init__(self) -> None:
        self.seqs: set[int] = set()
        self.found: dict[int, Destination] = {}
        self.is_done = False
        self.fault = ""


class LinkResolver:
    """Finds links by their number. One statement at a time: while it runs, the next batch gathers."""

    def __init__(self, database: Database, *, links_remembered: int = LINKS_REMEMBERED) -> None:
        self._database = database
        self._capacity = links_remembered
        self._known: OrderedDict[str, Destination] = OrderedDict()
        self._urls: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._next = _Reading()
        self._lock = asyncio.Lock()

    def recall(self, code: str) -> Destination | None:
        """The link behind a code or token, if it is remembered under that very text."""
        found = self._known.get(code)
        if found is not None:
            self._known.move_to_end(code)
        return found

    async def find(self, code: str, seq: int) -> Destination | None:
        """The link of number `seq`, remembered under `code` from now on; None when none was ever given.

        Raises `StoreUnavailable`.
        """
        reading = self._next
        reading.seqs.add(seq)
        async with self._lock:
            if not reading.is_done:
                self._next = _Reading()
                await self._see_through(reading)
        if reading.fault:
            raise StoreUnavailable(reading.fault)
        found = reading.found.get(seq)
        if found is not None:
            self._remember(code, found)
        return found

    async def _see_through(self, reading: _Reading) -> None:
        reading.is_done = True
        reading.fault = "the reading was broken off"
        try:
            reading.found = await self._read(reading.seqs)
        except StoreUnavailable as exc:
            reading.fault = str(exc)
        else:
            reading.fault = ""

    async def _read(self, seqs: Collection[int]) -> dict[int, Destination]:
        links = await find_links(self._database, seqs)
        wanted = {
            (link.shop_id, link.target_id) for link in links.values() if link.target_id != OPTOUT_TARGET
        }
        missing = wanted - self._urls.keys()
        if missing:
            urls = await find_link_urls(self._database, missing)
            self._urls.update((target, spell_location(url)) for target, url in urls.items())
        found = {}
        for seq, link in links.items():
            url = "" if link.target_id == OPTOUT_TARGET else self._urls.get((link.shop_id, link.target_id))
            if url is not None:
                found[seq] = Destination(link, url)
        while len(self._urls) > _URLS_REMEMBERED:
            self._urls.popitem(last=False)
        return found

    def _remember(self, code: str, found: Destination) -> None:
        """By code and not by number, so that a known code need not even be decoded (5 µs)."""
        self._known[code] = found
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
