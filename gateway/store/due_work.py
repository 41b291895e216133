"""Whether there is anything to do for those who look regularly: one statement answers for all of them.

A node has a dozen workers that look once or twice a second for rows which time, or another node, has made
theirs. With nothing to do each look cost a statement of its own, and these were most of what an idle node
used: 29 of 40 statements a second. Knows no work but whether there is any.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Final

import asyncpg

from gateway.store.database import Database

FRESH_SECONDS: Final = 0.4
"""How long one answer serves everybody: less than the pause of any look, so that none misses news twice."""


class Work(Enum):
    """What is looked for, by its column in the answer."""

    QUEUED = "queued"
    """Messages that wait for any connector."""
    SCHEDULED = "scheduled"
    """Messages whose time has come."""
    DELIVERIES = "deliveries"
    """Webhooks to be posted."""
    REPLIES = "replies"
    """Automatic answers to texts from handsets."""
    CAMPAIGNS = "campaigns"
    """Campaigns that are planned, running, paused or being wound up."""
    HOLDS = "holds"
    """Holds, and campaigns of which nothing may leave."""
    OVERRIDES = "overrides"
    """What people changed of connectors."""
    IMPORTS = "imports"
    """Imports that are being read or merged."""


HasWork = Callable[[], Awaitable[bool]]
"""Whether a look may find anything. Raises `StoreUnavailable`."""


async def has_perhaps() -> bool:
    """For whoever looks without being told: there may always be something."""
    return True


class DueWork:
    """The answer for the slots of one node, at most `FRESH_SECONDS` old. Who was woken by news of its own
    need not ask."""

    def __init__(
        self,
        database: Database,
        *,
        slots: Callable[[], Sequence[int]],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._slots = slots
        self._clock = clock
        self._monotonic = monotonic
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._found: asyncpg.Record | None = None

    def of(self, work: Work) -> HasWork:
        """The question of one worker."""
        return partial(self.has, work)

    async def has(self, work: Work) -> bool:
        """Whether there is work of this kind. Raises `StoreUnavailable`."""
        async with self._asking:
            if self._found is None or self._monotonic() - self._asked_at >= FRESH_SECONDS:
                asked_at = self._monotonic()
                self._found = await self._database.fetch_row("find_due_work", self._clock(), self._slots())
                self._asked_at = asked_at
            return self._found is not None and bool(self._found[work.value])
