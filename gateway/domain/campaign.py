"""The life of a campaign, why somebody is left out of one, and why one stands still: closed sets as stored.

Knows no table, no clock and no message (`message`).
"""

from enum import IntEnum
from typing import Final


class CampaignState(IntEnum):
    """Where a campaign stands. Stored; never renumber."""

    DRAFT = 1
    PLANNED = 2
    RUNNING = 3
    PAUSED = 4
    FINISHED = 5
    CANCELLED = 6

    @property
    def word(self) -> str:
        return self.name.lower()


C = CampaignState

CAMPAIGN_MOVES: Final[dict[CampaignState, frozenset[CampaignState]]] = {
    C.DRAFT: frozenset({C.PLANNED, C.CANCELLED}),
    C.PLANNED: frozenset({C.DRAFT, C.RUNNING, C.CANCELLED}),
    C.RUNNING: frozenset({C.PAUSED, C.FINISHED, C.CANCELLED}),
    C.PAUSED: frozenset({C.RUNNING, C.FINISHED, C.CANCELLED}),
    C.FINISHED: frozenset(),
    C.CANCELLED: frozenset(),
}
"""Every move. A planned campaign goes back to draft while nobody was frozen; a paused one finishes when the
last of it expired."""


class PauseReason(IntEnum):
    """Why a campaign is paused. Stored; never renumber."""

    NONE = 0
    PERSON = 1
    ERROR_RATE = 2
    SPEND_CAP = 3
    """The shop's cap has no room for the next message; leaving thousands out instead would be a worse end."""

    @property
    def word(self) -> str:
        return self.name.lower()


class Exclusion(IntEnum):
    """Why somebody whom the audience names gets no message. Stored; never renumber. Where several hold, the
    one that comes first here is told."""

    NONE = 0
    OPTED_OUT = 1
    """An opt-out from marketing: a STOP, the page, or a person at the shop."""
    SUPPRESSED = 2
    """Kept from everything: carrier or operator."""
    CONSENT_MISSING = 3
    ON_EXCLUDED_LIST = 4
    RECEIVED_RECENTLY = 5
    COUNTRY_NOT_ALLOWED = 6
    NO_ROUTE = 7
    VALUE_MISSING = 8
    """The text asks for a field that this person has no value for, and names no default."""
    TEXT_TOO_LONG = 9
    """With this person's values the text needs more parts than are allowed."""
    SPEND_CAP = 10
    ERASED = 11
    INVALID_NUMBER = 12

    @property
    def word(self) -> str:
        return self.name.lower()
