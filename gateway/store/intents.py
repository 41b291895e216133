"""Intents: a message leaves the queue and is `sending`, durably, before a byte of it leaves the process.

Owns the statement pair that does it: the delete of the queue row decides who wins against a cancel or an
expiry, the state row says which node and epoch is about to submit. The last gate too: whoever opted out
since a message was made gets none.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import accumulate, takewhile

from gateway.domain.lanes import Category, Lane
from gateway.domain.message import MessageState, Progress, Reason, intend
from gateway.domain.people import SuppressionScope
from gateway.store.database import Connection
from gateway.store.errors import StateKeepsMoving
from gateway.store.evidence import Ending
from gateway.store.fence import Fence, Mark
from gateway.store.flights import Flight
from gateway.store.intake import Stream
from gateway.store.queries import Query
from gateway.store.writer import GroupWriter
from gateway.store.writer_connection import Joins

_BATCH_ROWS = 1_000
_FEW_ROWS = 32
"""Begun by one statement, if they never were before."""
_GUARD_ROUNDS = 3
_STATE_COLUMNS = (
    "shop_id", "id", "slot", "state", "reason", "failure_class", "attempt", "node_no", "entered", "epoch",
    "changed_at", "part_states",
)  # fmt: skip

# Names of the module for what every message needs: to find a member of an Enum takes 65 ns (CPython 3.11).
_SENDING, _NO_REASON = MessageState.SENDING, Reason.NONE

OnIntended = Callable[[list[Flight], list[Flight]], None]
"""Hears, after the commit, which messages may be submitted and which were gone from the queue."""


class IntentWriter:
    """The one writer of intents of this process. One-time passwords have a connection of their own, so that
    none waits for the commits of a thousand texts of a campaign."""

    def __init__(
        self,
        dsn: str,
        queries: dict[str, Query],
        fence: Fence,
        *,
        on_intended: OnIntended,
        put_endings: Callable[[Sequence[Ending]], None],
    ) -> None:
        """`put_endings` takes the ends of messages whose person wants none, after the commit."""
        work = _IntentWork(fence, on_intended, put_endings)
        self._writer: GroupWriter[Flight, _Intended] = GroupWriter(
            dsn, queries, fence, work, name="intents", batch_rows=_BATCH_ROWS, joins=Joins.BY_ARRAY
        )
        self._urgent: GroupWriter[Flight, _Intended] = GroupWriter(
            dsn, queries, fence, work, name="intents-otp", batch_rows=_BATCH_ROWS, at_once=_FewAtOnce()
        )

    @property
    def is_away(self) -> bool:
        return self._writer.is_away or self._urgent.is_away

    def put_many(self, flights: Sequence[Flight]) -> None:
        """Flights of one connector, best lane first, as claims hand them out."""
        urgent = sum(1 for _ in takewhile(_is_urgent, flights))
        if urgent:
            self._urgent.put_many(flights[:urgent])
            flights = flights[urgent:]
        if flights:
            self._writer.put_many(flights)

    async def run(self) -> None:
        """Write until cancelled; an end of either writer is an end of both."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._writer.run())
            tasks.create_task(self._urgent.run())

    async def drained(self) -> None:
        await self._urgent.drained()
        await self._writer.drained()


def _is_urgent(flight: Flight) -> bool:
    return flight.lane == Lane.OTP


class _Intended:
    """What a batch of intents did, for after its commit."""

    __slots__ = ("progress", "refused", "tried_before")

    def __init__(self) -> None:
        self.refused: list[Ending] = []
        self.progress: dict[int, Progress] = {}
        self.tried_before: dict[int, tuple[Reason, int]] = {}
        """Reason and failure class of messages that have a state row already."""


