"""What became of messages: answers, receipts, ends and inbound texts, judged and stored batch by batch.

Owns the order of a batch: find the messages, judge the evidence (`domain.message.judge` decides), move the
state rows under guard, write what was seen, count it. Nothing in memory changes before the commit.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import asyncpg

from gateway.domain.identifiers import IdSource, first_id_at
from gateway.domain.message import ENDS, MessageState, Progress, Reason
from gateway.store.cases import Case, judge_case
from gateway.store.database import Connection
from gateway.store.errors import StateKeepsMoving
from gateway.store.evidence import (
    Answer,
    Ending,
    Evidence,
    InboundSeen,
    LateAnswer,
    Matched,
    ReceiptSeen,
    Unsent,
    WrittenOff,
)
from gateway.store.flights import Flight, FlightBook
from gateway.store.intake import Stream
from gateway.store.outcome_rows import EndpointsFor, OutcomeRows
from gateway.store.queries import Query
from gateway.store.writer import Fence, GroupWriter, Joins

BATCH_ROWS = 2_000
_NEWEST_DAYS = 2
_RECEIPT_DAYS = 12
_GUARD_ROUNDS = 3
_CORRESPONDENCE = timedelta(days=30)
"""How long a shop's message to a person makes that person's reply the shop's."""


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
    ) -> None:
        work = _OutcomeWork(ids, book, listener, targets, connector_ids)
        self._writer: GroupWriter[Evidence, _Written] = GroupWriter(
            dsn, queries, fence, work, name="outcomes", batch_rows=BATCH_ROWS, joins=Joins.BY_ARRAY
        )

    @property
    def backlog(self) -> int:
        return self._writer.backlog_rows

    @property
    def is_away(self) -> bool:
        return self._writer.is_away

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

    __slots__ = ("acknowledgements", "cases", "ended", "has_events", "requeued")

    def __init__(self) -> None:
        self.acknowledgements: list[object] = []
        self.cases: list[Case] = []
        self.ended: set[int] = set()
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
    ) -> None:
        self._ids = ids
        self._book = book
        self._listener = listener
        self._targets = targets
        self._connector_ids = connector_ids

    async def write(self, connection: Connection, items: Sequence[Evidence]) -> _Written:
        written = _Written()
        now = datetime.now(UTC)
        rows = OutcomeRows(self._ids, now)
        cases: dict[int, Case] = {}
        receipts: list[ReceiptSeen] = []
        endings: list[Ending] = []
        inbound: list[InboundSeen] = []
        written_off: list[WrittenOff] = []
        for item in items:
            kind = type(item)
            if kind is Answer or kind is Unsent or kind is LateAnswer:
                flight = item.flight  # type: ignore[union-attr]  # the three kinds just named
                case = cases.get(flight.id)
                if case is None:
                    case = cases[flight.id] = Case(flight)
                case.evidence.append(item)  # type: ignore[arg-type]
            elif kind is ReceiptSeen:
                receipts.append(item)  # type: ignore[arg-type]
            elif kind is InboundSeen:
                inbound.append(item)  # type: ignore[arg-type]
            elif kind is Ending:
                endings.append(item)  # type: ignore[arg-type]
            else:
                written_off.append(item)  # type: ignore[arg-type]
        if receipts:
            await self._match_receipts(connection, receipts, cases, rows, now.date())
        if written_off:
            await self._load_written_off(connection, written_off, cases)
        await self._move_states(connection, cases, now)
        if inbound:
            inbound = await _find_shops(connection, inbound, now)
        ended = await self._end_waiting(connection, endings, now) if endings else []
        await self._find_targets(rows, cases, ended, inbound)
        for case in cases.values():
            rows.add_case(case)
        for item in inbound:
            rows.add_inbound(item)
        for row in ended:
            written.ended.add(row["id"])
            rows.add_ended(row)
        await _erase_sensitive(connection, cases, ended)
        await rows.write(connection)
        written.cases = list(cases.values())
        written.requeued = rows.requeued
        written.has_events = rows.has_events
        written.acknowledgements = [
            item.acknowledge
            for item in items
            if (type(item) is ReceiptSeen or type(item) is InboundSeen) and item.acknowledge is not None
        ]
        return written

    async def _match_receipts(
        self,
        connection: Connection,
        receipts: list[ReceiptSeen],
        cases: dict[int, Case],
        rows: OutcomeRows,
        today: date,
    ) -> None:
        """Give each receipt its message: from memory, else from the two newest days, else from all."""
        strangers: list[ReceiptSeen] = []
        for receipt in receipts:
            found = self._book.find(receipt.connector_id, receipt.carrier_id)
            if found is None and receipt.other_id:
                found = self._book.find(receipt.connector_id, receipt.other_id)
            if found is None:
                strangers.append(receipt)
                continue
            flight, part = found
            case = cases.get(flight.id)
            if case is None:
                case = cases[flight.id] = Case(flight)
            case.evidence.append(Matched(receipt, part))
        for first, last in ((-1, _NEWEST_DAYS), (_NEWEST_DAYS, _RECEIPT_DAYS)):
            if strangers:
                days = [today - timedelta(days=age) for age in range(first, last)]
                strangers = await self._match_in_days(connection, strangers, cases, days)
        for receipt in strangers:
            rows.add_unmatched(receipt)

    async def _match_in_days(
        self, connection: Connection, receipts: list[ReceiptSeen], cases: dict[int, Case], days: list[date]
    ) -> list[ReceiptSeen]:
        """Returns the receipts whose ids are not of these days. Of several messages with one id, the newest
        whose part is open has it (SMSCs start their ids again)."""
        wanted = list({key for receipt in receipts for key in _keys_of(receipt)})
        rows = await connection.fetch(
            "find_receipt_targets", days, [pair[0] for pair in wanted], [pair[1] for pair in wanted]
        )
        if not rows:
            return receipts
        flights = await self._load(
            connection, {(row["shop_id"], row["id"], row["slot"]) for row in rows}, cases
        )
        targets: dict[tuple[int, str], tuple[Flight, int]] = {}
        for row in rows:
            flight = flights.get(row["id"])
            if flight is None or row["part"] >= len(flight.progress.part_states):
                continue
            key = (row["connector_id"], row["carrier_id"])
            is_open = MessageState(flight.progress.part_states[row["part"]]) not in ENDS
            held = targets.get(key)
            if held is None or (is_open and MessageState(held[0].progress.part_states[held[1]]) in ENDS):
                targets[key] = (flight, row["part"])
        left: list[ReceiptSeen] = []
        for receipt in receipts:
            target = next((targets[key] for key in _keys_of(receipt) if key in targets), None)
            if target is None:
                left.append(receipt)
                continue
            flight, part = target
            case = cases.get(flight.id)
            if case is None:
                case = cases[flight.id] = Case(flight)
            case.evidence.append(Matched(receipt, part))
        return left

    async def _load_written_off(
        self, connection: Connection, items: list[WrittenOff], cases: dict[int, Case]
    ) -> None:
        flights = await self._load(connection, {(item.shop_id, item.id, item.slot) for item in items}, cases)
        for item in items:
            flight = flights.get(item.id)
            if flight is not None:
                cases.setdefault(item.id, Case(flight)).evidence.append(item)

    async def _load(
        self,
        connection: Connection,
        keys: set[tuple[int, int, int]],
        cases: dict[int, Case],
        *,
        afresh: bool = False,
    ) -> dict[int, Flight]:
        """Flights by message id: those this batch already has, the rest from their rows."""
        found = {} if afresh else {key[1]: cases[key[1]].flight for key in keys if key[1] in cases}
        missing = [key for key in keys if key[1] not in found]
        if missing:
            shops, ids, slots = zip(*missing, strict=True)
            for row in await connection.fetch("load_flights", shops, ids, slots):
                found[row["id"]] = _flight_of(row)
        return found

    async def _move_states(self, connection: Connection, cases: dict[int, Case], now: datetime) -> None:
        """Judge every case and move its row; a row that was not as remembered is read and judged again."""
        pending = list(cases.values())
        for _ in range(_GUARD_ROUNDS):
            for case in pending:
                judge_case(case)
            moving = [case for case in pending if case.progress is not case.before]
            if not moving:
                return
            moved = {row["id"] for row in await connection.fetch("move_states", *_move_columns(moving, now))}
            if len(moved) == len(moving):
                return
            pending = [case for case in moving if case.flight.id not in moved]
            fresh = await self._load(
                connection,
                {(case.flight.shop_id, case.flight.id, case.flight.slot) for case in pending},
                cases,
                afresh=True,
            )
            for case in pending:
                if case.flight.id in fresh:
                    case.flight.copy_state(fresh[case.flight.id])
                    case.start_again()
                else:
                    case.vanish()
            pending = [case for case in pending if case.flight.id in fresh]
            if not pending:
                return
        raise StateKeepsMoving(len(pending), pending[0].flight.id)

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
        inbound: list[InboundSeen],
    ) -> None:
        """Learn which endpoints want events of the shops of this batch; nothing is asked where none may."""
        shops = {case.flight.shop_id for case in cases.values() if case.flight.wants_events}
        shops.update(row["shop_id"] for row in ended if row["wants_events"])
        shops.update(item.shop_id for item in inbound if item.shop_id)
        if shops:
            rows.endpoints_for = await self._targets.look_up(shops)

    def committed(self, items: Sequence[Evidence], result: _Written) -> None:
        for case in result.cases:
            case.settle()
            self._remember(case)
        for item in items:
            if type(item) is Ending and item.done is not None and not item.done.done():
                item.done.set_result(item.id in result.ended)
        self._listener.on_stored(result.acknowledgements)
        if result.requeued:
            self._listener.on_requeued(result.requeued)
        if result.has_events:
            self._listener.on_events()

    def _remember(self, case: Case) -> None:
        """Forget the carrier's id of parts that reached their end; a repeat is looked up in the database."""
        flight = case.flight
        for item in case.evidence:
            if type(item) is Matched:
                receipt, part = item
                if MessageState(flight.progress.part_states[part]) in ENDS:
                    self._book.forget(receipt.connector_id, receipt.carrier_id)

    def refused(self, item: Evidence, error: Exception) -> None:
        if isinstance(item, Ending) and item.done is not None and not item.done.done():
            item.done.set_exception(error)
        if isinstance(item, ReceiptSeen | InboundSeen) and item.acknowledge is not None:
            self._listener.on_refused(item.acknowledge)


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


