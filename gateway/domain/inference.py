"""Whose a receipt is whose id we never learnt: told only where nothing else can have been meant.

A submit without an answer may have been taken all the same; its receipt then bears an id that no row has.
Where connector, addresses and time leave exactly one message of unknown outcome, the receipt is taken to be
its own. Pure: rows in, verdicts out. A doubt is always a reason to infer nothing; the message then waits for
a person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.addresses import read_address
from gateway.domain.message import MessageState
from gateway.domain.sender import SenderStyle

RIPE_AFTER: Final = timedelta(seconds=60)
"""For how long a receipt's id is looked for before anything is inferred: longer than any answer takes."""

_RECEIPT_MARGIN: Final = timedelta(hours=72)
"""How long after the end of a message's validity its receipt may come."""

_CLOCK_FAULT: Final = timedelta(minutes=10)
"""How far the carrier's clock may be behind ours for its date of the event to fit a submit."""

_NODE_CLOCK_FAULT: Final = timedelta(seconds=2)
"""How far the clocks of two of our nodes may be apart: one wrote the submit, the other the receipt."""

_INFORMATIVE: Final = frozenset({MessageState.DELIVERED, MessageState.FAILED, MessageState.EXPIRED})

_AS_THEY_ARE: Final = SenderStyle()

MessageKey = tuple[int, int, int]
"""(shop_id, id, slot)."""


@dataclass(frozen=True, slots=True)
class CarrierAddresses:
    """How one carrier writes numbers and senders."""

    country: str | None = None
    """Whose national form its numbers may have; None where it writes none."""
    senders: SenderStyle = _AS_THEY_ARE

    def read(self, written: str) -> str:
        """An address in a receipt, as we keep addresses, in small letters."""
        return read_address(written.encode("latin-1", "replace"), self.country).lower()

    def show(self, sender: str) -> str:
        """Our sender as this carrier gets it, and so shows it in a receipt, read like one."""
        return self.read(self.senders.write(sender).text)


@dataclass(frozen=True, slots=True)
class StrayReceipt:
    """A receipt of an id that no message has. `wanted` is None for one that ends nothing."""

    receipt_id: int
    carrier_id: str
    """In the form in which it is looked up."""
    sender: str
    """As `CarrierAddresses.read` gives it; empty where the carrier leaves it out."""
    wanted: MessageState | None
    received_at: datetime
    carrier_at: datetime | None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A message of any shop to the number of the receipts, with a submit whose id we may not have learnt."""

    key: MessageKey
    sender: str
    """As `CarrierAddresses.show` gives it."""
    is_sending: bool
    """A submit of it may still be answered, and its id learnt."""
    unknown_parts: tuple[int, ...]
    """Parts that a receipt could settle: none unless the message is of unknown outcome, on this connector."""
    submitted_at: datetime
    """The first of its submits whose id was not learnt; the earliest moment that it can have been."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """A receipt, and the part that it is taken to speak of."""

    receipt_id: int
    key: MessageKey
    part: int


def infer(receipts: Sequence[StrayReceipt], suspects: Sequence[Suspect], now: datetime) -> list[Verdict]:
    """The receipts of one number and connector whose message can be told, each with its part.

    `receipts` are all that wait for a message, ripe or not, and `suspects` all messages that could be theirs:
    whoever leaves one out makes a doubt vanish. An id goes to a message only when no other could have it, and
    a message takes no more ids than it has unknown parts. Repeats of an id go where the first went.
    """
    by_id: dict[str, list[StrayReceipt]] = {}
    for receipt in sorted(receipts, key=_order):
        by_id.setdefault(receipt.carrier_id, []).append(receipt)
    ids_of: dict[MessageKey, list[str]] = {}
    may_infer: set[str] = set()
    for carrier_id, told in by_id.items():
        owners = [suspect for suspect in suspects if any(_may_own(suspect, each) for each in told)]
        for owner in owners:
            ids_of.setdefault(owner.key, []).append(carrier_id)
        if len(owners) == 1 and not owners[0].is_sending and _fits(owners[0], told, now):
            may_infer.add(carrier_id)
    verdicts: list[Verdict] = []
    for suspect in suspects:
        ids = ids_of.get(suspect.key, [])
        if len(ids) > len(suspect.unknown_parts):
            continue  # more than it can have: which of them are this message's cannot be told
        settled = [carrier_id for carrier_id in ids if carrier_id in may_infer]
        for carrier_id, part in zip(settled, suspect.unknown_parts, strict=False):
            first = next(each for each in by_id[carrier_id] if _is_ripe(each, now))
            verdicts.append(Verdict(first.receipt_id, suspect.key, part))
    return verdicts


def _order(receipt: StrayReceipt) -> int:
    return receipt.receipt_id


def _may_own(suspect: Suspect, receipt: StrayReceipt) -> bool:
    """Whether the receipt could be of this message. The carrier's date is no argument here: its clock may be
    wrong, and a message wrongly left out would let another's receipt be taken for ours."""
    if suspect.sender != receipt.sender and receipt.sender:
        return False
    first = suspect.submitted_at - _NODE_CLOCK_FAULT
    return first <= receipt.received_at <= suspect.expires_at + _RECEIPT_MARGIN


def _fits(owner: Suspect, told: Iterable[StrayReceipt], now: datetime) -> bool:
    """Whether receipts of one id say enough, waited long enough, and bear no date before the submit."""
    dates = [each.carrier_at for each in told if each.carrier_at is not None]
    if any(carrier_at < owner.submitted_at - _CLOCK_FAULT for carrier_at in dates):
        return False
    return any(_is_ripe(each, now) for each in told)


def _is_ripe(receipt: StrayReceipt, now: datetime) -> bool:
    return receipt.wanted in _INFORMATIVE and receipt.received_at <= now - RIPE_AFTER
