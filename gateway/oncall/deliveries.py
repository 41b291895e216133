"""What counts that only grow say of the last minutes: receipts by connector, and clicks that were lost."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.message import MessageState
from gateway.oncall.observations import DeliverySeen

SPAN: Final = timedelta(minutes=15)
_STEP: Final = timedelta(seconds=30)
_HOUR: Final = timedelta(hours=1)


class DeliveryMeter:
    """Keeps a copy of the counts each half minute, and compares the oldest with the newest."""

    def __init__(self) -> None:
        self._copies: deque[tuple[datetime, Counter[tuple[int, int]]]] = deque()

    def look(
        self, counts: Counter[tuple[int, int]], names: Mapping[int, str], now: datetime
    ) -> list[DeliverySeen]:
        """Parts that receipts ended by (connector, state) since the start, seen over the span."""
        if not self._copies or now - self._copies[-1][0] >= _STEP:
            self._copies.append((now, counts.copy()))
        while len(self._copies) > 1 and now - self._copies[1][0] >= SPAN:
            self._copies.popleft()
        before = self._copies[0][1]
        ended: Counter[int] = Counter()
        delivered: Counter[int] = Counter()
        for (connector_id, state), count in counts.items():
            fresh = count - before[connector_id, state]
            ended[connector_id] += fresh
            if state == MessageState.DELIVERED:
                delivered[connector_id] += fresh
        return [
            DeliverySeen(names.get(connector_id, str(connector_id)), delivered[connector_id], count)
            for connector_id, count in sorted(ended.items())
            if count
        ]


class RecentLosses:
    """How much a count has grown within the last hour."""

    def __init__(self) -> None:
        self._seen = 0
        self._grown: deque[tuple[datetime, int]] = deque()

    def look(self, count: int, now: datetime) -> int:
        if count > self._seen:
            self._grown.append((now, count - self._seen))
            self._seen = count
        while self._grown and now - self._grown[0][0] >= _HOUR:
            self._grown.popleft()
        return sum(growth for _, growth in self._grown)
