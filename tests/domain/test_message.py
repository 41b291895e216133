"""The life of a message: every move, legal or not, and what no order of evidence can ever do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.message import (
    ACCEPTED_BIT,
    COUNTED,
    COUNTED_MASK,
    ENDS,
    MOVES,
    MessageState,
    Progress,
    Reason,
    accepted,
    entered_bit,
    intend,
    judge,
    reopen,
    transition,
)

S = MessageState

LEGAL = {
    "scheduled": "queued cancelled blocked expired",
    "queued": "sending scheduled cancelled blocked expired",
    "sending": "sent queued failed unknown delivered expired",
    "sent": "delivered failed expired unknown",
    "unknown": "sent delivered failed expired",
    "delivered": "",
    "failed": "",
    "expired": "",
    "cancelled": "",
    "blocked": "",
}
"""Every legal move. Two of them are rare: a receipt may overtake the answer to its submit."""

EVIDENCE = (S.SENT, S.QUEUED, S.DELIVERED, S.FAILED, S.EXPIRED, S.UNKNOWN)


def sending(parts: int) -> Progress:
    return intend(accepted(parts, scheduled=False))


def told(progress: Progress, *evidence: tuple[int, MessageState], per_message: bool = False) -> Progress:
    for part, wanted in evidence:
        progress = judge(progress, part, wanted, receipt_per_message=per_message) or progress
    return progress


@pytest.mark.parametrize("wanted", S)
@pytest.mark.parametrize("state", S)
def test_a_message_moves_only_where_the_table_says(state: MessageState, wanted: MessageState) -> None:
    assert transition(state, wanted) == (wanted.word in LEGAL[state.word].split())


def test_stored_numbers_never_change() -> None:
    words = "scheduled queued sending sent delivered failed expired cancelled blocked unknown"
    assert {int(state): state.word for state in S} == dict(enumerate(words.split(), start=1))
    assert [int(reason) for reason in Reason] == list(range(18))
    assert entered_bit(S.UNKNOWN) == 1 << 10
    assert ACCEPTED_BIT == 1


def test_ends_are_the_states_nothing_leaves() -> None:
    assert {S.DELIVERED, S.FAILED, S.EXPIRED, S.CANCELLED, S.BLOCKED} == ENDS


def test_every_state_that_is_no_waiting_place_is_counted() -> None:
    assert set(S) - set(COUNTED) == {S.SCHEDULED, S.QUEUED, S.SENDING}


@pytest.mark.parametrize(("is_scheduled", "state"), [(False, S.QUEUED), (True, S.SCHEDULED)])
def test_a_message_begins_waiting_and_accepted(is_scheduled: bool, state: MessageState) -> None:
    assert accepted(3, scheduled=is_scheduled) == Progress(state, 1 | 1 << state, bytes([state] * 3))


def test_an_intent_takes_the_waiting_parts_and_leaves_those_the_carrier_has() -> None:
    tried = Progress(S.QUEUED, 0b1101, bytes([S.SENT, S.QUEUED, S.UNKNOWN, S.QUEUED]))
    assert intend(tried) == Progress(S.SENDING, 0b1101, bytes([S.SENT, S.SENDING, S.UNKNOWN, S.SENDING]))


@pytest.mark.parametrize(
    ("evidence", "wanted"),
    [
        ([(0, S.SENT)], S.SENDING),
        ([(0, S.SENT), (1, S.SENT), (2, S.SENT)], S.SENT),
        ([(2, S.SENT), (0, S.SENT), (1, S.SENT)], S.SENT),
        ([(0, S.SENT), (1, S.SENT), (2, S.SENT), (0, S.DELIVERED), (1, S.DELIVERED)], S.SENT),
        ([(0, S.DELIVERED), (1, S.DELIVERED), (2, S.DELIVERED)], S.DELIVERED),
        ([(0, S.SENT), (1, S.FAILED)], S.FAILED),
        ([(0, S.DELIVERED), (1, S.DELIVERED), (2, S.FAILED)], S.FAILED),
        ([(0, S.SENT), (1, S.QUEUED), (2, S.QUEUED)], S.QUEUED),
        ([(0, S.QUEUED), (1, S.SENT)], S.SENDING),
        ([(0, S.UNKNOWN), (1, S.SENT), (2, S.SENT)], S.UNKNOWN),
        ([(0, S.UNKNOWN), (1, S.SENT), (2, S.QUEUED)], S.QUEUED),
        ([(0, S.UNKNOWN), (1, S.SENT), (2, S.SENT), (0, S.SENT)], S.SENT),
        ([(0, S.SENT), (1, S.SENT), (2, S.SENT), (1, S.EXPIRED)], S.EXPIRED),
        ([(0, S.UNKNOWN), (1, S.EXPIRED), (2, S.DELIVERED)], S.EXPIRED),
        ([(0, S.SENT), (1, S.SENT), (2, S.SENT), (1, S.UNKNOWN)], S.UNKNOWN),
    ],
)
def test_a_message_of_three_parts_follows_from_them(
    evidence: list[tuple[int, MessageState]], wanted: MessageState
) -> None:
    assert told(sending(3), *evidence).state is wanted


def test_one_receipt_delivers_the_message_where_the_carrier_sends_one_per_message() -> None:
    sent = told(sending(3), (0, S.SENT), (1, S.SENT), (2, S.SENT), per_message=True)
    delivered = told(sent, (1, S.DELIVERED), per_message=True)
    assert delivered.state is S.DELIVERED
    assert delivered.part_states == bytes([S.SENT, S.DELIVERED, S.SENT])


def test_one_receipt_for_all_waits_for_parts_that_may_still_be_refused() -> None:
    early = told(sending(2), (0, S.SENT), (0, S.DELIVERED), per_message=True)
    assert early.state is S.SENDING
    assert told(early, (1, S.SENT), per_message=True).state is S.DELIVERED
    assert told(early, (1, S.FAILED), per_message=True).state is S.FAILED
    assert told(early, (1, S.QUEUED), per_message=True).state is S.QUEUED, "it is sent again, not forgotten"


def test_late_receipt_does_not_undo_delivery() -> None:
    delivered = told(sending(1), (0, S.SENT), (0, S.DELIVERED))
    assert all(judge(delivered, 0, wanted) is None for wanted in S)


def test_repeated_evidence_changes_nothing() -> None:
    for wanted in (S.SENT, S.UNKNOWN, S.DELIVERED, S.FAILED, S.EXPIRED):
        once = told(sending(1), (0, wanted))
        assert judge(once, 0, wanted) is None


def test_a_receipt_before_the_answer_proves_that_the_carrier_took_it() -> None:
    delivered = told(sending(1), (0, S.DELIVERED))
    assert delivered.entered & entered_bit(S.SENT)
    assert judge(delivered, 0, S.SENT) is None


def test_what_is_remembered_of_a_move_is_a_state_whoever_asked_first() -> None:
    """A number equals its state, so that it finds what was remembered of it, but it is not that state."""
    numbers = Progress(3, 1 << 30, bytes([S.SENDING]))  # type: ignore[arg-type]
    states = Progress(S.SENDING, 1 << 30, bytes([S.SENDING]))
    for asked in (numbers, states):
        after = judge(asked, 0, 4 if asked is numbers else S.SENT)  # type: ignore[arg-type]
        assert after is not None
        assert after.state is S.SENT
    two = Progress(3, 1 << 30, bytes([S.SENDING] * 2))  # type: ignore[arg-type]
    for asked in (two, two._replace(state=S.SENDING)):
        after = judge(asked, 0, S.SENT)
        assert after is not None
        assert after.state is S.SENDING


def test_parts_after_an_end_are_still_told_apart() -> None:
    failed = told(sending(3), (0, S.FAILED), (1, S.SENT), (1, S.DELIVERED))
    assert (failed.state, failed.part_states) == (S.FAILED, bytes([S.FAILED, S.DELIVERED, S.SENDING]))


@pytest.mark.parametrize("waiting", [S.SCHEDULED, S.QUEUED])
@pytest.mark.parametrize("wanted", S)
def test_nothing_a_carrier_says_moves_a_part_that_waits(waiting: MessageState, wanted: MessageState) -> None:
    """Its queue row would stay behind; only a cancel or an expiry takes both."""
    assert judge(accepted(1, scheduled=waiting is S.SCHEDULED), 0, wanted) is None


def test_a_part_without_answer_is_never_queued_again() -> None:
    unknown = told(sending(1), (0, S.UNKNOWN))
    assert judge(unknown, 0, S.QUEUED) is None


steps = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([*EVIDENCE, None])), max_size=40)


@given(parts=st.integers(1, 4), steps=steps, per_message=st.booleans())
def test_no_order_of_evidence_undoes_an_end_or_counts_a_state_twice(
    parts: int, steps: list[tuple[int, MessageState | None]], per_message: bool
) -> None:
    progress = sending(parts)
    counted: list[MessageState] = []
    for part, wanted in steps:
        if wanted is None:  # another intent, where one is due
            after = intend(progress) if progress.state is S.QUEUED else None
        else:
            after = judge(progress, part % parts, wanted, receipt_per_message=per_message)
        if after is None:
            continue
        assert after != progress
        assert after.entered & progress.entered == progress.entered
        assert after.entered & entered_bit(after.state)
        assert after.state is progress.state or after.state in MOVES[progress.state]
        for old, new in zip(progress.part_states, after.part_states, strict=True):
            assert old == new or S(new) in MOVES[S(old)]
        fresh = after.entered & ~progress.entered & COUNTED_MASK
        counted.extend(state for state in COUNTED if fresh >> state & 1)
        progress = after
    assert len(counted) == len(set(counted))
    if progress.state is S.DELIVERED:
        assert S.DELIVERED in progress.part_states
        assert S.SENT in counted
    if progress.state is S.QUEUED:
        assert S.QUEUED in progress.part_states


@pytest.mark.parametrize(
    ("held", "after"),
    [
        ((S.UNKNOWN,), (S.QUEUED,)),
        ((S.SENT, S.UNKNOWN, S.UNKNOWN), (S.SENT, S.QUEUED, S.QUEUED)),
        ((S.DELIVERED, S.UNKNOWN), (S.DELIVERED, S.QUEUED)),
    ],
)
def test_only_the_unknown_parts_of_a_reopened_message_wait_again(
    held: tuple[MessageState, ...], after: tuple[MessageState, ...]
) -> None:
    before = Progress(S.UNKNOWN, ACCEPTED_BIT | entered_bit(S.SENDING) | entered_bit(S.UNKNOWN), bytes(held))
    reopened = reopen(before)
    assert (reopened.state, reopened.part_states) == (S.QUEUED, bytes(after))
    assert reopened.entered == before.entered | entered_bit(S.QUEUED), "nothing ever entered is forgotten"
    assert intend(reopened).part_states.count(S.SENDING) == after.count(S.QUEUED)


@pytest.mark.parametrize("state", [state for state in S if state is not S.UNKNOWN])
def test_nothing_but_an_unknown_message_is_reopened(state: MessageState) -> None:
    with pytest.raises(ValueError, match=state.word):
        reopen(Progress(state, ACCEPTED_BIT, bytes((state,))))
