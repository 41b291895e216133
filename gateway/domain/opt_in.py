"""When a recorded opt-in counts: which consent may stand after an opt-out, and which one adds nothing.

Owns the rule that a withdrawal is stronger than an agreement of unknown date. Knows no table and no way in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from gateway.domain.people import MarketingConsent, SuppressionScope

CLOCKS_APART: Final = timedelta(minutes=5)
"""What the clock of a shop's own system may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a shop says a person said about marketing. `said_at` None: the shop did not say when."""

    state: MarketingConsent
    source: str
    wording: str | None = None
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands so far: the newest recorded word of the person, and what the shop must not send."""

    state: MarketingConsent = MarketingConsent.UNKNOWN
    said_at: datetime | None = None
    source: str = ""
    wording: str | None = None
    scope: SuppressionScope = SuppressionScope.NONE
    opted_out_at: datetime | None = None
    """When the opt-out that stands was recorded."""


class OptInVerdict(Enum):
    """What becomes of an opt-in."""

    RECORD = auto()
    """It is appended, and the person may be sent marketing."""
    RESTORE = auto()
    """It is newer than the opt-out that stands, which is lifted with it."""
    NOTHING_NEW = auto()
    """The same is recorded already."""
    IN_THE_FUTURE = auto()
    OPTED_OUT_SINCE = auto()
    """An opt-out stands, and the opt-in is older or does not say when it was given."""
    KEPT_FROM_ALL = auto()
    """The number is kept from everything; consent does not change that."""


def judge_opt_in(statement: Statement, recorded: Recorded, now: datetime) -> OptInVerdict:
    """Whether an opt-in is recorded.

    Nothing outweighs an opt-out but a consent that names its moment, later than the opt-out, and its source:
    an old list imported once more must not bring back the people who left since.
    """
    if statement.said_at is not None and statement.said_at > now + CLOCKS_APART:
        return OptInVerdict.IN_THE_FUTURE
    if recorded.scope is SuppressionScope.ALL:
        return OptInVerdict.KEPT_FROM_ALL
    left_at = _left_at(recorded)
    if left_at is not None:
        if statement.said_at is None or not statement.source or statement.said_at <= left_at:
            return OptInVerdict.OPTED_OUT_SINCE
        return OptInVerdict.RESTORE
    return OptInVerdict.NOTHING_NEW if _says_the_same(statement, recorded) else OptInVerdict.RECORD


def _left_at(recorded: Recorded) -> datetime | None:
    """When the person left, as late as anything recorded says; None for who did not."""
    moments = [
        moment
        for moment, stands in (
            (recorded.opted_out_at, recorded.scope is not SuppressionScope.NONE),
            (recorded.said_at, recorded.state is MarketingConsent.OPTED_OUT),
        )
        if stands and moment is not None
    ]
    return max(moments, default=None)


def _says_the_same(statement: Statement, recorded: Recorded) -> bool:
    return (
        recorded.state is MarketingConsent.OPTED_IN
        and recorded.source == statement.source
        and recorded.wording == statement.wording
        and statement.said_at in (None, recorded.said_at)
    )
