"""What this node holds of the work that several nodes share, and how that changes.

Every second it looks who is there, ends the epochs of those that died, and takes and gives back binds, speed,
shards and slots as `domain.sharing` says. Gives nothing back before it has stopped using it. Owns no message.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from gateway.config import ConnectorConfig
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.holding import Holding
from gateway.domain.sharing import (
    SHARD_COUNT,
    BindKey,
    Member,
    plan_binds,
    plan_shards,
    plan_slots,
    plan_speed,
)
from gateway.node.reluctance import Reluctance
from gateway.store.database import Database
from gateway.store.errors import LeaseLost, StoreUnavailable
from gateway.store.leases import Node, NodeRecord
from gateway.store.work_leases import LeaseLook, WorkLeases, look_at_leases

log = structlog.get_logger("main")

LOOK_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 4.0
"""Of looks without a gap before another node is deposed: after an outage of Postgres all leases have run out,
and who comes back first must give the others time to renew theirs."""
_GAP_SECONDS: Final = 3.0
_FREE_SECONDS: Final = 5.0
"""A bind that its node does not take for so long is anybody's."""
_ADOPTED_SECONDS: Final = 60.0
UP_FOR_SECONDS: Final = 3.0
"""A bind counts as up for so long after it broke: a reconnect moves no shards."""
UNBIND_SECONDS: Final = 60.0
"""Without a lease for so long the binds are given up: the carrier may have use for them elsewhere."""
_PASSES: Final = 3
_SPEED_STEP: Final = 1e-3
"""Parts a second that make a difference."""

_NOTHING: Final = LeaseLook([], [])


