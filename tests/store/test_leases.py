"""Leases on a real Postgres: who may submit, who takes over when, and ids that never come twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.identifiers import NODE_COUNT, node_of_id, time_of_id
from gateway.store.errors import LeaseLost, StoreUnavailable
from gateway.store.leases import IdentityInUse, Node, NoFreeNode, list_nodes
from tests.store.rig import CutProxy, Rig, open_rig, running, take_node

pytestmark = pytest.mark.integration

EXPIRE = "UPDATE node_lease SET expires_at = now() - interval '1 second' WHERE node_no = $1"


async def test_the_first_node_is_number_0_and_others_get_their_own(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    assert (rig.node.node_no, rig.node.epoch, rig.node.is_new_epoch) == (0, 1, False)
    assert (other.node_no, other.epoch) == (1, 1)
    assert [node.is_alive for node in await list_nodes(rig.database)] == [True, True]


async def test_a_restart_takes_its_own_lease_at_once_with_the_next_epoch(rig: Rig) -> None:
    again = await take_node(rig.database)
    assert (again.node_no, again.epoch, again.is_new_epoch) == (0, 2, True)
    with pytest.raises(LeaseLost):
        await rig.node.renew()
    await again.renew()


async def test_a_number_is_taken_over_once_it_expired_and_none_is_free(rig: Rig) -> None:
    for number in range(1, NODE_COUNT):
        assert (await take_node(rig.database, f"node {number}")).node_no == number
    with pytest.raises(NoFreeNode, match="32 node numbers"):
        await take_node(rig.database, "one too many")
    await rig.execute(EXPIRE, 7)
    successor = await take_node(rig.database, "one too many")
    assert (successor.node_no, successor.epoch) == (7, 2)


async def test_nodes_that_start_together_never_share_a_number(rig: Rig) -> None:
    nodes = await asyncio.gather(*(take_node(rig.database, f"node {n}") for n in range(6)))
    assert sorted(node.node_no for node in nodes) == [1, 2, 3, 4, 5, 6]


async def test_ids_name_their_node_and_go_by_the_clock_of_the_database(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    made = other.ids.next_id(5)
    assert node_of_id(made) == 1
    assert abs((time_of_id(made) - await rig.value("SELECT clock_timestamp()")).total_seconds()) < 2


async def test_ids_never_go_back_over_a_restart_though_the_clock_does(rig: Rig) -> None:
    before = [rig.node.ids.next_id(slot) for slot in (255, 3)]
    ahead = max(before) + (3_600_000 << 22)
    await rig.execute("UPDATE node_lease SET id_high_water = $1", ahead)
    assert (await take_node(rig.database)).ids.next_id(0) > ahead


@pytest.mark.parametrize("leave", ["renew", "release"])
async def test_how_far_the_ids_have_come_is_noted(rig: Rig, leave: str) -> None:
    made = rig.node.ids.next_id(9)
    await (rig.node.renew() if leave == "renew" else rig.node.release())
    assert await rig.value("SELECT id_high_water FROM node_lease") >= made


async def test_a_node_may_submit_until_its_deadline(rig: Rig) -> None:
    assert rig.node.may_submit()
    await rig.node.release()
    assert not rig.node.may_submit()
    assert [node.is_alive for node in await list_nodes(rig.database)] == [False]


async def test_a_lease_is_not_lost_while_the_database_is_away(rig: Rig) -> None:
    async with CutProxy(rig.dsn) as proxy, open_rig(proxy.dsn, node_key="far") as far:
        proxy.is_closed = True
        proxy.cut()
        await far.node.renew()
        assert far.node.may_submit(), "the deadline decides, not the first renewal that fails"
        proxy.is_closed = False
        await far.node.renew()


async def test_keeping_a_lease_that_was_taken_over_ends_with_an_error(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.leases.RENEW_SECONDS", 0.05)
    async with running(rig.node.keep):
        await asyncio.sleep(0.3)
    await take_node(rig.database)
    with pytest.raises(LeaseLost):
        async with asyncio.timeout(5):
            await rig.node.keep()


async def test_a_node_whose_lease_ran_out_is_deposed_by_another(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    assert not await other.depose((await list_nodes(rig.database))[0]), "its lease holds"
    await rig.execute(EXPIRE, 0)
    [dead, _] = await list_nodes(rig.database)
    assert await other.depose(dead)
    assert not await other.depose(dead), "once is enough"
    assert not (await list_nodes(rig.database))[0].is_held
    with pytest.raises(LeaseLost):
        await rig.node.renew()


async def test_a_node_that_renews_after_an_outage_keeps_its_lease(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    await rig.execute(EXPIRE, 0)
    [seen, _] = await list_nodes(rig.database)
    await rig.node.renew()
    assert not await other.depose(seen)


async def test_a_node_that_died_before_the_clock_was_put_back_is_deposed(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    await rig.execute("UPDATE node_lease SET expires_at = now() + interval '1 hour' WHERE node_no = 0")
    [dead, _] = await list_nodes(rig.database)
    assert not dead.is_alive
    assert await other.depose(dead)


async def test_a_copied_state_folder_is_refused_while_its_twin_lives(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.leases.RENEW_SECONDS", 0.1)
    monkeypatch.setattr("gateway.store.leases.RETRY_SECONDS", 0.1)
    async with running(rig.node.keep):
        with pytest.raises(IdentityInUse, match="node-identity"):
            await Node.take(rig.database, node_key="first", host="elsewhere", pid=2, version="0")
    await rig.node.renew()


async def test_a_container_that_was_replaced_takes_its_number_when_the_lease_is_over(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.leases.RENEW_SECONDS", 0.1)
    monkeypatch.setattr("gateway.store.leases.RETRY_SECONDS", 0.1)
    await rig.execute("UPDATE node_lease SET expires_at = clock_timestamp() + interval '0.5 seconds'")
    again = await Node.take(rig.database, node_key="first", host="elsewhere", pid=2, version="0")
    assert (again.node_no, again.epoch) == (0, 2)


async def test_deposing_waits_for_a_batch_under_way_but_not_for_ever(rig: Rig) -> None:
    other = await take_node(rig.database, "second")
    async with rig.node.fenced():
        await rig.execute(EXPIRE, 0)
        [dead, _] = await list_nodes(rig.database)
        assert not await other.depose(dead)
    assert await other.depose(dead)


async def test_a_node_that_stands_still_in_the_midst_of_a_copy_holds_up_no_takeover(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.leases._SILENT", timedelta(0))
    other = await take_node(rig.database, "second")
    is_copying, never = asyncio.Event(), asyncio.Event()

    async def stand_still() -> AsyncIterator[bytes]:
        is_copying.set()
        await never.wait()
        yield b""

    async def write_batch() -> None:
        async with rig.node.fenced() as connection:
            await connection.raw.copy_to_table("hold", source=stand_still())

    batch = asyncio.create_task(write_batch())
    await is_copying.wait()
    await rig.execute(EXPIRE, 0)
    [dead, _] = await list_nodes(rig.database)
    assert not await other.depose(dead)
    assert await other.depose(dead)
    never.set()
    with pytest.raises(StoreUnavailable):
        await batch


async def test_a_node_tells_what_it_can_bind_and_how_far_behind_it_is(rig: Rig) -> None:
    await rig.node.announce({7, 3}, is_stopping=True)
    rig.node.figures = lambda: {"intake_waiting": 12.0}
    await rig.node.renew()
    [node] = await list_nodes(rig.database)
    assert (node.connector_ids, node.is_stopping, node.figures) == ({3, 7}, True, {"intake_waiting": 12.0})


async def test_an_orderly_stop_frees_everything_at_once(rig: Rig) -> None:
    await rig.node.release()
    [node] = await list_nodes(rig.database)
    assert (node.is_alive, node.is_held, node.epoch) == (False, False, 2)
    assert (await take_node(rig.database)).epoch == 3


async def test_a_node_is_listed_as_it_described_itself(rig: Rig) -> None:
    [node] = await list_nodes(rig.database)
    assert (node.host, node.pid, node.version) == ("here", 1, "0")
    assert node.started_at <= datetime.now(UTC) < node.expires_at
