"""Taking messages in: one durable batch after another, each request answered after its commit.

Owns the rows of `message`, `queue` and `schedule` at acceptance, and the idempotency key that is stored in
the same transaction. Small requests and large batches have writers of their own, so that a one-time password
never waits for a ten-thousand-row COPY. Judges nothing: what comes here is already accepted.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import itemgetter
from typing import Any, NamedTuple

from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.lanes import Lane
from gateway.domain.message import ACCEPTED_BIT, MessageState, entered_bit
from gateway.store.database import Connection
from gateway.store.errors import StoreUnavailable
from gateway.store.fence import Fence, Mark
from gateway.store.keyed_answers import IDEMPOTENCY_HOURS, KeyedAnswer, columns_of_keys
from gateway.store.queries import Query
from gateway.store.rollups import Tallies
from gateway.store.writer import GroupWriter, unavailable

_SMALL_REQUEST = 64
_SMALL_BATCH_ROWS = 1_000
_LARGE_BATCH_ROWS = 2_000
_LARGE_WRITERS = ("intake-batch", "intake-batch-2")
"""While one waits for Postgres, the other's batch is copied: 15 % more recipients a second. The second works
only while the first is busy, and connects when it is first needed."""
_COPIED_ROWS = 2_000
"""The driver writes a COPY in one go, which takes 4 ms for so many rows; a request may have 10,000."""
_FEW_ROWS = 64
"""Stored by one statement: with so many, a request costs 0.93 of the CPU that it does with COPY."""
_STORE_SECONDS = 10.0
_BACKLOG_ROWS = 60_000
"""Rows waiting to be stored beyond which new requests are turned away with 503: a second or two of work."""


class NewMessage(NamedTuple):
    """One accepted message: the columns of `message`, and when it falls due (None: at once).

    A tuple, for it is the row that is copied: a frozen dataclass cost 3 µs more a message.
    """

    shop_id: int
    id: int
    slot: int
    connector_id: int
    category: int
    lane: int
    alphabet: int
    parts: int
    is_test: bool
    is_sensitive: bool
    wants_events: bool
    campaign_id: int | None
    contact_id: int | None
    cost_micros: int
    send_at: datetime | None
    expires_at: datetime
    country: str
    currency: str
    to_address: str
    from_address: str
    text: str | None
    body: bytes | None
    client_reference: str | None
    webhook_url: str | None
    metadata: str | None
    due_at: datetime | None = None


MESSAGE_COLUMNS = NewMessage._fields[:-1]
_COLUMNS = len(MESSAGE_COLUMNS)


def _reader_of(*columns: str) -> Callable[[NewMessage], tuple[Any, ...]]:
    return itemgetter(*map(NewMessage._fields.index, columns))


_stream_of = _reader_of("connector_id", "lane", "category")
_queue_key_of = _reader_of("connector_id", "lane", "category", "id", "slot", "shop_id")
_kind_of = _reader_of(
    "shop_id", "connector_id", "country", "lane", "category", "currency", "parts", "cost_micros",
    "campaign_id", "is_test",
)  # fmt: skip
"""A `MessageKind`."""
QUEUE_COLUMNS = (
    "connector_id", "lane", "category", "id", "slot", "shop_id", "attempt", "refusals", "entered",
    "expires_at",
)  # fmt: skip
SCHEDULE_COLUMNS = (
    "shop_id", "id", "slot", "connector_id", "lane", "category", "attempt", "refusals", "entered", "due_at",
    "expires_at",
)  # fmt: skip
# Names of the module for what every message needs: to find a member of an Enum takes 65 ns (CPython 3.11).
_OTP = Lane.OTP
_QUEUED = ACCEPTED_BIT | entered_bit(MessageState.QUEUED)
_SCHEDULED = ACCEPTED_BIT | entered_bit(MessageState.SCHEDULED)


class Stored(Enum):
    """What became of a request."""

    COMMITTED = "committed"
    KEY_EXISTS = "key_exists"


Stream = tuple[int, int, int]
"""(connector_id, lane, category)."""


class _Request:
    __slots__ = ("answered", "keyed", "messages")

    def __init__(
        self, messages: Sequence[NewMessage], keyed: KeyedAnswer | None, answered: asyncio.Future[Stored]
    ) -> None:
        self.messages = messages
        self.keyed = keyed
        self.answered = answered


Offer = Callable[[Sequence[NewMessage]], list[NewMessage]]
"""Is given one-time passwords that are stored and due, and gives back those that it does not take."""


def _refuse_offer(messages: Sequence[NewMessage]) -> list[NewMessage]:
    """For an intake beside which nothing is sent."""
    return list(messages)


class IntakeWriter:
    """Stores accepted messages. After the commit `offer` is given the one-time passwords that are due, and
    `on_queued` hears the lowest new id of each stream, but for those that `offer` took."""

    def __init__(
        self,
        dsn: str,
        queries: dict[str, Query],
        fence: Fence,
        *,
        on_queued: Callable[[dict[Stream, int]], None],
        offer: Offer = _refuse_offer,
    ) -> None:
        work = _IntakeWork(on_queued, offer)
        self._fence = fence
        self._small = GroupWriter(
            dsn,
            queries,
            fence,
            work,
            name="intake",
            batch_rows=_SMALL_BATCH_ROWS,
            weigh=_weigh,
            keeps_items=False,
            at_once=_FewAtOnce(),
        )
        self._large = [
            GroupWriter(
                dsn,
                queries,
                fence,
                work,
                name=name,
                batch_rows=_LARGE_BATCH_ROWS,
                weigh=_weigh,
                keeps_items=False,
            )
            for name in _LARGE_WRITERS
        ]

    @property
    def _writers(self) -> "list[GroupWriter[_Request, set[int]]]":
        return [self._small, *self._large]

    @property
    def fault(self) -> str | None:
        """Why the last batch was not stored; None once one was, and after 10 s without any."""
        return next((writer.fault for writer in self._writers if writer.fault), None)

    @property
    def backlog(self) -> int:
        """Rows that wait to be stored."""
        return sum(writer.backlog_rows for writer in self._writers)

    async def store(
        self,
        messages: Sequence[NewMessage],
        *,
        keyed: KeyedAnswer | None = None,
        within_seconds: float = _STORE_SECONDS,
    ) -> Stored:
        """Store one request, whole or not at all; returns after its commit.

        Raises `RowRefused` when Postgres refuses its data, `StoreUnavailable` when it is not stored because
        too much already waits, the database is away, or the lease is not renewed, and `TimeoutError` when its
        outcome is still open after `within_seconds`. A caller that gives up does not learn whether it was
        stored.
        """
        writer, backlog_rows = self._small, self._small.backlog_rows
        if len(messages) > _SMALL_REQUEST:
            writer = min(self._large, key=lambda large: (large.is_away, large.unsettled))
            backlog_rows = sum(large.backlog_rows for large in self._large)
        if backlog_rows > _BACKLOG_ROWS or writer.is_away:
            raise unavailable(writer)
        if not self._fence.may_write():
            raise StoreUnavailable("this node's lease is not renewed yet")
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Stored] = loop.create_future()
        writer.put(_Request(messages, keyed, answered))
        timer = loop.call_later(within_seconds, _give_up, answered)  # asyncio.timeout costs 2.7 µs more
        try:
            return await answered
        finally:
            timer.cancel()

    async def run(self) -> None:
        """Write until cancelled; an end of one writer is an end of all."""
        async with asyncio.TaskGroup() as tasks:
            for writer in self._writers:
                tasks.create_task(writer.run())

    async def drained(self) -> None:
        for writer in self._writers:
            await writer.drained()


def _weigh(request: _Request) -> int:
    return max(1, len(request.messages))


class _IntakeWork:
    def __init__(self, on_queued: Callable[[dict[Stream, int]], None], offer: Offer) -> None:
        self._on_queued = on_queued
        self._offer = offer

    async def write(self, connection: Connection, items: Sequence[_Request]) -> set[int]:
        """Returns the `id()` of every request that was not stored: its key was already held, or its caller
        gave up before, and is better served if nothing comes of it."""
        waiting = [item for item in items if not item.answered.done()]
        held = {id(item) for item in items if item.answered.done()}
        held |= await self._claim_keys(connection, waiting)
        messages = [message for item in waiting if id(item) not in held for message in item.messages]
        if messages:
            tallies = Tallies()
            await copy_messages(connection, messages, tallies)
            await tallies.write(connection)
        return held

    async def _claim_keys(self, connection: Connection, items: Sequence[_Request]) -> set[int]:
        keyed: dict[tuple[int, str], _Request] = {}
        held: set[int] = set()
        for item in items:
            if item.keyed is None:
                continue
            if keyed.setdefault((item.keyed.shop_id, item.keyed.key), item) is not item:
                held.add(id(item))  # the same key twice in one batch: the first wins
        if not keyed:
            return held
        now = datetime.now(UTC)
        rows = await connection.fetch(
            "claim_idempotency_keys",
            *columns_of_keys(item.keyed for item in keyed.values() if item.keyed is not None),
            now,
            now - timedelta(hours=IDEMPOTENCY_HOURS),
        )
        claimed = {(row["shop_id"], row["key"]) for row in rows}
        held.update(id(item) for key, item in keyed.items() if key not in claimed)
        return held

    def committed(self, items: Sequence[_Request], result: set[int]) -> None:
        urgent: list[NewMessage] = []
        others: list[NewMessage] = []
        for item in items:
            if id(item) in result:
                _answer(item, Stored.KEY_EXISTS)
                continue
            _answer(item, Stored.COMMITTED)
            for message in item.messages:
                (urgent if message.lane == _OTP and message.due_at is None else others).append(message)
        if urgent:
            others += self._offer(urgent)
        lowest = find_lowest_queued(others)
        if lowest:
            self._on_queued(lowest)

    def refused(self, item: _Request, error: Exception) -> None:
        if not item.answered.done():
            item.answered.set_exception(error)


def _give_up(answered: asyncio.Future[Stored]) -> None:
    if not answered.done():
        answered.set_exception(TimeoutError())


def _answer(item: _Request, stored: Stored) -> None:
    if not item.answered.done():
        item.answered.set_result(stored)


class _FewAtOnce:
    """Single messages that are due now, by one statement: nine would be nine turns of a busy loop.

    A key that is there already takes a transaction, which tells whether it is old enough to be used again.
    """

    statement = "take_in_at_once"

    def foresee(self, items: Sequence[_Request]) -> set[int] | None:
        messages = 0
        keys: set[tuple[int, str]] = set()
        for item in items:
            messages += len(item.messages)
            if item.answered.done() or messages > _FEW_ROWS:
                return None
            if any(m.due_at is not None or m.campaign_id is not None for m in item.messages):
                return None
            if item.keyed is not None:
                key = (item.keyed.shop_id, item.keyed.key)
                if key in keys:
                    return None
                keys.add(key)
        return set() if messages else None

    async def store(
        self, connection: Connection, mark: Mark, items: Sequence[_Request]
    ) -> tuple[bool, bool] | None:
        tallies = Tallies()
        messages = [message for item in items for message in item.messages]
        _count_accepted(tallies, messages)
        row = await connection.fetch_row(
            "take_in_at_once",
            *mark,
            *list(zip(*messages, strict=True))[:_COLUMNS],
            _QUEUED,
            *tallies.columns_of_messages(),
            *columns_of_keys(item.keyed for item in items if item.keyed is not None),
            datetime.now(UTC),
        )
        return None if row is None else (row["is_live"], row["is_stored"])


def find_lowest_queued(messages: Sequence[NewMessage]) -> dict[Stream, int]:
    """The lowest id that these messages add to each stream: the news for dispatch, after the commit."""
    lowest: dict[Stream, int] = {}
    for message in messages:
        if message.due_at is None:
            stream, message_id = _stream_of(message), message.id
            if message_id < lowest.get(stream, HIGHEST_ID):
                lowest[stream] = message_id
    return lowest


async def copy_messages(connection: Connection, messages: Sequence[NewMessage], tallies: Tallies) -> None:
    """Content and queue or schedule rows of messages just taken in. Their count goes to `tallies`, which the
    caller writes last."""
    for start in range(0, len(messages), _COPIED_ROWS):
        await _copy_some(connection, messages[start : start + _COPIED_ROWS], tallies)


async def _copy_some(connection: Connection, messages: Sequence[NewMessage], tallies: Tallies) -> None:
    queued: list[tuple[object, ...]] = []
    scheduled: list[tuple[object, ...]] = []
    for m in messages:
        if m.due_at is None:
            queued.append((*_queue_key_of(m), 0, 0, _QUEUED, m.expires_at))
        else:
            scheduled.append((
                m.shop_id, m.id, m.slot, m.connector_id, m.lane, m.category, 0, 0, _SCHEDULED, m.due_at,
                m.expires_at,
            ))  # fmt: skip
    _count_accepted(tallies, messages)
    # The driver takes as many values of a row as there are columns: due_at, the last, is none of them.
    await connection.copy("message", MESSAGE_COLUMNS, messages)
    if queued:
        await connection.copy("queue", QUEUE_COLUMNS, queued)
    if scheduled:
        await connection.copy("schedule", SCHEDULE_COLUMNS, scheduled)


def _count_accepted(tallies: Tallies, messages: Sequence[NewMessage]) -> None:
    tallies.add_messages([m.id for m in messages], map(_kind_of, messages), ACCEPTED_BIT)
