"""Numbers of links, their partitions, targets of campaigns, and links found again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.domain.identifiers import IdSource
from gateway.store.database import Database
from gateway.store.links import (
    LINK_COLUMNS,
    Link,
    LinkSeqs,
    find_link_urls,
    find_links,
    list_targets,
    put_targets,
)
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Database]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"), pool_size=3)
    yield opened
    await opened.aclose()


async def test_every_number_is_handed_out_once_whoever_asks(store: Database) -> None:
    one, other = LinkSeqs(store, block_seqs=50), LinkSeqs(store, block_seqs=50)
    asked = [seqs.take(count) for count in (1, 7, 120, 49, 3) for seqs in (one, other)]
    taken = await asyncio.gather(*asked)
    assert [len(seqs) for seqs in taken] == [1, 1, 7, 7, 120, 120, 49, 49, 3, 3]
    assert all(seqs == sorted(seqs) for seqs in taken)
    every = [seq for seqs in taken for seq in seqs]
    assert len(set(every)) == len(every)
    assert min(every) == 1


async def test_numbers_at_the_edge_of_a_partition_have_their_partitions(store: Database) -> None:
    async with store.connection() as connection:
        await connection.raw.execute("UPDATE link_counter SET next_seq = 199999990")
    seqs = await LinkSeqs(store, block_seqs=100).take(20)
    assert (seqs[0], seqs[-1]) == (199_999_990, 200_000_009)
    rows = [Link(seq, 1, 3, 100, 7, 9, 11, "FR") for seq in seqs]
    async with store.connection() as connection:
        await connection.copy("link", LINK_COLUMNS, rows)
    assert await find_links(store, {199_999_990, 200_000_009, 5}) == {
        199_999_990: rows[0],
        200_000_009: rows[-1],
    }


async def test_targets_of_a_campaign_keep_their_ids_when_its_start_is_repeated(store: Database) -> None:
    ids = IdSource(1, lambda: 1_772_366_400_000)
    pairs = [("link", "https://shop.example/spring"), ("map", "https://shop.example/map")]
    async with store.transaction() as connection:
        first = await put_targets(connection, shop_id=1, campaign_id=9, links=pairs, ids=ids, now=NOW)
        again = await put_targets(connection, shop_id=1, campaign_id=9, links=pairs, ids=ids, now=NOW)
    assert first == again
    kept = await list_targets(store, 1, 9)
    assert [(target.name, target.url) for target in kept] == pairs
    assert await list_targets(store, 2, 9) == []
    wanted = [(1, first["link"]), (2, first["map"])]
    assert await find_link_urls(store, wanted) == {(1, first["link"]): "https://shop.example/spring"}
