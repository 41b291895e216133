"""One message's share of a batch: its evidence in order of arrival, and what it comes to.

Pure: `domain.message` judges, this file only keeps the account that the rows are then written from. Evidence
comes to the same whatever batches it is cut into, so what a later batch needs is carried on by the flight.
"""

from datetime import datetime

from gateway.domain.message import ENDS, MessageState, Progress, Reason, disown, judge, recall
from gateway.store.evidence import Answer, Disowned, LateAnswer, Matched, ReceiptOutcome, Unsent, WrittenOff
from gateway.store.flights import Flight

# Names of the module for what every message needs: to find a member of an Enum takes 65 ns (CPython 3.11).
_QUEUED, _SENDING, _SENT = MessageState.QUEUED, MessageState.SENDING, MessageState.SENT
_DELIVERED, _UNKNOWN = MessageState.DELIVERED, MessageState.UNKNOWN
_NO_REASON, _NO_RESPONSE = Reason.NONE, Reason.NO_RESPONSE
_APPLIED = ReceiptOutcome.APPLIED

CaseEvidence = Answer | LateAnswer | Unsent | Matched | WrittenOff | Disowned

_WRITTEN_OFF_FROM = {Reason.NO_RESPONSE: MessageState.SENDING, Reason.NO_RECEIPT: MessageState.SENT}
_RECEIPT_REASON = {
    MessageState.FAILED: Reason.RECEIPT_SAID_SO,
    MessageState.EXPIRED: Reason.VALIDITY_PASSED,
    MessageState.UNKNOWN: Reason.RECEIPT_SAID_UNKNOWN,
}
_REASON_WITHOUT = dict.fromkeys(MessageState, Reason.NONE) | {
    MessageState.UNKNOWN: Reason.NO_RESPONSE,
    MessageState.FAILED: Reason.RECEIPT_SAID_SO,
    MessageState.EXPIRED: Reason.VALIDITY_PASSED,
}
"""Why a message is where its other parts put it, once a receipt is taken away."""

_GOOD = frozenset({MessageState.SENT, MessageState.DELIVERED})
_RANK = {
    Reason.NONE: 0,
    Reason.NO_RESPONSE: 1,
    Reason.NO_RECEIPT: 1,
    Reason.RECEIPT_SAID_UNKNOWN: 1,
    Reason.CLOSED_BY_OPERATOR: 1,
    Reason.RESENT_AS_NEW: 1,
}
_NO_PARTS: frozenset[int] = frozenset()
_RANK_OF_EXPIRY, _RANK_OF_FAILURE = 2, 3
"""Parts fail in different ways; the message bears the worst reason, and the first of equals."""


class Case:
    """What a batch learns of one message. `before` is what the row must still say for the move to count."""

    __slots__ = (
        "abandoned",
        "attempt",
        "before",
        "command_status",
        "err",
        "evidence",
        "failure_class",
        "final_at",
        "flight",
        "has_left_end",
        "is_requeued",
        "outcomes",
        "progress",
        "reason",
        "recalled",
        "retry_at",
        "sent_at",
        "stat",
    )

    def __init__(self, flight: Flight) -> None:
        self.flight = flight
        self.evidence: list[CaseEvidence] = []
        self.recalled = _NO_PARTS
        """Parts that waited to be sent again, whose message was taken out of the queue for their answer."""
        self.start_again()

    def start_again(self) -> None:
        """Forget what was judged; the evidence stays. Used when the row was not as remembered."""
        flight = self.flight
        self.before = self.progress = flight.progress
        self.attempt = flight.attempt
        self.outcomes: list[ReceiptOutcome] = []
        self.is_requeued = False
        self.has_left_end = False
        """It was another message's receipt that ended it."""
        self.abandoned: list[tuple[int, MessageState, WrittenOff]] = []
        """Parts whose submit a crash cut short, and what became of them."""
        self.reason = flight.reason
        self.failure_class = flight.failure_class
        self.retry_at = flight.retry_at
        self.sent_at: datetime | None = None
        self.final_at: datetime | None = None
        self.command_status: int | None = None
        self.stat: str | None = None
        self.err: str | None = None

    def vanish(self) -> None:
        """The row is gone (its day was dropped): nothing moves, what was seen is still written."""
        self.start_again()
        judge_case(self)
        self.progress = self.before
        self.is_requeued = False
        self.abandoned = []

    def settle(self) -> None:
        """The batch is durable: memory follows."""
        flight = self.flight
        flight.retry_at = None if self.is_requeued else self.retry_at
        flight.progress = self.progress
        flight.attempt = self.attempt
        flight.reason = self.reason
        if self.reason is _NO_RESPONSE:
            flight.is_doubted = True
        flight.failure_class = self.failure_class
        flight.sent_at = flight.sent_at or self.sent_at

    @property
    def was_unanswered(self) -> bool:
        return _is_unanswered(self.before, self.flight.reason)

    @property
    def is_unanswered(self) -> bool:
        return _is_unanswered(self.progress, self.reason)

    def describe_move(self) -> tuple[object, ...]:
        """The columns of `move_states` that many messages of a batch have in common: the row as it must be,
        and as it is to be."""
        flight, before, after = self.flight, self.before, self.progress
        return (
            flight.shop_id,
            before.state,
            before.part_states,
            flight.reason,
            after.state,
            after.part_states,
            after.entered,
            self.reason,
            self.failure_class,
            self.attempt,
            self.sent_at,
            self.final_at,
            self.command_status,
            self.stat,
            self.err,
        )


def _is_unanswered(progress: Progress, reason: Reason) -> bool:
    """Whether a message is unknown for want of an answer, and nobody has closed it."""
    return reason is _NO_RESPONSE and progress.state is _UNKNOWN


