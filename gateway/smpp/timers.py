"""The timers of a session as a value that is told the time. SMPP 3.4 §7.2.

Owns when to ask for a sign of life and when to give up. Refuses to know clocks, tasks and sockets: whoever
owns the session calls `tick` about once a second. The response timer belongs to the window, which knows what
was sent when.
"""

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """All in seconds; 0 turns a timer off."""

    session_init_seconds: float = 10.0
    """From the connection to a successful bind."""
    enquire_link_seconds: float = 30.0
    """Silence of the peer before we ask. Some carriers forbid less than 30 or 60 (quirk 19)."""
    enquire_link_timeout_seconds: float = 15.0
    """Silence after asking that means a dead link (quirk 18)."""
    inactivity_seconds: float = 0.0
    """No message in either direction for so long ends the session: for a server that sheds idle clients."""


class TimerVerdict(Enum):
    """What the session must do now. Everything from SESSION_INIT_EXPIRED on means: close."""

    NOTHING = auto()
    SEND_ENQUIRE_LINK = auto()
    SESSION_INIT_EXPIRED = auto()
    ENQUIRE_LINK_UNANSWERED = auto()
    INACTIVE = auto()


class SessionTimers:
    """One session's timers. Times are seconds of one monotonic clock."""

    __slots__ = (
        "_enquired_at",
        "_heard_at",
        "_is_asking_soon",
        "_is_bound",
        "_opened_at",
        "_settings",
        "_traffic_at",
    )

    def __init__(self, settings: TimerSettings, *, opened_at: float) -> None:
        self._settings = settings
        self._opened_at = opened_at
        self._heard_at = opened_at
        self._traffic_at = opened_at
        self._enquired_at: float | None = None
        self._is_bound = False
        self._is_asking_soon = False

    def bind(self, now: float) -> None:
        """The session is bound: the init timer stops, the others start."""
        self._is_bound = True
        self._heard_at = self._traffic_at = now

    def hear(self, now: float) -> None:
        """Something arrived. Any PDU is a sign of life, not only enquire_link_resp (quirk 18)."""
        self._heard_at = now
        self._enquired_at = None
        self._is_asking_soon = False

    def silent_seconds(self, now: float) -> float:
        """For how long nothing has arrived."""
        return now - self._heard_at

    def ask_soon(self) -> None:
        """Whether the peer is there at all is in doubt: ask at the next tick, not at the usual time."""
        self._is_asking_soon = True

    def note_traffic(self, now: float) -> None:
        """A message passed, in either direction."""
        self._traffic_at = now

    def tick(self, now: float) -> TimerVerdict:
        """Judge the time. After SEND_ENQUIRE_LINK the wait for an answer has begun."""
        settings = self._settings
        if not self._is_bound:
            if _is_past(self._opened_at, settings.session_init_seconds, now):
                return TimerVerdict.SESSION_INIT_EXPIRED
            return TimerVerdict.NOTHING
        if _is_past(self._traffic_at, settings.inactivity_seconds, now):
            return TimerVerdict.INACTIVE
        if self._enquired_at is not None:
            if _is_past(self._enquired_at, settings.enquire_link_timeout_seconds, now):
                return TimerVerdict.ENQUIRE_LINK_UNANSWERED
            return TimerVerdict.NOTHING
        if self._is_asking_soon or _is_past(self._heard_at, settings.enquire_link_seconds, now):
            self._is_asking_soon = False
            self._enquired_at = now
            return TimerVerdict.SEND_ENQUIRE_LINK
        return TimerVerdict.NOTHING


def _is_past(since: float, seconds: float, now: float) -> bool:
    return seconds > 0 and now - since >= seconds
