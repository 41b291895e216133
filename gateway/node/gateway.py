"""One running gateway, from the lock on its state folder to its open doors and back, in order."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from gateway.config import Config
from gateway.domain.ledger import LedgerReport
from gateway.errors import EstafetteError
from gateway.hosting.notify import ServiceNotifier
from gateway.ledger.accounts import read_ledger
from gateway.node.doors import open_admin_door, open_metrics_door, open_pages_door, open_public_door
from gateway.node.ground import Footing, Ground, open_footing, open_ground
from gateway.node.patience import Patience
from gateway.node.place import ALONE, Place
from gateway.node.rooms import Rooms, now_utc, open_rooms
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.web.siblings import Siblings

log = structlog.get_logger("main")

_UNBIND_SECONDS = 10.0
"""What carriers may take, at a stop, to see us off when their answers are no longer waited for."""


class Gateway:
    """A node that runs while the context is entered. Used by `serve`, the demo and tests alike.

    A worker is given the `footing` that it shares with the others of its server, and its `place` among them.
    Entering raises the errors of the room at fault (`HostingError`, `StoreError`, those of migrations);
    nothing is left running then.
    """

    ground: Ground
    rooms: Rooms
    http_port: int
    public_port: int
    metrics_port: int | None
    admin_socket: Path

    def __init__(
        self,
        config: Config,
        *,
        notifier: ServiceNotifier | None = None,
        footing: Footing | None = None,
        place: Place = ALONE,
    ) -> None:
        self._config = place.take_part(config)
        self._footing = footing
        self._place = place
        self._notifier = notifier or ServiceNotifier(None, None)
        self._standing = AsyncExitStack()
        self._doors = AsyncExitStack()
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _start(self) -> None:
        config, place = self._config, self._place
        footing = self._footing
        if footing is None:
            footing = await self._standing.enter_async_context(open_footing(config, self._notifier))
        self.ground = await self._standing.enter_async_context(
            open_ground(config, footing, self._notifier, place)
        )
        test_port = None
        if config.test_mode.simulator:
            simulator = await self._standing.enter_async_context(Simulator(load_profile("default")))
            test_port = simulator.port
        self.rooms = await open_rooms(self.ground, config, test_port=test_port)
        self._standing.push_async_callback(self.rooms.intake.aclose)
        await self.rooms.traffic.holds.refresh()
        await self.rooms.apply(config)
        self._standing.push_async_callback(self._end_work)
        self._work = asyncio.create_task(self.rooms.run(), name="node")
        await self._standing.enter_async_context(self._doors)
        self.http_port = await self._doors.enter_async_context(
            open_public_door(self.ground, self.rooms, place)
        )
        self.public_port = await self._doors.enter_async_context(open_pages_door(self.rooms, place))
        siblings = Siblings(place.list_siblings(self.ground.state.path))
        self.metrics_port = await self._doors.enter_async_context(
            open_metrics_door(self.rooms, place, siblings)
        )
        self.admin_socket = await self._doors.enter_async_context(
            open_admin_door(self.ground, self.rooms, place, siblings, read_ledger=self.read_ledger)
        )
        node = self.ground.node
        log.info(
            "node.started",
            node=node.node_no,
            epoch=node.epoch,
            http_port=self.http_port,
            public_port=self.public_port,
        )

    async def apply(self, config: Config) -> None:
        """Take over a configuration that was read again."""
        config = self._place.take_part(config)
        await self.rooms.apply(config)
        self._config = config

    async def read_ledger(self) -> LedgerReport:
        lookup_days = self._config.retention.receipt_map_days
        return await read_ledger(self.ground.database, now=now_utc(), lookup_days=lookup_days)

    async def wait_failed(self) -> None:
        """Waits for ever, or raises what ended the work: then the process must stop. Where that can be
        said in a sentence, as `LeaseLost` can, it raises just that, and else the group."""
        assert self._work is not None
        try:
            await asyncio.shield(self._work)
        except BaseExceptionGroup as faults:
            known, unknown = faults.split(EstafetteError)
            if known is None or unknown is not None:
                raise
            fault = _find_first(known)
            log.error("node.failed", fault=str(fault))
            raise fault from None

    async def aclose(self) -> None:
        """Refuse new work, store what was taken in, drain the windows, unbind, store the outcomes, close.

        Where the work has ended by itself, as after a lost lease, nothing can be sent or stored any more:
        then unbind and close, within seconds.
        """
        self._notifier.stopping("draining")
        try:
            if self._work is not None:
                self.rooms.is_stopping = True
                await (self.rooms.traffic.dispatcher.cut() if self._work.done() else self._drain())
        finally:
            await self._standing.aclose()
            log.info("node.stopped")

    async def _end_work(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait((self._work,))

    async def _drain(self) -> None:
        rooms, seconds = self.rooms, self._config.stop.drain_seconds
        patience = Patience(lambda: self.ground.database.availability.is_away)
        await patience.wait("share", rooms.traffic.ownership.stop(), others_seconds=seconds)
        await self._doors.aclose()
        await patience.wait("intake", rooms.traffic.store.drained())
        await patience.wait(
            "connectors",
            rooms.traffic.dispatcher.aclose(drain_seconds=seconds),
            others_seconds=seconds + _UNBIND_SECONDS,
        )
        await patience.wait("outcomes", rooms.traffic.outcomes.drained())
        await patience.wait("clicks", rooms.shop_rooms.links.writer.drained())
        await patience.wait("webhooks", rooms.deliverer.aclose(seconds), others_seconds=seconds)


def _find_first(faults: BaseExceptionGroup[EstafetteError]) -> EstafetteError:
    first = faults.exceptions[0]
    return _find_first(first) if isinstance(first, BaseExceptionGroup) else first
