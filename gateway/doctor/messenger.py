"""One test message at a time: numbered, written, put on the line, tried again, and counted as billed.

Owns the parts that may be billed: nothing is sent beyond them. Which message comes next, and what its answer
means, is decided by whoever calls.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from gateway.doctor.line import Line
from gateway.doctor.plan import ALPHABETS, THOROUGH_PARTS, USUAL_PARTS, WAITS, Changes, Purpose, write_probe
from gateway.doctor.recording import Sent, Tape
from gateway.domain.phone import Number
from gateway.smpp.statuses import CommandStatus, write_status

_TRIES: Final = 6
"""Of one message that is refused for the moment, or not answered."""
_PAUSE_SECONDS: Final = 0.3
"""Before a message is tried again."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an examination may do, and how long it waits."""

    number: Number
    senders: tuple[str, ...]
    """The first one sends all; each of the others sends one message."""
    is_thorough: bool = False
    wait_seconds: float = 60.0
    """For receipts, after the last submit."""
    answer_seconds: float = 10.0
    """For an answer to a submit."""
    link_seconds: float = 5.0
    """Silence after which the link is tested, and time after the last receipt in which repeats are noted."""

    @property
    def most_parts(self) -> int:
        """Parts that may be billed."""
        return (THOROUGH_PARTS if self.is_thorough else USUAL_PARTS) + len(self.senders) - 1


class Messenger:
    """Sends test messages over one line, within its terms. `tell` is given a sentence for each."""

    def __init__(self, line: Line, tape: Tape, terms: Terms, tell: Callable[[str], None]) -> None:
        self.base: Changes = {}
        """The form in which a plain text was taken; all later messages have it."""
        self.notes: list[str] = []
        """What was left out, in words."""
        self._line = line
        self._tape = tape
        self._terms = terms
        self._tell = tell
        self._numbers = count(1)

    def may_bill(self, parts: int) -> bool:
        """Whether so many parts more may be sent. What has no answer counts as billed."""
        billed = sum(sent.bills for sent in self._tape.sent if sent.may_be_billed)
        return billed + parts <= self._terms.most_parts

    async def submit(
        self, purpose: Purpose, changes: Changes, *, sender: str | None = None, number: int | None = None
    ) -> Sent | None:
        """One part on the line without waiting for its answer; None when no more parts may be billed."""
        if not self.may_bill(1):
            self.notes.append("All that was planned: the parts that may be billed were used up.")
            return None
        probe = write_probe(purpose, number or next(self._numbers), sender or self._terms.senders[0])
        return await self._line.submit(probe, changes)

    async def send(
        self, purpose: Purpose, changes: Changes | None = None, *, sender: str | None = None
    ) -> Sent | None:
        """One message of one part, tried again while the carrier says "later"; its last try."""
        changes = dict(self.base if changes is None else changes)
        if purpose in ALPHABETS:
            changes["default_charset.send"] = ALPHABETS[purpose]
        number = next(self._numbers)
        sent = None
        for _ in range(_TRIES):
            sent = await self.submit(purpose, changes, sender=sender, number=number)
            if sent is None or not await self._is_to_be_tried_again(sent):
                break
        self._tell(f"Message {number}, {purpose.value}: {describe_sent(sent)}.")
        return sent

    async def send_long(self, purpose: Purpose, changes: Changes, *, parts: int = 2) -> list[Sent]:
        """All parts of a long text, each after the answer to the one before, until one is not taken."""
        probe = write_probe(purpose, next(self._numbers), self._terms.senders[0], parts=parts)
        done: list[Sent] = []
        while not done or (done[-1].is_taken and len(done) < done[-1].parts):
            for _ in range(_TRIES):
                sent = await self._line.submit(probe, changes, part=len(done))
                if not await self._is_to_be_tried_again(sent) or not self.may_bill(1):
                    break
            done.append(sent)
        way = getattr(changes.get("concatenation"), "value", "")
        self._tell(f"Message {probe.number}, {parts} parts, {way}: {describe_sent(*done)}.")
        return done

    async def rebind_if_needed(self, sent: Sequence[Sent]) -> None:
        """The carrier may not know the session as bound any more (quirk 22)."""
        if any(each.answer and each.answer.command_status == CommandStatus.ESME_RINVBNDSTS for each in sent):
            await self._line.rebind()

    async def _is_to_be_tried_again(self, sent: Sent) -> bool:
        """Wait for the answer; whether it says "later", or none came, or the session is not one any more."""
        await self._line.answered(sent)
        await self.rebind_if_needed([sent])
        status = None if sent.answer is None else sent.answer.command_status
        if status is not None and status not in WAITS and status != CommandStatus.ESME_RINVBNDSTS:
            return False
        await asyncio.sleep(_PAUSE_SECONDS)
        return True


def describe_sent(*sent: Sent | None) -> str:
    """`taken`, `refused with 0x58`, or how many of each."""
    words = []
    for each in sent:
        if each is None:
            words.append("not sent")
        elif each.answer is None:
            words.append("no answer")
        else:
            status = each.answer.command_status
            words.append(f"refused with {write_status(status)}" if status else "taken")
    kinds = list(dict.fromkeys(words))
    if len(sent) == 1:
        return words[0]
    return ", ".join(f"{words.count(kind)} {kind}" for kind in kinds)
