"""Texts from handsets of which a part never came: what did come is stored after a while, as incomplete.

Owns how long parts are waited for and how long stored ones are remembered. The outcome writer makes the text.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from gateway.store.database import Database
from gateway.store.inbound_parts import find_overdue_parts, forget_closed_parts
from gateway.store.outcomes import OutcomeWriter

log = structlog.get_logger("dispatch")


class OverdueParts:
    """Parts of the slots that this node holds. `join_seconds` is asked at each look: a reload changes it."""

    def __init__(
        self,
        database: Database,
        outcomes: OutcomeWriter,
        *,
        slots: Callable[[], Sequence[int]],
        join_seconds: Callable[[], float],
    ) -> None:
        self._database = database
        self._outcomes = outcomes
        self._slots = slots
        self._join_seconds = join_seconds

    async def look(self, *, limit: int) -> int:
        """How many texts were found that wait no longer; they are stored when this returns."""
        now, slots = datetime.now(UTC), self._slots()
        patience = timedelta(seconds=self._join_seconds())
        overdue = await find_overdue_parts(self._database, slots, since_before=now - patience, limit=limit)
        if overdue:
            log.info("inbound.parts_overdue", texts=len(overdue))
            self._outcomes.put_many(overdue)
            await self._outcomes.drained()
        await forget_closed_parts(self._database, slots, before=now - 2 * patience)
        return len(overdue)
