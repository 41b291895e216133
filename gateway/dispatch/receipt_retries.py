"""Looking again for the messages of receipts that came without one, for 72 h.

Owns in which order: most answers that a receipt overtook are stored within seconds, so the newest are looked
at each time, and behind them a sweep goes through the older ones: however many are hopeless, none
starves.
"""

from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.domain.identifiers import HIGHEST_ID, first_id_at
from gateway.store.database import Database
from gateway.store.evidence import ReceiptSeen
from gateway.store.outcomes import OutcomeWriter
from gateway.store.unmatched import RETRIED_FOR, FindLookupId, find_unmatched, give_up_unmatched

log = structlog.get_logger("dispatch")

RETRIED_AT_ONCE: Final = 2_000
"""Receipts of each half of a look: one batch of the writer."""


class ReceiptRetries:
    """The regular second look of one node."""

    def __init__(
        self,
        database: Database,
        outcomes: OutcomeWriter,
        find_lookup_id: FindLookupId,
        *,
        batch: int = RETRIED_AT_ONCE,
    ) -> None:
        self._database = database
        self._outcomes = outcomes
        self._find_lookup_id = find_lookup_id
        self._batch = batch
        self._swept_to = 0
        """The sweep goes on below this id; 0 when it begins anew."""

    async def look(self) -> int:
        """Judge the newest and the next older ones once more, give up those of 72 h; returns how many were
        judged."""
        now = datetime.now(UTC)
        given_up = await give_up_unmatched(self._database, now)
        if given_up:
            log.warning("receipts.given_up", receipts=given_up)
        low_id = first_id_at(now - RETRIED_FOR)
        newest = await self._find(low_id, HIGHEST_ID)
        older: list[ReceiptSeen] = []
        if len(newest) == self._batch:
            sweep_from = min(newest[-1].unmatched_id, self._swept_to or HIGHEST_ID)
            older = await self._find(low_id, sweep_from)
        self._swept_to = older[-1].unmatched_id if len(older) == self._batch else 0
        for receipts in (newest, older):
            if receipts:
                self._outcomes.put_many(receipts)
                await self._outcomes.drained()
        return len(newest) + len(older)

    async def _find(self, low_id: int, high_id: int) -> list[ReceiptSeen]:
        return await find_unmatched(
            self._database, self._find_lookup_id, low_id=low_id, high_id=high_id, limit=self._batch
        )
