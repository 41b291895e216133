"""What is forgotten, and when: days are dropped only when closed, recounted and sealed.

Also makes partitions ahead, so that no insert ever finds its day missing: each node does, and one drops.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import msgspec
import structlog

from gateway.config.tree import RetentionConfig
from gateway.domain.identifiers import first_id_at
from gateway.domain.message import ENDS, MessageState
from gateway.ledger.accounts import read_ledger_of_days
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.idempotency import delete_old_keys
from gateway.store.partitions import (
    count_open_of_day,
    drop_receipt_map_day,
    list_partition_days,
    list_receipt_map_days,
    make_partitions_ahead,
    seal_and_drop_day,
)

log = structlog.get_logger("ledger")

_EVERY_SECONDS = 600.0
_CLOSED = sorted({*ENDS, MessageState.SENT, MessageState.UNKNOWN})
"""States in which a day may go: long past validity and 72 h, sent and unknown will not move either."""


class Retention:
    """The regular look at days."""

    def __init__(
        self,
        database: Database,
        config: RetentionConfig,
        now: Callable[[], datetime],
        *,
        decides: Callable[[], bool],
    ) -> None:
        """`decides` says whether this node is the one that drops."""
        self._decides = decides
        self._database = database
        self._config = config
        self._now = now

    async def run(self) -> None:
        """Look every ten minutes until cancelled; a database that is away is tried at the next look."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as exc:
                log.warning("retention.failed", fault=str(exc))
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Make partitions ahead; where this node decides, drop days that are over and forget old keys."""
        now = self._now()
        today = now.astimezone(UTC).date()
        await make_partitions_ahead(self._database, today)
        if not self._decides():
            return
        await delete_old_keys(self._database, now)
        oldest_lookup = today - timedelta(days=self._config.receipt_map_days)
        for day in await list_receipt_map_days(self._database):
            if day < oldest_lookup:
                await drop_receipt_map_day(self._database, day)
                log.info("lookups.dropped", day=day.isoformat())
        oldest = today - timedelta(days=self._config.messages_days)
        for day in await list_partition_days(self._database):
            if day < oldest:
                await self._drop(day, now)

    async def _drop(self, day: date, now: datetime) -> None:
        after = day + timedelta(days=1)
        low, high = first_id_at(_midnight(day)), first_id_at(_midnight(after))
        still_open = await count_open_of_day(self._database, low, high, [int(state) for state in _CLOSED])
        if still_open:
            log.warning("day.kept", day=day.isoformat(), open=still_open)
            return
        report = await read_ledger_of_days(
            self._database, day, after, now=now, lookup_days=self._config.receipt_map_days
        )
        if not report.is_balanced:
            faults = [pair.sentence for pair in report.pairs if not pair.agrees]
            log.error("day.unbalanced", day=day.isoformat(), faults=faults)
            return
        counts = msgspec.json.encode(report.as_json()).decode()
        await seal_and_drop_day(self._database, day, low_id=low, high_id=high, now=now, counts=counts)
        log.info("day.dropped", day=day.isoformat(), messages=report.messages)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
