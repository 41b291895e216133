"""Lists on a real Postgres: counts that tell the truth whatever comes and goes, also at the same time."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.people import MarketingConsent
from gateway.store.contact_lists import (
    ContactList,
    ListGone,
    ListNameTaken,
    add_members,
    count_marketing_members,
    create_contact_list,
    delete_contact_list,
    find_campaigns_naming_list,
    get_contact_lists,
    list_contact_lists,
    remove_from_every_list,
    remove_members,
    rename_contact_list,
)
from gateway.store.contacts import Contact
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries
from tests.store.people import put_contact

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEOPLE = 12
LISTS = 3


class Lists:
    """A shop with some people and lists, and another shop's person."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids = IdSource(1, lambda: time.time_ns() // 1_000_000)
        self.people: list[int] = []
        self.lists: list[int] = []
        self.stranger = 0

    async def fill(self) -> None:
        for n in range(PEOPLE):
            consent = MarketingConsent.OPTED_IN if n % 2 else MarketingConsent.UNKNOWN
            self.people.append(await self.add_person(1, f"336123456{n:02}", consent))
        self.stranger = await self.add_person(2, "33612345699", MarketingConsent.OPTED_IN)
        for n in range(LISTS):
            self.lists.append((await self.add_list(f"list {n}")).id)

    async def add_person(self, shop_id: int, address: str, consent: MarketingConsent) -> int:
        contact_id = self.ids.next_id(slot_of_address(address))
        contact = Contact(shop_id, contact_id, address, "FR", marketing_consent=consent)
        return await put_contact(self.database, contact, NOW)

    async def add_list(self, name: str) -> ContactList:
        made = await create_contact_list(self.database, 1, self.ids.next_id(0), name, NOW)
        assert made is not None
        return made

    async def put_on(self, list_id: int, *contact_ids: int) -> int:
        async with self.database.transaction() as connection:
            pairs = [(list_id, contact_id) for contact_id in contact_ids]
            return await add_members(connection, 1, pairs, now=NOW)

    async def take_off(self, list_id: int, *contact_ids: int) -> int:
        async with self.database.transaction() as connection:
            return await remove_members(connection, 1, list_id, contact_ids, now=NOW)

    async def forget(self, contact_id: int) -> int:
        async with self.database.transaction() as connection:
            return await remove_from_every_list(connection, 1, contact_id, now=NOW)

    async def counts(self) -> list[int]:
        lists = await get_contact_lists(self.database, 1, self.lists)
        return [lists[list_id].member_count for list_id in self.lists]


@pytest.fixture
async def lists(database: str) -> AsyncIterator[Lists]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"), pool_size=4)
    room = Lists(opened)
    await room.fill()
    yield room
    await opened.aclose()


people = st.lists(st.integers(0, PEOPLE - 1), max_size=6)
places = st.integers(0, LISTS - 1)
moves = st.one_of(
    st.tuples(st.just("add"), places, people),
    st.tuples(st.just("remove"), places, people),
    st.tuples(st.just("forget"), st.just(0), st.lists(st.integers(0, PEOPLE - 1), min_size=1, max_size=1)),
)


async def test_counts_are_right_after_any_history(lists: Lists) -> None:
    loop = asyncio.get_running_loop()

    async def follow(history: list[tuple[str, int, list[int]]]) -> None:
        """Play the moves on the lists and on sets, and compare."""
        for list_id in lists.lists:
            await lists.take_off(list_id, *lists.people)
        members: list[set[int]] = [set() for _ in range(LISTS)]
        for move, place, chosen in history:
            if move == "add":
                added = await lists.put_on(lists.lists[place], *(lists.people[n] for n in chosen))
                assert added == len(set(chosen) - members[place])
                members[place] |= set(chosen)
            elif move == "remove":
                removed = await lists.take_off(lists.lists[place], *(lists.people[n] for n in chosen))
                assert removed == len(set(chosen) & members[place])
                members[place] -= set(chosen)
            else:
                left = await lists.forget(lists.people[chosen[0]])
                assert left == sum(chosen[0] in each for each in members)
                members = [each - {chosen[0]} for each in members]
        assert await lists.counts() == [len(each) for each in members]
        for list_id, each in zip(lists.lists, members, strict=True):
            assert await count_marketing_members(lists.database, 1, list_id) == sum(n % 2 for n in each)

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(moves, max_size=8))
    def play(history: list[tuple[str, int, list[int]]]) -> None:
        asyncio.run_coroutine_threadsafe(follow(history), loop).result(30)

    await asyncio.to_thread(play)


