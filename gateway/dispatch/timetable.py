"""What time does to messages: due ones are queued, late ones expire, silent ones become unknown.

Owns when each look is taken; what is found goes to the outcome writer as evidence, or to the queue. Works on
the slots this node holds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from gateway.dispatch.overdue_parts import OverdueParts
from gateway.dispatch.receipt_retries import ReceiptRetries
from gateway.domain.identifiers import first_id_at
from gateway.domain.message import MessageState, Reason
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import Ending, WrittenOff
from gateway.store.intake import Stream
from gateway.store.leases import list_nodes
from gateway.store.outcomes import OutcomeWriter
from gateway.store.queue import find_expired_waiting, release_due
from gateway.store.unmatched import FindLookupId
from gateway.store.waiting_evidence import find_abandoned, find_without_receipt
from gateway.store.writer import Fence

log = structlog.get_logger("dispatch")

_DUE_SECONDS = 0.5
_EXPIRY_SECONDS = 5.0
_UNMATCHED_SECONDS = 5.0
_OVERDUE_PARTS_SECONDS = 5.0
_SILENCE_SECONDS = 600.0
_ABANDONED_SECONDS = 5.0
_BATCH = 2_000
_SHARE_OF_TIME = 0.02
"""A look that takes long is taken less often: never more than this share of the time."""

_LONGEST_VALIDITY = timedelta(days=7)
_RECEIPT_MARGIN = timedelta(hours=72)
_OLDEST_OPEN = timedelta(days=30) + _LONGEST_VALIDITY + _RECEIPT_MARGIN


class Timetable:
    """The regular looks of one node."""

    def __init__(
        self,
        database: Database,
        outcomes: OutcomeWriter,
        *,
        fence: Fence,
        slots: Callable[[], Sequence[int]],
        on_queued: Callable[[dict[Stream, int]], None],
        find_lookup_id: FindLookupId,
        join_seconds: Callable[[], float],
    ) -> None:
        self._overdue_parts = OverdueParts(database, outcomes, slots=slots, join_seconds=join_seconds)
        self._receipt_retries = ReceiptRetries(database, outcomes, find_lookup_id)
        self._database = database
        self._outcomes = outcomes
        self._fence = fence
        self._slots = slots
        self._on_queued = on_queued
        self._gone_nodes: set[tuple[int, int]] | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat("due", _DUE_SECONDS, self.release_due_messages))
            tasks.create_task(self._repeat("expired", _EXPIRY_SECONDS, self.expire_waiting))
            tasks.create_task(self._repeat("unmatched", _UNMATCHED_SECONDS, self._retry_unmatched))
            tasks.create_task(
                self._repeat("overdue parts", _OVERDUE_PARTS_SECONDS, self._store_overdue_parts)
            )
            tasks.create_task(self._repeat("silent", _SILENCE_SECONDS, self.write_off_silent))
            tasks.create_task(self._repeat("abandoned", _ABANDONED_SECONDS, self.write_off_abandoned))

    async def _repeat(self, name: str, seconds: float, look: Callable[[], Awaitable[int]]) -> None:
        while True:
            began = time.monotonic()
            try:
                found = await look()
            except StoreUnavailable as exc:
                log.warning("look.failed", look=name, fault=str(exc))
                found = 0
            took = time.monotonic() - began
            pause = 0.0 if found >= _BATCH else max(seconds, took / _SHARE_OF_TIME)
            await asyncio.sleep(pause)

    async def release_due_messages(self) -> int:
        """Scheduled messages whose time has come go to the queue."""
        lowest, released = await release_due(self._database, datetime.now(UTC), self._slots(), limit=_BATCH)
        if lowest:
            self._on_queued(lowest)
        return released

    async def expire_waiting(self) -> int:
        """Waiting messages past their validity end as expired, never sent late."""
        found = await find_expired_waiting(self._database, datetime.now(UTC), self._slots(), limit=_BATCH)
        self._outcomes.put_many(
            [
                Ending(shop_id, message_id, slot, MessageState.EXPIRED, Reason.VALIDITY_PASSED)
                for shop_id, message_id, slot in found
            ]
        )
        if found:
            await self._outcomes.drained()
        return len(found)

    async def _retry_unmatched(self) -> int:
        await self._receipt_retries.look()
        return 0  # what has no message now has none at once either

    async def _store_overdue_parts(self) -> int:
        return await self._overdue_parts.look(limit=_BATCH)

    async def write_off_silent(self) -> int:
        """Messages the carrier took, without a receipt 72 h after their validity, are unknown."""
        now = datetime.now(UTC)
        return await self._write_off(
            await find_without_receipt(
                self._database,
                low_id=first_id_at(now - _OLDEST_OPEN),
                expired_before=now - _RECEIPT_MARGIN,
                slots=self._slots(),
                limit=_BATCH,
            ),
            Reason.NO_RECEIPT,
        )

    async def write_off_abandoned(self) -> int:
        """Intents of a process that died: whether their bytes left is not known, so they are unknown.

        Looked for at start and when another node is seen to be gone: the search reads every open day.
        """
        gone = {(node.node_no, node.epoch) for node in await list_nodes(self._database) if not node.is_alive}
        if self._gone_nodes is not None and gone <= self._gone_nodes:
            return 0
        found = await find_abandoned(
            self._database,
            self._fence,
            low_id=first_id_at(datetime.now(UTC) - _OLDEST_OPEN),
            limit=_BATCH,
        )
        if found:
            log.warning("intents.abandoned", messages=len(found))
        if len(found) < _BATCH:
            self._gone_nodes = gone
        return await self._write_off(found, Reason.NO_RESPONSE)

    async def _write_off(self, keys: Sequence[tuple[int, int, int]], reason: Reason) -> int:
        now = datetime.now(UTC)
        self._outcomes.put_many(
            [WrittenOff(shop_id, message_id, slot, reason, now) for shop_id, message_id, slot in keys]
        )
        if keys:
            await self._outcomes.drained()
        return len(keys)
