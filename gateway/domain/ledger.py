"""The ledger: pairs of counts that must agree, and the verdict. Pure; the counting is the store's."""

from dataclasses import dataclass

from gateway.domain.message import MessageState

TAKEN_IN = 0
"""Stands among the states for what was taken in."""


def name_messages_of(state: int) -> str:
    """The name of the pair that compares messages that entered a state; seals are read back by it."""
    return f"messages {'taken in' if state == TAKEN_IN else MessageState(state).word}"


@dataclass(frozen=True, slots=True)
class LedgerPair:
    """Two counts of one thing, taken in two ways. `ids` names rows at fault where they can be named."""

    name: str
    left_label: str
    left: int
    right_label: str
    right: int
    ids: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return self.left == self.right and not self.ids

    @property
    def sentence(self) -> str:
        """What differs, for a person; empty when nothing does."""
        if self.agrees:
            return ""
        named = f"; look at {', '.join(self.ids)}" if self.ids else ""
        return f"{self.name}: {self.left} {self.left_label}, {self.right} {self.right_label}{named}"


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """Everything that was compared, and where messages stand."""

    pairs: tuple[LedgerPair, ...]
    messages: int
    messages_by_state: dict[str, int]
    parts_by_state: dict[str, int]
    receipts_unmatched_open: int
    receipts_inferred: int = 0

    @property
    def is_balanced(self) -> bool:
        return all(pair.agrees for pair in self.pairs)

    def as_json(self) -> dict[str, object]:
        """The form of `estafette ledger --json` and of the admin API."""
        return {
            "balanced": self.is_balanced,
            "messages": self.messages,
            "messages_by_state": self.messages_by_state,
            "parts_by_state": self.parts_by_state,
            "receipts_unmatched_open": self.receipts_unmatched_open,
            "receipts_inferred": self.receipts_inferred,
            "pairs": [
                {
                    "name": pair.name,
                    "agrees": pair.agrees,
                    pair.left_label: pair.left,
                    pair.right_label: pair.right,
                    "ids": list(pair.ids),
                }
                for pair in self.pairs
            ],
        }
