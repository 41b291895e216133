"""What a carrier's answer means for a message: evidence for the store, and what the connector does next.

Pure but for the flight book it writes carrier ids into. Statuses are judged by `domain.failures`; this file
turns the verdict into what happens to this message.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from msgspec.structs import replace

from gateway.config.carriers import ConnectorConfig, RetryAction, Unanswered
from gateway.dispatch.connector import SubmitContext
from gateway.domain.backoff import retry_delay_seconds
from gateway.domain.carrier_ids import IdConversion, fold_carrier_id, normalise_carrier_id
from gateway.domain.failures import FailureClass, StatusTable, Verdict
from gateway.domain.message import MessageState, Reason
from gateway.domain.unanswered import UnansweredRule, resends_unanswered
from gateway.session.owner import Answer as SessionAnswer
from gateway.smpp.statuses import CommandStatus
from gateway.store.evidence import Answer, Evidence, LateAnswer
from gateway.store.flights import Flight, FlightBook

_VERDICTS = {
    RetryAction.THROTTLE: Verdict.THROTTLE,
    RetryAction.RETRY: Verdict.RETRY,
    RetryAction.REBIND: Verdict.REBIND,
    RetryAction.FAIL: Verdict.FAIL,
}
_UNANSWERED = {
    Unanswered.BY_CATEGORY: UnansweredRule.BY_CATEGORY,
    Unanswered.HOLD: UnansweredRule.HOLD,
    Unanswered.RESEND: UnansweredRule.RESEND,
}

# Names of the module for what every answer needs: to find a member of an Enum takes 65 ns (CPython 3.11).
_SENT, _NO_REASON = MessageState.SENT, Reason.NONE

_QUEUE_FULL = CommandStatus.ESME_RMSGQFUL.value
_QUEUES_COUNTED = 10_000
"""Messages whose answers 0x14 are counted at one time, about 200 octets each; the oldest are forgotten and
begin again, as after a restart."""
_ONE_SUBSCRIBERS_QUEUE = 3
"""Times that one message is answered 0x14 while others are taken, from which on it is the queue of its
subscriber that is full, and not the SMSC's: it waits by itself then, and the bind goes on."""


class _QueueFull(NamedTuple):
    """How often a message was answered 0x14, in how many attempts of it, and what happened in between."""

    times: int
    attempt: int
    taken: int
    """Parts that the carrier had taken in all at that time."""
    are_others_taken: bool


@dataclass(slots=True)
class Judged:
    """The evidence of one read, and what else follows from it."""

    evidence: list[Evidence] = field(default_factory=list)
    stopped: list[Flight] = field(default_factory=list)
    """Messages whose other parts must not leave now."""
    pause_seconds: float = 0.0
    """The carrier asks for less speed."""
    throttled: int = 0
    """Answers that did."""
    must_rebind: bool = False
    last_status: int = 0
    """The last status that asked for less speed or a new bind."""


def unanswered_rule(config: ConnectorConfig) -> UnansweredRule:
    """What the connector's configuration says of submits without an answer."""
    return _UNANSWERED[config.unanswered]


