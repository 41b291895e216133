"""Links: the numbers behind short codes, where they lead, and whose they are.

Owns the counter and its partitions, the targets of campaigns and the form of a link's row. Spells no code
(`domain.link_codes`) and writes no link: whoever writes a message writes its links with it, by COPY, in the
same transaction.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from gateway.domain.clicks import Verdict
from gateway.domain.identifiers import IdSource
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreUnavailable
from gateway.store.partitions import brief_lock

log = structlog.get_logger("store")

OPTOUT_TARGET: Final = 0
"""`target_id` of a link to the unsubscribe page, which is no address of a campaign."""
TEST_CAMPAIGN: Final = 0
"""`campaign_id` of a test message's links: they lead where they should and count nowhere."""

LINK_COLUMNS: Final = (
    "seq",
    "shop_id",
    "slot",
    "message_id",
    "target_id",
    "campaign_id",
    "contact_id",
    "country",
)
"""The columns of `link` in the order of `Link`, for COPY."""

_PARTITION_SEQS: Final = 100_000_000
"""Links in one partition, as `make_link_partition` has it."""
_SEQS_AHEAD: Final = 20_000_000
"""How long before its first link a partition is made: half an hour at 10,000 links a second, so that a
backup which holds the table may take its time."""
_BLOCK_SEQS: Final = 10_000


class Link(NamedTuple):
    """One recipient's link; a row of `link`."""

    seq: int
    shop_id: int
    slot: int
    message_id: int
    target_id: int
    campaign_id: int
    contact_id: int
    country: str


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """One address of a campaign; `name` is what its text calls it."""

    shop_id: int
    id: int
    campaign_id: int
    name: str
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LinkTotals:
    """One address of a campaign and what came of it. `people` opened it before any other of the campaign."""

    id: int
    name: str
    url: str
    clicks: int
    people: int
    machine_visits: int


class LinkSeqs:
    """Hands out numbers for links, each once. Those that are not used, or lost in a crash, stay gaps."""

    def __init__(self, database: Database, *, block_seqs: int = _BLOCK_SEQS) -> None:
        self._database = database
        self._block_seqs = block_seqs
        self._next = 0
        self._end = 0
        self._made_to = 0
        self._lock = asyncio.Lock()

    async def take(self, count: int) -> list[int]:
        """`count` new numbers, rising, whose partitions exist. Never inside a transaction that goes on:
        the counter is one row. Raises `StoreUnavailable`."""
        async with self._lock:
            taken = list(range(self._next, min(self._end, self._next + count)))
            self._next += len(taken)
            missing = count - len(taken)
            if missing > 0:
                size = max(missing, self._block_seqs)
                end = int(await self._database.fetch_value("take_link_seqs", size))
                await self._make_partitions(end - size, end)
                taken.extend(range(end - size, end - size + missing))
                self._next, self._end = end - size + missing, end
            return taken

    async def _make_partitions(self, first: int, end: int) -> None:
        """See that the numbers from `first` to before `end` have their partitions, and those that come
        soon."""
        if end + _SEQS_AHEAD <= self._made_to:
            return
        there = {row["number"] for row in await self._database.fetch("list_link_partitions")}
        last = (end + _SEQS_AHEAD) // _PARTITION_SEQS
        for number in range(first // _PARTITION_SEQS, last + 1):
            if number in there:
                continue
            try:
                async with brief_lock(self._database, f"partition {number} of links") as connection:
                    await connection.execute("make_link_partition", number)
            except StoreUnavailable as exc:
                if number * _PARTITION_SEQS < end:
                    raise
                log.warning("partitions.postponed", link_partition=number, fault=str(exc))
                return
        self._made_to = (last + 1) * _PARTITION_SEQS


async def put_targets(
    connection: Connection,
    *,
    shop_id: int,
    campaign_id: int,
    links: Sequence[tuple[str, str]],
    ids: IdSource,
    now: datetime,
) -> dict[str, int]:
    """Keep the (name, url) pairs of a campaign; gives the target's id for each name.

    A pair that is kept already keeps its id, so that a start may be repeated. Call it in the transaction that
    starts the campaign: targets are never changed afterwards.
    """
    held = await _list_targets(connection, shop_id, campaign_id)
    found = {(target.name, target.url): target.id for target in held}
    for name, url in links:
        if (name, url) not in found:
            target_id = ids.next_id(0)
            await connection.execute("put_link_target", shop_id, target_id, campaign_id, name, url, now)
            found[name, url] = target_id
    return {name: found[name, url] for name, url in links}


async def list_targets(database: Database, shop_id: int, campaign_id: int) -> list[LinkTarget]:
    """The addresses of a campaign, oldest first; none for another shop's campaign."""
    async with database.connection() as connection:
        return await _list_targets(connection, shop_id, campaign_id)


async def list_link_totals(database: Database, shop_id: int, campaign_id: int) -> list[LinkTotals]:
    """The addresses of a campaign with their totals; none for another shop's campaign."""
    rows = await database.fetch("list_link_totals", shop_id, campaign_id, Verdict.PERSON)
    return [LinkTotals(**row) for row in rows]


async def _list_targets(connection: Connection, shop_id: int, campaign_id: int) -> list[LinkTarget]:
    return [LinkTarget(**row) for row in await connection.fetch("list_link_targets", shop_id, campaign_id)]


async def find_links(database: Database, seqs: Collection[int]) -> dict[int, Link]:
    """The links behind these numbers; those that were never given are left out. Raises `StoreUnavailable`."""
    rows = await database.fetch("find_links", list(seqs))
    return {row["seq"]: Link(*row.values()) for row in rows}


async def find_link_urls(
    database: Database, targets: Collection[tuple[int, int]]
) -> Mapping[tuple[int, int], str]:
    """The address of each (shop_id, target id). Raises `StoreUnavailable`."""
    shop_ids = sorted({shop_id for shop_id, _ in targets})
    rows = await database.fetch("find_link_urls", shop_ids, sorted({target_id for _, target_id in targets}))
    found = {(row["shop_id"], row["id"]): row["url"] for row in rows}
    return {target: found[target] for target in targets if target in found}
