"""What a carrier's answer means for a message: evidence for the store, and what the connector does next.

Pure but for the flight book it writes carrier ids into. Statuses are judged by `domain.failures`; this file
turns the verdict into what happens to this message.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from gateway.config.carriers import ConnectorConfig, RetryAction
from gateway.dispatch.connector import SubmitContext
from gateway.domain.backoff import retry_delay_seconds
from gateway.domain.carrier_ids import IdConversion, normalise_carrier_id
from gateway.domain.failures import FailureClass, StatusTable, Verdict
from gateway.domain.message import MessageState, Reason
from gateway.session.owner import Answer as SessionAnswer
from gateway.store.evidence import Answer, Evidence, LateAnswer
from gateway.store.flights import Flight, FlightBook

_VERDICTS = {
    RetryAction.THROTTLE: Verdict.THROTTLE,
    RetryAction.RETRY: Verdict.RETRY,
    RetryAction.FAIL: Verdict.FAIL,
}


@dataclass(slots=True)
class Judged:
    """The evidence of one read, and what else follows from it."""

    evidence: list[Evidence] = field(default_factory=list)
    stopped: list[Flight] = field(default_factory=list)
    """Messages whose other parts must not leave now."""
    pause_seconds: float = 0.0
    """The carrier asks for less speed."""
    must_rebind: bool = False
    last_status: int = 0
    """The last status that asked for less speed or a new bind."""


class AnswerJudge:
    """Judges the answers of one connector."""

    def __init__(
        self, connector_id: int, config: ConnectorConfig, book: FlightBook, draw: Callable[[], float]
    ) -> None:
        self._connector_id = connector_id
        self._book = book
        self._draw = draw
        self._max_attempts = config.max_attempts
        self._conversion = IdConversion(config.id_form.response.value)
        self._strip_zeros = config.id_form.strip_zeros
        self._keeps_ids = self._conversion is IdConversion.AS_IS and not self._strip_zeros
        self._table = StatusTable(
            {status.command_status: _VERDICTS[action] for status, action in config.retry.items()}
        )

    def judge(self, answers: list[SessionAnswer], bind_no: int, at: datetime) -> Judged:
        """Answers to submits, in the order they came."""
        judged = Judged()
        evidence = judged.evidence
        for context, command_status, message_id in answers:
            flight, part, submitted_at = cast(SubmitContext, context)
            if command_status:
                evidence.append(
                    self._judge_refusal(judged, flight, part, submitted_at, command_status, bind_no, at)
                )
                continue
            carrier_id, lookup_id = self._read_id(message_id)
            if lookup_id is not None:
                self._book.remember(self._connector_id, lookup_id, flight, part)
            evidence.append(
                Answer(
                    flight, part, bind_no, MessageState.SENT, Reason.NONE, 0, 0, carrier_id, lookup_id,
                    submitted_at, at,
                )
            )  # fmt: skip
        return judged

    def judge_late(self, answers: list[SessionAnswer], at: datetime) -> list[Evidence]:
        """Answers that came after their part was written off: still the best evidence there is."""
        evidence: list[Evidence] = []
        for context, command_status, message_id in answers:
            flight, part, _ = cast(SubmitContext, context)
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
                )
            )
        return evidence

    def judge_silence(self, contexts: list[SubmitContext], bind_no: int, at: datetime) -> list[Evidence]:
        """Submits that have no answer: their outcome is unknown, and nothing resends them from here."""
        return [
            Answer(
                flight, part, bind_no, MessageState.UNKNOWN, Reason.NO_RESPONSE, 0, None, None, None,
                submitted_at, at
            )
            for flight, part, submitted_at in contexts
        ]  # fmt: skip

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
        wanted, reason, retry_at = MessageState.QUEUED, Reason.NONE, None
        failure_class: int = FailureClass.NONE
        if ruling.verdict is Verdict.THROTTLE:
            judged.pause_seconds = max(judged.pause_seconds, ruling.pause_seconds)
            judged.last_status = command_status
        elif ruling.verdict is Verdict.REBIND:
            judged.must_rebind = True
            judged.last_status = command_status
        elif ruling.verdict is Verdict.RETRY and flight.refusals + 1 < self._max_attempts:
            delay = retry_delay_seconds(flight.refusals + 1, self._draw())
            retry_at = at + timedelta(seconds=delay)
        else:
            wanted, failure_class = MessageState.FAILED, ruling.failure_class
            is_retry = ruling.verdict is Verdict.RETRY
            reason = Reason.RETRIES_EXHAUSTED if is_retry else Reason.REJECTED_BY_CARRIER
        if len(flight.progress.part_states) > 1 and not flight.is_stopped:
            flight.is_stopped = True
            judged.stopped.append(flight)
        return Answer(
            flight, part, bind_no, wanted, reason, failure_class, command_status, None, None, submitted_at,
            at, retry_at,
        )  # fmt: skip

    def _read_id(self, message_id: bytes) -> tuple[str | None, str | None]:
        """(as written, as looked up); a response without an id is a success all the same (quirk 29)."""
        if not message_id:
            return None, None
        carrier_id = message_id.decode("latin-1")
        if self._keeps_ids:
            return carrier_id, carrier_id.lower()
        return carrier_id, normalise_carrier_id(
            carrier_id, conversion=self._conversion, strip_zeros=self._strip_zeros
        )