class AnswerJudge:
    """Judges the answers of one connector."""

    def __init__(
        self,
        connector_id: int,
        config: ConnectorConfig,
        book: FlightBook,
        draw: Callable[[], float],
        shop_resends: Callable[[int], bool],
    ) -> None:
        """`shop_resends` says whether a shop, by its number, wants transactional messages sent again."""
        self._connector_id = connector_id
        self._book = book
        self._draw = draw
        self._max_attempts = config.max_attempts
        self._max_queue_full = config.max_queue_full
        self._unanswered = unanswered_rule(config)
        self._shop_resends = shop_resends
        form = config.id_form
        self._conversion = IdConversion(form.response.value)
        self._strip_zeros = form.strip_zeros
        self._strip_prefix = form.strip_prefix
        self._keeps_ids = self._conversion is IdConversion.AS_IS and not (
            self._strip_zeros or self._strip_prefix
        )
        self._queue_full: OrderedDict[int, _QueueFull] = OrderedDict()
        self._taken = 0
        self._table = StatusTable(
            {status.command_status: _VERDICTS[action] for status, action in config.retry.items()}
        )

    def judge(self, answers: list[SessionAnswer], bind_no: int, at: datetime) -> Judged:
        """Answers to submits, in the order they came."""
        judged = Judged()
        evidence = judged.evidence
        refusals = 0
        for context, command_status, message_id in answers:
            flight, part, submitted_at = cast(SubmitContext, context)
            if command_status:
                refusals += 1
                refused = self._judge_refusal(judged, flight, part, submitted_at, command_status, bind_no, at)
                if message_id:  # the status decides; what the carrier calls it is kept beside (quirk 28)
                    refused = replace(refused, carrier_id=message_id.decode("latin-1"))
                evidence.append(refused)
                continue
            carrier_id, lookup_id = self._read_id(message_id)
            if lookup_id is not None:
                self._book.remember(self._connector_id, lookup_id, flight, part)
            evidence.append(
                Answer(
                    flight, part, bind_no, _SENT, _NO_REASON, 0, 0, carrier_id, lookup_id, submitted_at, at,
                )
            )  # fmt: skip
        self._taken += len(answers) - refusals
        return judged

    def judge_late(self, answers: list[SessionAnswer], at: datetime) -> list[LateAnswer]:
        """Answers that came after their part was written off: still the best evidence there is."""
        evidence: list[LateAnswer] = []
        for context, command_status, message_id in answers:
            flight, part, submitted_at = cast(SubmitContext, context)
            carrier_id, lookup_id = self._read_id(message_id)
            failure_class = 0
            wanted = MessageState.SENT
            if command_status:
                wanted = MessageState.FAILED
                failure_class = self._table.judge(command_status).failure_class
            elif lookup_id is not None:
                self._book.remember(self._connector_id, lookup_id, flight, part)
            evidence.append(
                LateAnswer(
                    flight,
                    part,
                    wanted,
                    failure_class,
                    command_status,
                    carrier_id,
                    lookup_id,
                    at,
                    submitted_at,
                )
            )
        return evidence

    def judge_silence(self, contexts: list[SubmitContext], bind_no: int, at: datetime) -> list[Evidence]:
        """Submits that have no answer: their outcome is unknown, and they are sent again from here only where
        category, connector and shop say so (quirks 34, 35)."""
        return [
            self._judge_unanswered(flight, part, submitted_at, bind_no, at)
            for flight, part, submitted_at in contexts
        ]

    def _judge_unanswered(
        self, flight: Flight, part: int, submitted_at: datetime, bind_no: int, at: datetime
    ) -> Answer:
        wanted, reason, retry_at = MessageState.UNKNOWN, Reason.NO_RESPONSE, None
        if flight.refusals + 1 < self._max_attempts and self._resends(flight):
            again_at = at + timedelta(seconds=retry_delay_seconds(flight.refusals + 1, self._draw()))
            if again_at < flight.expires_at:
                wanted, reason, retry_at = MessageState.QUEUED, Reason.NONE, again_at
        return Answer(flight, part, bind_no, wanted, reason, 0, None, None, None, submitted_at, at, retry_at)

    def _resends(self, flight: Flight) -> bool:
        return resends_unanswered(
            flight.category, self._unanswered, shop_resends=self._shop_resends(flight.shop_id)
        )

    def _judge_refusal(
        self,
        judged: Judged,
        flight: Flight,
        part: int,
        submitted_at: datetime,
        command_status: int,
        bind_no: int,
        at: datetime,
    ) -> Answer:
        ruling = self._table.judge(command_status)
        verdict = ruling.verdict
        has_tries_left = flight.refusals + 1 < self._max_attempts
        if command_status == _QUEUE_FULL and verdict is Verdict.THROTTLE:
            verdict, has_tries_left = self._judge_queue_full(flight)
        wanted, reason, retry_at = MessageState.QUEUED, Reason.NONE, None
        failure_class: int = FailureClass.NONE
        if verdict is Verdict.THROTTLE:
            judged.throttled += 1
            judged.pause_seconds = max(judged.pause_seconds, ruling.pause_seconds)
            judged.last_status = command_status
        elif verdict is Verdict.REBIND:
            judged.must_rebind = True
            judged.last_status = command_status
        elif verdict is Verdict.RETRY and has_tries_left:
            delay = retry_delay_seconds(flight.refusals + 1, self._draw())
            retry_at = at + timedelta(seconds=delay)
        else:
            wanted, failure_class = MessageState.FAILED, ruling.failure_class
            is_retry = verdict is Verdict.RETRY
            reason = Reason.RETRIES_EXHAUSTED if is_retry else Reason.REJECTED_BY_CARRIER
        if len(flight.progress.part_states) > 1 and not flight.is_stopped:
            flight.is_stopped = True
            judged.stopped.append(flight)
        return Answer(
            flight, part, bind_no, wanted, reason, failure_class, command_status, None, None, submitted_at,
            at, retry_at,
        )  # fmt: skip

    def _judge_queue_full(self, flight: Flight) -> tuple[Verdict, bool]:
        """What 0x14 means for this message, and whether it may be tried again.

        As a rule the SMSC is too busy for anybody. Some say it for the queue of one subscriber (quirk 37):
        that shows in others being taken, and then neither the bind is slowed nor the message tried for ever.
        """
        seen = self._queue_full.pop(flight.id, None)
        if seen is None:
            seen = _QueueFull(1, flight.attempt, self._taken, False)
        elif seen.attempt != flight.attempt:  # several parts of one attempt count once
            seen = _QueueFull(seen.times + 1, flight.attempt, self._taken, self._taken > seen.taken)
        if seen.times > self._max_queue_full:
            return Verdict.RETRY, False
        self._queue_full[flight.id] = seen
        if len(self._queue_full) > _QUEUES_COUNTED:
            self._queue_full.popitem(last=False)
        if seen.times >= _ONE_SUBSCRIBERS_QUEUE and seen.are_others_taken:
            return Verdict.RETRY, True
        return Verdict.THROTTLE, True

    def _read_id(self, message_id: bytes) -> tuple[str | None, str | None]:
        """(as written, as looked up); a response without an id is a success all the same (quirk 29)."""
        if not message_id:
            return None, None
        carrier_id = message_id.decode("latin-1")
        if self._keeps_ids:
            return carrier_id, fold_carrier_id(carrier_id) or None
        lookup_id = normalise_carrier_id(
            carrier_id,
            conversion=self._conversion,
            strip_zeros=self._strip_zeros,
            strip_prefix=self._strip_prefix,
        )
        return carrier_id, lookup_id or None
