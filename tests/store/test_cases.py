"""One message's share of a batch: what its evidence comes to, and that no cut of the batches changes it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.message import COUNTED_MASK, MessageState, Reason, intend
from gateway.store.cases import Case, CaseEvidence, judge_case
from gateway.store.evidence import ReceiptOutcome, Unsent, WrittenOff
from gateway.store.flights import Flight
from tests.store.flight_values import (
    NOW,
    S,
    answer,
    copy_flight,
    late_answer,
    make_flight,
    matched,
    progress_of,
)

THROTTLED = 0x58


def judged(flight: Flight, *evidence: CaseEvidence) -> Case:
    """The case of one batch, as it stands before its commit."""
    case = Case(flight)
    case.evidence.extend(evidence)
    judge_case(case)
    return case


def written_off(flight: Flight, reason: Reason) -> WrittenOff:
    return WrittenOff(flight.shop_id, flight.id, flight.slot, reason, NOW)


def test_a_refusal_for_good_fails_the_message_with_what_the_carrier_said() -> None:
    flight = make_flight()
    case = judged(flight, answer(flight, wanted=S.FAILED, command_status=11, failure_class=1))
    assert case.progress.state is S.FAILED
    assert (case.reason, case.failure_class, case.command_status) == (Reason.REJECTED_BY_CARRIER, 1, 11)
    assert case.final_at == NOW


def test_nothing_in_memory_moves_before_the_commit() -> None:
    flight = make_flight()
    before = flight.progress
    case = judged(flight, answer(flight))
    assert flight.progress is before
    case.settle()
    assert flight.progress is case.progress is not before


def test_evidence_without_effect_leaves_the_very_object_of_before() -> None:
    flight = make_flight(progress=progress_of(S.DELIVERED, S.DELIVERED))
    case = judged(flight, matched(wanted=S.FAILED))
    assert case.progress is case.before
    assert case.outcomes == [ReceiptOutcome.LATE]


@pytest.mark.parametrize(
    ("held", "wanted", "outcome"),
    [
        (S.SENT, S.DELIVERED, ReceiptOutcome.APPLIED),
        (S.SENDING, S.DELIVERED, ReceiptOutcome.APPLIED),
        (S.UNKNOWN, S.FAILED, ReceiptOutcome.APPLIED),
        (S.DELIVERED, S.DELIVERED, ReceiptOutcome.REPEATED),
        (S.DELIVERED, S.FAILED, ReceiptOutcome.LATE),
        (S.EXPIRED, S.DELIVERED, ReceiptOutcome.LATE),
        (S.SENT, None, ReceiptOutcome.INTERMEDIATE),
        (S.DELIVERED, None, ReceiptOutcome.INTERMEDIATE),
    ],
)
def test_each_receipt_has_an_outcome(
    held: MessageState, wanted: MessageState | None, outcome: ReceiptOutcome
) -> None:
    flight = make_flight(progress=progress_of(held, held))
    assert judged(flight, matched(wanted=wanted)).outcomes == [outcome]


def test_a_throttled_message_is_queued_again_as_its_next_attempt() -> None:
    flight = make_flight(attempt=2)
    case = judged(flight, answer(flight, wanted=S.QUEUED, command_status=THROTTLED))
    assert case.is_requeued
    assert (case.attempt, case.retry_at, case.command_status) == (3, None, THROTTLED)


def test_a_failure_keeps_its_reason_when_other_parts_are_heard_of_later() -> None:
    flight = make_flight(parts=3)
    judged(flight, answer(flight, 0, S.FAILED, command_status=11, failure_class=1)).settle()
    case = judged(flight, answer(flight, 1, S.SENT), answer(flight, 2, S.FAILED, command_status=8))
    assert (case.progress.state, case.reason, case.failure_class) == (S.FAILED, Reason.REJECTED_BY_CARRIER, 1)
    assert case.command_status is None, "the status beside our class is that of the first failure"


def test_a_delay_asked_for_by_one_part_holds_when_another_is_answered_a_batch_later() -> None:
    flight = make_flight(parts=2)
    later = NOW + timedelta(seconds=30)
    judged(flight, answer(flight, 0, S.QUEUED, retry_at=later, command_status=8)).settle()
    case = judged(flight, answer(flight, 1, S.SENT))
    assert case.is_requeued
    assert case.retry_at == later


def test_the_longest_delay_of_all_parts_counts() -> None:
    flight = make_flight(parts=2)
    later = NOW + timedelta(seconds=30)
    case = judged(
        flight,
        answer(flight, 0, S.QUEUED, retry_at=later, command_status=8),
        answer(flight, 1, S.QUEUED, command_status=THROTTLED),
    )
    assert case.retry_at == later


def test_why_a_message_is_unknown_stands_though_its_last_part_was_answered() -> None:
    flight = make_flight(parts=2)
    judged(flight, answer(flight, 0, S.UNKNOWN, command_status=None)).settle()
    case = judged(flight, answer(flight, 1, S.SENT))
    assert (case.progress.state, case.reason) == (S.UNKNOWN, Reason.NO_RESPONSE)
    case.settle()
    case = judged(flight, matched(1, S.DELIVERED))
    assert (case.progress.state, case.reason) == (S.UNKNOWN, Reason.NO_RESPONSE)


def test_a_late_answer_ends_the_doubt_and_its_reason() -> None:
    flight = make_flight()
    judged(flight, answer(flight, wanted=S.UNKNOWN, command_status=None)).settle()
    case = judged(flight, late_answer(flight, carrier_id="A1"))
    assert (case.progress.state, case.reason) == (S.SENT, Reason.NONE)
    assert case.sent_at == late_answer(flight).at


def test_an_abandoned_intent_says_nothing_of_the_parts_that_were_answered() -> None:
    flight = make_flight(parts=3)
    judged(flight, answer(flight, 0, S.SENT)).settle()
    case = judged(flight, written_off(flight, Reason.NO_RESPONSE))
    assert case.progress.part_states == bytes([S.SENT, S.UNKNOWN, S.UNKNOWN])
    assert (case.progress.state, case.reason) == (S.UNKNOWN, Reason.NO_RESPONSE)


def test_a_missing_receipt_says_nothing_of_the_parts_that_have_theirs() -> None:
    flight = make_flight(parts=2, progress=progress_of(S.SENT, S.DELIVERED, S.SENT))
    case = judged(flight, written_off(flight, Reason.NO_RECEIPT))
    assert case.progress.part_states == bytes([S.DELIVERED, S.UNKNOWN])
    assert (case.progress.state, case.reason) == (S.UNKNOWN, Reason.NO_RECEIPT)


def test_unwritten_parts_go_back_and_the_rest_waits_for_its_answers() -> None:
    flight = make_flight(parts=3)
    case = judged(flight, Unsent(flight, (1, 2), NOW))
    assert (case.progress.state, case.is_requeued) == (S.SENDING, False)
    case.settle()
    case = judged(flight, answer(flight, 0, S.SENT))
    assert (case.progress.state, case.is_requeued) == (S.QUEUED, True)


def test_a_message_that_vanished_keeps_what_was_seen_and_moves_nothing() -> None:
    flight = make_flight()
    case = judged(flight, matched())
    case.vanish()
    assert case.progress is case.before
    assert case.outcomes == [ReceiptOutcome.APPLIED]


evidence_steps = st.lists(
    st.tuples(
        st.sampled_from(["answer", "late", "receipt", "unsent", "silent", "no_receipt", "intent"]),
        st.integers(0, 2),
        st.sampled_from([S.SENT, S.QUEUED, S.FAILED, S.UNKNOWN, S.DELIVERED, S.EXPIRED, None]),
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
)
Step = tuple[str, int, MessageState | None, bool]


def make_evidence(flight: Flight, number: int, step: Step) -> CaseEvidence | None:
    kind, part, wanted, is_delayed = step
    part %= flight.parts
    at = NOW + timedelta(seconds=number)
    if kind == "answer" and wanted in (S.SENT, S.QUEUED, S.FAILED, S.UNKNOWN):
        retry_at = at + timedelta(seconds=60) if is_delayed and wanted is S.QUEUED else None
        status = 0 if wanted is S.SENT else 8 + number
        return answer(
            flight, part, wanted, at=at, command_status=status, failure_class=number, retry_at=retry_at
        )
    if kind == "late" and wanted in (S.SENT, S.FAILED):
        return late_answer(flight, part, wanted)
    if kind == "receipt" and wanted not in (S.SENT, S.QUEUED):
        return matched(part, wanted, at=at, err=f"{number:03}")
    if kind == "unsent":
        return Unsent(flight, (part,), at)
    if kind in ("silent", "no_receipt"):
        return written_off(flight, Reason.NO_RESPONSE if kind == "silent" else Reason.NO_RECEIPT)
    return None


def run_batches(flight: Flight, steps: Sequence[Step], cuts: frozenset[int]) -> dict[str, object]:
    """Everything the database would hold after these batches, with a cut before each step of `cuts`.

    An intent is another writer's, so it always stands between two batches.
    """
    row: dict[str, object] = {}
    outcomes: list[ReceiptOutcome] = []
    counted: list[tuple[int, int]] = []
    requeues: list[tuple[int, object]] = []
    batch: list[CaseEvidence] = []

    def commit() -> None:
        case = judged(flight, *batch)
        batch.clear()
        outcomes.extend(case.outcomes)
        if case.progress is not case.before:
            fresh = case.progress.entered & ~case.before.entered & COUNTED_MASK
            counted.extend((state, case.failure_class) for state in S if fresh >> state & 1)
            if case.is_requeued:
                requeues.append((case.attempt, case.retry_at))
            row["sent_at"] = row.get("sent_at") or case.sent_at
            row["final_at"] = row.get("final_at") or case.final_at
            for name in ("command_status", "stat", "err"):
                if (value := getattr(case, name)) is not None:
                    row[name] = value
            row.update({"reason": case.reason, "failure_class": case.failure_class, "attempt": case.attempt})
        case.settle()

    for number, step in enumerate(steps):
        if number in cuts or step[0] == "intent":
            commit()
        if step[0] == "intent":
            if flight.progress.state is S.QUEUED:
                flight.progress = intend(flight.progress)
                flight.retry_at = None
        elif (evidence := make_evidence(flight, number, step)) is not None:
            batch.append(evidence)
    commit()
    failed = [failure_class for state, failure_class in counted if state == S.FAILED]
    return {
        "row": row,
        "progress": flight.progress,
        "outcomes": outcomes,
        "counted": sorted(state for state, _ in counted),
        "failed_as": failed,
        "requeues": requeues,
    }


@given(
    parts=st.integers(1, 3),
    steps=evidence_steps,
    cuts=st.frozensets(st.integers(0, 14)),
    per_message=st.booleans(),
)
def test_the_cut_of_the_batches_changes_nothing(
    parts: int, steps: list[Step], cuts: frozenset[int], per_message: bool
) -> None:
    flight = make_flight(parts=parts)
    flight.receipt_per_message = per_message
    other = copy_flight(flight)
    assert run_batches(flight, steps, frozenset()) == run_batches(other, steps, cuts)


@given(parts=st.integers(1, 3), steps=evidence_steps)
def test_a_message_that_failed_always_says_why(parts: int, steps: list[Step]) -> None:
    flight = make_flight(parts=parts)
    run_batches(flight, steps, frozenset(range(20)))
    if flight.progress.state in (S.FAILED, S.UNKNOWN):
        assert flight.reason is not Reason.NONE
    if flight.progress.state in (S.SENT, S.DELIVERED):
        assert flight.reason is Reason.NONE
