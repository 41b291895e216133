"""One message's share of a batch: its evidence in order of arrival, and what it comes to.

Pure: `domain.message` judges, this file only keeps the account that the rows are then written from.
"""

from datetime import datetime

from gateway.domain.message import ENDS, MessageState, Progress, Reason, judge
from gateway.store.evidence import Answer, LateAnswer, Matched, ReceiptOutcome, Unsent, WrittenOff
from gateway.store.flights import Flight

CaseEvidence = Answer | LateAnswer | Unsent | Matched | WrittenOff

_OPEN = frozenset({MessageState.SENDING, MessageState.SENT})


class Case:
    """What a batch learns of one message. `before` is what the row must still say for the move to count."""

    __slots__ = (
        "attempt", "before", "command_status", "err", "evidence", "failure_class", "final_at", "flight", "outcomes",
        "progress", "reason", "retry_at", "sent_at", "stat",
    )  # fmt: skip

    def __init__(self, flight: Flight) -> None:
        self.flight = flight
        self.evidence: list[CaseEvidence] = []
        self.start_again()

    def start_again(self) -> None:
        """Forget what was judged; the evidence stays. Used when the row was not as remembered."""
        self.before = self.progress = self.flight.progress
        self.attempt = self.flight.attempt
        self.outcomes: list[ReceiptOutcome] = []
        self.reason = Reason.NONE
        self.failure_class = 0
        self.sent_at: datetime | None = None
        self.final_at: datetime | None = None
        self.retry_at: datetime | None = None
        self.command_status: int | None = None
        self.stat: str | None = None
        self.err: str | None = None

    def vanish(self) -> None:
        """The row is gone (its day was dropped): nothing moves, what was seen is still written."""
        self.start_again()
        judge_case(self)
        self.progress = self.before

    def settle(self) -> None:
        """The batch is durable: memory follows."""
        self.flight.progress = self.progress
        self.flight.attempt = self.attempt

    @property
    def is_requeued(self) -> bool:
        return self.progress.state is MessageState.QUEUED and self.before.state is not MessageState.QUEUED

    def move_row(self) -> tuple[object, ...]:
        """The columns of `move_states` for this message."""
        flight, before, after = self.flight, self.before, self.progress
        return (
            flight.shop_id, flight.id, flight.slot, before.state, before.part_states, after.state,
            after.part_states, after.entered, self.reason, self.failure_class, self.attempt, self.sent_at,
            self.final_at, self.command_status, self.stat, self.err,
        )  # fmt: skip


def judge_case(case: Case) -> None:
    """Apply all evidence in order; `case.progress` is the very object of before when nothing moved."""
    flight = case.flight
    per_message = flight.receipt_per_message
    for item in case.evidence:
        if type(item) is Matched:
            case.outcomes.append(_judge_receipt(case, item, per_message=per_message))
            continue
        if type(item) is Answer or type(item) is LateAnswer:
            after = judge(case.progress, item.part, item.wanted, receipt_per_message=per_message)
            if after is None:
                continue
            _move(case, after, item.at)
            if item.wanted is MessageState.SENT:
                if after.state is MessageState.SENT:
                    case.sent_at = item.at
            elif type(item) is Answer:
                case.reason = item.reason
                case.retry_at = item.retry_at
                case.command_status = item.command_status
                case.failure_class = item.failure_class
            else:
                case.command_status = item.command_status
                case.failure_class = item.failure_class
        elif type(item) is Unsent:
            for part in item.parts:
                after = judge(case.progress, part, MessageState.QUEUED)
                if after is not None:
                    _move(case, after, item.at)
        elif type(item) is WrittenOff:
            _write_off(case, item)
    if case.is_requeued:
        case.attempt = flight.attempt + 1
    if case.progress.state is MessageState.DELIVERED:
        case.reason = Reason.NONE
        case.failure_class = 0


def _judge_receipt(case: Case, item: Matched, *, per_message: bool) -> ReceiptOutcome:
    receipt, part = item
    if receipt.wanted is None:
        return ReceiptOutcome.INTERMEDIATE
    held = MessageState(case.progress.part_states[part])
    after = judge(case.progress, part, receipt.wanted, receipt_per_message=per_message)
    if after is None:
        if held == receipt.wanted:
            return ReceiptOutcome.REPEATED
        return ReceiptOutcome.LATE if held in ENDS else ReceiptOutcome.INTERMEDIATE
    if after.state is not case.progress.state:
        case.reason = _RECEIPT_REASON.get(receipt.wanted, Reason.NONE)
        case.failure_class = receipt.failure_class if receipt.wanted is MessageState.FAILED else 0
        case.stat, case.err = receipt.stat, receipt.err
        if held is MessageState.SENDING:
            case.sent_at = receipt.at
    _move(case, after, receipt.at)
    return ReceiptOutcome.APPLIED


_RECEIPT_REASON = {
    MessageState.FAILED: Reason.RECEIPT_SAID_SO,
    MessageState.EXPIRED: Reason.VALIDITY_PASSED,
    MessageState.UNKNOWN: Reason.RECEIPT_SAID_UNKNOWN,
}


def _write_off(case: Case, item: WrittenOff) -> None:
    for part, state in enumerate(case.progress.part_states):
        if state in _OPEN:
            after = judge(case.progress, part, MessageState.UNKNOWN)
            if after is not None:
                _move(case, after, item.at)
                case.reason = item.reason


def _move(case: Case, after: Progress, at: datetime) -> None:
    if after.state in ENDS and case.progress.state not in ENDS:
        case.final_at = at
    case.progress = after
