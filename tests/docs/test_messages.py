"""docs/messages.md explains every word that rows and answers carry."""

import re
from pathlib import Path

import pytest

from gateway.domain.failures import FailureClass
from gateway.domain.message import MOVES, MessageState, Reason
from gateway.store.evidence import ReceiptOutcome

PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]


def rows_about(word: str) -> list[str]:
    return [row for row in ROWS if f"`{word}`" in row.split("|")[1]]


@pytest.mark.parametrize("state", list(MessageState))
def test_every_state_has_its_row(state: MessageState) -> None:
    assert rows_about(state.word)


@pytest.mark.parametrize("state", [state for state, onward in MOVES.items() if onward])
def test_every_move_is_told(state: MessageState) -> None:
    moves = rows_about(state.word)[0].split("|")[3]
    assert set(re.findall(r"`([a-z]+)`", moves)) == {onward.word for onward in MOVES[state]}


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.word])
def test_every_reason_has_its_row(reason: Reason) -> None:
    assert rows_about(reason.word)


@pytest.mark.parametrize("failure", [failure for failure in FailureClass if failure.word])
def test_every_failure_class_has_its_row(failure: FailureClass) -> None:
    assert rows_about(failure.word)


@pytest.mark.parametrize("outcome", list(ReceiptOutcome))
def test_every_outcome_of_a_receipt_has_its_row(outcome: ReceiptOutcome) -> None:
    assert rows_about(outcome.name.lower())
