"""Whether going slower helps: how often a carrier says “too fast” while we are fast, and while we are slow.

A carrier that counts says it less often once we are slower. One that says it to a share of everything,
whatever the speed, would be slowed to a crawl for nothing: with three answers in ten of 0x58 and a pause of a
second at each, two or three messages a second would leave of any contract. So when slow answers keep being
refused, now and then a trial goes faster and compares. Owns no clock and no speed; `pacing` acts.
"""

from typing import Final

_SLOW_SHARE: Final = 0.25
"""Of the allowed speed: at most so much counts as slow, more as fast."""
_WEIGHT: Final = 1 / 32
"""Of one answer in a running share: the last 32 or so decide."""

_WORTH_A_TRIAL: Final = (0.1, 0.5)
"""Share refused while slow. Below, slowness works; above, the carrier may have a smaller limit yet."""
_FIRST_TRIAL_ANSWERS: Final = 32
_LAST_TRIAL_ANSWERS: Final = 32_768
"""Slow answers between two trials; doubled by each that fails, so that one that counts is left alone."""
_TRIAL_ANSWERS: Final = 24
"""Fast answers that decide a trial."""

_NO_WORSE: Final = 1.5
"""Fast is refused at most so many times as often as slow: then slowing was in vain."""
_WORSE: Final = 2.0
"""Fast is refused more often than that: the carrier counts after all."""
_MOSTLY_REFUSED: Final = 0.65
"""Going faster is never right where so much is refused."""
_WELL_AGAIN: Final = 0.02
"""Refused less than this while fast: whatever it was is over."""


class _Share:
    """The running share of refusals, and of how many answers."""

    __slots__ = ("answers", "refused")

    def __init__(self) -> None:
        self.answers = 0
        self.refused = 0.0

    def add(self, answers: int, throttled: int) -> None:
        share = throttled / answers
        kept = (1.0 - _WEIGHT) ** answers if self.answers else 0.0
        self.refused = self.refused * kept + share * (1.0 - kept)
        self.answers += answers


class SlowingEffect:
    """Of one connector. A call of `note` costs 0.6 µs, and is needed only where a carrier ever throttled."""

    __slots__ = ("_fast", "_is_in_vain", "_next_trial", "_slow", "_trial")

    def __init__(self) -> None:
        self._slow = _Share()
        self._fast = _Share()
        self._trial: _Share | None = None
        """All answers since a trial began; None while none goes on."""
        self._next_trial = _FIRST_TRIAL_ANSWERS
        self._is_in_vain = False

    @property
    def is_in_vain(self) -> bool:
        """Whether the carrier refuses as much while we are slow as while we are fast."""
        return self._is_in_vain

    @property
    def keeps_speed(self) -> bool:
        """Whether a refusal should leave the speed alone: slowing is in vain, or that is being tried."""
        return self._is_in_vain or self._trial is not None

    def note(self, speed_share: float, *, taken: int, throttled: int) -> None:
        """Answers that came while `speed_share` of the allowed speed was in force."""
        answers = taken + throttled
        if not answers:
            return
        if speed_share > _SLOW_SHARE:
            self._fast.add(answers, throttled)
        elif not self.keeps_speed:
            self._slow.add(answers, throttled)
        if self._is_in_vain:
            self._is_in_vain = self._is_like_slow(_WORSE)
        elif self._trial is not None:
            self._trial.add(answers, throttled)
            self._go_on_trying(self._trial)
        elif self._slow.answers >= self._next_trial:
            low, high = _WORTH_A_TRIAL
            if low <= self._slow.refused <= high:
                self._trial, self._fast = _Share(), _Share()

    def _is_like_slow(self, times: float) -> bool:
        return _WELL_AGAIN <= self._fast.refused <= min(times * self._slow.refused, _MOSTLY_REFUSED)

    def _go_on_trying(self, trial: _Share) -> None:
        is_decided = self._fast.answers >= _TRIAL_ANSWERS
        is_refused = trial.answers >= _TRIAL_ANSWERS and trial.refused > _MOSTLY_REFUSED
        if not (is_decided or is_refused):
            return
        self._trial = None
        self._is_in_vain = not is_refused and self._is_like_slow(_NO_WORSE)
        if self._is_in_vain:
            self._next_trial = _FIRST_TRIAL_ANSWERS
        else:
            self._next_trial = min(2 * self._next_trial, _LAST_TRIAL_ANSWERS)
            self._slow = _Share()