async def test_counts_are_right_after_changes_at_the_same_time(lists: Lists) -> None:
    one, other, _ = lists.lists
    await asyncio.gather(
        *(lists.put_on(list_id, *lists.people) for list_id in (one, other) for _ in range(3)),
        *(lists.take_off(one, person) for person in lists.people[:4]),
        lists.forget(lists.people[5]),
    )
    async with lists.database.connection() as connection:
        rows = await connection.raw.fetch("SELECT list_id, count(*) FROM list_member GROUP BY 1")
    real = dict(rows)
    assert await lists.counts() == [real.get(list_id, 0) for list_id in lists.lists]


async def test_nobody_and_other_shops_people_get_on_no_list(lists: Lists) -> None:
    one = lists.lists[0]
    assert await lists.put_on(one, lists.stranger, 123, lists.people[0]) == 1
    assert (await lists.counts())[0] == 1


async def test_who_is_put_on_a_list_that_goes_at_that_moment_is_on_none(lists: Lists) -> None:
    one = lists.lists[0]
    async with lists.database.transaction() as connection:
        await connection.execute("delete_contact_list", 1, one)
        adding = asyncio.create_task(lists.put_on(one, *lists.people))
        await asyncio.wait({adding}, timeout=0.2)
        assert not adding.done()
    with pytest.raises(ListGone):
        await adding
    async with lists.database.connection() as connection:
        assert await connection.raw.fetchval("SELECT count(*) FROM list_member") == 0


async def test_names_are_the_shops_own_and_unique_in_it(lists: Lists) -> None:
    assert await create_contact_list(lists.database, 1, 1, "list 0", NOW) is None
    assert await create_contact_list(lists.database, 2, 1, "list 0", NOW) is not None
    with pytest.raises(ListNameTaken):
        await rename_contact_list(lists.database, 1, lists.lists[1], "list 0", NOW)
    assert await rename_contact_list(lists.database, 2, lists.lists[1], "theirs", NOW) is None
    assert not await delete_contact_list(lists.database, 2, lists.lists[0])
    page = await list_contact_lists(lists.database, 1, after=None, limit=2)
    rest = await list_contact_lists(lists.database, 1, after=page[-1].id, limit=2)
    assert [each.name for each in (*page, *rest)] == ["list 2", "list 1", "list 0"]


async def test_campaigns_that_are_not_over_hold_their_lists(lists: Lists) -> None:
    audience, excluded, free = lists.lists
    async with lists.database.connection() as connection:
        for number, state in enumerate((1, 2, 3, 4, 5, 6)):
            await connection.raw.execute(
                """INSERT INTO campaign (shop_id, id, category, state, pause_reason, version, created_at,
                       updated_at, state_changed_at, created_by, name, text, links, audience)
                   VALUES (1, $1, 3, $2, 0, 1, $3, $3, $3, 'x', $4, '', '[]', $5)""",
                number,
                state,
                NOW,
                f"state {state}",
                f'{{"lists": [{audience}], "exclude_lists": [{excluded}], "exclude_received_days": null}}',
            )
    held = ["state 2", "state 3", "state 4"]
    assert await find_campaigns_naming_list(lists.database, 1, audience) == held
    assert await find_campaigns_naming_list(lists.database, 1, excluded) == held
    assert await find_campaigns_naming_list(lists.database, 1, free) == []
    assert await find_campaigns_naming_list(lists.database, 2, audience) == []
