"""Deliveries in memory, lined up by target, and which of them goes next.

Owns fairness among targets (the one with the fewest in flight goes first, so that slow ones keep no more
than their share) and order within one: two events of one subject are never in flight to it together.
Pure bookkeeping; knows no HTTP and no database.
"""

from collections import deque
from dataclasses import dataclass, field

from yarl import URL

from gateway.store.outbox import DueDelivery
from gateway.webhooks.pace import Pace

TargetKey = tuple[int, int, str]
"""Shop, endpoint (0: messages' own URLs) and origin of the URL: what is slow or dead together."""

_REMEMBERED_TARGETS = 2_000


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery, ready to post."""

    row: DueDelivery
    target: TargetKey
    endpoint_id: int
    url: URL
    stored_secret: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(slots=True)
class _Line:
    pace: Pace
    waiting: deque[Job] = field(default_factory=deque)
    busy_subjects: set[int] = field(default_factory=set)


class Lineup:
    """All targets that have deliveries in memory, and the pace of those that lately had."""

    def __init__(self, *, target_limit: int, remembered_targets: int = _REMEMBERED_TARGETS) -> None:
        """`target_limit` deliveries in flight to one target at one time."""
        self._target_limit = target_limit
        self._remembered_targets = remembered_targets
        self._lines: dict[TargetKey, _Line] = {}
        self._with_waiting: dict[TargetKey, _Line] = {}
        self.held = 0
        """Deliveries waiting or in flight, over all targets."""

    def pace(self, target: TargetKey) -> Pace:
        return self._line(target).pace

    def add(self, job: Job) -> None:
        line = self._line(job.target)
        line.waiting.append(job)
        self._with_waiting[job.target] = line
        line.pace.held += 1
        self.held += 1

    def take_next(self) -> Job | None:
        """The next delivery to post, counted as in flight until `finish`; None when none may start."""
        ready = [line for line in self._with_waiting.values() if line.pace.may_start()]
        for line in sorted(ready, key=lambda line: line.pace.in_flight):
            for position, job in enumerate(line.waiting):
                if job.row.subject_id in line.busy_subjects:
                    continue
                del line.waiting[position]
                self._note_emptied(job.target, line)
                line.busy_subjects.add(job.row.subject_id)
                line.pace.in_flight += 1
                return job
        return None

    def finish(self, job: Job) -> None:
        """A delivery is no longer in flight."""
        line = self._lines[job.target]
        line.busy_subjects.discard(job.row.subject_id)
        line.pace.in_flight -= 1
        line.pace.held -= 1
        self.held -= 1

    def turn_away(self, target: TargetKey, *, keep: int = 0) -> list[Job]:
        """Take out of memory what waits for a target, but for the first `keep`; first to last."""
        line = self._lines[target]
        jobs = list(line.waiting)[keep:]
        for _ in jobs:
            line.waiting.pop()
        self._note_emptied(target, line)
        line.pace.held -= len(jobs)
        self.held -= len(jobs)
        return jobs

    def count_resting(self) -> int:
        return sum(1 for line in self._lines.values() if line.pace.is_resting)

    def _note_emptied(self, target: TargetKey, line: _Line) -> None:
        if not line.waiting:
            self._with_waiting.pop(target, None)

    def _line(self, target: TargetKey) -> _Line:
        line = self._lines.get(target)
        if line is None:
            self._forget_oldest()
            line = self._lines[target] = _Line(Pace(self._target_limit))
        return line

    def _forget_oldest(self) -> None:
        """Make room: of the targets with nothing in memory the one known longest goes."""
        if len(self._lines) < self._remembered_targets:
            return
        for target, line in self._lines.items():
            if line.pace.held == 0:
                del self._lines[target]
                return
