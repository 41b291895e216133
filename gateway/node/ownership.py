"""What this node holds of the work that several nodes share, and how that changes.

Every second it looks who is there, ends the epochs of those that died, and takes and gives back binds, speed,
shards and slots as `domain.sharing` says. What is held is what the rows say at each look, for the answer to
a change may be lost. Gives nothing back before it has stopped using it. Owns no message.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import structlog

from gateway.config import ConnectorConfig
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.holding import Holding
from gateway.domain.sharing import SHARD_COUNT, BindKey, HeldBind, Member, plan_shards, plan_slots, plan_speed
from gateway.node.bind_share import BindShare
from gateway.node.lateness import Lateness
from gateway.node.reluctance import Reluctance
from gateway.store.database import Database
from gateway.store.errors import LeaseLost, StoreUnavailable
from gateway.store.leases import Node
from gateway.store.outage_line import OutageLine
from gateway.store.work_leases import LeaseLook, Share, WorkLeases, look_at_leases

log = structlog.get_logger("main")

LOOK_SECONDS: Final = 1.0
PARTING_SECONDS: Final = 0.5
"""A slot that goes to another node is not listed for so long before it is given back: what has begun on it
ends meanwhile."""
UNBIND_SECONDS: Final = 60.0
"""Without a lease for so long the binds are given up: the carrier may have use for them elsewhere."""
_PASSES: Final = 3
_SPEED_STEP: Final = 1e-3
"""Parts a second that make a difference."""

AnyBind = TypeVar("AnyBind", BindKey, HeldBind)

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
        self._leases = WorkLeases(database, node)
        self._dispatcher = dispatcher
        self._drain_seconds = drain_seconds
        self._monotonic = monotonic
        self.binds = BindShare(
            node, self._leases, dispatcher, drain_seconds=drain_seconds, on_left=self.nudge
        )
        self._lateness = Lateness()
        self._reluctance = Reluctance(random.random)
        self._connectors: Mapping[int, ConnectorConfig] = {}
        self._shop_ids: Mapping[str, int] = {}
        self._configured: Mapping[int, ConnectorConfig] = {}
        """Those of the connectors that are enabled."""
        self._announced: frozenset[int] | None = None
        self._is_stopping = False
        self._is_unbound = False
        self._granted: dict[int, float] = {}
        """The speed that is used, by connector; never more than the rows say."""
        self._shards: dict[int, frozenset[int]] = {}
        self._parting_since: dict[int, float] = {}
        """Slots that are not listed any more and not given back yet."""
        self._seen_up_at: dict[int, float] = {}
        self._turning = asyncio.Lock()
        self._outage = OutageLine(log, "ownership.not_looked")
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
        """Take nothing more, and have the other nodes take queue and speed at once: nothing of ours is
        submitted from here on. Binds and slots end with the lease, when the last answer has come."""
        self._is_stopping = True
        async with self._turning:
            self._shards, self._granted = {}, {}
            self._hold()
            try:
                await self._node.announce((), is_stopping=True)
                await self._leases.release_shards((await self._leases.read_share()).shards)
                for connector_id in sorted(
                    {key.connector_id for key in self.binds.list_own(self.look.binds)}
                ):
                    await self._leases.share_speed(connector_id, 0.0, limit=0.0)
            except (StoreUnavailable, LeaseLost) as exc:
                log.warning("ownership.not_announced", fault=str(exc))
        await self.binds.wait_left(self._drain_seconds())

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
                self._lateness.note_failed_look()
                self._outage.failed(exc)
            else:
                self._outage.worked()

    # One look and what follows.

    async def _turn(self) -> None:
        if self._is_stopping:
            return
        self.binds.forget_left()
        if not self._node.may_submit():
            self._lateness.note_failed_look()
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
        """One pass; whether rows moved, so that another look may find more to do. Gives way to the loop
        between its steps: of 200 connectors each is a millisecond or two."""
        self.look = look = await look_at_leases(self._database)
        share = await self._leases.read_share()
        now = self._monotonic()
        if await self._depose_dead(look, now):
            return True
        await asyncio.sleep(0)
        self._note_up(now)
        await self._announce(look, now)
        members = self._list_members(look)
        stopping = _list_stopping(members)
        claiming_of = _by_connector(each for each in look.binds if each.node_no not in stopping)
        binds_of = {connector_id: config.binds for connector_id, config in self._configured.items()}
        has_moved = await self.binds.share(look.binds, members, binds_of, now)
        await self.binds.mark(look.binds, now)
        await asyncio.sleep(0)
        has_moved |= await self._share_speed(look, claiming_of)
        await asyncio.sleep(0)
        has_moved |= await self._share_shards(share, claiming_of)
        await asyncio.sleep(0)
        has_moved |= await self._share_slots(share, members, now)
        self._hold()
        return has_moved

    async def _depose_dead(self, look: LeaseLook, now: float) -> bool:
        has_deposed = False
        for node in self._lateness.find_dead(look.nodes, now):
            if await self._node.depose(node):
                log.warning("node.deposed", node=node.node_no, epoch=node.epoch, host=node.host)
                has_deposed = True
        return has_deposed

    def _note_up(self, now: float) -> None:
        self.binds.note_up(now)
        for connector_id in self._configured:
            if self.is_up(connector_id):
                self._seen_up_at[connector_id] = now

    async def _announce(self, look: LeaseLook, now: float) -> None:
        """Say what we are able to bind. What does not come up here is left to the others for a while."""
        others = {
            connector_id
            for node in look.nodes
            if node.is_alive and node.node_no != self._node.node_no and not node.is_stopping
            for connector_id in node.connector_ids
        }
        up = {key.connector_id for key in self.binds.list_up(now)}
        failing = {key.connector_id for key in self.binds.list_own(look.binds)} - up
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

    def _hold(self) -> None:
        """Have the dispatcher work on what is held now."""
        kept = _by_connector(self.binds.list_kept(self.look.binds))
        for connector_id in self._configured:
            self._dispatcher.hold(
                connector_id,
                Holding(
                    frozenset(key.bind_no for key in kept.get(connector_id, ())),
                    self._shards.get(connector_id, frozenset()),
                    self._granted.get(connector_id, 0.0),
                ),
            )

    # Speed, shards, slots.

    async def _share_speed(self, look: LeaseLook, claiming: Mapping[int, Sequence[HeldBind]]) -> bool:
        """Speed that is lost is not used any more before the row says so; speed that is gained is used
        after."""
        has_moved = False
        said: dict[int, float] = {}
        for each in look.binds:
            if each.node_no == self._node.node_no:
                said[each.connector_id] = said.get(each.connector_id, 0.0) + each.parts_per_second
        self._granted = {key: speed for key, speed in self._granted.items() if key in said}
        for connector_id in sorted(said.keys() & self._configured.keys()):
            config = self._configured[connector_id]
            limit = config.parts_per_second
            held = claiming.get(connector_id, ())
            wanted = plan_speed(self._node.node_no, connector_id, limit, held, config.binds)
            used = self._granted.get(connector_id, 0.0)
            if max(abs(wanted - used), abs(wanted - said[connector_id])) < _SPEED_STEP:
                continue
            if wanted < used:
                self._granted[connector_id] = wanted
                self._hold()
            granted = await self._leases.share_speed(connector_id, wanted, limit=limit)
            has_moved |= granted != used
            self._granted[connector_id] = granted
        return has_moved

    async def _share_shards(self, share: Share, claiming: Mapping[int, Sequence[HeldBind]]) -> bool:
        wanted = {
            connector_id: plan_shards(self._node.node_no, connector_id, claiming.get(connector_id, ()))
            for connector_id in self._configured
        }
        parting, missing = _subtract(share.shards, wanted), _subtract(wanted, share.shards)
        self._shards = _subtract(share.shards, parting)
        if parting:
            self._hold()
            await self._leases.release_shards(parting)
        taken = await self._leases.take_shards(missing) if missing else {}
        for connector_id, shards in taken.items():
            self._shards[connector_id] = self._shards.get(connector_id, frozenset()) | shards
        return bool(taken)

    async def _share_slots(self, share: Share, members: list[Member], now: float) -> bool:
        wanted = plan_slots(self._node.node_no, members)
        kept, missing = share.slots & wanted, wanted - share.slots
        self.slots = tuple(sorted(kept))
        self._parting_since = {slot: self._parting_since.get(slot, now) for slot in share.slots - wanted}
        parted = [slot for slot, since in self._parting_since.items() if now - since >= PARTING_SECONDS]
        if parted:
            await self._leases.release_slots(parted)
        taken = await self._leases.take_slots(missing) if missing else set()
        self.slots = tuple(sorted(kept | taken))
        return bool(taken)


def _by_connector(binds: Iterable[AnyBind]) -> dict[int, list[AnyBind]]:
    """Sorted apart once a look: of 400 binds each of 200 connectors would look through all."""
    found: dict[int, list[AnyBind]] = {}
    for bind in binds:
        found.setdefault(bind.connector_id, []).append(bind)
    return found


def _list_stopping(members: Collection[Member]) -> set[int]:
    return {member.node_no for member in members if member.is_stopping}


def _subtract(
    some: Mapping[int, frozenset[int]], others: Mapping[int, frozenset[int]]
) -> dict[int, frozenset[int]]:
    """By connector, what is in `some` and not in `others`; without connectors of which nothing is left."""
    return {key: left for key, values in some.items() if (left := values - others.get(key, frozenset()))}
