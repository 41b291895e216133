"""Receipts that came before the answer that tells whose they are, in memory for the moment in between.

They are already kept in `receipt_unmatched` and acknowledged; this only spares them the wait for the next
look at that table, which is seconds, where the answer is milliseconds away. Forgetting is always safe.
"""

from typing import Final

from msgspec.structs import replace

from gateway.store.evidence import ReceiptSeen

MOST_EARLY: Final = 10_000
"""Ids that are remembered, about 1 kB each: a second and a half of receipts at full speed."""

_MOST_OF_ONE_ID = 10
"""Some carriers repeat a receipt for ever; each repeat has its row, and a few are enough here."""


class EarlyReceipts:
    """Receipts of unknown ids, by the id; the oldest is forgotten beyond the cap."""

    def __init__(self, *, cap: int = MOST_EARLY) -> None:
        self._cap = cap
        self._by_id: dict[tuple[int, str], list[ReceiptSeen]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def keep(self, receipt: ReceiptSeen) -> None:
        """Remember a receipt that is stored; nobody is to be answered for it any more."""
        kept = replace(receipt, acknowledge=None, otherwise=None)
        for carrier_id in filter(None, (receipt.carrier_id, receipt.other_id)):
            receipts = self._by_id.setdefault((receipt.connector_id, carrier_id), [])
            if len(receipts) < _MOST_OF_ONE_ID:
                receipts.append(kept)
        while len(self._by_id) > self._cap:
            del self._by_id[next(iter(self._by_id))]

    def take(self, connector_id: int, carrier_id: str) -> list[ReceiptSeen]:
        """What came for this id, in order; it is not remembered any more."""
        taken = self._by_id.pop((connector_id, carrier_id), [])
        for receipt in taken:
            other = receipt.other_id if receipt.carrier_id == carrier_id else receipt.carrier_id
            if other:
                self._by_id.pop((connector_id, other), None)
        return taken
