"""What became of messages: answers, receipts, ends and inbound texts, judged and stored batch by batch.

Owns the order of a batch: find the messages, judge the evidence (`domain.message.judge` decides), move the
state rows under guard, write what was seen, count it. Nothing in memory changes before the commit.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import asyncpg
from msgspec.structs import replace

from gateway.domain.country_rules import CountryRules
from gateway.domain.identifiers import IdSource
from gateway.domain.message import ENDS, MessageState
from gateway.store.cases import Case
from gateway.store.database import Connection
from gateway.store.early_receipts import EarlyReceipts
from gateway.store.evidence import (
    Answer,
    Ending,
    Evidence,
    InboundSeen,
    Inference,
    LateAnswer,
    Matched,
    PartsOverdue,
    ReceiptOutcome,
    ReceiptSeen,
    Unsent,
    WrittenOff,
)
from gateway.store.fence import Fence
from gateway.store.flights import FlightBook
from gateway.store.inbound import NOTHING_OBEYED, Obeyed, hear_texts, obey_keywords
from gateway.store.inbound_parts import Joining
from gateway.store.inferring import correct_inferred, read_again, take_inferences
from gateway.store.intake import Stream
from gateway.store.late_answers import find_overtaken, find_recalling, recall_answered
from gateway.store.matching import Gathering, Strangers
from gateway.store.moving import move_states
from gateway.store.optout_events import EndpointsFor
from gateway.store.outcome_rows import OutcomeRows
from gateway.store.queries import Query
from gateway.store.writer import GroupWriter
from gateway.store.writer_connection import Joins

BATCH_ROWS = 2_000
_NEWS = (ReceiptOutcome.APPLIED, ReceiptOutcome.INFERRED)


class OutcomeListener(Protocol):
    """Who hears of a batch after its commit."""

    def on_stored(self, acknowledgements: list[object]) -> None:
        """A batch is durable; these deliver_sm may be answered now."""

    def on_refused(self, acknowledgement: object) -> None:
        """This deliver_sm was refused for its data and must be answered so."""

    def on_requeued(self, lowest: dict[Stream, int]) -> None:
        """Messages went back to the queue: the lowest id of each stream."""

    def on_events(self) -> None:
        """Webhook events were written."""


class EventTargets(Protocol):
    """Which webhook endpoints want what."""

    async def look_up(self, shop_ids: set[int]) -> EndpointsFor:
        """A function of (shop_id, event kind) that gives the ids of the endpoints that want it."""


class OutcomeWriter:
    """The one writer of this process for everything after the intent."""

    def __init__(
        self,
        dsn: str,
        queries: dict[str, Query],
        fence: Fence,
        *,
        ids: IdSource,
        book: FlightBook,
        listener: OutcomeListener,
        targets: EventTargets,
        connector_ids: Callable[[], list[int]],
        instance_secret: bytes,
        lookup_days: int,
    ) -> None:
        """`lookup_days` is how many days carriers' ids are kept for receipts."""
        self.receipt_ends: Counter[tuple[int, int]] = Counter()
        """Parts whose end a receipt told since the start, by connector and state."""
        work = _OutcomeWork(
            ids,
            book,
            listener,
            targets,
            connector_ids,
            instance_secret,
            self.put,
            self.receipt_ends,
            lookup_days,
        )
        self._writer: GroupWriter[Evidence, _Written] = GroupWriter(
            dsn,
            queries,
            fence,
            work,
            name="outcomes",
            batch_rows=BATCH_ROWS,
            joins=Joins.BY_ARRAY,
            gathers=True,
        )

    @property
    def backlog(self) -> int:
        return self._writer.backlog_rows

    @property
    def is_away(self) -> bool:
        return self._writer.is_away

    @property
    def fault(self) -> str | None:
        """Why nothing of this is stored just now; None while it is."""
        return self._writer.fault

    def put(self, evidence: Evidence) -> None:
        self._writer.put(evidence)

    def put_many(self, evidence: Sequence[Evidence]) -> None:
        self._writer.put_many(evidence)

    async def run(self) -> None:
        await self._writer.run()

    async def drained(self) -> None:
        await self._writer.drained()


class _Written:
    """What a batch did, for after its commit."""

    __slots__ = ("acknowledgements", "cases", "early", "ended", "has_events", "overtaken", "requeued")

    def __init__(self) -> None:
        self.acknowledgements: list[object] = []
        self.cases: list[Case] = []
        self.early: list[ReceiptSeen] = []
        self.ended: set[int] = set()
        self.overtaken: list[LateAnswer] = []
        self.requeued: dict[Stream, int] = {}
        self.has_events = False


