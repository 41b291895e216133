"""The reckoning of `bench chaos`: each way to fail is found and named, and a clean run has no fault."""

from pathlib import Path
from typing import Any

import pytest

from bench.chaos_journal import Journal, Taken
from bench.chaos_telling import tell_chaos
from bench.chaos_verdict import (
    Account,
    ChaosFigures,
    Inference,
    Limits,
    MessageRow,
    judge_bars,
    reckon,
)
from gateway.domain.message import MessageState, Reason, entered_bit

UNKNOWN_BIT = entered_bit(MessageState.UNKNOWN)
LIMITS = Limits(window=50, binds=4, gateway_blows=3, was_settled=True)


class Books:
    """Three messages, accepted as 100 to 102, taken by the SMSC as "c0" to "c2", and delivered."""

    def __init__(self) -> None:
        self.accepted = {0: 100, 1: 101, 2: 102}
        self.journal = Journal(Path("/nowhere"), "smsc_sink")
        for serial in range(3):
            self.take(serial, f"c{serial}")
            self.journal.receipts_accepted.add(f"c{serial}")
        self.rows = {100 + serial: self.row(100 + serial, MessageState.DELIVERED) for serial in range(3)}
        self.carrier_ids = [(f"c{serial}", 100 + serial) for serial in range(3)]
        self.inferences: list[Inference] = []
        self.unmatched: set[str] = set()
        self.pairs: list[dict[str, Any]] = [{"name": "submissions", "agrees": True}]
        self.blows: list[dict[str, Any]] = []

    @staticmethod
    def row(message_id: int, state: int, reason: int = 0, entered: int = 0) -> MessageRow:
        return MessageRow(message_id, state, reason, entered)

    def take(self, serial: int, carrier_id: str) -> None:
        taken = Taken(1_700_000_000.0, 1, carrier_id, "33600000000", serial)
        self.journal.taken[carrier_id] = taken
        self.journal.by_serial[serial].append(taken)

    def never_take(self, serial: int) -> None:
        del self.journal.by_serial[serial], self.journal.taken[f"c{serial}"]
        self.journal.receipts_accepted.discard(f"c{serial}")
        self.carrier_ids.remove((f"c{serial}", 100 + serial))

    def set_state(self, serial: int, state: int, reason: int = 0, entered: int = 0) -> None:
        self.rows[100 + serial] = self.row(100 + serial, state, reason, entered)

    def reckon(self, limits: Limits = LIMITS) -> ChaosFigures:
        figures = ChaosFigures(3, blows=self.blows)
        account = Account(
            messages=list(self.rows.values()),
            carrier_ids=self.carrier_ids,
            inferences=self.inferences,
            unmatched=frozenset(self.unmatched),
            ledger={"pairs": self.pairs},
        )
        reckon(figures, self.accepted, self.journal, account)
        judge_bars(figures, limits)
        return figures


def test_everything_delivered_once_is_good() -> None:
    figures = Books().reckon()
    assert figures.is_good
    assert (figures.accepted, figures.submitted, figures.delivered) == (3, 3, 3)


@pytest.mark.parametrize("state", [MessageState.QUEUED, MessageState.SENDING, MessageState.SENT, 0])
def test_accepted_and_never_taken_is_lost_wherever_it_is_said_to_wait(state: int) -> None:
    books = Books()
    books.never_take(1)
    books.set_state(1, state)
    figures = books.reckon()
    assert (figures.lost, figures.unfinished, figures.is_good) == (1, 1, False)


def test_delivered_without_having_been_taken_is_lost() -> None:
    books = Books()
    books.never_take(1)
    assert books.reckon().lost == 1


def test_accepted_and_stored_nowhere_is_lost() -> None:
    books = Books()
    books.never_take(1)
    del books.rows[101]
    figures = books.reckon()
    assert (figures.stored, figures.lost) == (2, 1)