class Ownership:
    """The share of one node. `drain_seconds` bounds how long a bind that is given up waits for its
    answers."""

    def __init__(
        self,
        database: Database,
        node: Node,
        dispatcher: Dispatcher,
        *,
        drain_seconds: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.look = _NOTHING
        """What the rows said last."""
        self.slots: tuple[int, ...] = ()
        """Slots of this node, for work that needs no carrier."""
        self._database = database
        self._node = node
        self._leases = WorkLeases(node)
        self._dispatcher = dispatcher
        self._drain_seconds = drain_seconds
        self._monotonic = monotonic
        self._reluctance = Reluctance(random.random)
        self._connectors: Mapping[int, ConnectorConfig] = {}
        self._shop_ids: Mapping[str, int] = {}
        self._configured: Mapping[int, ConnectorConfig] = {}
        """Those of the connectors that are enabled."""
        self._announced: frozenset[int] | None = None
        self._is_stopping = False
        self._is_unbound = False
        self._steady_since: float | None = None
        self._looked_at = float("-inf")
        self._deposed_from: dict[tuple[int, int], float] = {}
        """From when on nodes that are late are taken for dead, by number and epoch."""
        self._free_since: dict[BindKey, float] = {}
        self._adopted: dict[BindKey, float] = {}
        self._leaving: dict[BindKey, asyncio.Task[None]] = {}
        self._up_at: dict[BindKey, float] = {}
        self._granted: dict[int, float] = {}
        self._shards: dict[int, set[int]] = {}
        self._parting_slots: set[int] = set()
        self._seen_up_at: dict[int, float] = {}
        self._turning = asyncio.Lock()
        self._nudged = asyncio.Event()

    # What others ask.

    @property
    def decides(self) -> bool:
        """Whether this node does what is to be done once for all nodes."""
        return 0 in self.slots

    def is_shared(self, connector_id: int) -> bool:
        """Whether another node may be the one that claims some of a connector's messages."""
        return len(self._shards.get(connector_id, ())) < SHARD_COUNT and self.has_company

    @property
    def has_company(self) -> bool:
        """Whether other nodes are alive."""
        return self.count_alive() > 1

    def count_alive(self) -> int:
        """Living nodes, this one too."""
        return 1 + sum(node.is_alive and node.node_no != self._node.node_no for node in self.look.nodes)

    def is_served(self, connector_id: int) -> bool:
        """Whether a living node is configured for this connector, and has it enabled."""
        return connector_id in self._configured or any(
            node.is_alive and connector_id in node.connector_ids for node in self.look.nodes
        )

    def is_up(self, connector_id: int) -> bool:
        """Whether some node has a bind of this connector that is up."""
        return self._dispatcher.is_up(connector_id) or any(
            each.is_up and each.connector_id == connector_id and each.node_no != self._node.node_no
            for each in self.look.binds
        )

    def list_speeds_elsewhere(self) -> dict[int, float]:
        """Parts a second of the binds that are up on other nodes, by connector."""
        speeds: dict[int, float] = {}
        for each in self.look.binds:
            if each.is_up and each.node_no != self._node.node_no:
                speeds[each.connector_id] = speeds.get(each.connector_id, 0.0) + each.parts_per_second
        return speeds

    def down_seconds(self, connector_id: int) -> float:
        """For how long no node has had a bind of it up; infinite for one that no node is configured for."""
        if self.is_up(connector_id):
            return 0.0
        if not self.is_served(connector_id):
            return float("inf")
        return self._monotonic() - self._seen_up_at.setdefault(connector_id, self._monotonic())

    # What others tell.

    def nudge(self) -> None:
        """Something changed: look at once."""
        self._nudged.set()

    async def apply(self, connectors: Mapping[int, ConnectorConfig], shop_ids: Mapping[str, int]) -> None:
        """The connectors that there are from now on, by number. Raises `StoreUnavailable`."""
        async with self._turning:
            await self._dispatcher.configure(connectors, shop_ids, drain_seconds=self._drain_seconds())
            self._connectors, self._shop_ids = connectors, shop_ids
            self._configured = {
                connector_id: config for connector_id, config in connectors.items() if config.enabled
            }
            self._reluctance.forget(self._configured)
            await self._turn()

    async def stop(self) -> None:
        """Take nothing more, and tell the other nodes so. What is held ends with the lease."""
        self._is_stopping = True
        async with self._turning:
            try:
                await self._node.announce((), is_stopping=True)
            except (StoreUnavailable, LeaseLost) as exc:
                log.warning("ownership.not_announced", fault=str(exc))
        if self._leaving:
            await asyncio.wait(self._leaving.values(), timeout=self._drain_seconds())

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._nudged.wait()
            except TimeoutError:
                pass
            self._nudged.clear()
            await self.turn()

    async def turn(self) -> None:
        """Look once and do what follows. Raises `LeaseLost` when another node deposed this one."""
        async with self._turning:
            try:
                await self._turn()
            except StoreUnavailable as exc:
                self._steady_since = None
                log.warning("ownership.not_looked", fault=str(exc))

    # One look and what follows.

    async def _turn(self) -> None:
        if self._is_stopping:
            return
        self._forget_left()
        if not self._node.may_submit():
            self._steady_since = None
            if self._node.overdue_seconds > UNBIND_SECONDS:
                await self._unbind_all()
            return
        if self._is_unbound:
            self._is_unbound = False
            await self._dispatcher.configure(self._connectors, self._shop_ids, drain_seconds=0.0)
        for _ in range(_PASSES):
            if not await self._settle():
                break

    async def _unbind_all(self) -> None:
        """Nothing can be stored for a long while: the carrier may have use for these binds elsewhere."""
        if not self._is_unbound:
            self._is_unbound = True
            log.warning("ownership.unbound", without_lease_seconds=round(self._node.overdue_seconds))
            await self._dispatcher.configure({}, {}, drain_seconds=0.0)

    async def _settle(self) -> bool:
        """One pass; whether rows moved, so that another look may find more to do."""
        now = self._monotonic()
        self.look = look = await look_at_leases(self._database)
        if self._steady_since is None or now - self._looked_at > _GAP_SECONDS:
            self._steady_since = now
        self._looked_at = now
        if await self._depose_dead(look, now):
            return True
        self._note_up(look, now)
        await self._announce(look, now)
        members = self._list_members(look)
        has_moved = await self._share_binds(look, members, now)
        await self._mark_binds(look, now)
        has_moved |= await self._share_speed(look)
        has_moved |= await self._share_shards(look)
        has_moved |= await self._share_slots(members)
        self._hold(look)
        return has_moved

    async def _depose_dead(self, look: LeaseLook, now: float) -> bool:
        dead = self._list_dead(look, now)
        if self._steady_since is None or now - self._steady_since < GRACE_SECONDS:
            return False
        has_deposed = False
        for node in dead:
            if await self._node.depose(node):
                log.warning("node.deposed", node=node.node_no, epoch=node.epoch, host=node.host)
                has_deposed = True
        return has_deposed

    def _list_dead(self, look: LeaseLook, now: float) -> list[NodeRecord]:
        """Nodes whose lease is over. Where it was over long before it was first seen so, between two looks,
        the clock of the database was moved: then they get the time to renew it."""
        late = [node for node in look.nodes if node.is_held and not node.is_alive]
        waits = {
            (node.node_no, node.epoch): now
            + (0.0 if 0 <= node.overdue_seconds < _GAP_SECONDS else GRACE_SECONDS)
            for node in late
        }
        self._deposed_from = {key: self._deposed_from.get(key, at) for key, at in waits.items()}
        return [node for node in late if now >= self._deposed_from[node.node_no, node.epoch]]

    def _note_up(self, look: LeaseLook, now: float) -> None:
        for connector_id, bind_nos in self._dispatcher.list_binds().items():
            for bind_no in bind_nos:
                self._up_at[BindKey(connector_id, bind_no)] = now
        for connector_id in self._configured:
            if self.is_up(connector_id):
                self._seen_up_at[connector_id] = now

    def _is_bind_up(self, key: BindKey, now: float) -> bool:
        return now - self._up_at.get(key, float("-inf")) < UP_FOR_SECONDS

    def _list_own(self, look: LeaseLook) -> set[BindKey]:
        """The binds that the rows say are ours."""
        return {
            BindKey(each.connector_id, each.bind_no)
            for each in look.binds
            if each.node_no == self._node.node_no
        }

    async def _announce(self, look: LeaseLook, now: float) -> None:
        """Say what we are able to bind. What does not come up here is left to the others for a while."""
        others = {
            connector_id
            for node in look.nodes
            if node.is_alive and node.node_no != self._node.node_no and not node.is_stopping
            for connector_id in node.connector_ids
        }
        failing = {key.connector_id for key in self._list_own(look)} - {
            key.connector_id for key in self._up_at if self._is_bind_up(key, now)
        }
        able = frozenset(self._configured) - self._reluctance.judge(failing, others, now)
        if able != self._announced:
            await self._node.announce(able, is_stopping=False)
            self._announced = able

    def _list_members(self, look: LeaseLook) -> list[Member]:
        own = Member(self._node.node_no, self._announced or frozenset())
        return [own] + [
            Member(node.node_no, node.connector_ids, node.is_stopping)
            for node in look.nodes
            if node.is_alive and node.is_held and node.node_no != self._node.node_no
        ]

    # Binds.

    async def _share_binds(self, look: LeaseLook, members: list[Member], now: float) -> bool:
        binds_of = {connector_id: config.binds for connector_id, config in self._configured.items()}
        plan = plan_binds(
            self._node.node_no,
            members,
            binds_of,
            look.binds,
            long_free=self._list_long_free(look, binds_of, now),
            adopted=self._list_adopted(now),
        )
        for key in plan.give_up:
            if key not in self._leaving:
                log.info("bind.given_up", connector=key.connector_id, bind=key.bind_no)
                self._leaving[key] = asyncio.create_task(self._leave(key))
        if not plan.take:
            return False
        taken = await self._leases.take_binds(plan.take)
        for key in taken:
            self._free_since.pop(key, None)
        return bool(taken)

    def _list_long_free(self, look: LeaseLook, binds_of: Mapping[int, int], now: float) -> set[BindKey]:
        held = {BindKey(each.connector_id, each.bind_no) for each in look.binds}
        free = {
            BindKey(connector_id, number)
            for connector_id, binds in binds_of.items()
            for number in range(1, binds + 1)
        } - held
        self._free_since = {key: self._free_since.get(key, now) for key in free}
        long_free = {key for key, since in self._free_since.items() if now - since >= _FREE_SECONDS}
        for key in long_free:
            self._adopted[key] = now
        return long_free

    def _list_adopted(self, now: float) -> set[BindKey]:
        self._adopted = {key: at for key, at in self._adopted.items() if now - at < _ADOPTED_SECONDS}
        return set(self._adopted)

    async def _leave(self, key: BindKey) -> None:
        """Unbind, and only then let another node have the bind."""
        await self._dispatcher.give_up_binds(
            key.connector_id, (key.bind_no,), drain_seconds=self._drain_seconds()
        )
        self._up_at.pop(key, None)
        while self._node.may_submit():  # else the lease ends with the epoch
            try:
                await self._leases.release_binds((key,))
                break
            except StoreUnavailable as exc:
                log.warning("bind.not_released", fault=str(exc))
                await asyncio.sleep(LOOK_SECONDS)
        self.nudge()

    def _forget_left(self) -> None:
        """Binds that are given back; raises what kept one from it."""
        for key, leaving in list(self._leaving.items()):
            if leaving.done():
                del self._leaving[key]
                leaving.result()

    async def _mark_binds(self, look: LeaseLook, now: float) -> None:
        changed = {
            BindKey(each.connector_id, each.bind_no): is_up
            for each in look.binds
            if each.node_no == self._node.node_no
            and (is_up := self._is_bind_up(BindKey(each.connector_id, each.bind_no), now)) != each.is_up
        }
        if changed:
            await self._leases.mark_binds(changed)

    def _hold(self, look: LeaseLook) -> None:
        """Have the dispatcher work on what is held now."""
        own = self._list_own(look)
        for connector_id in self._configured:
            self._dispatcher.hold(
                connector_id,
                Holding(
                    frozenset(
                        key.bind_no
                        for key in own
                        if key.connector_id == connector_id and key not in self._leaving
                    ),
                    frozenset(self._shards.get(connector_id, ())),
                    self._granted.get(connector_id, 0.0),
                ),
            )

    # Speed, shards, slots.

    async def _share_speed(self, look: LeaseLook) -> bool:
        """Speed that is lost is not used any more before the row says so; speed that is gained is used
        after."""
        has_moved = False
        own = {key.connector_id for key in self._list_own(look)}
        for connector_id in [each for each in self._granted if each not in own]:
            del self._granted[connector_id]  # it went with the binds
        for connector_id in own & self._configured.keys():
            config = self._configured[connector_id]
            limit = config.parts_per_second
            wanted = plan_speed(self._node.node_no, connector_id, limit, look.binds, config.binds)
            held = self._granted.get(connector_id)
            if held is not None and abs(wanted - held) < _SPEED_STEP:
                continue
            if held is not None and wanted < held:
                self._granted[connector_id] = wanted
                self._hold(look)
            granted = await self._leases.share_speed(connector_id, wanted, limit=limit)
            has_moved |= granted != held
            self._granted[connector_id] = granted
        return has_moved

    async def _share_shards(self, look: LeaseLook) -> bool:
        wanted = {
            connector_id: plan_shards(self._node.node_no, connector_id, look.binds)
            for connector_id in self._configured
        }
        gone = {
            connector_id: parting
            for connector_id, shards in self._shards.items()
            if (parting := shards - wanted.get(connector_id, frozenset()))
        }
        missing = {
            connector_id: lacking
            for connector_id, shards in wanted.items()
            if (lacking := shards - self._shards.get(connector_id, set()))
        }
        if gone:
            for connector_id, parting in gone.items():
                self._shards[connector_id] -= parting
            self._hold(look)
            await self._leases.release_shards(gone)
        taken = await self._leases.take_shards(missing) if missing else {}
        for connector_id, shards in taken.items():
            self._shards.setdefault(connector_id, set()).update(shards)
        return bool(taken)

    async def _share_slots(self, members: list[Member]) -> bool:
        """A slot that goes to another node is not listed for one look before it is given back: what has begun
        on it ends meanwhile."""
        wanted = plan_slots(self._node.node_no, members)
        if self._parting_slots:
            parting, self._parting_slots = self._parting_slots, set()
            await self._leases.release_slots(parting)
        held = set(self.slots)
        self._parting_slots = held - wanted
        missing = wanted - held
        taken = await self._leases.take_slots(missing) if missing else set()
        self.slots = tuple(sorted((held & wanted) | taken))
        return bool(taken)
