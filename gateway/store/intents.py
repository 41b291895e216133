"""Intents: a message leaves the queue and is `sending`, durably, before a byte of it leaves the process.

Owns the statement pair that does it: the delete of the queue row decides who wins against a cancel or an
expiry, the state row says which node and epoch is about to submit.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gateway.domain.message import MessageState, Progress, Reason, intend
from gateway.store.database import Connection
from gateway.store.flights import Flight
from gateway.store.queries import Query
from gateway.store.writer import Fence, GroupWriter

_BATCH_ROWS = 1_000
_STATE_COLUMNS = (
    "shop_id", "id", "slot", "state", "reason", "failure_class", "attempt", "node_no", "entered", "epoch",
    "changed_at", "part_states",
)  # fmt: skip

OnIntended = Callable[[list[Flight], list[Flight]], None]
"""Hears, after the commit, which messages may be submitted and which were gone from the queue."""


class IntentWriter:
    """The one writer of intents of this process."""

    def __init__(self, dsn: str, queries: dict[str, Query], fence: Fence, *, on_intended: OnIntended) -> None:
        self._writer: GroupWriter[Flight, dict[int, Progress]] = GroupWriter(
            dsn, queries, fence, _IntentWork(fence, on_intended), name="intents", batch_rows=_BATCH_ROWS
        )

    @property
    def is_away(self) -> bool:
        return self._writer.is_away

    def put_many(self, flights: Sequence[Flight]) -> None:
        self._writer.put_many(flights)

    async def run(self) -> None:
        await self._writer.run()

    async def drained(self) -> None:
        await self._writer.drained()


class _IntentWork:
    def __init__(self, fence: Fence, on_intended: OnIntended) -> None:
        self._fence = fence
        self._on_intended = on_intended

    async def write(self, connection: Connection, items: Sequence[Flight]) -> dict[int, Progress]:
        """Returns the new progress of every message that was still queued."""
        rows = await connection.fetch(
            "take_from_queue",
            [flight.connector_id for flight in items],
            [flight.lane for flight in items],
            [flight.category for flight in items],
            [flight.id for flight in items],
            [flight.slot for flight in items],
            [flight.shop_id for flight in items],
            min(flight.id for flight in items),
            max(flight.id for flight in items),
        )
        taken = {row["id"] for row in rows}
        now = datetime.now(UTC)
        progress: dict[int, Progress] = {}
        records: list[tuple[object, ...]] = []
        again: list[Flight] = []
        node_no, epoch = self._fence.node_no, self._fence.epoch
        for flight in items:
            if flight.id not in taken:
                continue
            if flight.attempt:
                again.append(flight)
                continue
            after = progress[flight.id] = intend(flight.progress)
            records.append((
                flight.shop_id, flight.id, flight.slot, MessageState.SENDING, Reason.NONE, 0, 0, node_no,
                after.entered, epoch, now, after.part_states,
            ))  # fmt: skip
        if records:
            await connection.copy("message_state", _STATE_COLUMNS, records)
        if again:
            progress.update(await self._intend_again(connection, again, now))
        return progress

    async def _intend_again(
        self, connection: Connection, flights: list[Flight], now: datetime
    ) -> dict[int, Progress]:
        """Messages tried before: parts that the carrier took already are not sent a second time."""
        shops = [flight.shop_id for flight in flights]
        ids = [flight.id for flight in flights]
        slots = [flight.slot for flight in flights]
        held = {row["id"]: row for row in await connection.fetch("read_part_states", shops, ids, slots)}
        after = {}
        for flight in flights:
            row = held[flight.id]
            before = Progress(
                MessageState(row["state"]), row["entered"] | flight.progress.entered, row["part_states"]
            )
            after[flight.id] = intend(before)
        rows = await connection.fetch(
            "mark_sending_again",
            shops,
            ids,
            slots,
            [flight.attempt for flight in flights],
            [after[flight.id].entered for flight in flights],
            [after[flight.id].part_states for flight in flights],
            MessageState.SENDING,
            MessageState.QUEUED,
            self._fence.node_no,
            self._fence.epoch,
            now,
        )
        marked = {row["id"] for row in rows}
        return {message_id: progress for message_id, progress in after.items() if message_id in marked}

    def committed(self, items: Sequence[Flight], result: dict[int, Progress]) -> None:
        ready: list[Flight] = []
        gone: list[Flight] = []
        for flight in items:
            progress = result.get(flight.id)
            if progress is None:
                gone.append(flight)
            else:
                flight.progress = progress
                ready.append(flight)
        self._on_intended(ready, gone)

    def refused(self, item: Flight, error: Exception) -> None:
        """Postgres refused the state row itself; the queue row stays and the message waits."""
        self._on_intended([], [item])