def test_unknown_for_want_of_an_answer_is_explained_and_counted() -> None:
    books = Books()
    books.never_take(1)
    books.set_state(1, MessageState.UNKNOWN, Reason.NO_RESPONSE, UNKNOWN_BIT)
    figures = books.reckon(Limits(window=50, binds=4, gateway_blows=3, was_settled=False))
    assert (figures.lost, figures.unknown, figures.unknown_at_end, figures.unknown_never_taken) == (
        0,
        1,
        1,
        1,
    )
    assert figures.is_good
    assert not books.reckon().is_good  # it had the time to be resolved


def test_an_unknown_that_was_resolved_counts_as_such() -> None:
    books = Books()
    books.set_state(2, MessageState.DELIVERED, entered=UNKNOWN_BIT)
    figures = books.reckon()
    assert (figures.unknown, figures.unknown_resolved, figures.is_good) == (1, 1, True)


def test_more_unknown_than_the_windows_hold_is_a_fault() -> None:
    books = Books()
    books.set_state(2, MessageState.DELIVERED, entered=UNKNOWN_BIT)
    figures = books.reckon(Limits(window=50, binds=4, gateway_blows=0, was_settled=True))
    assert figures.unknown_allowed == 0
    assert not figures.is_good


def test_a_text_that_the_smsc_took_twice_is_doubled() -> None:
    books = Books()
    books.take(1, "c9")
    figures = books.reckon()
    assert (figures.submitted, figures.doubled, figures.is_good) == (4, 1, False)


def test_a_message_that_nobody_was_promised_is_a_fault() -> None:
    books = Books()
    books.rows[999] = books.row(999, MessageState.DELIVERED)
    assert books.reckon().faults == ["1 stored and never answered 202: 999"]


def test_a_request_that_was_never_answered_is_a_fault() -> None:
    books = Books()
    del books.accepted[1], books.rows[101], books.carrier_ids[1]
    books.journal.by_serial.pop(1)
    del books.journal.taken["c1"]
    books.journal.receipts_accepted.discard("c1")
    assert books.reckon().faults == ["1 never answered 202: 1"]


def test_a_receipt_that_was_acknowledged_must_be_known_of() -> None:
    books = Books()
    books.set_state(1, MessageState.UNKNOWN, Reason.NO_RESPONSE, UNKNOWN_BIT)
    limits = Limits(window=50, binds=4, gateway_blows=3, was_settled=False)
    assert books.reckon(limits).receipts_lost == 1
    books.unmatched.add("c1")
    assert books.reckon(limits).receipts_lost == 0


def test_an_inference_is_checked_against_what_the_smsc_knows() -> None:
    books = Books()
    books.inferences = [Inference("c1", 101), Inference("c2", 100)]
    figures = books.reckon()
    assert (figures.inferred, figures.inferred_wrong, figures.is_good) == (2, 1, False)


def test_an_answer_noted_for_another_message_is_a_fault() -> None:
    books = Books()
    books.carrier_ids = [("c1", 100), ("c0", 101), ("c2", 102)]
    assert books.reckon().ids_wrong == 2


def test_each_difference_of_the_ledger_is_a_fault() -> None:
    books = Books()
    books.pairs.append({"name": "receipts matched", "agrees": False})
    figures = books.reckon()
    assert (figures.ledger_differences, figures.is_good) == (1, False)


@pytest.mark.parametrize(("seconds", "is_good"), [(14.9, True), (15.0, False), (None, False)])
def test_a_takeover_must_come_in_time(seconds: float | None, is_good: bool) -> None:
    books = Books()
    books.blows = [{"takeover_seconds": 3.0}, {"takeover_seconds": seconds}, {"restart_seconds": 1.5}]
    figures = books.reckon()
    assert figures.is_good == is_good
    assert figures.restart_max_seconds == 1.5


def test_the_plain_lines_name_every_fault() -> None:
    books = Books()
    books.take(1, "c9")
    books.blows = [{"takeover_seconds": 3.0}, {"restart_seconds": 1.5}]
    told = tell_chaos(books.reckon())
    assert "1 doubled" in told
    assert "FAULT       1 doubled: 1" in told
    assert "takeover    3.0 s" in told
