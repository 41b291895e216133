"""When a process that ended is started again: at once after a single end, ever later when it does not last.

Values only; who starts it is no matter here.
"""

from dataclasses import dataclass
from typing import Final

STEADY_SECONDS: Final = 60.0
"""A process that lived for so long is sound: its end is a first one."""
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
"""What it held is others' meanwhile, so patience costs nothing; a cause that passes is noticed within
this."""


@dataclass(frozen=True, slots=True)
class Restart:
    """What follows an end: `early_ends` in a row, this one too, and the pause before the next start."""

    early_ends: int = 0
    pause_seconds: float = 0.0


def plan_restart(before: Restart, *, lived_seconds: float) -> Restart:
    """The restart after a process ended that had been started as `before` says."""
    if lived_seconds >= STEADY_SECONDS:
        return Restart()
    doublings = min(before.early_ends - 1, 16)
    pause_seconds = 0.0 if before.early_ends == 0 else FIRST_PAUSE_SECONDS * 2**doublings
    return Restart(before.early_ends + 1, min(LONGEST_PAUSE_SECONDS, pause_seconds))