class _OutcomeWork:
    def __init__(
        self,
        ids: IdSource,
        book: FlightBook,
        listener: OutcomeListener,
        targets: EventTargets,
        connector_ids: Callable[[], list[int]],
        instance_secret: bytes,
        put_again: Callable[[Evidence], None],
        receipt_ends: Counter[tuple[int, int]],
        lookup_days: int,
    ) -> None:
        self._lookup_days = lookup_days
        self._early = EarlyReceipts()
        self._receipt_ends = receipt_ends
        self._put_again = put_again
        self._ids = ids
        self._book = book
        self._listener = listener
        self._targets = targets
        self._connector_ids = connector_ids
        self._instance_secret = instance_secret
        self._country_rules = CountryRules()

    async def write(self, connection: Connection, items: Sequence[Evidence]) -> _Written:
        written = _Written()
        now = datetime.now(UTC)
        rows = OutcomeRows(self._ids, now)
        gathering = Gathering(connection, self._book, lookup_days=self._lookup_days)
        receipts: list[ReceiptSeen] = []
        endings: list[Ending] = []
        inbound: list[InboundSeen] = []
        overdue: list[PartsOverdue] = []
        late: list[LateAnswer] = []
        written_off: list[WrittenOff] = []
        inferences: list[Inference] = []
        for item in items:
            kind = type(item)
            if kind is Answer or kind is Unsent or kind is LateAnswer:
                gathering.case_of(item.flight).evidence.append(item)  # type: ignore[arg-type, union-attr]
                if kind is LateAnswer:
                    late.append(item)  # type: ignore[arg-type]
            elif kind is ReceiptSeen:
                receipts.append(item)  # type: ignore[arg-type]
            elif kind is InboundSeen:
                inbound.append(item)  # type: ignore[arg-type]
            elif kind is Inference:
                inferences.append(item)  # type: ignore[arg-type]
            elif kind is Ending:
                endings.append(item)  # type: ignore[arg-type]
            elif kind is PartsOverdue:
                overdue.append(item)  # type: ignore[arg-type]
            else:
                written_off.append(item)  # type: ignore[arg-type]
        if receipts:
            strangers = await gathering.match_receipts(await read_again(connection, receipts), now)
            inbound += _keep_strangers(rows, strangers, written)
            doubted = [receipt for receipt in strangers.unmatched if receipt.inferred is not None]
            if doubted or gathering.corrections:
                rows.add_corrections(
                    await correct_inferred(connection, gathering, gathering.corrections, doubted, now)
                )
        if inferences:
            await take_inferences(connection, gathering, inferences, looked_at=receipts)
        obeyed = NOTHING_OBEYED
        if inbound or overdue:
            obeyed = await self._take_in_texts(connection, rows, inbound, overdue, now)
        endings += obeyed.endings
        if written_off:
            await gathering.load_written_off(written_off)
        await gathering.look_again()
        if recalling := find_recalling(late):
            await recall_answered(connection, gathering, recalling, self._connector_ids)
        cases = gathering.cases
        await move_states(connection, gathering, now)
        ended = await self._end_waiting(connection, endings, now) if endings else []
        await self._find_targets(rows, cases, ended)
        for case in cases.values():
            rows.add_case(case)
        rows.tell_of_texts(obeyed)
        for row in ended:
            written.ended.add(row["id"])
            rows.add_ended(row)
        await _undo_ends(connection, cases)
        await _erase_sensitive(connection, cases, ended)
        await rows.write(connection)
        written.cases = list(cases.values())
        written.overtaken = (
            [again for case in cases.values() for again in find_overtaken(case)] if late else []
        )
        written.requeued = rows.requeued
        written.has_events = rows.has_events
        written.acknowledgements = [
            item.acknowledge
            for item in items
            if (type(item) is ReceiptSeen or type(item) is InboundSeen) and item.acknowledge is not None
        ]
        return written

    async def _take_in_texts(
        self,
        connection: Connection,
        rows: OutcomeRows,
        inbound: Sequence[InboundSeen],
        overdue: Sequence[PartsOverdue],
        now: datetime,
    ) -> Obeyed:
        """Whose texts these are, and what their keywords do. Comes first in the batch: everybody who changes
        a person's standing takes the contact before any message."""
        await connection.execute("join_by_probe")
        texts = [seen for seen in inbound if seen.parts == 1]
        parts = [seen for seen in inbound if seen.parts > 1]
        joining = Joining(connection, self._ids)
        if parts or overdue:
            texts += await joining.gather(parts, overdue)
        heard = await hear_texts(connection, texts, ids=self._ids, now=now) if texts else []
        obeyed = await obey_keywords(
            connection,
            heard,
            ids=self._ids,
            now=now,
            instance_secret=self._instance_secret,
            tallies=rows.tallies,
            rules=self._country_rules,
        )
        await joining.write()
        await connection.execute("join_by_array")
        for each in heard:
            rows.add_inbound(each)
        return obeyed

    async def _end_waiting(
        self, connection: Connection, endings: list[Ending], now: datetime
    ) -> list[asyncpg.Record]:
        """End what still waits; a row for each message that did."""
        unique = list({ending.id: ending for ending in endings}.values())
        return await connection.fetch(
            "end_waiting",
            [ending.shop_id for ending in unique],
            [ending.id for ending in unique],
            [ending.slot for ending in unique],
            [ending.state for ending in unique],
            [ending.reason for ending in unique],
            self._connector_ids(),
            now,
            MessageState.QUEUED,
        )

    async def _find_targets(
        self,
        rows: OutcomeRows,
        cases: dict[int, Case],
        ended: list[asyncpg.Record],
    ) -> None:
        """Learn which endpoints want events of the shops of this batch; nothing is asked where none may."""
        shops = {case.flight.shop_id for case in cases.values() if case.flight.wants_events}
        shops.update(row["shop_id"] for row in ended if row["wants_events"])
        shops |= rows.shops_of_texts
        if shops:
            rows.endpoints_for = await self._targets.look_up(shops)

    def committed(self, items: Sequence[Evidence], result: _Written) -> None:
        for case in result.cases:
            case.settle()
            self._remember(case)
        for late in result.overtaken:
            self._put_again(late)
        for receipt in result.early:
            self._early.keep(receipt)
        if self._early:
            self._settle_early(items)
        for item in items:
            if type(item) is Ending and item.done is not None and not item.done.done():
                item.done.set_result(item.id in result.ended)
        self._listener.on_stored(result.acknowledgements)
        if result.requeued:
            self._listener.on_requeued(result.requeued)
        if result.has_events:
            self._listener.on_events()

    def _settle_early(self, items: Sequence[Evidence]) -> None:
        """Receipts that overtook an answer of this batch are judged now."""
        for item in items:
            if (type(item) is Answer or type(item) is LateAnswer) and item.lookup_id:
                for receipt in self._early.take(item.flight.connector_id, item.lookup_id):
                    self._put_again(receipt)

    def _remember(self, case: Case) -> None:
        """Forget the carrier's id of parts that reached their end; a repeat is looked up in the database."""
        if not case.outcomes:
            return
        flight = case.flight
        outcomes = iter(case.outcomes)
        for item in case.evidence:
            if type(item) is Matched:
                receipt = item.receipt
                is_news = next(outcomes) in _NEWS
                state = flight.progress.part_states[item.part]
                if state in ENDS:
                    self._book.forget(receipt.connector_id, receipt.carrier_id, flight)
                    if receipt.other_id:
                        self._book.forget(receipt.connector_id, receipt.other_id, flight)
                    if is_news:
                        self._receipt_ends[receipt.connector_id, state] += 1

    def refused(self, item: Evidence, error: Exception) -> None:
        if isinstance(item, Ending) and item.done is not None and not item.done.done():
            item.done.set_exception(error)
        if isinstance(item, ReceiptSeen | InboundSeen) and item.acknowledge is not None:
            self._listener.on_refused(item.acknowledge)
        if isinstance(item, Answer | LateAnswer) and item.carrier_id is not None:
            # An id that cannot be stored must not keep the message from being what the carrier made of it.
            self._put_again(replace(item, carrier_id=None, lookup_id=None))


