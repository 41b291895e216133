"""How long to wait before connecting again, by what went wrong. Pure: chance is passed in.

Retrying wrong credentials every second gets an address blocked (quirk 14); an SMSC that still holds the old
session needs patience, not an alarm (quirk 12); a broken line is worth a quick try.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from types import MappingProxyType
from typing import Final

from gateway.session.owner import CloseKind, CloseReason
from gateway.smpp.statuses import CommandStatus


class FailureKind(Enum):
    """What kept a bind from being up."""

    NETWORK = "network"
    """No connection, or it broke, or the peer went silent."""
    CREDENTIALS = "credentials"
    """The SMSC does not accept system_id, password or system_type: a person must look."""
    ALREADY_BOUND = "already_bound"
    REFUSED = "refused"
    """Any other error in answer to the bind."""
    TLS = "tls"
    """No TLS between us: a certificate or a setting is wrong, and a person must look."""
    PEER_UNBOUND = "peer_unbound"
    """The SMSC ended the session in order, mostly for maintenance."""


_KIND_BY_STATUS: Final[dict[int, FailureKind]] = {
    CommandStatus.ESME_RBINDFAIL: FailureKind.CREDENTIALS,
    CommandStatus.ESME_RINVPASWD: FailureKind.CREDENTIALS,
    CommandStatus.ESME_RINVSYSID: FailureKind.CREDENTIALS,
    CommandStatus.ESME_RINVSYSTYP: FailureKind.CREDENTIALS,
    CommandStatus.ESME_RALYBND: FailureKind.ALREADY_BOUND,
}


def classify_close(reason: CloseReason) -> FailureKind:
    """What the end of a session means for the next attempt."""
    if reason.kind is CloseKind.BIND_REFUSED:
        return _KIND_BY_STATUS.get(reason.command_status or 0, FailureKind.REFUSED)
    if reason.kind is CloseKind.PEER_UNBOUND:
        return FailureKind.PEER_UNBOUND
    if reason.kind is CloseKind.TLS:
        return FailureKind.TLS
    return FailureKind.NETWORK


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds before the first repeat, doubled at each further one up to the most."""

    first_seconds: float
    most_seconds: float


DEFAULT_DELAYS: Final[Mapping[FailureKind, Delay]] = MappingProxyType(
    {
        FailureKind.NETWORK: Delay(1, 30),
        FailureKind.CREDENTIALS: Delay(60, 900),
        FailureKind.ALREADY_BOUND: Delay(5, 30),
        FailureKind.REFUSED: Delay(10, 120),
        FailureKind.TLS: Delay(10, 300),
        FailureKind.PEER_UNBOUND: Delay(2, 60),
    }
)


@dataclass(slots=True)
class Backoff:
    """The delays of one bind. Failures of the same kind in a row wait longer; another kind starts over."""

    random: Random
    delays: Mapping[FailureKind, Delay] = field(default_factory=lambda: DEFAULT_DELAYS)
    failures: int = 0
    """In a row, of any kind, since the last `reset`."""
    _kind: FailureKind | None = None
    _repeats: int = 0

    def reset(self) -> None:
        """The bind was up for long enough to count as healthy."""
        self.failures = self._repeats = 0
        self._kind = None

    def next_delay_seconds(self, kind: FailureKind) -> float:
        """Count a failure; return the wait before the next attempt, a quarter more or less by chance.

        Chance keeps many binds from coming back at the same instant after an outage.
        """
        self.failures += 1
        self._repeats = self._repeats + 1 if kind is self._kind else 0
        self._kind = kind
        delay = self.delays[kind]
        seconds = min(delay.most_seconds, delay.first_seconds * 2.0 ** min(self._repeats, 30))
        return seconds * self.random.uniform(0.75, 1.25)
