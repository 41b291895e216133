"""The binds of one node: taken, told to be up or down, and given back once they are unbound.

Owns what is remembered of single binds. How many a node should have is `domain.sharing`'s; that the
dispatcher keeps up what is held, and no more, is `ownership`'s.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import structlog

from gateway.dispatch.dispatcher import Dispatcher
from gateway.domain.sharing import BindKey, HeldBind, Member, list_binds, plan_binds
from gateway.store.errors import StoreUnavailable
from gateway.store.leases import Node
from gateway.store.work_leases import WorkLeases

log = structlog.get_logger("main")

UP_FOR_SECONDS: Final = 3.0
"""A bind counts as up for so long after it broke: a reconnect moves no shards."""
FREE_SECONDS: Final = 5.0
"""A bind that its node does not take for so long is anybody's."""
_ADOPTED_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 1.0


class BindShare:
    """`drain_seconds` bounds how long a bind that is given up waits for its answers; `on_left` hears of each
    that was given back."""

    def __init__(
        self,
        node: Node,
        leases: WorkLeases,
        dispatcher: Dispatcher,
        *,
        drain_seconds: Callable[[], float],
        on_left: Callable[[], None],
    ) -> None:
        self._node = node
        self._leases = leases
        self._dispatcher = dispatcher
        self._drain_seconds = drain_seconds
        self._on_left = on_left
        self._up_at: dict[BindKey, float] = {}
        self._shared_at = float("-inf")
        self._free_since: dict[BindKey, float] = {}
        self._adopted: dict[BindKey, float] = {}
        self._leaving: dict[BindKey, asyncio.Task[None]] = {}

    def list_own(self, held: Sequence[HeldBind]) -> set[BindKey]:
        """The binds that the rows say are ours."""
        return {each.key for each in held if each.node_no == self._node.node_no}

    def list_kept(self, held: Sequence[HeldBind]) -> set[BindKey]:
        """Those of ours that are to be kept up."""
        return self.list_own(held) - self._leaving.keys()

    def note_up(self, now: float) -> None:
        """See which binds are up at this moment."""
        for connector_id, bind_nos in self._dispatcher.list_binds().items():
            for bind_no in bind_nos:
                self._up_at[BindKey(connector_id, bind_no)] = now

    def list_up(self, now: float) -> set[BindKey]:
        """The binds that are up, or were a moment ago."""
        self._up_at = {key: at for key, at in self._up_at.items() if now - at < UP_FOR_SECONDS}
        return set(self._up_at)

    async def share(
        self, held: Sequence[HeldBind], members: Collection[Member], binds_of: Mapping[int, int], now: float
    ) -> bool:
        """Take what is due to us and begin to give up what is not; whether any was taken."""
        plan = plan_binds(
            self._node.node_no,
            members,
            binds_of,
            held,
            long_free=self._list_long_free(held, binds_of, now),
            adopted=self._list_adopted(now),
        )
        for key in plan.give_up:
            if key not in self._leaving:
                log.info("bind.given_up", connector=key.connector_id, bind=key.bind_no)
                self._leaving[key] = asyncio.create_task(self._leave(key))
        return bool(plan.take) and bool(await self._leases.take_binds(plan.take))

    def _list_long_free(
        self, held: Sequence[HeldBind], binds_of: Mapping[int, int], now: float
    ) -> set[BindKey]:
        if now - self._shared_at > FREE_SECONDS:
            self._free_since.clear()  # an outage: nobody could take what was free, or see that it was taken
        self._shared_at = now
        free = set(list_binds(binds_of)) - {each.key for each in held}
        self._free_since = {key: self._free_since.get(key, now) for key in free}
        long_free = {key for key, since in self._free_since.items() if now - since >= FREE_SECONDS}
        for key in long_free:
            self._adopted[key] = now
        return long_free

    def _list_adopted(self, now: float) -> set[BindKey]:
        self._adopted = {key: at for key, at in self._adopted.items() if now - at < _ADOPTED_SECONDS}
        return set(self._adopted)

    async def mark(self, held: Sequence[HeldBind], now: float) -> None:
        """Tell the other nodes which of our binds are up."""
        up = self.list_up(now)
        changed = {
            each.key: each.key in up
            for each in held
            if each.node_no == self._node.node_no and each.is_up != (each.key in up)
        }
        if changed:
            await self._leases.mark_binds(changed)

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
                await asyncio.sleep(RETRY_SECONDS)
        self._on_left()

    def forget_left(self) -> None:
        """Binds that are given back; raises what kept one from it."""
        for key, leaving in list(self._leaving.items()):
            if leaving.done():
                del self._leaving[key]
                leaving.result()

    async def wait_left(self, seconds: float) -> None:
        """Wait, but not longer, until those that are being given up are given back."""
        if self._leaving:
            await asyncio.wait(self._leaving.values(), timeout=seconds)