def _keep_strangers(rows: OutcomeRows, strangers: Strangers, written: _Written) -> list[InboundSeen]:
    """Rows for the receipts without a message; what is no receipt of ours after all comes back as texts."""
    texts = []
    for receipt in strangers.unmatched:
        if receipt.otherwise is not None:
            texts.append(receipt.otherwise)
            written.early.append(receipt)
        elif not receipt.unmatched_id:
            written.early.append(rows.add_unmatched(receipt))
    for receipt in strangers.too_late:
        if receipt.otherwise is not None:
            texts.append(receipt.otherwise)
        else:
            rows.add_too_late(receipt)
    return texts


async def _undo_ends(connection: Connection, cases: dict[int, Case]) -> None:
    """What the rows say of an end that another message's receipt brought goes with it."""
    undone = [
        (case.flight.shop_id, case.flight.id, case.flight.slot, case.final_at, case.stat, case.err)
        for case in cases.values()
        if case.has_left_end
    ]
    if undone:
        await connection.execute("undo_ends", *zip(*undone, strict=True))


async def _erase_sensitive(
    connection: Connection, cases: dict[int, Case], ended: list[asyncpg.Record]
) -> None:
    """The text of a sensitive message goes with the transition that ends it."""
    over = [
        (case.flight.shop_id, case.flight.id, case.flight.slot)
        for case in cases.values()
        if case.flight.is_sensitive and case.progress.state in ENDS and case.before.state not in ENDS
    ]
    over += [(row["shop_id"], row["id"], row["slot"]) for row in ended if row["is_sensitive"]]
    if over:
        shops, ids, slots = zip(*over, strict=True)
        await connection.execute("erase_texts", shops, ids, slots)
