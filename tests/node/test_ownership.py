"""Nodes that share one database: who comes to hold what, and what happens when one starts, stops, dies or
lags."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace

import pytest

from gateway.config import ConnectorConfig, HostPort
from gateway.config.values import Secret
from gateway.dispatch.holding import Holding
from gateway.node.bind_share import FREE_SECONDS, UP_FOR_SECONDS
from gateway.node.lateness import GRACE_SECONDS
from gateway.node.ownership import PARTING_SECONDS, UNBIND_SECONDS, Ownership
from gateway.store.database import Database
from gateway.store.errors import LeaseLost, StoreUnavailable
from gateway.store.leases import Node
from gateway.store.work_leases import WorkLeases
from tests.store.rig import Rig, open_rig, take_node

pytestmark = pytest.mark.integration

LIMIT = 120.0


@pytest.fixture
async def rig(database: str) -> AsyncIterator[Rig]:
    async with open_rig(database) as opened:
        yield opened


class FakeDispatcher:
    """Holds what it is told to hold; binds are up at once unless `is_refused`."""

    def __init__(self) -> None:
        self.held: dict[int, Holding] = {}
        self.is_refused = False
        self.unbinding = asyncio.Event()
        self.unbinding.set()
        self.given_up: list[tuple[int, int]] = []

    async def configure(
        self,
        connectors: Mapping[int, ConnectorConfig],
        shop_ids: Mapping[str, int],
        *,
        drain_seconds: float,
    ) -> None:
        self.held = {key: held for key, held in self.held.items() if key in connectors}

    def hold(self, connector_id: int, holding: Holding) -> None:
        if holding.bind_nos:
            self.held[connector_id] = holding

    async def give_up_binds(
        self, connector_id: int, bind_nos: Collection[int], *, drain_seconds: float
    ) -> None:
        await self.unbinding.wait()
        if connector_id not in self.held:
            return
        self.given_up += [(connector_id, bind_no) for bind_no in bind_nos]
        left = self.held[connector_id].bind_nos - set(bind_nos)
        if left:
            self.held[connector_id] = replace(self.held[connector_id], bind_nos=left)
        else:
            del self.held[connector_id]

    def list_binds(self) -> dict[int, frozenset[int]]:
        return {} if self.is_refused else {key: held.bind_nos for key, held in self.held.items()}

    def is_up(self, connector_id: int) -> bool:
        return bool(self.list_binds().get(connector_id))

    @property
    def binds(self) -> dict[int, set[int]]:
        return {key: set(held.bind_nos) for key, held in self.held.items()}

    @property
    def speed(self) -> float:
        return sum(held.parts_per_second for held in self.held.values())


class Here:
    """One node: its lease, its share, and a clock that the test turns."""

    def __init__(self, rig: Rig, node: Node, *, database: Database | None = None) -> None:
        self.now = 1_000.0
        self.node = node
        self.dispatcher = FakeDispatcher()
        self.ownership = Ownership(
            database or rig.database,
            node,
            self.dispatcher,  # type: ignore[arg-type] # as much of one as is asked
            drain_seconds=lambda: 1.0,
            monotonic=lambda: self.now,
        )

    async def apply(self, **binds: int) -> None:
        """Connectors `c1`, `c2`… with so many binds."""
        connectors = {int(name[1:]): make_connector(name, count) for name, count in binds.items()}
        await self.ownership.apply(connectors, {})

    async def turn(self, seconds: float = 1.0) -> None:
        self.now += seconds
        await self.ownership.turn()
        if self.dispatcher.unbinding.is_set():  # what is given up is unbound beside the look
            await self.ownership.binds.wait_left(1.0)


def make_connector(name: str, binds: int) -> ConnectorConfig:
    return ConnectorConfig(
        name=name,
        hosts=(HostPort("127.0.0.1", 1),),
        system_id=name,
        password=Secret("x"),
        binds=binds,
        parts_per_second=LIMIT,
    )


async def turn_all(*nodes: Here, times: int = 4) -> None:
    for _ in range(times):
        for node in nodes:
            await node.turn()


async def two_nodes(rig: Rig, **binds: int) -> tuple[Here, Here]:
    first, second = Here(rig, rig.node), Here(rig, await take_node(rig.database, "second"))
    await first.apply(**binds)
    await second.apply(**binds)
    await turn_all(first, second)
    return first, second


async def test_a_node_alone_holds_everything_at_once(rig: Rig) -> None:
    node = Here(rig, rig.node)
    await node.apply(c1=2, c2=1)
    assert node.dispatcher.binds == {1: {1, 2}, 2: {1}}
    assert node.dispatcher.held[1] == Holding(frozenset((1, 2)), frozenset(range(16)), LIMIT)
    assert (len(node.ownership.slots), node.ownership.decides) == (256, True)


async def test_two_nodes_share_binds_speed_shards_and_slots(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2, c2=1, c3=1)
    assert sorted([*first.dispatcher.binds[1], *second.dispatcher.binds[1]]) == [1, 2]
    assert {2, 3} <= first.dispatcher.held.keys() | second.dispatcher.held.keys()
    assert len(first.dispatcher.held) == len(second.dispatcher.held) == 2
    held = [node.dispatcher.held[1] for node in (first, second)]
    assert [(len(each.shards), each.parts_per_second) for each in held] == [(8, LIMIT / 2)] * 2
    assert len(first.ownership.slots) == len(second.ownership.slots) == 128
    assert (first.ownership.decides, second.ownership.decides) == (True, False)
    assert second.ownership.is_up(1)
    assert second.ownership.down_seconds(2) == first.ownership.down_seconds(3) == 0.0


async def test_a_bind_is_another_nodes_only_after_it_was_unbound(rig: Rig) -> None:
    first, second = Here(rig, rig.node), Here(rig, await take_node(rig.database, "second"))
    await first.apply(c1=2)
    first.dispatcher.unbinding.clear()
    await second.apply(c1=2)
    await turn_all(first, second)
    assert second.dispatcher.held == {}
    first.dispatcher.unbinding.set()
    await turn_all(first, second)
    assert len(second.dispatcher.binds[1]) == 1


async def test_the_speed_of_both_is_at_no_time_more_than_the_limit(rig: Rig) -> None:
    first, second = Here(rig, rig.node), Here(rig, await take_node(rig.database, "second"))
    await first.apply(c1=3)
    await second.apply(c1=3)
    for _ in range(12):
        for node in (first, second):
            await node.turn()
            assert first.dispatcher.speed + second.dispatcher.speed <= LIMIT + 1e-6
    assert first.dispatcher.speed + second.dispatcher.speed == pytest.approx(LIMIT)


async def test_speed_that_could_not_be_given_back_is_given_back_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_speed, failed = WorkLeases.share_speed, set[WorkLeases]()

    async def fail_once(leases: WorkLeases, connector_id: int, wanted: float, *, limit: float) -> float:
        if wanted == LIMIT / 2 and leases not in failed:
            failed.add(leases)
            raise StoreUnavailable("as a test wanted it")
        return await share_speed(leases, connector_id, wanted, limit=limit)

    monkeypatch.setattr(WorkLeases, "share_speed", fail_once)
    first, second = await two_nodes(rig, c1=2)
    await turn_all(first, second)
    assert len(failed) == 2
    assert (first.dispatcher.speed, second.dispatcher.speed) == (LIMIT / 2, LIMIT / 2)


async def test_a_bind_that_is_down_leaves_its_speed_and_shards_to_those_that_are_up(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2)
    second.dispatcher.is_refused = True
    await turn_all(first, second, times=int(UP_FOR_SECONDS) + 4)
    assert (first.dispatcher.speed, len(first.dispatcher.held[1].shards)) == (LIMIT, 16)
    assert (second.dispatcher.speed, second.dispatcher.held[1].shards) == (0.0, frozenset())


async def test_a_node_that_cannot_bind_leaves_the_bind_to_one_that_can(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2)
    second.dispatcher.is_refused = True
    await turn_all(first, second, times=45)
    assert first.dispatcher.binds == {1: {1, 2}}
    assert second.dispatcher.held == {}


async def test_a_bind_that_its_node_does_not_take_is_anybodys_and_stays(rig: Rig) -> None:
    first, second = Here(rig, rig.node), Here(rig, await take_node(rig.database, "second"))
    await first.apply(c1=2)
    await second.apply(c1=2)  # it says that it can, and then never looks again
    await turn_all(first, times=3)
    assert len(first.dispatcher.binds[1]) == 1
    await turn_all(first, times=int(FREE_SECONDS) + 1)
    assert first.dispatcher.binds == {1: {1, 2}}
    first.dispatcher.given_up.clear()
    await turn_all(first)
    assert first.dispatcher.given_up == []


async def test_a_carrier_that_is_down_is_still_tried_by_somebody(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2)
    first.dispatcher.is_refused = second.dispatcher.is_refused = True
    await turn_all(first, second, times=90)
    assert sum(len(node.dispatcher.binds.get(1, ())) for node in (first, second)) == 2


async def test_a_node_that_stops_leaves_queue_and_speed_before_its_last_answer(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2)
    await first.ownership.stop()
    assert (first.dispatcher.speed, first.dispatcher.held[1].shards) == (0.0, frozenset())
    await turn_all(second)
    assert second.dispatcher.held[1] == Holding(
        second.dispatcher.held[1].bind_nos, frozenset(range(16)), LIMIT
    )
    assert first.dispatcher.binds[1], "it has answers to wait for"
    assert len(second.ownership.slots) == 128


async def test_a_slot_is_given_back_a_moment_after_it_was_listed_last(rig: Rig) -> None:
    first, second = Here(rig, rig.node), Here(rig, await take_node(rig.database, "second"))
    await first.apply(c1=1)
    await second.apply(c1=1)
    await first.turn()
    await second.turn()
    assert (len(first.ownership.slots), second.ownership.slots) == (128, ())
    await first.turn(PARTING_SECONDS)
    await second.turn(0.0)
    assert len(second.ownership.slots) == 128


async def test_a_node_that_has_said_nothing_yet_is_not_reckoned_with(rig: Rig) -> None:
    node = Here(rig, rig.node)
    await node.apply(c1=1)
    await take_node(rig.database, "a command that needs ids")
    await turn_all(node)
    assert len(node.ownership.slots) == 256


async def test_a_node_that_stops_leaves_its_share_at_once(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2, c2=1)
    first.dispatcher.given_up.clear()
    await first.ownership.stop()
    await first.turn()
    assert first.dispatcher.given_up == [], "its stop unbinds in its own order"
    await first.node.release()
    await turn_all(second)
    assert second.dispatcher.binds == {1: {1, 2}, 2: {1}}
    assert second.ownership.decides


async def test_a_dead_node_is_deposed_and_its_share_taken(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2, c2=1)
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second' WHERE node_no = 0")
    await turn_all(second)
    assert second.dispatcher.binds == {1: {1, 2}, 2: {1}}
    assert (second.dispatcher.held[1].parts_per_second, len(second.ownership.slots)) == (LIMIT, 256)
    with pytest.raises(LeaseLost):
        await first.turn()


async def test_after_an_outage_nobody_is_deposed_before_it_could_renew(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2)
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 second'")
    await rig.execute("UPDATE node_lease SET expires_at = now() + interval '10 seconds' WHERE node_no = 1")
    await second.turn(60.0)
    await second.turn(GRACE_SECONDS / 2)
    await first.node.renew()
    await turn_all(second, first)
    assert first.dispatcher.binds != {}


async def test_a_bind_that_was_free_for_a_moment_before_an_outage_is_still_its_nodes(rig: Rig) -> None:
    _, second = await two_nodes(rig, c1=2)
    await turn_all(second, times=int(GRACE_SECONDS) + 1)
    back = Here(rig, await take_node(rig.database))  # started again: what it held is free
    await back.node.announce({1}, is_stopping=False)
    await second.turn(0.1)
    await second.turn(60.0)  # the database was away meanwhile
    assert len(second.dispatcher.binds[1]) == 1
    await back.apply(c1=2)
    await turn_all(back, second)
    assert len(back.dispatcher.binds[1]) == len(second.dispatcher.binds[1]) == 1


async def test_a_clock_that_jumps_lets_everybody_renew(rig: Rig) -> None:
    first, second = await two_nodes(rig, c1=2)
    await turn_all(second, times=int(GRACE_SECONDS) + 1)
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 hour' WHERE node_no = 0")
    await second.turn()
    await first.node.renew()
    await turn_all(second, first)
    assert first.dispatcher.binds != {}
    await rig.execute("UPDATE node_lease SET expires_at = now() - interval '1 hour' WHERE node_no = 0")
    await turn_all(second, times=int(GRACE_SECONDS) + 2)
    assert second.dispatcher.binds == {1: {1, 2}}


async def test_without_a_lease_for_long_a_node_unbinds_and_comes_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Here(rig, rig.node)
    await node.apply(c1=1)
    monkeypatch.setattr(type(rig.node), "may_submit", lambda _: False)
    monkeypatch.setattr(type(rig.node), "overdue_seconds", UNBIND_SECONDS - 1)
    await node.turn()
    assert node.dispatcher.binds == {1: {1}}
    monkeypatch.setattr(type(rig.node), "overdue_seconds", UNBIND_SECONDS + 1)
    await node.turn()
    assert node.dispatcher.binds == {}
    monkeypatch.undo()
    await node.turn()
    assert node.dispatcher.binds == {1: {1}}


async def test_a_connector_that_leaves_the_configuration_is_given_back(rig: Rig) -> None:
    node = Here(rig, rig.node)
    await node.apply(c1=1, c2=1)
    await node.apply(c2=1)
    await turn_all(node)
    assert await rig.value("SELECT array_agg(connector_id) FROM bind_lease") == [2]
    assert node.ownership.down_seconds(1) == float("inf")
