"""What a receipt's state means for the part it speaks of."""

from gateway.domain.message import MessageState
from gateway.smpp.receipts import ReceiptState

_WANTED = {
    ReceiptState.DELIVERED: MessageState.DELIVERED,
    ReceiptState.EXPIRED: MessageState.EXPIRED,
    ReceiptState.DELETED: MessageState.FAILED,
    ReceiptState.UNDELIVERABLE: MessageState.FAILED,
    ReceiptState.REJECTED: MessageState.FAILED,
    ReceiptState.SKIPPED: MessageState.FAILED,
    ReceiptState.UNKNOWN: MessageState.UNKNOWN,
}


def wanted_state(state: ReceiptState | None) -> MessageState | None:
    """The state a receipt asks its part to take; None when it ends nothing (on its way, or a word that has
    no meaning here)."""
    return None if state is None else _WANTED.get(state)
