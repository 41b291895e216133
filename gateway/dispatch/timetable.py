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
from gateway.dispatch.receipt_inference import ReceiptInference
from gateway.dispatch.receipt_retries import ReceiptRetries
from gateway.domain.backoff import retry_delay_seconds
from gateway.domain.identifiers import first_id_at
from gateway.domain.inference import CarrierAddresses
from gateway.domain.message import MessageState, Reason
from gateway.store.database import Database
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.evidence import Ending, WrittenOff
from gateway.store.intake import Stream
from gateway.store.leases import list_nodes
from gateway.store.outage_line import OutageLine
from gateway.store.outcomes import OutcomeWriter
from gateway.store.queue import find_expired_waiting, release_due
from gateway.store.unmatched import FindLookupId
from gateway.store.waiting_evidence import Abandoned, find_abandoned, find_without_receipt

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

ResendsUnanswered = Callable[[int, int, int], bool]
"""Of (connector_id, shop_id, category)."""


def _hold_all(connector_id: int, shop_id: int, category: int) -> bool:
    return False


def _decide() -> bool:
    return True


class Timetable:
    """The regular looks of one node."""

    def __init__(
        self,
        database: Database,
        outcomes: OutcomeWriter,
        *,
        slots: Callable[[], Sequence[int]],
        on_queued: Callable[[dict[Stream, int]], None],
        find_lookup_id: FindLookupId,
        find_addresses: Callable[[int], CarrierAddresses],
        join_seconds: Callable[[], float],
        draw: Callable[[], float],
        resends: ResendsUnanswered = _hold_all,
        decides: Callable[[], bool] = _decide,
        has_scheduled: HasWork = has_perhaps,
    ) -> None:
        """`find_addresses` tells how a connector writes numbers and senders. `draw` gives random numbers in
        [0, 1). `resends` says by connector, shop and category whether a message whose submit has no answer is
        sent again. `decides` says whether this node is the one that looks at what no slot divides: abandoned
        intents, and receipts without a message."""
        self._overdue_parts = OverdueParts(database, outcomes, slots=slots, join_seconds=join_seconds)
        self._receipt_retries = ReceiptRetries(database, outcomes, find_lookup_id)
        self._receipt_inference = ReceiptInference(database, outcomes, find_lookup_id, find_addresses)
        self._database = database
        self._outcomes = outcomes
        self._draw = draw
        self._resends = resends
        self._decides = decides
        self._has_scheduled = has_scheduled
        self._slots = slots
        self._on_queued = on_queued
        self._epochs_searched: set[tuple[int, int]] | None = None
        """Node numbers and epochs held at the last search for abandoned intents."""

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
        line = OutageLine(log, "look.failed", look=name)
        while True:
            began, found = time.monotonic(), 0
            with line.absorbing():
                found = await look()
            took = time.monotonic() - began
            pause = 0.0 if found >= _BATCH else max(seconds, took / _SHARE_OF_TIME)
            await asyncio.sleep(pause)

    async def release_due_messages(self) -> int:
        """Scheduled messages whose time has come go to the queue."""
        if not await self._has_scheduled():
            return 0
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
        if self._decides():
            await self._receipt_retries.look()
            await self._receipt_inference.look()  # of what has no message by its id
        return 0  # what has no message now has none at once either

    async def _store_overdue_parts(self) -> int:
        return await self._overdue_parts.look(limit=_BATCH)

    async def write_off_silent(self) -> int:
        """Messages the carrier took, without a receipt 72 h after their validity, are unknown."""
        now = datetime.now(UTC)
        found = await find_without_receipt(
            self._database,
            low_id=first_id_at(now - _OLDEST_OPEN),
            expired_before=now - _RECEIPT_MARGIN,
            slots=self._slots(),
            limit=_BATCH,
        )
        return await self._write_off([WrittenOff(*key, Reason.NO_RECEIPT, now) for key in found])

    async def write_off_abandoned(self) -> int:
        """Intents of a process that died: whether their bytes left is not known, so they are unknown, or sent
        again where that is wanted.

        Looked for at start and when an epoch has ended since: the search reads every open day.
        """
        if not self._decides():
            self._epochs_searched = None
            return 0
        epochs = {(node.node_no, node.epoch) for node in await list_nodes(self._database)}
        if epochs == self._epochs_searched:
            return 0
        low_id = first_id_at(datetime.now(UTC) - _OLDEST_OPEN)
        found = await find_abandoned(self._database, low_id=low_id, limit=_BATCH)
        now = datetime.now(UTC)
        written_off = [self._judge_abandoned(each, now) for each in found]
        if found:
            again = sum(each.retry_at is not None for each in written_off)
            log.warning("intents.abandoned", messages=len(found), sent_again=again)
        if len(found) < _BATCH:
            self._epochs_searched = epochs
        return await self._write_off(written_off)

    def _judge_abandoned(self, abandoned: Abandoned, now: datetime) -> WrittenOff:
        """Unknown, or sent again after the wait that a submit without an answer has. Each time a process dies
        over a message the next try waits longer, and its validity ends them."""
        retry_at = None
        if self._resends(abandoned.connector_id, abandoned.shop_id, abandoned.category):
            retry_at = now + timedelta(seconds=retry_delay_seconds(abandoned.attempt + 1, self._draw()))
            if retry_at >= abandoned.expires_at:
                retry_at = None
        return WrittenOff(
            abandoned.shop_id,
            abandoned.id,
            abandoned.slot,
            Reason.NO_RESPONSE,
            now,
            intended_at=abandoned.intended_at,
            retry_at=retry_at,
        )

    async def _write_off(self, written_off: Sequence[WrittenOff]) -> int:
        self._outcomes.put_many(written_off)
        if written_off:
            await self._outcomes.drained()
        return len(written_off)