def judge_case(case: Case) -> None:
    """Apply all evidence in order; `case.progress` is the very object of before when nothing moved."""
    flight = case.flight
    per_message = flight.receipt_per_message
    for item in case.evidence:
        if type(item) is Matched:
            case.outcomes.append(_judge_receipt(case, item, per_message=per_message))
        elif type(item) is Answer or type(item) is LateAnswer:
            if type(item) is LateAnswer and _may_recall(case, item):
                case.progress = recall(case.progress, item.part)
            after = judge(case.progress, item.part, item.wanted, receipt_per_message=per_message)
            if after is not None:
                if item.wanted is not _SENT:
                    _note_refusal(case, item)
                _move(case, after, item.at)
        elif type(item) is Unsent:
            for part in item.parts:
                after = judge(case.progress, part, _QUEUED)
                if after is not None:
                    _move(case, after, item.at)
        elif type(item) is WrittenOff:
            _write_off(case, item)
        elif type(item) is Disowned:
            _disown(case, item, per_message=per_message)
    if case.progress.state is _QUEUED and case.before.state is not _QUEUED:
        case.is_requeued = True
        case.attempt = flight.attempt + 1


def _may_recall(case: Case, item: LateAnswer) -> bool:
    """Whether a part that waits need not be sent again: it was taken, and no row in the queue stands for it,
    since other parts are still being sent or the row was taken away."""
    return (
        item.wanted is _SENT
        and case.progress.part_states[item.part] == _QUEUED
        and (case.progress.state is not _QUEUED or item.part in case.recalled)
    )


def _judge_receipt(case: Case, item: Matched, *, per_message: bool) -> ReceiptOutcome:
    receipt, part, is_inferred = item.receipt, item.part, item.is_inferred
    wanted = receipt.wanted
    if wanted is None:
        return ReceiptOutcome.INTERMEDIATE
    held = case.progress.part_states[part]
    if is_inferred and not (held == _UNKNOWN and case.is_unanswered):
        return ReceiptOutcome.UNMATCHED  # something was learnt of the message since it was looked at
    after = judge(case.progress, part, wanted, receipt_per_message=per_message)
    if after is None:
        if held == wanted:
            return ReceiptOutcome.REPEATED
        return ReceiptOutcome.LATE if held in ENDS else ReceiptOutcome.INTERMEDIATE
    is_worse = wanted is not _DELIVERED and _note_reason(
        case, wanted, _RECEIPT_REASON[wanted], receipt.failure_class
    )
    if is_worse or after.state is not case.progress.state:
        case.stat, case.err = receipt.stat, receipt.err
        if held == _SENDING and case.sent_at is None:
            case.sent_at = receipt.at
    _move(case, after, receipt.at)
    return ReceiptOutcome.INFERRED if is_inferred else _APPLIED


def _note_refusal(case: Case, item: Answer | LateAnswer) -> None:
    """Why a part was not taken, or not answered."""
    reason = item.reason if type(item) is Answer else Reason.REJECTED_BY_CARRIER
    if _note_reason(case, item.wanted, reason, item.failure_class):
        case.command_status = item.command_status
        return
    if item.wanted is MessageState.QUEUED and case.progress.state not in ENDS:
        if _rank(case.reason) < _RANK_OF_FAILURE:
            case.command_status = item.command_status
        if type(item) is Answer and item.retry_at is not None:
            case.retry_at = item.retry_at if case.retry_at is None else max(case.retry_at, item.retry_at)


def _note_reason(case: Case, wanted: MessageState, reason: Reason, failure_class: int) -> bool:
    """Take the reason when it is worse than the one held and the message is not at its end."""
    if case.progress.state in ENDS or _rank(reason) <= _rank(case.reason):
        return False
    case.reason = reason
    case.failure_class = failure_class if wanted is MessageState.FAILED else 0
    return True


def _rank(reason: Reason) -> int:
    if reason is Reason.VALIDITY_PASSED:
        return _RANK_OF_EXPIRY
    return _RANK.get(reason, _RANK_OF_FAILURE)


def _write_off(case: Case, item: WrittenOff) -> None:
    wanted_from = _WRITTEN_OFF_FROM[item.reason]
    wanted = MessageState.UNKNOWN if item.retry_at is None else MessageState.QUEUED
    for part, state in enumerate(case.progress.part_states):
        if state == wanted_from:
            after = judge(case.progress, part, wanted)
            if after is not None:
                if wanted is MessageState.UNKNOWN:
                    _note_reason(case, wanted, item.reason, 0)
                else:
                    case.retry_at = item.retry_at
                _move(case, after, item.at)
                if item.reason is Reason.NO_RESPONSE:
                    case.abandoned.append((part, wanted, item))


def _disown(case: Case, item: Disowned, *, per_message: bool) -> None:
    """Undo what a receipt did to this message that was another's."""
    before = case.progress.state
    case.progress = disown(case.progress, item.part, item.standing, receipt_per_message=per_message)
    after = case.progress.state
    if after is before:
        return
    case.has_left_end = True
    case.reason = item.reason if item.standing is after else _REASON_WITHOUT[after]
    case.failure_class = item.failure_class if after is MessageState.FAILED else 0
    case.final_at = item.at if after in ENDS else None
    if after in _GOOD and case.sent_at is None:
        case.sent_at = item.at


def _move(case: Case, after: Progress, at: datetime) -> None:
    state = after.state
    if state is not case.progress.state:
        if state in ENDS:
            case.final_at = at
        if state in _GOOD:
            case.reason = _NO_REASON
            case.failure_class = 0
            if state is _SENT and case.sent_at is None:
                case.sent_at = at
    case.progress = after
