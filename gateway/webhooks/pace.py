"""How much of the deliverer one target may take: the judge of fairness between shops.

A target that is slow or dead must neither fill the deliverer's memory nor its connections, nor have all its
waiting rows read again and again. Pure: the clock is passed in. Knows no row and no HTTP.
"""

from datetime import datetime, timedelta

FAILURES_BEFORE_REST = 3
_PROBE_PAUSE_SECONDS = (5.0, 60.0)
"""A resting target is tried with one delivery after 5 s, then after pauses growing to 60 s, so that it is
found within a minute of its return."""

_LONGEST_POSTPONEMENT_SECONDS = 1800.0
"""While a target rests, other rows are put off by a quarter of the time it has been failing, at most this:
each row is written a few times in all, however many of them wait."""

_SHORTEST_BOOKING_SECONDS = 1.0
_LONGEST_BOOKING_SECONDS = 60.0
"""Rows beyond what a slow target may hold are booked for when it should have room at its own speed. Each
booking is a row written, so a backlog of any length costs a sixtieth of it a second."""

_SOON_SECONDS = 2.0
"""What a target should have answered by then is no burden on memory: quick targets are served in the order
of the outbox, however long their backlog, and nothing of theirs is put off."""

_FIRST_WINDOW = 2
_QUICK_SECONDS = 1.0
"""A target begins with two deliveries in flight and gains one with each quick success, loses one with each
slow success and half with each failure: a dead one never holds more connections than it had earned."""

_ROOM_SHARE = 2
"""Rows in memory of a target that is slow, or not known yet, are at most half of the room that is still
free, so that some is left however many such targets there are."""

_KNOWN_AFTER = 5
"""Answers after which the mean answer time is believed."""

_FIRST_GUESS_SECONDS = 0.02
_MEMORY = 0.2
"""Weight of the newest answer in the mean answer time."""


class Pace:
    """One target: what it has in memory and in flight, how fast it answers, whether it rests."""

    __slots__ = (
        "_answers",
        "_booked_until",
        "_limit",
        "_mean_seconds",
        "_window",
        "failing_since",
        "failures",
        "held",
        "in_flight",
        "rest_until",
    )

    def __init__(self, limit: int) -> None:
        """At most `limit` deliveries in flight at one time."""
        self._limit = limit
        self._answers = 0
        self._mean_seconds = _FIRST_GUESS_SECONDS
        self._window = min(limit, _FIRST_WINDOW)
        self._booked_until: datetime | None = None
        self.held = 0
        self.in_flight = 0
        self.failures = 0
        self.failing_since: datetime | None = None
        self.rest_until: datetime | None = None

    @property
    def is_resting(self) -> bool:
        """Whether it failed so often that only single deliveries go to it, to see whether it is back."""
        return self.failures >= FAILURES_BEFORE_REST

    @property
    def is_quick(self) -> bool:
        """Whether it should have answered all that memory holds for it within two seconds."""
        soon = self.held * self._mean_seconds / self._window
        return self.held == 0 or (self._answers >= _KNOWN_AFTER and soon < _SOON_SECONDS)

    @property
    def comfortable_rows(self) -> int:
        """What memory should hold for it at least, so that it never waits for rows."""
        return 2 * self._window

    def postponed_until(self, now: datetime, *, room: int, is_urgent: bool = False) -> datetime | None:
        """When a further row should come back; None when it may be taken into memory now.

        `room` is how many more rows the deliverer's memory holds. An urgent row, which a person asked for,
        does not wait for a resting target, only for room.
        """
        if self.is_resting and not is_urgent:
            is_probe_due = self.held == 0 and (self.rest_until is None or now >= self.rest_until)
            return None if is_probe_due else self._after_rest(now)
        if self.is_quick or self.held < room // _ROOM_SHARE:
            return None
        return self._book(now)

    def may_start(self) -> bool:
        return self.in_flight < (1 if self.is_resting else self._window)

    def note_success(self, seconds: float) -> None:
        self.failures = 0
        self.failing_since = None
        self.rest_until = None
        self._window += 1 if seconds < _QUICK_SECONDS else -1
        self._window = max(min(self._limit, _FIRST_WINDOW), min(self._limit, self._window))
        self._note_seconds(seconds)

    def note_failure(self, seconds: float, now: datetime) -> None:
        self.failures += 1
        self.failing_since = self.failing_since or now
        self._window = max(1, self._window // 2)
        self._note_seconds(seconds)
        if self.is_resting:
            shortest, longest = _PROBE_PAUSE_SECONDS
            pause = min(longest, shortest * 2.0 ** min(self.failures - FAILURES_BEFORE_REST, 16))
            self.rest_until = now + timedelta(seconds=pause)

    def _note_seconds(self, seconds: float) -> None:
        self._answers += 1
        self._mean_seconds += _MEMORY * (seconds - self._mean_seconds)

    def _after_rest(self, now: datetime) -> datetime:
        failing_seconds = (now - (self.failing_since or now)).total_seconds()
        put_off = now + timedelta(seconds=min(_LONGEST_POSTPONEMENT_SECONDS, failing_seconds / 4))
        return max(put_off, self.rest_until or now, now + timedelta(seconds=_SHORTEST_BOOKING_SECONDS))

    def _book(self, now: datetime) -> datetime:
        earliest = now + timedelta(seconds=_SHORTEST_BOOKING_SECONDS)
        if self._answers < _KNOWN_AFTER:
            return earliest
        latest = now + timedelta(seconds=_LONGEST_BOOKING_SECONDS)
        place = timedelta(seconds=self._mean_seconds / self._window)
        self._booked_until = max(self._booked_until or earliest, earliest) + place
        return min(self._booked_until, latest)
