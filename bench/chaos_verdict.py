"""The reckoning of `bench chaos`: what was promised, what the SMSC took, and what the gateway's rows say.

Pure: three independent accounts are laid side by side, serial by serial. Knows no process and no database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, NamedTuple

from bench.chaos_journal import Journal
from gateway.domain.message import ENDS, MessageState, Reason, entered_bit

_ENDED_UNSENT: Final = frozenset(
    {MessageState.FAILED, MessageState.EXPIRED, MessageState.CANCELLED, MessageState.BLOCKED}
)
_RESTING: Final = ENDS | {MessageState.UNKNOWN}
_RESOLVED_SHARE: Final = 0.95
_TAKEOVER_SECONDS: Final = 15.0
_NAMED: Final = 10
"""Serials shown of each fault."""


class MessageRow(NamedTuple):
    """Where the gateway says that a message stands; `state` 0: in no state at all."""

    message_id: int
    state: int
    reason: int
    entered: int


class Inference(NamedTuple):
    """A receipt without a known id, and the message that it was taken to speak of."""

    carrier_id: str
    message_id: int


@dataclass(frozen=True, slots=True)
class Account:
    """What the gateway's database says at the end."""

    messages: Sequence[MessageRow]
    carrier_ids: Sequence[tuple[str, int]]
    """Ids that the SMSC's answers gave, each with its message."""
    inferences: Sequence[Inference]
    unmatched: frozenset[str]
    """Ids of receipts that are kept without a message."""
    ledger: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the load was, as far as the verdict depends on it."""

    window: int
    binds: int
    gateway_blows: int
    """Kills and pauses that hit a gateway."""
    was_settled: bool
    """Unknown outcomes had the time to be resolved."""


@dataclass(slots=True)
class ChaosFigures:
    """What a run found. `faults` names what was wrong; empty is what it must be."""

    messages: int
    accepted: int = 0
    stored: int = 0
    """Rows of messages; more or fewer than accepted would be a promise doubled or broken."""
    submitted: int = 0
    """Texts that the SMSC took."""
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    unfinished: int = 0
    """Messages that are at no end when everything is quiet, and not unknown either."""
    receipts_lost: int = 0
    """Acknowledged to the SMSC, and known nowhere."""
    unknown: int = 0
    """Messages that were ever unknown for want of an answer."""
    unknown_allowed: int = 0
    unknown_at_end: int = 0
    unknown_never_taken: int = 0
    """Of these, those that the SMSC never got: nothing will ever tell."""
    unknown_resolved: int = 0
    inferred: int = 0
    inferred_wrong: int = 0
    ids_wrong: int = 0
    """Ids of answers that were noted for another message than the SMSC gave them to."""
    ledger_differences: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    kills_in_load: int = 0
    """After which no more than a second had passed since the SMSC took its last text."""
    restart_median_seconds: float | None = None
    restart_max_seconds: float | None = None
    takeover_median_seconds: float | None = None
    takeover_max_seconds: float | None = None
    answers: dict[str, int] = field(default_factory=dict)
    replayed: int = 0
    receipts_refused: int = 0
    ended_by_themselves: int = 0
    seconds: float = 0.0
    blows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.faults


def reckon(figures: ChaosFigures, accepted: Mapping[int, int], journal: Journal, account: Account) -> None:
    """Fill in everything that the three accounts say; what is at fault is named in `figures.faults`."""
    serial_of = {message_id: serial for serial, message_id in accepted.items()}
    rows = {row.message_id: row for row in account.messages}
    figures.accepted = len(accepted)
    figures.stored = len(rows)
    figures.submitted = len(journal.taken)
    figures.delivered = sum(row.state == MessageState.DELIVERED for row in account.messages)
    _compare_messages(figures, accepted, rows, journal)
    _compare_receipts(figures, serial_of, rows, journal, account)
    wrong = [pair for pair in account.ledger["pairs"] if not pair["agrees"]]
    figures.ledger_differences = len(wrong)
    figures.faults += [f"the ledger differs: {pair}" for pair in wrong]


def _compare_messages(
    figures: ChaosFigures, accepted: Mapping[int, int], rows: Mapping[int, MessageRow], journal: Journal
) -> None:
    lost = [
        serial
        for serial, message_id in accepted.items()
        if serial not in journal.by_serial and not _is_explained(rows.get(message_id))
    ]
    doubled = [serial for serial, taken in journal.by_serial.items() if len(taken) > 1]
    unfinished = [message_id for message_id, row in rows.items() if row.state not in _RESTING]
    unasked = rows.keys() - set(accepted.values())
    figures.lost, figures.doubled, figures.unfinished = len(lost), len(doubled), len(unfinished)
    _blame(figures, "lost", lost)
    _blame(figures, "doubled", doubled)
    _blame(figures, "at no end", unfinished)
    _blame(figures, "stored and never answered 202", sorted(unasked))
    _blame(figures, "never answered 202", [n for n in range(figures.messages) if n not in accepted])
    ever = [row for row in rows.values() if row.entered & entered_bit(MessageState.UNKNOWN)]
    still = [row for row in ever if row.state == MessageState.UNKNOWN]
    figures.unknown, figures.unknown_at_end = len(ever), len(still)
    figures.unknown_resolved = len(ever) - len(still)
    serial_of = {message_id: serial for serial, message_id in accepted.items()}
    figures.unknown_never_taken = sum(serial_of.get(row.message_id) not in journal.by_serial for row in still)


def _is_explained(row: MessageRow | None) -> bool:
    """Whether the gateway says of a message that never reached the SMSC that it did not, or may not have."""
    if row is None:
        return False
    if row.state == MessageState.UNKNOWN:
        return row.reason == Reason.NO_RESPONSE
    return row.state in _ENDED_UNSENT


def _compare_receipts(
    figures: ChaosFigures,
    serial_of: Mapping[int, int],
    rows: Mapping[int, MessageRow],
    journal: Journal,
    account: Account,
) -> None:
    delivered = {
        serial_of.get(message_id) for message_id, row in rows.items() if row.state == MessageState.DELIVERED
    }
    forgotten = [
        carrier_id
        for carrier_id in journal.receipts_accepted
        if journal.taken[carrier_id].serial not in delivered and carrier_id not in account.unmatched
    ]
    figures.receipts_lost = len(forgotten)
    _blame(figures, "receipts acknowledged and not known", forgotten)

    def is_wrong(carrier_id: str, message_id: int) -> bool:
        taken = journal.taken.get(carrier_id)
        return taken is None or taken.serial != serial_of.get(message_id)

    mistaken = [item.carrier_id for item in account.inferences if is_wrong(*item)]
    figures.inferred, figures.inferred_wrong = len(account.inferences), len(mistaken)
    _blame(figures, "receipts inferred for the wrong message", mistaken)
    misplaced = [
        carrier_id for carrier_id, message_id in account.carrier_ids if is_wrong(carrier_id, message_id)
    ]
    figures.ids_wrong = len(misplaced)
    _blame(figures, "answers noted for the wrong message", misplaced)


def judge_bars(figures: ChaosFigures, limits: Limits) -> None:
    """Name what is beyond the bars that are no plain zero, and sum up the times."""
    figures.unknown_allowed = 2 * limits.window * limits.binds * limits.gateway_blows
    if figures.unknown > figures.unknown_allowed:
        figures.faults.append(f"{figures.unknown} unknown, {figures.unknown_allowed} allowed")
    if limits.was_settled and figures.unknown_resolved < _RESOLVED_SHARE * figures.unknown:
        figures.faults.append(f"only {figures.unknown_resolved} of {figures.unknown} unknown were resolved")
    restarts = [blow["restart_seconds"] for blow in figures.blows if blow.get("restart_seconds") is not None]
    if restarts:
        figures.restart_median_seconds, figures.restart_max_seconds = (
            round(median(restarts), 2),
            max(restarts),
        )
    takeovers = [blow["takeover_seconds"] for blow in figures.blows if "takeover_seconds" in blow]
    if None in takeovers:
        figures.faults.append("a takeover never came")
    times = [seconds for seconds in takeovers if seconds is not None]
    if times:
        figures.takeover_median_seconds, figures.takeover_max_seconds = round(median(times), 2), max(times)
        if max(times) >= _TAKEOVER_SECONDS:
            figures.faults.append(f"a takeover took {max(times):.1f} s")


def _blame(figures: ChaosFigures, words: str, culprits: Sequence[object]) -> None:
    if culprits:
        shown = ", ".join(map(str, culprits[:_NAMED]))
        figures.faults.append(f"{len(culprits)} {words}: {shown}")
