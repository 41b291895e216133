"""What a diagnosis consists of: settings with their evidence, remarks, and what could not be seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

Value = str | int | float | bool


class Confidence(Enum):
    """How much a proposal rests on."""

    SURE = "sure"
    """It was tried both ways, or nothing else explains what was seen."""
    LIKELY = "likely"
    """It fits, and little was seen."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One setting of the connector, and what speaks for it."""

    path: str
    """As in `connectors[]`, such as `id_form.receipt`."""
    value: Value
    because: str
    confidence: Confidence = Confidence.SURE


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that an examination lets one say."""

    proposals: tuple[Proposal, ...]
    remarks: tuple[str, ...]
    """What was seen and needs no setting, or one that only the carrier can name."""
    unseen: tuple[str, ...]
    """What could not be told, and how it may be."""
    on_the_phone: tuple[str, ...]
    """What the phone should show; only its owner can say."""

    def value_of(self, path: str) -> Value | None:
        """What is proposed for `path`; None when nothing is."""
        return next((proposal.value for proposal in self.proposals if proposal.path == path), None)


@dataclass(slots=True)
class Notebook:
    """Collects findings while the evidence is read."""

    proposals: list[Proposal] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    on_the_phone: list[str] = field(default_factory=list)

    def propose(self, path: str, value: Value | Enum, because: str, *, likely: bool = False) -> None:
        """A setting; an enum stands as its value."""
        plain = value.value if isinstance(value, Enum) else value
        confidence = Confidence.LIKELY if likely else Confidence.SURE
        self.proposals.append(Proposal(path, plain, because, confidence))

    def finish(self) -> Diagnosis:
        return Diagnosis(
            tuple(self.proposals), tuple(self.remarks), tuple(self.unseen), tuple(self.on_the_phone)
        )


def count(number: int, singular: str, plural: str = "") -> str:
    """`1 receipt`, `3 receipts`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def join(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
