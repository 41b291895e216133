"""Several test messages at once, and as many as are taken: what shows a carrier's window and its speed.

Sends only; what the answers mean is read in `limits.py`.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from gateway.doctor.limits import read_burst
from gateway.doctor.line import Line
from gateway.doctor.messenger import Messenger, describe_sent
from gateway.doctor.plan import RUN_PARTS, Purpose
from gateway.doctor.recording import Sent, Tape

_FURTHER_ALPHABETS: Final = 2
"""Messages that may have to be sent at the end to tell data_coding 0."""
_NEW_SECOND: Final = 1.1
"""Pause after which a limit for each second has begun anew."""
_RUN_SECONDS: Final = 8.0
_RUN_WINDOW: Final = 16
_RUN_PAUSE_SECONDS: Final = 0.03
_ENOUGH_CHANGES: Final = 4
"""From taken to refused and back, twice: a whole stretch between two refusals is among them."""


class LimitTrials:
    """Tries how much a line takes at once and in a second."""

    def __init__(self, messenger: Messenger, line: Line, tape: Tape, tell: Callable[[str], None]) -> None:
        self._messenger = messenger
        self._line = line
        self._tape = tape
        self._tell = tell

    async def burst(self, sizes: Sequence[int]) -> None:
        """Several at once, more each time if that is allowed, until some are refused."""
        for size in sizes:
            await asyncio.sleep(_NEW_SECOND)
            await self._line.sending_bind()
            burst = [
                sent
                for _ in range(size)
                if (sent := await self._messenger.submit(Purpose.BURST, self._messenger.base))
            ]
            await self._line.answered(*burst)
            self._tell(f"{len(burst)} at once: {describe_sent(*burst)}.")
            await self._messenger.rebind_if_needed(burst)
            seen = read_burst([sent.freeze() for sent in burst])
            if seen.refused_with is not None:
                await self._one_by_one(seen.taken)
                return
            if seen.taken < size:
                return

    async def _one_by_one(self, taken: int) -> None:
        """One more than were taken of the burst, never two at a time: so a window is told from a limit.

        Left out when the parts do not suffice with those that alphabets may still need.
        """
        if not self._messenger.may_bill(taken + 1 + _FURTHER_ALPHABETS):
            return
        await asyncio.sleep(_NEW_SECOND)
        for _ in range(taken + 1):
            sent = await self._messenger.submit(Purpose.ONE_BY_ONE, self._messenger.base)
            if sent is None:
                return
            await self._line.answered(sent)
            if not sent.is_taken:
                return

    async def race(self) -> None:
        """As fast as answers come, through two refusals: what is taken between them is the limit."""
        await asyncio.sleep(_NEW_SECOND)
        window = self._window_seen()
        ends_at = self._tape.clock() + _RUN_SECONDS
        flying: list[Sent] = []
        changed = 0
        sent: list[Sent] = []
        while changed < _ENOUGH_CHANGES and len(sent) < 4 * RUN_PARTS and self._tape.clock() < ends_at:
            if sum(each.may_be_billed for each in sent) >= RUN_PARTS or not self._messenger.may_bill(
                1 + _FURTHER_ALPHABETS
            ):
                break
            submitted = await self._messenger.submit(Purpose.RUN, self._messenger.base)
            if submitted is None:
                break
            sent.append(submitted)
            flying.append(submitted)
            if len(flying) >= window:
                oldest = flying.pop(0)
                await self._line.answered(oldest)
                await self._messenger.rebind_if_needed([oldest])
            changed = _count_changes(sent)
            if _is_refused(sent, window):
                await asyncio.sleep(_RUN_PAUSE_SECONDS)
        await self._line.answered(*flying)
        self._tell(f"{len(sent)} at full speed: {describe_sent(*sent)}.")

    def _window_seen(self) -> int:
        """How many may be on the way during the run: what the bursts took, at most 16."""
        bursts = [sent for sent in self._tape.sent if sent.probe.purpose is Purpose.BURST]
        if any(sent.answer is not None and sent.answer.command_status for sent in bursts):
            one_by_one = sum(
                sent.probe.purpose is Purpose.ONE_BY_ONE and sent.may_be_billed for sent in self._tape.sent
            )
            return max(1, min(_RUN_WINDOW, one_by_one - 1))
        return _RUN_WINDOW


def _count_changes(sent: Sequence[Sent]) -> int:
    """How often the answers turned from taken to refused or back."""
    verdicts = [bool(each.answer.command_status) for each in sent if each.answer is not None]
    return sum(before != after for before, after in pairwise(verdicts))


def _is_refused(sent: Sequence[Sent], window: int) -> bool:
    """Whether the newest answer that came is a refusal."""
    answered = [each for each in sent[-window - 1 :] if each.answer is not None]
    return bool(answered and answered[-1].answer and answered[-1].answer.command_status)
