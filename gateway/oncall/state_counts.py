"""Messages by connector, lane and state as counters that only grow, from sums that lose an hour each hour.

Owns the arithmetic; the sums are the store's and cover every node.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from gateway.store.oncall_reads import StateSum

SPAN: Final = timedelta(hours=24)
"""A message that enters a state more than 24 to 25 hours after it was made is missed by the counters, not by
the ledger."""

CountKey = tuple[int, int, int]
"""Connector, lane and state; state 0 is taken in."""


class StateCounts:
    """Counts since this process started."""

    def __init__(self) -> None:
        self.counts: Counter[CountKey] = Counter()
        self._from_hour: datetime | None = None
        self._seen: dict[CountKey, int] = {}

    def hours_to_ask(self, now: datetime) -> tuple[datetime, datetime]:
        """From which hour to sum: that of the last look, and the one that the next look will begin with."""
        later = now.replace(minute=0, second=0, microsecond=0) - SPAN
        return self._from_hour or later, later

    def look(self, hours: tuple[datetime, datetime], sums: Iterable[StateSum]) -> None:
        """Take in the sums that were asked for. The first ones count nothing: they were there before."""
        rows = list(sums)
        if self._from_hour is not None:
            for row in rows:
                key = (row.connector_id, row.lane, row.state)
                self.counts[key] += max(0, row.messages - self._seen.get(key, 0))
        self._from_hour = hours[1]
        self._seen = {(row.connector_id, row.lane, row.state): row.messages_later for row in rows}
