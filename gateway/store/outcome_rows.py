"""The rows that a batch of outcomes leaves behind: parts, receipts, lookups, requeues, events, counts.

Filled after the judging is done, written in one fixed order, rollups last.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec
from msgspec.structs import replace

from gateway.domain.delays import DelayKind
from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.message import COUNTED, COUNTED_MASK, MessageState, Reason, entered_bit
from gateway.domain.receipts import is_before_submission
from gateway.store.cases import Case
from gateway.store.database import Connection
from gateway.store.errors import ReceiptsMoved
from gateway.store.evidence import (
    Answer,
    Disowned,
    LateAnswer,
    Matched,
    ReceiptOutcome,
    ReceiptSeen,
    WrittenOff,
)
from gateway.store.flights import Flight
from gateway.store.inbound import REPLY_COLUMNS, Heard, Obeyed
from gateway.store.inferring import Corrections
from gateway.store.intake import QUEUE_COLUMNS, SCHEDULE_COLUMNS, Stream
from gateway.store.optout_events import EndpointsFor, standing_records
from gateway.store.outbox import (
    INBOUND_RECEIVED,
    KIND_OF_STATE,
    OUTBOX_COLUMNS,
    OWN_URL,
    DeliveryState,
)
from gateway.store.rollups import NO_STATUS, Tallies

PART_COLUMNS = (
    "shop_id", "id", "slot", "part", "attempt", "connector_id", "bind_no", "state", "command_status",
    "submitted_at", "answered_at", "carrier_id",
)  # fmt: skip
RECEIPT_COLUMNS = (
    "shop_id", "id", "slot", "receipt_id", "part", "connector_id", "state", "outcome", "received_at", "stat",
    "err", "carrier_at",
)  # fmt: skip
RECEIPT_MAP_COLUMNS = ("day", "connector_id", "carrier_id", "slot", "id", "part", "shop_id")
UNMATCHED_COLUMNS = (
    "receipt_id", "connector_id", "carrier_id", "other_id", "state", "wanted", "failure_class", "outcome",
    "received_at", "carrier_at", "stat", "err", "from_address", "to_address", "ends_message",
)  # fmt: skip
INBOUND_COLUMNS = (
    "shop_id", "id", "slot", "connector_id", "data_coding", "esm_class", "reference", "parts_came", "parts",
    "received_at", "from_address", "to_address", "text", "body", "udh", "destination_port", "source_port",
    "keyword", "campaign_id",
)  # fmt: skip
_SENT, _NO_RESPONSE = MessageState.SENT, Reason.NO_RESPONSE
_INFERRED, _UNMATCHED = ReceiptOutcome.INFERRED, ReceiptOutcome.UNMATCHED

NO_BIND = 0
"""In place of a bind's number in the row of a submit that a crash cut short: nobody knows which it was."""

_encode = msgspec.json.Encoder().encode

Row = tuple[object, ...]


def _nobody(shop_id: int, kind: str) -> Sequence[int]:
    return ()


