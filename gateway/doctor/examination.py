"""One examination from the first bind to the last receipt: what is sent when, and when it is enough.

Decides by the answers which form of a message to try next; what that form is, is in `plan.py`. Bills no more
parts than it was allowed. What it has seen at the end, even when the bind was lost, is the evidence.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count, pairwise
from random import Random
from typing import Final

from gateway.config.carriers import Concatenation, ConnectorConfig
from gateway.doctor.diagnosis import needs_other_alphabets
from gateway.doctor.errors import NoBind
from gateway.doctor.evidence import Evidence
from gateway.doctor.limits import read_burst
from gateway.doctor.line import Line
from gateway.doctor.plan import (
    ALPHABETS,
    BURST,
    LONGEST_TEXTS,
    RUN_PARTS,
    THOROUGH_BURSTS,
    THOROUGH_PARTS,
    USUAL_PARTS,
    WAITS,
    Changes,
    Purpose,
    remedies_for,
    splittings,
    write_probe,
)
from gateway.doctor.recording import Sent, Tape
from gateway.domain.phone import Number
from gateway.smpp.statuses import CommandStatus

_TRIES: Final = 6
"""Of one message that is refused for the moment, or not answered."""
_OPENING_TRIES: Final = 30
"""Of the plain text, over all forms. Refused parts are not billed."""
_PAUSE_SECONDS: Final = 0.3
"""Before a message is tried again."""
_FURTHER_ALPHABETS: Final = 2
"""Messages that may have to be sent at the end to tell data_coding 0."""
_NEW_SECOND: Final = 1.1
"""Pause after which a limit for each second has begun anew."""
_RUN_SECONDS: Final = 8.0
_RUN_WINDOW: Final = 16
_RUN_PAUSE_SECONDS: Final = 0.03


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


class Examination:
    """Examines one connector once. `tell` is given a sentence at each step, for the person who waits."""

    def __init__(
        self,
        config: ConnectorConfig,
        terms: Terms,
        *,
        random: Random,
        tell: Callable[[str], None] = lambda sentence: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._terms = terms
        self._tell = tell
        self._tape = Tape(clock=clock, now=now)
        self._line = Line(
            config,
            self._tape,
            destination=terms.number.address,
            country=terms.number.country,
            random=random,
            answer_seconds=terms.answer_seconds,
            link_seconds=terms.link_seconds,
        )
        self._numbers = count(1)
        self._base: Changes = {}
        self._notes: list[str] = []

    async def run(self) -> Evidence:
        """Examine, unbind, and return what was seen. Raises `NoBind` when no bind came about at all."""
        try:
            bind_changes = await self._line.open()
            self._tell(f"Bound as {self._line.config.bind_mode.value}.")
            try:
                await self._examine()
            except NoBind as exc:
                self._notes.append(f"The rest, since {exc}.")
        finally:
            await self._line.aclose()
        return replace(self._evidence(), bind_changes=bind_changes)

    def _evidence(self) -> Evidence:
        return replace(
            self._tape.freeze(),
            binds=tuple(self._line.binds_seen),
            wait_seconds=self._terms.wait_seconds,
            notes=tuple(dict.fromkeys(self._notes)),
        )

    async def _examine(self) -> None:
        if not await self._open():
            return
        for purpose in (Purpose.ALPHABET, Purpose.UCS2):
            await self._send(purpose)
        way = await self._split()
        if way is not None and self._terms.is_thorough:
            await self._lengthen(way)
        for sender in self._terms.senders[1:]:
            await self._send(Purpose.SENDER, sender=sender)
        await self._burst()
        if self._terms.is_thorough:
            await self._race()
        await self._await_receipts()
        further = needs_other_alphabets(self._evidence())
        for purpose in further:
            await self._send(purpose)
        if further:
            await self._await_receipts()

    # One message.

    def _may_bill(self, parts: int) -> bool:
        billed = sum(sent.bills for sent in self._tape.sent if sent.may_be_billed)
        return billed + parts <= self._terms.most_parts

    async def _submit(
        self, purpose: Purpose, changes: Changes, *, sender: str | None = None, number: int | None = None
    ) -> Sent | None:
        """One part on the line without waiting for its answer; None when no more parts may be billed."""
        if not self._may_bill(1):
            self._notes.append("All that was planned: the parts that may be billed were used up.")
            return None
        probe = write_probe(purpose, number or next(self._numbers), sender or self._terms.senders[0])
        return await self._line.submit(probe, changes)

    async def _send(
        self, purpose: Purpose, changes: Changes | None = None, *, sender: str | None = None
    ) -> Sent | None:
        """One message of one part, tried again while the carrier says "later"; its last try."""
        changes = dict(self._base if changes is None else changes)
        if purpose in ALPHABETS:
            changes["default_charset.send"] = ALPHABETS[purpose]
        number = next(self._numbers)
        sent = None
        for _ in range(_TRIES):
            sent = await self._submit(purpose, changes, sender=sender, number=number)
            if sent is None or not await self._is_to_be_tried_again(sent):
                break
        self._tell(f"Message {number}, {purpose.value}: {_describe(sent)}.")
        return sent

    async def _is_to_be_tried_again(self, sent: Sent) -> bool:
        """Wait for the answer; whether it says "later", or none came, or the session is not one any more."""
        await self._line.answered(sent)
        status = None if sent.answer is None else sent.answer.command_status
        if status == CommandStatus.ESME_RINVBNDSTS:
            await self._line.rebind()
        elif status is not None and status not in WAITS:
            return False
        await asyncio.sleep(_PAUSE_SECONDS)
        return True

    # The form that is taken.

    async def _open(self) -> bool:
        """Find the form in which a plain text is taken, one refusal after another; whether there is one."""
        refused_with = await self._status_of(self._base)
        tries = 2
        while refused_with and refused_with not in WAITS:
            before = refused_with
            for remedy in remedies_for(
                before, self._line.config, self._terms.senders[0], self._terms.number.country
            ):
                if tries >= _OPENING_TRIES:
                    return False
                tries += 1
                changes = {**self._base, **remedy}
                status = await self._status_of(changes)
                if status is None:
                    return False
                if status != before:
                    # Taken, or refused for the next reason: this one is settled.
                    self._base, refused_with = changes, status
                    break
            if refused_with == before:
                return False
        return refused_with == 0

    async def _status_of(self, changes: Changes) -> int | None:
        """The `command_status` of a plain text in this form; a refusal counts when it comes twice. None: no
        answer, or no parts left."""
        status = None
        for _ in range(3):
            sent = await self._send(Purpose.OPENING, changes)
            if sent is None or sent.answer is None:
                return None
            if sent.answer.command_status in (0, status) or sent.answer.command_status in WAITS:
                return sent.answer.command_status
            status = sent.answer.command_status
        return status

    # Long texts.

    async def _split(self) -> Changes | None:
        """Try the ways to split a long text until every part is taken; the way that was."""
        session, _ = await self._line.sending_bind()
        for way in splittings(self._line.config, sends_tlvs=session.sends_tlvs):
            changes = {**self._base, "concatenation": way}
            for _ in range(2):
                if not self._may_bill(2):
                    self._notes.append("Other ways to split a long text: no parts were left for them.")
                    return None
                sent = await self._send_long(Purpose.LONG, changes)
                self._tell(f"Message {sent[0].probe.number}, long, {way.value}: {_describe(*sent)}.")
                if all(each.is_taken for each in sent):
                    return changes
        return None

    async def _lengthen(self, changes: Changes) -> None:
        """Ever shorter texts until one is taken. With `payload` the SMSC cuts, and its limit stays its "
        "own."""
        if changes["concatenation"] is Concatenation.PAYLOAD:
            return
        for parts in LONGEST_TEXTS:
            if not self._may_bill(parts):
                return
            sent = await self._send_long(Purpose.LONGEST, changes, parts=parts)
            self._tell(f"Message {sent[0].probe.number}, {parts} parts: {_describe(*sent)}.")
            if all(each.is_taken for each in sent):
                return

    async def _send_long(self, purpose: Purpose, changes: Changes, *, parts: int = 2) -> list[Sent]:
        """All parts of a long text, each after the answer to the one before, until one is refused."""
        probe = write_probe(purpose, next(self._numbers), self._terms.senders[0], parts=parts)
        done: list[Sent] = []
        part = 0
        while True:
            for _ in range(_TRIES):
                sent = await self._line.submit(probe, changes, part=part)
                if not await self._is_to_be_tried_again(sent):
                    break
            done.append(sent)
            part += 1
            if part >= sent.parts or not sent.is_taken:
                return done

    # Limits.

    async def _burst(self) -> None:
        """Several at once, more each time if that is allowed, until some are refused."""
        sizes = THOROUGH_BURSTS if self._terms.is_thorough else (BURST,)
        for size in sizes:
            await asyncio.sleep(_NEW_SECOND)
            await self._line.sending_bind()
            burst = [sent for _ in range(size) if (sent := await self._submit(Purpose.BURST, self._base))]
            await self._line.answered(*burst)
            self._tell(f"{len(burst)} at once: {_describe(*burst)}.")
            await self._rebind_if_needed(burst)
            seen = read_burst([sent.freeze() for sent in burst])
            if seen.refused_with is not None:
                await self._one_by_one(seen.taken)
                return
            if seen.taken < size:
                return

    async def _rebind_if_needed(self, sent: Sequence[Sent]) -> None:
        """The carrier may not know the session as bound any more (quirk 22)."""
        if any(each.answer and each.answer.command_status == CommandStatus.ESME_RINVBNDSTS for each in sent):
            await self._line.rebind()

    async def _one_by_one(self, taken: int) -> None:
        """One more than were taken of the burst, never two at a time: so a window is told from a limit.

        Left out when the parts do not suffice with those that alphabets may still need.
        """
        if not self._may_bill(taken + 1 + _FURTHER_ALPHABETS):
            return
        await asyncio.sleep(_NEW_SECOND)
        for _ in range(taken + 1):
            sent = await self._submit(Purpose.ONE_BY_ONE, self._base)
            if sent is None:
                return
            await self._line.answered(sent)
            if not sent.is_taken:
                return

    async def _race(self) -> None:
        """As fast as answers come, through two refusals: what is taken between them is the limit."""
        await asyncio.sleep(_NEW_SECOND)
        window = self._window_seen()
        ends_at = self._tape.clock() + _RUN_SECONDS
        flying: list[Sent] = []
        changed = 0
        sent: list[Sent] = []
        while changed < 4 and len(sent) < 4 * RUN_PARTS and self._tape.clock() < ends_at:
            if sum(each.may_be_billed for each in sent) >= RUN_PARTS or not self._may_bill(
                1 + _FURTHER_ALPHABETS
            ):
                break
            submitted = await self._submit(Purpose.RUN, self._base)
            if submitted is None:
                break
            sent.append(submitted)
            flying.append(submitted)
            if len(flying) >= window:
                oldest = flying.pop(0)
                await self._line.answered(oldest)
                await self._rebind_if_needed([oldest])
            changed = _count_changes(sent)
            if _is_refused(sent, window):
                await asyncio.sleep(_RUN_PAUSE_SECONDS)
        await self._line.answered(*flying)
        self._tell(f"{len(sent)} at full speed: {_describe(*sent)}.")

    def _window_seen(self) -> int:
        """How many may be on the way during the run: what the bursts took, at most 16."""
        bursts = [sent for sent in self._tape.sent if sent.probe.purpose is Purpose.BURST]
        if any(sent.answer is not None and sent.answer.command_status for sent in bursts):
            one_by_one = sum(
                sent.probe.purpose is Purpose.ONE_BY_ONE and sent.may_be_billed for sent in self._tape.sent
            )
            return max(1, min(_RUN_WINDOW, one_by_one - 1))
        return _RUN_WINDOW

    # Receipts.

    async def _await_receipts(self) -> None:
        """Wait until every message has an end, then a little for repeats and for the link to be tested."""
        self._tell(f"Waiting for receipts, at most {self._terms.wait_seconds:g} s.")
        taken = [sent for sent in self._tape.sent if sent.is_taken]
        await self._tape.until(lambda: self._ended() >= len(taken), seconds=self._terms.wait_seconds)
        seconds = self._terms.link_seconds + 1.0
        await self._tape.until(lambda: False, seconds=min(seconds, self._terms.wait_seconds))
        if not self._tape.links_answered:
            await self._tape.until(lambda: self._tape.links_asked > 0, seconds=seconds)
        ends = len(self._tape.ends)
        await self._tape.until(
            lambda: self._tape.links_answered >= self._tape.links_asked or len(self._tape.ends) > ends,
            seconds=self._terms.answer_seconds + 1.0,
        )
        self._tell(f"{len(self._tape.receipts)} receipts came.")

    def _ended(self) -> int:
        """Messages with a final receipt, however their ids are written."""
        return len(
            {(seen.tlv_id or seen.text_id).lower() for seen in self._tape.receipts if seen.receipt.is_final}
        )


def _describe(*sent: Sent | None) -> str:
    """`taken`, `refused with 0x58`, or how many of each."""
    words = []
    for each in sent:
        if each is None:
            words.append("not sent")
        elif each.answer is None:
            words.append("no answer")
        else:
            status = each.answer.command_status
            words.append(f"refused with 0x{status:02x}" if status else "taken")
    kinds = list(dict.fromkeys(words))
    if len(sent) == 1:
        return words[0]
    return ", ".join(f"{words.count(kind)} {kind}" for kind in kinds)


def _count_changes(sent: Sequence[Sent]) -> int:
    """How often the answers turned from taken to refused or back."""
    verdicts = [bool(each.answer.command_status) for each in sent if each.answer is not None]
    return sum(before != after for before, after in pairwise(verdicts))


def _is_refused(sent: Sequence[Sent], window: int) -> bool:
    """Whether the newest answer that came is a refusal."""
    answered = [each for each in sent[-window - 1 :] if each.answer is not None]
    return bool(answered and answered[-1].answer and answered[-1].answer.command_status)
