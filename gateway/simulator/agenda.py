"""What is due when: one heap for all answers, receipts and repeats of a simulator. Has no clock."""

from heapq import heappop, heappush
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class Agenda(Generic[ItemT]):
    """Items by the moment they are due; those of one moment in the order they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, ItemT]] = []
        self._added = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_at(self) -> float | None:
        """When the first item is due."""
        return self._heap[0][0] if self._heap else None

    def add(self, at: float, item: ItemT) -> None:
        self._added += 1
        heappush(self._heap, (at, self._added, item))

    def pop_due(self, now: float, *, most: int) -> list[ItemT]:
        """Take out the items due at `now`, at most `most`, in order."""
        heap = self._heap
        due: list[ItemT] = []
        while heap and heap[0][0] <= now and len(due) < most:
            due.append(heappop(heap)[2])
        return due