class OutcomeRows:
    """Rows of one batch, by table."""

    def __init__(self, ids: IdSource, now: datetime) -> None:
        self.endpoints_for: EndpointsFor = _nobody
        self._ids = ids
        self._now = now
        self._parts: list[Row] = []
        self._map: list[Row] = []
        self._receipts: list[Row] = []
        self._unmatched: list[Row] = []
        self._settled: list[tuple[int, ReceiptOutcome, ReceiptOutcome]] = []
        self._inferred: list[Row] = []
        self._changed_receipts: list[Row] = []
        self._late: list[LateAnswer] = []
        self._inbound: list[Row] = []
        self._heard: list[Heard] = []
        self._replies: list[Row] = []
        self.shops_of_texts: set[int] = set()
        self._unanswered: list[Row] = []
        self._no_longer_unanswered: list[Row] = []
        self._queue: list[Row] = []
        self._schedule: list[Row] = []
        self._outbox: list[Row] = []
        self.tallies = Tallies()
        self.requeued: dict[Stream, int] = {}

    @property
    def has_events(self) -> bool:
        return bool(self._outbox)

    def add_case(self, case: Case) -> None:
        """Everything that one judged message leaves behind."""
        flight = case.flight
        outcomes = iter(case.outcomes)
        for item in case.evidence:
            if type(item) is Answer:
                self._add_answer(flight, item)
            elif type(item) is Matched:
                self._add_receipt(flight, item.receipt, item.part, next(outcomes))
            elif type(item) is Disowned:
                self._change_receipt(item.receipt, ReceiptOutcome.DISOWNED)
            elif type(item) is LateAnswer:
                self._add_late_answer(flight, item)
        if case.progress is case.before:
            return
        for part, state, item in case.abandoned:
            self._add_abandoned(flight, part, state, item)
        if case.reason is _NO_RESPONSE or flight.reason is _NO_RESPONSE:
            self._note_unanswered(case)
        if case.is_requeued:
            self._requeue(case)
        fresh = case.progress.entered & ~case.before.entered & COUNTED_MASK
        if fresh:
            self._count_entries(case, fresh)

    def _count_entries(self, case: Case, fresh: int) -> None:
        """Count, and tell of, each state entered for the first time; `fresh` has their bits. A message that
        was sent and delivered within one batch has both events. Sequences grow with every event."""
        flight = case.flight
        kind = (
            flight.shop_id, flight.accepted_connector_id, flight.country, flight.lane, flight.category,
            flight.currency, flight.parts, flight.cost_micros, flight.campaign_id, flight.is_test,
        )  # fmt: skip
        self.tallies.add_message(flight.id, kind, fresh, failure_class=case.failure_class)
        if flight.campaign_id is None and not flight.wants_events:
            return
        sequence = case.before.entered.bit_count()
        for state in COUNTED:
            if not fresh >> state & 1:
                continue
            if flight.campaign_id is not None:
                self._count_for_campaign(case, flight.campaign_id, state)
            if flight.wants_events:
                sequence += 1
                is_last = state is case.progress.state
                snapshot = _snapshot(case) if is_last else {"state": state.word, "reason": None}
                self._write_event(
                    flight.shop_id,
                    flight.slot,
                    flight.id,
                    sequence,
                    state,
                    snapshot,
                    own=flight.has_webhook_url,
                )

    def _add_answer(self, flight: Flight, item: Answer) -> None:
        self._parts.append((
            flight.shop_id, flight.id, flight.slot, item.part, item.flight.attempt, flight.connector_id,
            item.bind_no, item.wanted, item.command_status, item.submitted_at, item.at, item.carrier_id,
        ))  # fmt: skip
        status = NO_STATUS if item.command_status is None else item.command_status
        self.tallies.add_submission(flight.id, flight.connector_id, item.wanted, status)
        if item.lookup_id and item.wanted is _SENT:
            self._add_map(item.flight, item.part, item.lookup_id, item.at)

    def _add_abandoned(self, flight: Flight, part: int, state: MessageState, item: WrittenOff) -> None:
        """The row of an attempt that nobody will ever see the answer of: it may have left, so it counts."""
        self._parts.append((
            flight.shop_id, flight.id, flight.slot, part, flight.attempt, flight.connector_id, NO_BIND, state,
            None, item.intended_at, item.at, None,
        ))  # fmt: skip
        self.tallies.add_submission(flight.id, flight.connector_id, state, NO_STATUS)

    def _note_unanswered(self, case: Case) -> None:
        """Keep the list of messages whose outcome nobody knows in step with their states."""
        if case.is_unanswered == case.was_unanswered:
            return
        flight = case.flight
        key = (flight.shop_id, flight.id, flight.slot)
        if case.is_unanswered:
            told = (item for item in case.evidence if type(item) is Disowned)
            on = next((item.receipt.connector_id for item in told), flight.connector_id)
            self._unanswered.append((*key, on))
        else:
            self._no_longer_unanswered.append(key)

    def _add_late_answer(self, flight: Flight, item: LateAnswer) -> None:
        self._late.append(item)
        if item.lookup_id and item.wanted is MessageState.SENT:
            self._add_map(item.flight, item.part, item.lookup_id, item.at)

    def _add_map(self, flight: Flight, part: int, carrier_id: str, at: datetime) -> None:
        self._map.append(
            (at.date(), flight.connector_id, carrier_id, flight.slot, flight.id, part, flight.shop_id)
        )

    def _add_receipt(self, flight: Flight, receipt: ReceiptSeen, part: int, outcome: ReceiptOutcome) -> None:
        receipt_id = self._ids.next_id(flight.slot)
        if outcome is _INFERRED:
            receipt_id = receipt.unmatched_id  # by which it is found when it must be taken away again
            key = (flight.shop_id, flight.id, flight.slot, part)
            self._inferred.append((receipt_id, *key))
        elif outcome is _UNMATCHED:
            return  # the message was not as it had been looked at: the receipt waits on
        elif receipt.unmatched_id:
            self._settle(receipt, ReceiptOutcome.MATCHED_LATER)
        carrier_at = receipt.carrier_at
        if carrier_at is not None and is_before_submission(carrier_at, flight.sent_at):
            carrier_at = None
        self._receipts.append((
            flight.shop_id, flight.id, flight.slot, receipt_id, part,
            receipt.connector_id, receipt.receipt_state, outcome, receipt.at, receipt.stat, receipt.err,
            carrier_at,
        ))  # fmt: skip
        self.tallies.add_receipt(flight.id, receipt.connector_id, outcome)

    def add_corrections(self, corrections: Corrections) -> None:
        """Inferred receipts that were right, and those that have no message any more."""
        for receipt in corrections.settled:
            self._change_receipt(receipt, ReceiptOutcome.APPLIED)
            self._settle(receipt, ReceiptOutcome.MATCHED_LATER)
        for receipt in corrections.given_back:
            self._settle(receipt, ReceiptOutcome.UNMATCHED)

    def _settle(self, receipt: ReceiptSeen, outcome: ReceiptOutcome) -> None:
        held = ReceiptOutcome.UNMATCHED if receipt.inferred is None else ReceiptOutcome.INFERRED
        self._settled.append((receipt.unmatched_id, outcome, held))

    def _change_receipt(self, receipt: ReceiptSeen, outcome: ReceiptOutcome) -> None:
        ref = receipt.inferred
        assert ref is not None
        self._changed_receipts.append((*ref[:3], receipt.unmatched_id, outcome))

    def add_unmatched(self, receipt: ReceiptSeen) -> ReceiptSeen:
        """Keep a receipt whose id is unknown; returns it with its row's id."""
        return replace(receipt, unmatched_id=self._keep(receipt, ReceiptOutcome.UNMATCHED))

    def add_too_late(self, receipt: ReceiptSeen) -> None:
        """Keep a receipt that no later look can give its message, for the list alone."""
        if receipt.unmatched_id:
            self._settle(receipt, ReceiptOutcome.TOO_LATE)
        else:
            self._keep(receipt, ReceiptOutcome.TOO_LATE)

    def _keep(self, receipt: ReceiptSeen, outcome: ReceiptOutcome) -> int:
        receipt_id = self._ids.next_id(slot_of_address(receipt.carrier_id.encode().hex()))
        self._unmatched.append((
            receipt_id, receipt.connector_id, receipt.written_id or receipt.carrier_id,
            receipt.written_other_id or receipt.other_id, receipt.receipt_state, receipt.wanted or 0,
            receipt.failure_class, outcome, receipt.at, receipt.carrier_at, receipt.stat, receipt.err,
            receipt.from_address, receipt.to_address, receipt.ends_message,
        ))  # fmt: skip
        self.tallies.add_receipt(receipt_id, receipt.connector_id, outcome)
        return receipt_id

    def add_inbound(self, heard: Heard) -> None:
        item = heard.item
        self._heard.append(heard)
        if item.shop_id:
            self.shops_of_texts.add(item.shop_id)
        self.shops_of_texts.update(shop.shop_id for shop in heard.correspondents)
        self._inbound.append((
            item.shop_id, heard.id, item.slot, item.connector_id, item.data_coding, item.esm_class,
            item.reference, item.parts_came, item.parts, item.at, item.from_address, item.to_address,
            item.text, item.body, item.udh or None, item.destination_port, item.source_port,
            heard.read.keyword, heard.campaign_id,
        ))  # fmt: skip

    def tell_of_texts(self, obeyed: Obeyed) -> None:
        """The events of the texts of this batch and of what their keywords did, and the answers owed."""
        for heard in self._heard:
            if heard.item.shop_id:
                self._write_text_event(heard)
        self._outbox += standing_records(
            self.endpoints_for,
            [out for _, out in obeyed.withdrawn],
            [back for _, back in obeyed.restored],
            next_id=self._ids.next_id,
            now=self._now,
        )
        self._replies += obeyed.replies

    def _write_text_event(self, heard: Heard) -> None:
        item = heard.item
        for endpoint_id in self.endpoints_for(item.shop_id, INBOUND_RECEIVED):
            self._outbox.append((
                item.shop_id, self._ids.next_id(item.slot), item.slot, heard.id, 1, endpoint_id,
                DeliveryState.WAITING, 0, INBOUND_RECEIVED, self._now, self._now, "{}",
            ))  # fmt: skip

    def add_ended(self, row: asyncpg.Record) -> None:
        """Count a waiting message that `end_waiting` ended."""
        state = MessageState(row["state"])
        kind = (
            row["shop_id"], row["connector_id"], row["country"], row["lane"], row["category"],
            row["currency"], row["parts"], row["cost_micros"], row["campaign_id"], row["is_test"],
        )  # fmt: skip
        self.tallies.add_message(row["id"], kind, entered_bit(state))
        if row["wants_events"]:
            snapshot = {"state": state.word, "reason": Reason(row["reason"]).word or None}
            self._write_event(
                row["shop_id"],
                row["slot"],
                row["id"],
                row["entered"].bit_count(),
                state,
                snapshot,
                own=row["has_webhook_url"],
            )

    def _requeue(self, case: Case) -> None:
        """Back to the queue, at once or after the wait that a temporary refusal asks for."""
        flight = case.flight
        entered = case.progress.entered
        if case.retry_at is not None:
            self._schedule.append((
                flight.shop_id, flight.id, flight.slot, flight.connector_id, flight.lane, flight.category,
                case.attempt, flight.refusals + 1, entered, case.retry_at, flight.expires_at,
            ))  # fmt: skip
            return
        self._queue.append((
            flight.connector_id, flight.lane, flight.category, flight.id, flight.slot, flight.shop_id,
            case.attempt, flight.refusals, entered, flight.expires_at,
        ))  # fmt: skip
        stream = (flight.connector_id, flight.lane, flight.category)
        self.requeued[stream] = min(flight.id, self.requeued.get(stream, flight.id))

    def _count_for_campaign(self, case: Case, campaign_id: int, state: MessageState) -> None:
        """Why it failed, in the carrier's own codes; how long its receipt took."""
        flight = case.flight
        if state is MessageState.FAILED:
            self.tallies.add_failure(
                shop_id=flight.shop_id, campaign_id=campaign_id, lane=flight.lane,
                failure_class=case.failure_class, command_status=case.command_status, stat=case.stat,
                err=case.err,
            )  # fmt: skip
        sent_at = flight.sent_at or case.sent_at
        if state is MessageState.DELIVERED and sent_at is not None and case.final_at is not None:
            self.tallies.add_delay(
                shop_id=flight.shop_id, campaign_id=campaign_id, lane=flight.lane, kind=DelayKind.DELIVERY,
                seconds=(case.final_at - sent_at).total_seconds(),
            )  # fmt: skip

    def _write_event(
        self,
        shop_id: int,
        slot: int,
        message_id: int,
        sequence: int,
        state: MessageState,
        snapshot: Mapping[str, object],
        *,
        own: bool,
    ) -> None:
        """One outbox row for each endpoint that wants it."""
        kind = KIND_OF_STATE[state]
        endpoints = list(self.endpoints_for(shop_id, kind))
        if own:
            endpoints.append(OWN_URL)
        data = _encode(snapshot).decode()
        for endpoint_id in endpoints:
            self._outbox.append((
                shop_id, self._ids.next_id(slot), slot, message_id, sequence, endpoint_id,
                DeliveryState.WAITING, 0, kind, self._now, self._now, data,
            ))  # fmt: skip

    async def write(self, connection: Connection) -> None:
        """All rows, rollups last."""
        for table, columns, records in (
            ("part", PART_COLUMNS, self._parts),
            ("receipt_map", RECEIPT_MAP_COLUMNS, self._map),
            ("receipt", RECEIPT_COLUMNS, self._receipts),
            ("receipt_unmatched", UNMATCHED_COLUMNS, self._unmatched),
            ("inbound", INBOUND_COLUMNS, self._inbound),
            ("reply_due", REPLY_COLUMNS, self._replies),
            ("queue", QUEUE_COLUMNS, self._queue),
            ("schedule", SCHEDULE_COLUMNS, self._schedule),
            ("outbox", OUTBOX_COLUMNS, self._outbox),
        ):
            if records:
                await connection.copy(table, columns, records)
        for item in self._late:
            await connection.execute(
                "note_late_answer",
                item.flight.shop_id,
                item.flight.id,
                item.flight.slot,
                item.part,
                item.submitted_at,
                item.command_status,
                item.carrier_id,
                item.at,
            )
        if self._no_longer_unanswered:
            await connection.execute("forget_unanswered", *zip(*self._no_longer_unanswered, strict=True))
        if self._unanswered:
            await connection.execute("note_unanswered", *zip(*self._unanswered, strict=True), self._now)
        if self._inferred:
            await connection.execute("mark_inferred", *zip(*self._inferred, strict=True))
        if self._changed_receipts:
            await connection.execute("change_receipts", *zip(*self._changed_receipts, strict=True))
        if self._settled:
            rows = await connection.fetch("settle_unmatched", *zip(*self._settled, strict=True))
            if len(rows) < len(self._settled):
                raise ReceiptsMoved(len(self._settled), len(rows))
        await self.tallies.write(connection)


def _snapshot(case: Case) -> dict[str, object]:
    """What an event says of the transition; the deliverer adds the message itself."""
    progress = case.progress
    return {
        "state": progress.state.word,
        "reason": case.reason.word or None,
        "failure_class": case.failure_class,
        "command_status": case.command_status,
        "stat": case.stat,
        "err": case.err,
        "part_states": [MessageState(state).word for state in progress.part_states],
    }