async def _take_from_queue(connection: Connection, flights: Sequence[Flight]) -> set[int]:
    """Delete the queue rows, all streams in one statement; the ids whose rows were still there."""
    if not flights:
        return set()
    by_stream: dict[Stream, list[int]] = {}
    for flight in flights:
        stream = (flight.connector_id, flight.lane, flight.category)
        by_stream.setdefault(stream, []).append(flight.id)
    streams = sorted(by_stream)  # two batches must not wait for one another's rows
    ids = [message_id for stream in streams for message_id in by_stream[stream]]
    last_places = list(accumulate(len(by_stream[stream]) for stream in streams))
    rows = await connection.fetch(
        "take_from_queue",
        *map(list, zip(*streams, strict=True)),
        [last - len(by_stream[stream]) + 1 for stream, last in zip(streams, last_places, strict=True)],
        last_places,
        ids,
        min(ids),
        max(ids),
    )
    return {row[0] for row in rows}


async def find_refused(connection: Connection, flights: Sequence[Flight]) -> list[Ending]:
    """The ends of messages whose person is kept from them now: any by a suppression of everything, marketing
    by an opt-out too. Their queue rows stay for those ends to take away.

    The index asked holds nobody else, so that the look costs next to nothing where nobody opted out.
    """
    known = [
        (flight.shop_id, flight.contact_id, flight.slot)
        for flight in flights
        if flight.contact_id is not None
    ]
    refusing = await find_refusing(connection, known)
    if not refusing:
        return []
    endings: list[Ending] = []
    for flight in flights:
        reason = judge_refusing(refusing.get((flight.shop_id, flight.contact_id)), flight.category)
        if reason is not None:
            endings.append(Ending(flight.shop_id, flight.id, flight.slot, MessageState.BLOCKED, reason))
    return endings


async def find_refusing(
    connection: Connection, people: Sequence[tuple[int, int, int]]
) -> dict[tuple[int, int | None], int]:
    """Those of the people, each (shop_id, contact_id, slot), who want no marketing or get nothing: what is
    kept from them, a `SuppressionScope`, by (shop_id, contact_id)."""
    if not people:
        return {}
    rows = await connection.fetch(
        "find_refusing_contacts", *(list(column) for column in zip(*people, strict=True))
    )
    return {(row["shop_id"], row["id"]): row["suppressed"] for row in rows}


def judge_refusing(suppressed: int | None, category: int) -> Reason | None:
    """Why a person gets no message of this category; None where nothing is in the way. `suppressed` is None
    of somebody whom `find_refusing` did not find."""
    if suppressed == SuppressionScope.ALL:
        return Reason.SUPPRESSED
    if suppressed is not None and category == Category.MARKETING:
        return Reason.OPTED_OUT
    return None