def _keys_of(receipt: ReceiptSeen) -> list[tuple[int, str]]:
    """The ids to look a receipt up by, the surer first."""
    keys = [(receipt.connector_id, receipt.carrier_id)]
    if receipt.other_id:
        keys.append((receipt.connector_id, receipt.other_id))
    return keys


async def _find_shops(connection: Connection, inbound: list[InboundSeen], now: datetime) -> list[InboundSeen]:
    """A text to an address without a shop of its own belongs to the only shop that wrote to that person from
    there lately; where none or several did it stays in the gateway's inbox."""
    homeless = [item for item in inbound if not item.shop_id]
    if not homeless:
        return inbound
    rows = await connection.fetch(
        "find_correspondents",
        [item.slot for item in homeless],
        [item.from_address for item in homeless],
        [item.to_address for item in homeless],
        first_id_at(now - _CORRESPONDENCE),
    )
    shops = {(row["person"], row["ours"]): row["shop_ids"] for row in rows}
    return [
        item._replace(shop_id=found[0])
        if not item.shop_id and len(found := shops.get((item.from_address, item.to_address), ())) == 1
        else item
        for item in inbound
    ]


def _flight_of(row: asyncpg.Record) -> Flight:
    flight = Flight(
        shop_id=row["shop_id"],
        message_id=row["id"],
        slot=row["slot"],
        connector_id=row["connector_id"],
        accepted_connector_id=row["connector_id"],
        lane=row["lane"],
        category=row["category"],
        attempt=row["attempt"],
        progress=Progress(MessageState(row["state"]), row["entered"], row["part_states"]),
        expires_at=row["expires_at"],
        parts=row["parts"],
        cost_micros=row["cost_micros"],
        country=row["country"],
        currency=row["currency"],
        campaign_id=row["campaign_id"],
        is_sensitive=row["is_sensitive"],
        is_test=row["is_test"],
        wants_events=row["wants_events"],
        has_webhook_url=row["has_webhook_url"],
        to_address=None,
        from_address=row["from_address"],
        text=None,
        body=None,
    )
    flight.reason = Reason(row["reason"])
    flight.failure_class = row["failure_class"]
    return flight


def _move_columns(cases: Sequence[Case], now: datetime) -> list[object]:
    """The parameters of `move_states`, a column each."""
    rows = [case.move_row() for case in cases]
    return [*(list(column) for column in zip(*rows, strict=True)), now]
