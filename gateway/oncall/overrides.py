"""What people changed of connectors, as this node follows it: read from rows, laid over the configuration.

Owns when a change begins and ends, and what a connector's settings are under it. Runs no connector.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

import msgspec
import structlog

from gateway.config.carriers import ConnectorConfig
from gateway.store.database import Database
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.outage_line import OutageLine
from gateway.store.overrides import Override, OverrideKey, delete_expired_overrides, list_overrides

log = structlog.get_logger("oncall")

_LOOK_SECONDS = 1.0
"""How soon another node's change is followed here, and how late the end of one may be."""


def lay_over(config: ConnectorConfig, overrides: Iterable[Override]) -> ConnectorConfig:
    """The settings of a connector under what people changed of it."""
    changes: dict[str, object] = {}
    for override in overrides:
        match override.key:
            case OverrideKey.DOWN:
                changes["enabled"] = False
            case OverrideKey.PARTS_PER_SECOND:
                changes["parts_per_second"] = override.value
            case OverrideKey.WINDOW:
                changes["window"] = int(override.value)
    return msgspec.structs.replace(config, **changes) if changes else config


class OverrideBoard:
    """The changes that hold now. `on_changed` is awaited whenever they are others than before."""

    def __init__(
        self,
        database: Database,
        *,
        on_changed: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
        has_overrides: HasWork = has_perhaps,
    ) -> None:
        self._database = database
        self._has_overrides = has_overrides
        self._on_changed = on_changed
        self._clock = clock
        self._rows: tuple[Override, ...] = ()
        self._seen: tuple[Override, ...] = ()
        self._look = asyncio.Event()

    @property
    def overrides(self) -> Sequence[Override]:
        """All that hold at this moment, also while the database is away."""
        now = self._clock()
        return tuple(row for row in self._rows if row.expires_at is None or row.expires_at > now)

    def of(self, connector_id: int) -> list[Override]:
        return [override for override in self.overrides if override.connector_id == connector_id]

    def is_down(self, connector_id: int) -> bool:
        """Whether somebody took the connector down."""
        return any(override.key is OverrideKey.DOWN for override in self.of(connector_id))

    async def read(self) -> None:
        """Read the rows, without following them yet. Raises `StoreUnavailable`; the last ones stay then."""
        self._rows = tuple(await list_overrides(self._database, self._clock()))

    async def refresh(self) -> None:
        """Read the rows now, and have them followed at once; what follows takes its time to drain."""
        await self.read()
        self._look.set()

    def settle(self, followed: Sequence[Override]) -> None:
        """The connectors run under these now."""
        self._seen = tuple(followed)

    async def run(self) -> None:
        """Follow changes and their ends until cancelled."""
        line = OutageLine(log, "overrides.not_followed")
        while True:
            is_woken = await self._wait()
            with line.absorbing():
                if is_woken or self._rows or self._seen or await self._has_overrides():
                    await self.read()
                    await self._follow()

    async def _wait(self) -> bool:
        """Wait for the next look; whether something was changed here."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._look.wait()
        except TimeoutError:
            return False
        self._look.clear()
        return True

    async def _follow(self) -> None:
        before = self._seen
        now = tuple(self.overrides)
        if now == before:
            return
        await self._on_changed()  # settles; when it fails the next look tries again
        ended = set(before) - set(now)
        if any(each.expires_at is not None and each.expires_at <= self._clock() for each in ended):
            await delete_expired_overrides(self._database, self._clock())
        log.info("overrides.followed", now=len(now), before=len(before))
