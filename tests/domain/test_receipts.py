"""What a receipt's state asks of its part."""

import pytest

from gateway.domain.message import MessageState, transition
from gateway.domain.receipts import wanted_state
from gateway.smpp.receipts import ReceiptState

WANTED = {
    ReceiptState.DELIVERED: MessageState.DELIVERED,
    ReceiptState.EXPIRED: MessageState.EXPIRED,
    ReceiptState.DELETED: MessageState.FAILED,
    ReceiptState.UNDELIVERABLE: MessageState.FAILED,
    ReceiptState.REJECTED: MessageState.FAILED,
    ReceiptState.SKIPPED: MessageState.FAILED,
    ReceiptState.UNKNOWN: MessageState.UNKNOWN,
}


@pytest.mark.parametrize("state", ReceiptState)
def test_each_state_of_a_receipt_asks_for_one_end_or_for_none(state: ReceiptState) -> None:
    assert wanted_state(state) is WANTED.get(state)


def test_a_word_without_meaning_ends_nothing() -> None:
    assert wanted_state(None) is None


@pytest.mark.parametrize("wanted", sorted(set(WANTED.values())))
def test_a_part_that_was_sent_can_follow_every_receipt(wanted: MessageState) -> None:
    assert transition(MessageState.SENT, wanted)
