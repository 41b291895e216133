"""What limits a connector now: the carrier, the window, its speed, its silence, or that no bind is up.

Owns the order in which causes are told, since several may hold at once, and the words. Changes nothing.
"""

from dataclasses import dataclass
from enum import Enum

from gateway.dispatch.connector import ConnectorRun
from gateway.smpp.statuses import is_standard_status, name_status, write_status

_SLOW_ANSWER_SECONDS = 3.0
"""An answer that takes longer is worth a word to the operator."""


class LimitCause(Enum):
    """Why no more leaves than does."""

    DOWN = "down"
    CARRIER = "carrier"
    """It answered that we are too fast; speed is given back step by step."""
    SILENCE = "silence"
    """It takes long to answer, and what it has not answered fills the window."""
    WINDOW = "window"
    SPEED = "speed"


@dataclass(frozen=True, slots=True)
class Limit:
    """The first cause that holds, None when nothing limits. Speeds in parts a second: now, and as allowed."""

    cause: LimitCause | None
    words: str
    parts_per_second: float
    of: float
    command_status: int | None = None
    """What the carrier answered, where it is the cause."""


def find_limit(run: ConnectorRun, *, is_bound: bool) -> Limit:
    """What limits this connector now."""
    speed, allowed = run.pacer.parts_per_second, run.pacer.limit
    if not is_bound:
        return Limit(LimitCause.DOWN, "no bind is up", 0.0, allowed)
    is_below_ceiling = speed < run.pacer.ceiling or (speed < allowed and run.is_paced)
    if is_below_ceiling or run.is_throttled_at_any_speed:
        words = f"limited by carrier: {write_status(run.throttled_by)}, {_write_speeds(speed, allowed)}"
        if is_standard_status(run.throttled_by):
            words += f" ({name_status(run.throttled_by)})"
        if run.is_throttled_at_any_speed:
            words += ", at any speed"
        return Limit(LimitCause.CARRIER, words, speed, allowed, run.throttled_by)
    cause, words = _find_own_limit(run, allowed)
    return Limit(cause, words, speed, allowed)


def _find_own_limit(run: ConnectorRun, allowed: float) -> tuple[LimitCause | None, str]:
    if (seconds := run.unanswered_seconds) >= _SLOW_ANSWER_SECONDS:
        words = f"{run.in_flight} submits await their answer, the oldest for {seconds:.0f} s"
        return LimitCause.SILENCE, words
    if run.in_flight >= run.window:
        return LimitCause.WINDOW, f"the window is full: {run.in_flight} submits await their answer"
    if run.is_paced:
        return LimitCause.SPEED, f"at its parts_per_second, {allowed:g}"
    return None, ""


def _write_speeds(speed: float, allowed: float) -> str:
    """Whole numbers where they say enough: a slow connector has tenths."""
    places = 0 if allowed >= 10 else 1
    return f"{speed:.{places}f}/s of {allowed:.{places}f}/s"
