"""Speed: how many parts may leave now, so that they go evenly spaced and never above the contract's figure.

Carriers count per second by their own clock and punish bursts (quirk 43), so credit is worth 20 ms of speed
at most, or less than one part beyond the one that is due. After a carrier says “too fast” the speed is halved
and comes back in small steps; who said it at the full speed counts strictly, and gets a little less of it.
Owns no clock: every call brings `now`, seconds of a monotonic clock.

Connectors that begin together, as after a start or a hold, would leave together ever after: 200 of one speed
were 8 ms of work at one moment, and nothing between. So each begins a schedule at a phase of its own, which
costs its second part 50 ms at most, and the first nothing.
"""

from typing import Final

TICK_SECONDS: Final = 0.02
"""Lateness that is made good at 100 parts a second and above, where several parts are due in that time."""

LATENESS_SECONDS: Final = 0.05
"""Lateness of a single part that is made good below. What is not made good is lost for good: the schedule of
all later parts is late by it, and the contract's speed is not used."""

_LESS_THAN_A_PART: Final = 0.99
"""Credit beyond the part that is due. Below one, no second holds more than one part above a whole speed."""

_PHASES: Final = 8
"""Of 200 connectors of 20 parts a second 25 leave together, every 6 ms: more phases wake the loop more often,
fewer keep it busy for longer."""

_RECOVERY_STEP: Final = 0.05
"""Of the limit, gained back per second: from half to full speed in ten seconds."""
_SLOWEST: Final = 0.02
"""Of the limit, below which throttling does not push: some speed is needed to see the carrier recover."""

_STRICT_STEP: Final = 0.02
"""Of the limit, by which the ceiling is lowered each time the carrier says “too fast” at it. One that takes
the contract's figure in any second and not one part more refuses the part that an even row at just that speed
puts at its end: every 12 s, and with the pause and the halving a third of the contract is lost."""
_LOWEST_CEILING: Final = 0.9
"""Of the limit; a carrier that takes less has a limit of its own, which halving finds."""
_STRICT_LATENESS_SECONDS: Final = 0.01
"""Lateness made good below a ceiling: what is caught up shortens a second by as much, and the step above is
of 20 ms."""
_TRIAL_SECONDS: Final = 600.0
"""At the ceiling without a “too fast”, after which it is raised by a step: the carrier may only have been
busy. Where it was not, the pause and the halving cost one part in 150."""

# A part is due when its credit is 1 but for rounding: a monotonic clock of some weeks has steps of 2⁻³² s,
# which at 20,000 parts a second is 5e-6 of a part. What is taken too early stays as debt, so nothing is
# gained by it.
_ROUNDING: Final = 1e-5


def spread_phase(number: int) -> float:
    """A phase for each connector, by its number."""
    return number % _PHASES / _PHASES


class Pacer:
    """Evenly spaces the parts of one connector on one node. A call of `take` costs 0.2 µs."""

    __slots__ = (
        "_anew", "_burst", "_ceiling_share", "_changed_at", "_credit", "_limit", "_paused_until", "_phase",
        "_seen_at", "_speed",
    )  # fmt: skip

    def __init__(self, parts_per_second: float, *, now: float, phase: float = 0.0) -> None:
        """`phase`, in [0, 1), says how far behind the first part of a new schedule the others stand."""
        self._phase = phase
        self._credit = 1.0
        self._seen_at = now
        self._paused_until = now
        self._changed_at = now
        self._ceiling_share = 1.0
        self._limit = self._speed = parts_per_second
        self.set_limit(parts_per_second)

    @property
    def parts_per_second(self) -> float:
        """The speed at this moment, at most the limit."""
        return self._speed

    @property
    def limit(self) -> float:
        """The speed allowed by configuration and leases."""
        return self._limit

    @property
    def ceiling(self) -> float:
        """The speed at which this carrier takes everything: the limit, or a little less."""
        return self._limit * self._ceiling_share

    def is_paused(self, now: float) -> bool:
        """Whether the carrier's wish for a pause is still being honoured."""
        return now < self._paused_until

    def take(self, now: float, wanted: int) -> int:
        """How many of `wanted` parts may leave now, 0 to `wanted`; they count as sent."""
        if now < self._paused_until:
            return 0
        elapsed = now - self._seen_at
        if elapsed > 0.0:
            self._seen_at = now
            credit = self._credit + elapsed * self._speed
            self._credit = self._anew if credit > self._burst else credit
        allowed = int(self._credit + _ROUNDING)
        if allowed > wanted:
            allowed = wanted
        self._credit -= allowed
        return allowed

    def next_at(self) -> float:
        """When `take` will next allow a part; may lie in the past."""
        due_at = self._seen_at + (1.0 - self._credit) / self._speed
        return max(due_at, self._paused_until)

    def give_back(self, parts: int) -> None:
        """Undo the taking of parts that were not written after all."""
        self._credit = min(self._burst, self._credit + parts)

    def set_limit(self, parts_per_second: float) -> None:
        """Change the allowed speed, as leases and configuration do. A throttled pacer recovers up to it."""
        if not parts_per_second > 0.0:
            raise ValueError(f"a speed of {parts_per_second} parts a second sends nothing; pause instead")
        was_full = self._speed >= self.ceiling
        self._limit = parts_per_second
        self._set_speed(self.ceiling if was_full else min(self._speed, self.ceiling))

    def slow_down(self, now: float, pause_seconds: float) -> None:
        """The carrier said “too fast”: pause, then go on at half speed.

        The answers to one window come together: while paused, further ones only extend the pause.
        """
        if now >= self._paused_until:
            if self._speed >= self.ceiling:
                self._ceiling_share = max(_LOWEST_CEILING, self._ceiling_share - _STRICT_STEP)
            self._set_speed(max(self._speed / 2.0, self._limit * _SLOWEST))
        self.pause(now, pause_seconds)
        self._changed_at = self._paused_until

    def pause(self, now: float, seconds: float) -> None:
        """Let nothing leave for so long, and keep the speed."""
        self._paused_until = max(self._paused_until, now + seconds)
        self._seen_at = max(self._seen_at, self._paused_until)  # no credit grows during the pause
        self._credit = min(self._credit, 1.0)

    def recover(self, now: float) -> None:
        """Give back some speed for the time since the last change. Call it about once a second."""
        elapsed = now - self._changed_at
        if elapsed <= 0.0 or self._speed >= self._limit:
            return
        if self._speed < self.ceiling:
            self._set_speed(min(self.ceiling, self._speed + self._limit * _RECOVERY_STEP * elapsed))
        elif elapsed >= _TRIAL_SECONDS:
            self._ceiling_share = min(1.0, self._ceiling_share + _STRICT_STEP)
            self._set_speed(self.ceiling)
        else:
            return
        self._changed_at = now

    def _set_speed(self, parts_per_second: float) -> None:
        self._speed = parts_per_second
        # A late call must not lose what fell due meanwhile, and two parts must not leave at once for it.
        single, several = LATENESS_SECONDS, TICK_SECONDS
        if self._ceiling_share < 1.0:
            single = several = _STRICT_LATENESS_SECONDS
        carried_over = min(parts_per_second * single, _LESS_THAN_A_PART)
        self._burst = max(parts_per_second * several, 1.0 + carried_over)
        self._anew = self._burst - self._phase * carried_over