class _IntentWork:
    def __init__(
        self, fence: Fence, on_intended: OnIntended, put_endings: Callable[[Sequence[Ending]], None]
    ) -> None:
        self._put_endings = put_endings
        self._fence = fence
        self._on_intended = on_intended

    async def write(self, connection: Connection, items: Sequence[Flight]) -> _Intended:
        """Returns the new progress of every message that was still queued."""
        intended = _Intended()
        intended.refused = await find_refused(connection, items)
        refused = {ending.id for ending in intended.refused}
        wanted = [flight for flight in items if flight.id not in refused] if refused else items
        taken = await _take_from_queue(connection, wanted)
        now = datetime.now(UTC)
        records: list[tuple[object, ...]] = []
        again: list[Flight] = []
        node_no, epoch = self._fence.node_no, self._fence.epoch
        for flight in items:
            if flight.id not in taken:
                continue
            if flight.attempt:
                again.append(flight)
                continue
            after = intended.progress[flight.id] = intend(flight.progress)
            records.append(
                (
                    flight.shop_id,
                    flight.id,
                    flight.slot,
                    _SENDING,
                    _NO_REASON,
                    0,
                    0,
                    node_no,
                    after.entered,
                    epoch,
                    now,
                    after.part_states,
                )
            )
        if records:
            await connection.copy("message_state", _STATE_COLUMNS, records)
        for _ in range(_GUARD_ROUNDS):
            if again:
                again = await self._intend_again(connection, again, now, intended)
        if again:
            raise StateKeepsMoving(len(again), again[0].id)
        return intended

    async def _intend_again(
        self, connection: Connection, flights: list[Flight], now: datetime, intended: _Intended
    ) -> list[Flight]:
        """Messages tried before: parts that the carrier took already are not sent a second time.

        A receipt for such a part may be stored meanwhile by the other writer; those whose rows moved under
        this statement come back, to be read again.
        """
        shops = [flight.shop_id for flight in flights]
        ids = [flight.id for flight in flights]
        slots = [flight.slot for flight in flights]
        held = {row["id"]: row for row in await connection.fetch("read_part_states", shops, ids, slots)}
        waiting = [
            flight
            for flight in flights
            if flight.id in held and held[flight.id]["state"] == MessageState.QUEUED
        ]
        if not waiting:
            return []
        after = {}
        for flight in waiting:
            row = held[flight.id]
            entered = row["entered"] | flight.progress.entered
            states: bytes = row["part_states"]
            if states.count(MessageState.QUEUED) == len(states):
                states = flight.progress.part_states  # nothing was taken: another cut of the text will do
            after[flight.id] = intend(Progress(MessageState.QUEUED, entered, states))
        rows = await connection.fetch(
            "mark_sending_again",
            [flight.shop_id for flight in waiting],
            [flight.id for flight in waiting],
            [flight.slot for flight in waiting],
            [flight.attempt for flight in waiting],
            [after[flight.id].entered for flight in waiting],
            [after[flight.id].part_states for flight in waiting],
            [held[flight.id]["part_states"] for flight in waiting],
            MessageState.SENDING,
            MessageState.QUEUED,
            self._fence.node_no,
            self._fence.epoch,
            now,
        )
        marked = {row["id"] for row in rows}
        for message_id in marked:
            row = held[message_id]
            intended.progress[message_id] = after[message_id]
            intended.tried_before[message_id] = (Reason(row["reason"]), row["failure_class"])
        return [flight for flight in waiting if flight.id not in marked]

    def committed(self, items: Sequence[Flight], result: _Intended) -> None:
        ready: list[Flight] = []
        gone: list[Flight] = []
        for flight in items:
            progress = result.progress.get(flight.id)
            if progress is None:
                gone.append(flight)
                continue
            flight.progress = progress
            if flight.attempt:
                flight.reason, flight.failure_class = result.tried_before[flight.id]
            ready.append(flight)
        self._on_intended(ready, gone)
        if result.refused:
            self._put_endings(result.refused)

    def refused(self, item: Flight, error: Exception) -> None:
        """Postgres refused the state row itself; the queue row stays and the message waits."""
        self._on_intended([], [item])


class _FewAtOnce:
    """First attempts at one-time passwords, by one statement. Whom a shop knows may have opted out since, and
    is looked up: that takes a transaction."""

    statement = "intend_at_once"

    def foresee(self, items: Sequence[Flight]) -> _Intended | None:
        if len(items) > _FEW_ROWS or any(f.attempt or f.contact_id is not None for f in items):
            return None
        intended = _Intended()
        intended.progress = {flight.id: intend(flight.progress) for flight in items}
        return intended

    async def store(
        self, connection: Connection, mark: Mark, items: Sequence[Flight]
    ) -> tuple[bool, bool] | None:
        flights = sorted(items, key=_place_of)  # two batches must not wait for one another's rows
        after = [intend(flight.progress) for flight in flights]
        row = await connection.fetch_row(
            "intend_at_once",
            *mark,
            [flight.connector_id for flight in flights],
            [flight.lane for flight in flights],
            [flight.category for flight in flights],
            [flight.id for flight in flights],
            [flight.slot for flight in flights],
            [flight.shop_id for flight in flights],
            [progress.entered for progress in after],
            [progress.part_states for progress in after],
            MessageState.SENDING,
            datetime.now(UTC),
        )
        return None if row is None else (row["is_live"], row["is_stored"])


def _place_of(flight: Flight) -> tuple[int, int, int, int]:
    return flight.connector_id, flight.lane, flight.category, flight.id
