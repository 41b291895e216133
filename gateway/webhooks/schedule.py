"""When a delivery is tried again, and when it is given up: the judge of an attempt's outcome.

Pure: the clock and the random draw are passed in. Knows HTTP statuses, and nothing of how one is got.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

FIRST_DELAY_SECONDS = 5.0
LONGEST_DELAY_SECONDS = 6 * 3600.0
_JITTER = 0.25
"""A delay is drawn from 75–125 % of its nominal length, so that a thousand failures do not return as one."""

GONE = 410


class Verdict(Enum):
    """What an attempt means for its delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict and, for a retry, its moment."""

    verdict: Verdict
    next_at: datetime | None = None


def delay_seconds(attempt: int) -> float:
    """The nominal pause after failed attempt number `attempt` (from 1): 5 s, doubling up to 6 h."""
    return float(min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 30)))


def attempt_limit(window_seconds: float) -> int:
    """The attempts that fit nominally into a window that begins with the first of them."""
    attempts, elapsed = 1, delay_seconds(1)
    while elapsed <= window_seconds:
        attempts += 1
        elapsed += delay_seconds(attempts)
    return attempts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that has ended. `status` None: no answer came. `number` counts from 1.

    `began_at` is when the event occurred, or None for a redelivery, whose window is counted in attempts.
    """

    number: int
    began_at: datetime | None
    status: int | None
    retry_after: str | None = None


def judge_attempt(attempt: Attempt, *, now: datetime, draw: float, window_seconds: float) -> Ruling:
    """Only 2xx is success; 410 ends at once; all else is tried again until the window has passed.

    `draw` is uniform in [0, 1). A `Retry-After` longer than our own pause is kept, up to 6 h.
    """
    if attempt.status is not None and 200 <= attempt.status < 300:
        return Ruling(Verdict.DELIVERED)
    if attempt.status == GONE or attempt.number >= attempt_limit(window_seconds):
        return Ruling(Verdict.GIVE_UP)
    pause = delay_seconds(attempt.number) * (1 - _JITTER + 2 * _JITTER * draw)
    pause = max(pause, parse_retry_after(attempt.retry_after, now))
    next_at = now + timedelta(seconds=pause)
    if attempt.began_at is not None and next_at > attempt.began_at + timedelta(seconds=window_seconds):
        return Ruling(Verdict.GIVE_UP)
    return Ruling(Verdict.RETRY, next_at)


def parse_retry_after(value: str | None, now: datetime) -> float:
    """Seconds that a `Retry-After` header asks for (RFC 9110 §10.2.3), 0 … 6 h; 0 when it says nothing."""
    if value is None:
        return 0.0
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(LONGEST_DELAY_SECONDS, float(text[:12]))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(LONGEST_DELAY_SECONDS, max(0.0, (moment - now).total_seconds()))
