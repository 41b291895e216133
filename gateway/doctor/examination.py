"""One examination from the first bind to the last receipt: what is sent when, and when it is enough.

Decides by the answers which form of a message to try next; what that form is, is in `plan.py`. Bills no more
parts than it was allowed. What it has seen at the end, even when the bind was lost, is the evidence.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Final

from gateway.config.carriers import Concatenation, ConnectorConfig
from gateway.doctor.diagnosis import needs_other_alphabets
from gateway.doctor.errors import NoBind
from gateway.doctor.evidence import Evidence
from gateway.doctor.limit_trials import LimitTrials
from gateway.doctor.line import Line
from gateway.doctor.messenger import Messenger, Terms
from gateway.doctor.plan import (
    BURST,
    LONGEST_TEXTS,
    THOROUGH_BURSTS,
    WAITS,
    Changes,
    Purpose,
    remedies_for,
    splittings,
)
from gateway.doctor.recording import Tape

_OPENING_TRIES: Final = 30
"""Of the plain text, over all forms. Refused parts are not billed."""


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
        self._messenger = Messenger(self._line, self._tape, terms, tell)

    async def run(self) -> Evidence:
        """Examine, unbind, and return what was seen. Raises `NoBind` when no bind came about at all."""
        try:
            bind_changes = await self._line.open()
            self._tell(f"Bound as {self._line.config.bind_mode.value}.")
            try:
                await self._examine()
            except NoBind as exc:
                self._messenger.notes.append(f"The rest, since {exc}.")
        finally:
            await self._line.aclose()
        return replace(self._evidence(), bind_changes=bind_changes)

    def _evidence(self) -> Evidence:
        return replace(
            self._tape.freeze(),
            binds=tuple(self._line.binds_seen),
            wait_seconds=self._terms.wait_seconds,
            notes=tuple(dict.fromkeys(self._messenger.notes)),
        )

    async def _examine(self) -> None:
        if not await self._open():
            return
        for purpose in (Purpose.ALPHABET, Purpose.UCS2):
            await self._messenger.send(purpose)
        way = await self._split()
        if way is not None and self._terms.is_thorough:
            await self._lengthen(way)
        for sender in self._terms.senders[1:]:
            await self._messenger.send(Purpose.SENDER, sender=sender)
        trials = LimitTrials(self._messenger, self._line, self._tape, self._tell)
        await trials.burst(THOROUGH_BURSTS if self._terms.is_thorough else (BURST,))
        if self._terms.is_thorough:
            await trials.race()
        await self._await_receipts()
        further = needs_other_alphabets(self._evidence())
        for purpose in further:
            await self._messenger.send(purpose)
        if further:
            await self._await_receipts()

    # The form that is taken.

    async def _open(self) -> bool:
        """Find the form in which a plain text is taken, one refusal after another; whether there is one."""
        refused_with = await self._status_of(self._messenger.base)
        tries = 2
        while refused_with and refused_with not in WAITS:
            before = refused_with
            for remedy in remedies_for(
                before, self._line.config, self._terms.senders[0], self._terms.number.country
            ):
                if tries >= _OPENING_TRIES:
                    return False
                tries += 1
                changes = {**self._messenger.base, **remedy}
                status = await self._status_of(changes)
                if status is None:
                    return False
                if status != before:
                    # Taken, or refused for the next reason: this one is settled.
                    self._messenger.base, refused_with = changes, status
                    break
            if refused_with == before:
                return False
        return refused_with == 0

    async def _status_of(self, changes: Changes) -> int | None:
        """The `command_status` of a plain text in this form; a refusal counts when it comes twice. None: no
        answer, or no parts left."""
        status = None
        for _ in range(3):
            sent = await self._messenger.send(Purpose.OPENING, changes)
            if sent is None or sent.answer is None:
                return None
            if sent.answer.command_status in (0, status) or sent.answer.command_status in WAITS:
                return sent.answer.command_status
            status = sent.answer.command_status
        return status

    # Long texts.

    async def _split(self) -> Changes | None:
        """Try the ways to split a long text until every part is taken; the way that was."""
        if self._line.config.max_parts == 1:
            self._messenger.notes.append("How long texts are split: `max_parts` is 1, so none was sent.")
            return None
        session, _ = await self._line.sending_bind()
        for way in splittings(self._line.config, sends_tlvs=session.sends_tlvs):
            changes = {**self._messenger.base, "concatenation": way}
            for _ in range(2):
                if not self._messenger.may_bill(2):
                    self._messenger.notes.append(
                        "Other ways to split a long text: no parts were left for them."
                    )
                    return None
                sent = await self._messenger.send_long(Purpose.LONG, changes)
                if all(each.is_taken for each in sent):
                    return changes
        return None

    async def _lengthen(self, changes: Changes) -> None:
        """Ever shorter texts until one is taken. With `payload` the SMSC cuts, by a limit of its own."""
        if changes["concatenation"] is Concatenation.PAYLOAD:
            return
        for parts in LONGEST_TEXTS:
            if parts > (self._line.config.max_parts or parts):
                continue
            if not self._messenger.may_bill(parts):
                return
            sent = await self._messenger.send_long(Purpose.LONGEST, changes, parts=parts)
            if all(each.is_taken for each in sent):
                return

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
