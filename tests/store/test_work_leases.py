"""Binds, speed, shards and slots on a real Postgres: held by one node at a time, free when its epoch is
over."""

import asyncio

import pytest

from gateway.domain.sharing import BindKey, HeldBind
from gateway.store.errors import LeaseLost
from gateway.store.leases import Node, list_nodes
from gateway.store.work_leases import LeaseCount, WorkLeases, count_leases, look_at_leases
from tests.store.rig import Rig, take_node

pytestmark = pytest.mark.integration

BOTH = (BindKey(1, 1), BindKey(1, 2))


async def two_nodes(rig: Rig) -> tuple[WorkLeases, WorkLeases]:
    second = await take_node(rig.database, "second")
    return WorkLeases(rig.database, rig.node), WorkLeases(rig.database, second)


async def end_epoch(rig: Rig, by: Node) -> None:
    """The first node dies and is deposed."""
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second' WHERE node_no = 0")
    assert await by.depose((await list_nodes(rig.database))[0])


async def test_a_bind_is_held_until_its_holder_is_deposed(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    ours, theirs = WorkLeases(rig.database, rig.node), WorkLeases(rig.database, other)
    assert await ours.take_binds(BOTH[:1]) == {BOTH[0]}
    assert await theirs.take_binds(BOTH) == {BOTH[1]}
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second' WHERE node_no = 0")
    assert await theirs.take_binds(BOTH) == set(), "what has run out may still be renewed"
    await end_epoch(rig, other)
    assert await theirs.take_binds(BOTH) == {BOTH[0]}
    with pytest.raises(LeaseLost):
        await ours.take_binds(BOTH)


async def test_a_bind_that_is_given_back_is_free(rig: Rig) -> None:
    ours, theirs = await two_nodes(rig)
    await ours.take_binds(BOTH)
    await theirs.release_binds(BOTH)
    assert await theirs.take_binds(BOTH) == set(), "only its holder gives a bind back"
    await ours.release_binds(BOTH[1:])
    assert await theirs.take_binds(BOTH) == {BOTH[1]}


async def test_the_share_is_read_after_each_try_to_change_it(rig: Rig) -> None:
    ours, theirs = await two_nodes(rig)
    assert (await ours.read_share()).slots == set()
    await ours.take_slots({1, 2})
    assert (await ours.read_share()).slots == {1, 2}
    await ours.release_slots({2})
    assert (await ours.read_share()).slots == {1}
    await theirs.take_shards({1: {5}})
    await ours.take_shards({1: {4, 5}})
    assert (await ours.read_share()).shards == {1: {4}}
    await ours.release_shards({1: {4}})
    assert (await ours.read_share()).shards == {}


async def test_a_change_that_is_made_late_is_seen_within_seconds(rig: Rig) -> None:
    now = 100.0
    ours = WorkLeases(rig.database, rig.node, monotonic=lambda: now)
    await ours.take_slots({1, 2})
    assert (await ours.read_share()).slots == {1, 2}
    await rig.execute("DELETE FROM slot_lease WHERE slot = 2")
    now += 5.0
    assert (await ours.read_share()).slots == {1}


async def test_what_is_up_is_seen_by_all_until_the_bind_moves(rig: Rig) -> None:
    ours, theirs = await two_nodes(rig)
    await ours.take_binds(BOTH[:1])
    await ours.mark_binds({BOTH[0]: True, BOTH[1]: True})
    await theirs.mark_binds({BOTH[0]: False})
    assert (await look_at_leases(rig.database)).binds == [HeldBind(1, 1, 0, True, 0.0)]
    await ours.release_binds(BOTH[:1])
    await theirs.take_binds(BOTH[:1])
    assert (await look_at_leases(rig.database)).binds == [HeldBind(1, 1, 1, False, 0.0)]


async def test_the_speed_of_all_nodes_never_exceeds_the_limit(rig: Rig) -> None:
    ours, theirs = await two_nodes(rig)
    await ours.take_binds(BOTH)
    assert await ours.share_speed(1, 100.0, limit=100.0) == 100.0
    await ours.release_binds(BOTH[1:])
    await theirs.take_binds(BOTH[1:])
    assert await theirs.share_speed(1, 50.0, limit=100.0) == 0.0, "all of it is still used by the other bind"
    assert await ours.share_speed(1, 50.0, limit=100.0) == 50.0
    assert await theirs.share_speed(1, 80.0, limit=100.0) == 50.0
    granted = await asyncio.gather(*(each.share_speed(1, 70.0, limit=100.0) for each in (ours, theirs)))
    assert sum(granted) <= 100.0


async def test_a_dead_nodes_speed_counts_until_it_is_deposed(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    ours, theirs = WorkLeases(rig.database, rig.node), WorkLeases(rig.database, other)
    await ours.take_binds(BOTH[:1])
    await ours.share_speed(1, 60.0, limit=100.0)
    await theirs.take_binds(BOTH[1:])
    assert await theirs.share_speed(1, 100.0, limit=100.0) == 40.0
    await end_epoch(rig, other)
    assert await theirs.share_speed(1, 100.0, limit=100.0) == 100.0


async def test_shards_and_slots_are_held_by_one_node(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    ours, theirs = WorkLeases(rig.database, rig.node), WorkLeases(rig.database, other)
    assert await ours.take_shards({1: {0, 1}, 2: {5}}) == {1: {0, 1}, 2: {5}}
    assert await theirs.take_shards({1: {1, 2}}) == {1: {2}}
    assert await ours.take_slots(range(250)) == set(range(250))
    assert await theirs.take_slots(range(245, 256)) == set(range(250, 256))
    assert await count_leases(rig.database) == {0: LeaseCount(3, 250), 1: LeaseCount(1, 6)}
    await ours.release_shards({1: {1}})
    await ours.release_slots({7})
    assert await theirs.take_shards({1: {0, 1}}) == {1: {1}}
    assert await theirs.take_slots({6, 7}) == {7}
    await end_epoch(rig, other)
    assert await theirs.take_shards({1: {0}, 2: {5}}) == {1: {0}, 2: {5}}
    assert len(await theirs.take_slots(range(256))) == 249


async def test_a_restart_frees_what_its_last_epoch_held(rig: Rig) -> None:
    await WorkLeases(rig.database, rig.node).take_binds(BOTH)
    again = await take_node(rig.database)
    assert (await look_at_leases(rig.database)).binds == []
    assert await WorkLeases(rig.database, again).take_binds(BOTH) == set(BOTH)
