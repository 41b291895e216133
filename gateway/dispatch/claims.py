"""What is claimed of one connector's queue: flights in memory, by stream, never more than a second of speed.

Owns the cursors. A cursor is only a shortcut: rows may appear behind it (retries, due times, other nodes'
slower commits), so news of a lower id sets it back, and so does the regular look at the whole queue.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable

from gateway.domain.lanes import STREAMS, Lane
from gateway.domain.sharing import shard_of_slot
from gateway.store.flights import Flight
from gateway.store.intake import Stream
from gateway.store.queue import Claimed

CLAIM_BATCH = 1_000
HELD_ROWS_A_LOOK = 5_000
"""Rows of a stream that one claim passes over at most while some of it is held: about 20 ms."""


class ClaimedStream:
    """The claimed part of one (connector, lane, category)."""

    __slots__ = (
        "_after_id",
        "_gone_meanwhile",
        "_heard_from",
        "_is_claiming",
        "_looks_saved",
        "_passed_over",
        "claimed",
        "flights",
        "may_have_more",
        "stream",
    )

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.flights: deque[Flight] = deque()
        self.claimed: set[int] = set()
        self.may_have_more = True
        self._after_id = 0
        self._is_claiming = False
        self._gone_meanwhile: set[int] = set()
        """Messages let go of since the claim under way began: what it reads of them may be of before."""
        self._heard_from: int | None = None
        self._passed_over = 0
        self._looks_saved = 0

    def hear(self, lowest_id: int) -> None:
        """Rows may be there from `lowest_id` on."""
        if self._is_claiming:
            # The statement under way may or may not see them: look again when it is done.
            self._heard_from = lowest_id if self._heard_from is None else min(self._heard_from, lowest_id)
            return
        self._after_id = min(self._after_id, lowest_id - 1)
        self.may_have_more = True

    def look_again(self) -> None:
        """Read the queue from its head at the next claim."""
        self._passed_over = self._looks_saved = 0
        self.hear(0)

    def look_on(self) -> None:
        """The regular look: from the head, but behind many held rows only from where the last one ended, and
        from the head the less often the more they are. So a held backlog costs a look of it now and then."""
        self._looks_saved += 1
        if self._passed_over <= self._looks_saved * HELD_ROWS_A_LOOK:
            self.look_again()
        else:
            self.may_have_more = True

    def offer(self, flight: Flight) -> bool:
        """Take a message that was stored just now as if it had been read; False where others may be waiting
        to be read before it."""
        if self.may_have_more or self._is_claiming or (self.flights and self.flights[-1].id > flight.id):
            return False
        self.claimed.add(flight.id)
        self.flights.append(flight)
        return True

    def wants_claim(self, most: int) -> bool:
        """Whether half of the `most` that may be claimed is free: a claim for each message that leaves would
        cost more than the message."""
        return self.may_have_more and not self._is_claiming and len(self.flights) * 2 <= most

    def release(self, message_id: int) -> None:
        """The queue row is gone, or will be read anew: the id is no longer ours to skip."""
        self.claimed.discard(message_id)
        if self._is_claiming:
            self._gone_meanwhile.add(message_id)

    def begin_claim(self) -> int:
        """The id to read after; until `end_claim` no other claim begins."""
        self._is_claiming = True
        return max(0, self._after_id)

    def end_claim_around_holds(self, claimed: Claimed | None) -> None:
        """Take the rows of a claim that passed over what is held, or None when it failed."""
        if claimed is None:
            self.end_claim(None, asked=0)
            return
        self._passed_over += claimed.rows_read - len(claimed.flights)
        self._after_id = max(self._after_id, claimed.read_to)
        self.end_claim(claimed.flights, asked=0 if claimed.has_more else len(claimed.flights) + 1)

    def end_claim(self, flights: Iterable[Flight] | None, *, asked: int) -> None:
        """Take the rows of a claim, or None when it failed.

        A message let go of meanwhile is passed over: the claim may have seen its row before the intent took
        it away, and an attempt that is over must not be made twice. Of a new row there is news.
        """
        self._is_claiming = False
        gone, self._gone_meanwhile = self._gone_meanwhile, set()
        if flights is not None:
            count, is_in_order = 0, True
            for flight in flights:
                count += 1
                self._after_id = max(self._after_id, flight.id)
                if flight.id not in self.claimed and flight.id not in gone:
                    self.claimed.add(flight.id)
                    is_in_order &= not self.flights or self.flights[-1].id < flight.id
                    self.flights.append(flight)
            if not is_in_order:
                # What a busy carrier sent back goes before the later messages that were claimed meanwhile.
                self.flights = deque(sorted(self.flights, key=_id_of))
            self.may_have_more = count >= asked
        heard_from, self._heard_from = self._heard_from, None
        if heard_from is not None:
            self.hear(heard_from)

    def drop_all(self) -> None:
        """Forget what is claimed; the rows are still in the queue."""
        for flight in self.flights:
            self.claimed.discard(flight.id)
        self.flights.clear()

    def drop_others(self, shards: Collection[int]) -> None:
        """Forget what is claimed of any other shard."""
        for flight in self.flights:
            if shard_of_slot(flight.slot) not in shards:
                self.claimed.discard(flight.id)
        self.flights = deque(flight for flight in self.flights if flight.id in self.claimed)


def _id_of(flight: Flight) -> int:
    return flight.id


class Claims:
    """The claimed messages of one connector, best lane first."""

    def __init__(self, connector_id: int) -> None:
        self.connector_id = connector_id
        self.streams: dict[tuple[int, int], ClaimedStream] = {
            (lane, category): ClaimedStream((connector_id, int(lane), int(category)))
            for lane, category in STREAMS
        }
        self._in_order = [self.streams[pair] for pair in STREAMS]
        self._by_lane = {
            lane: tuple(stream for stream in self._in_order if stream.stream[1] == lane) for lane in Lane
        }

    def hear(self, stream: Stream, lowest_id: int) -> None:
        found = self.streams.get(stream[1:])
        if found is not None:
            found.hear(lowest_id)

    def look_on(self) -> None:
        """The regular look, at streams of which nothing is claimed: what is claimed of one, and perhaps held,
        says nothing of another."""
        for stream in self._in_order:
            if not stream.flights:
                stream.look_on()

    def look_again(self) -> None:
        for stream in self._in_order:
            stream.look_again()

    def drop_all(self) -> None:
        """Forget every claim: no bind is up, and the rows may be handed to another connector."""
        for stream in self._in_order:
            stream.drop_all()
            stream.look_again()

    def drop_others(self, shards: Collection[int]) -> None:
        """Forget what is claimed of shards that are no longer ours: another node reads it now."""
        for stream in self._in_order:
            stream.drop_others(shards)

    def count(self) -> int:
        return sum(len(stream.flights) for stream in self._in_order)

    def release(self, flight: Flight) -> None:
        """Let go of a message, as its stream does."""
        stream = self.streams.get((flight.lane, flight.category))  # as plain integers: 0.5 µs less a message
        if stream is not None:
            stream.release(flight.id)

    def has_waiting(self, lane: Lane) -> bool:
        """Whether a claimed message of this lane waits for its intent, held or not."""
        return any(stream.flights for stream in self._by_lane[lane])

    def next_to_claim(self, *, most: int, is_held: Callable[[int], bool]) -> ClaimedStream | None:
        """The first stream that should be read now: not held, perhaps with rows, and half of `most` free."""
        for stream in self._in_order:
            if stream.wants_claim(most) and not is_held(stream.stream[2]):
                return stream
        return None

    def take(self, wanted: int, *, is_held: Callable[[int], bool], only_urgent: bool = False) -> list[Flight]:
        """Up to `wanted` claimed messages in sending order; held streams are passed over. `only_urgent` takes
        one-time passwords only."""
        taken: list[Flight] = []
        for stream in self._in_order:
            flights = stream.flights
            if not flights or is_held(stream.stream[2]) or (only_urgent and stream.stream[1] != Lane.OTP):
                continue
            while flights and len(taken) < wanted:
                taken.append(flights.popleft())
            if len(taken) >= wanted:
                break
        return taken
