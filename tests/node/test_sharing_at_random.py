"""Nodes that share one database, in random order: they look, lose connections and answers, die, stop, start,
and their binds come and go. At no step is anything used by two; after a while of quiet everything is held."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.node import bind_share
from gateway.node.bind_share import FREE_SECONDS
from gateway.store.database import Connection, Database
from gateway.store.errors import OutcomeUnknown, StoreUnavailable
from tests.node.test_ownership import LIMIT, Here
from tests.store.rig import QUERIES, Rig, open_rig, take_node

pytestmark = pytest.mark.integration

BINDS = {"c1": 3, "c2": 1, "c3": 2}
NODES = 3
STEPS = 100
_HELD = """SELECT node_no::int, connector_id, shard::int
FROM dispatch_lease JOIN node_lease USING (node_no, epoch)
UNION ALL SELECT node_no, 0, slot FROM slot_lease JOIN node_lease USING (node_no, epoch)"""
_SPEEDS = """SELECT node_no::int, connector_id, sum(parts_per_second)
FROM bind_lease JOIN node_lease USING (node_no, epoch) GROUP BY 1, 2"""
QUIET_LOOKS = 14 + int(FREE_SECONDS)


class FlakyDatabase(Database):
    """A database whose changes fail now and then, before their commit or after it."""

    faults: random.Random | None = None
    after_commit: Callable[[], Awaitable[None]] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        fault = self.faults.random() if self.faults else 1.0
        if fault < 0.1:
            raise StoreUnavailable("as a test wanted it")
        async with super().transaction() as connection:
            yield connection
        if self.after_commit is not None:
            await self.after_commit()
        if fault < 0.2:
            raise OutcomeUnknown("as a test wanted it")


class World:
    """The nodes that run, and what may happen to them."""

    def __init__(self, rig: Rig, database: FlakyDatabase, chance: random.Random) -> None:
        self.rig = rig
        self.database = database
        self.chance = chance
        self.nodes: list[Here] = []
        self.born = 0

    async def start(self) -> None:
        if len(self.nodes) < NODES:
            self.born += 1
            key = f"folder {self.born}"
            faults, self.database.faults = self.database.faults, None
            node = Here(self.rig, await take_node(self.database, key), database=self.database)
            self.database.faults = faults
            self.nodes.append(node)
            try:
                await node.apply(**BINDS)
            except StoreUnavailable:
                return

    async def look(self) -> None:
        for node in self.chance.sample(self.nodes, self.chance.randint(1, len(self.nodes))):
            await node.turn(self.chance.choice((0.0, 0.3, 1.0)))
            self.assert_nothing_is_used_by_two()

    async def break_binds(self) -> None:
        dispatcher = self.chance.choice(self.nodes).dispatcher
        dispatcher.is_refused = not dispatcher.is_refused

    async def stop(self) -> None:
        if len(self.nodes) > 1:
            node = self.nodes.pop(self.chance.randrange(len(self.nodes)))
            await node.ownership.stop()
            self.assert_nothing_is_used_by_two()
            await node.node.release()

    async def die(self) -> None:
        """Its lease runs out, and whoever looks deposes it."""
        if len(self.nodes) > 1:
            node = self.nodes.pop(self.chance.randrange(len(self.nodes)))
            await self.rig.execute(
                "UPDATE node_lease SET expires_at = now() - interval '1 second' WHERE node_no = $1",
                node.node.node_no,
            )

    async def step(self) -> None:
        await self.chance.choice(
            (self.look, self.look, self.look, self.start, self.break_binds, self.stop, self.die)
        )()

    async def assert_only_what_is_held_is_used(self) -> None:
        """Whatever a row does not say may be another's a moment later."""
        held = set(await self.rig.fetch(_HELD))
        speeds = {(node_no, key): speed for node_no, key, speed in await self.rig.fetch(_SPEEDS)}
        for node in self.nodes:
            node_no = node.node.node_no
            used = {(node_no, 0, slot) for slot in node.ownership.slots}
            for connector_id, holding in node.dispatcher.held.items():
                used |= {(node_no, connector_id, shard) for shard in holding.shards}
                assert holding.parts_per_second <= speeds.get((node_no, connector_id), 0.0) + 1e-6
            assert used <= held, used - held

    def assert_nothing_is_used_by_two(self) -> None:
        speeds: Counter[int] = Counter()
        binds: Counter[tuple[int, int]] = Counter()
        slots = Counter(slot for node in self.nodes for slot in node.ownership.slots)
        for node in self.nodes:
            for connector_id, held in node.dispatcher.held.items():
                speeds[connector_id] += held.parts_per_second  # type: ignore[assignment] # a sum of floats
                binds.update((connector_id, bind_no) for bind_no in held.bind_nos)
        assert all(speed <= LIMIT + 1e-6 for speed in speeds.values()), speeds
        assert all(times == 1 for times in binds.values()), binds
        assert all(times == 1 for times in slots.values())

    def assert_everything_is_held(self) -> None:
        held = [node.dispatcher.held for node in self.nodes]
        for number, binds in enumerate(BINDS.values(), 1):
            here = [each[number] for each in held if number in each]
            assert sorted(no for each in here for no in each.bind_nos) == list(range(1, binds + 1))
            assert sorted(shard for each in here for shard in each.shards) == list(range(16))
            assert sum(each.parts_per_second for each in here) == pytest.approx(LIMIT)
        assert sorted(slot for node in self.nodes for slot in node.ownership.slots) == list(range(256))


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_is_used_by_two_and_everything_is_held_in_the_end(
    database: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bind_share, "RETRY_SECONDS", 0.01)
    chance = random.Random(seed)
    async with open_rig(database) as rig:
        await rig.node.release()
        flaky = await FlakyDatabase.open(rig.dsn, QUERIES)
        try:
            world = World(rig, flaky, chance)
            await world.start()
            flaky.faults = chance
            flaky.after_commit = world.assert_only_what_is_held_is_used
            for _ in range(STEPS):
                await world.step()
                world.assert_nothing_is_used_by_two()
            flaky.faults = None
            for node in world.nodes:
                node.dispatcher.is_refused = False
            for _ in range(QUIET_LOOKS):
                for node in world.nodes:
                    await node.turn()
                    world.assert_nothing_is_used_by_two()
            world.assert_everything_is_held()
        finally:
            await flaky.aclose()
