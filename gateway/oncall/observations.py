"""What is seen of the node at one moment, as plain values: all that alerts are judged by.

Gathered in `gateway/node/`, from reports that exist anyway and a few cheap statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.oncall.duties import Duty


@dataclass(frozen=True, slots=True)
class BindSeen:
    """A bind that is configured and not taken down by somebody. `down_since` None: it is up."""

    connector: str
    bind_no: int
    mode: str
    down_since: datetime | None
    is_refused: bool = False
    """The carrier does not accept our credentials."""
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """Messages of one lane that wait for a connector; nothing that somebody holds is among the oldest."""

    connector: str
    lane: str
    oldest_seconds: float
    messages: int


@dataclass(frozen=True, slots=True)
class DeliverySeen:
    """Parts whose end receipts told in the last 15 minutes."""

    connector: str
    delivered: int
    ended: int


@dataclass(frozen=True, slots=True)
class UnknownSeen:
    """Messages that a connector's carrier did not answer and that nobody decided about."""

    connector: str
    messages: int


@dataclass(frozen=True, slots=True)
class SpendSeen:
    """How far a shop is with a cap. Amounts as the shop sees them; `period` is `day` or `month`."""

    shop: str
    period: str
    spent_micros: int
    cap_micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class BurstSeen:
    """One-time passwords within the hour to a block of a thousand numbers."""

    prefix: str
    messages: int


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """Space where the state folder lies."""

    path: str
    free_octets: int
    total_octets: int

    @property
    def free_percent(self) -> float:
        return 100.0 * self.free_octets / self.total_octets if self.total_octets else 100.0


@dataclass(frozen=True, slots=True)
class HaltedSeen:
    """A campaign that paused itself, and why, in a sentence."""

    shop: str
    campaign: str
    sentence: str


@dataclass(frozen=True, slots=True)
class GoneSeen:
    """A node that let its lease run out, not long ago, and whose place others took. `node` names it."""

    node: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything at one moment. What comes from the database is empty while that is away, and None where it
    has not been looked at: what was told of it then stands. `node` names this node among all."""

    now: datetime
    host: str
    node: str
    is_database_away: bool
    holds_lease: bool
    binds: Sequence[BindSeen] = ()
    missing_connectors: Sequence[str] = ()
    queue: Sequence[QueueSeen] | None = ()
    deliveries: Sequence[DeliverySeen] = ()
    unknown: Sequence[UnknownSeen] | None = ()
    spend: Sequence[SpendSeen] | None = ()
    bursts: Sequence[BurstSeen] = ()
    disk: DiskSeen | None = None
    halted: Sequence[HaltedSeen] = ()
    clicks_lost: int = 0
    """Within the last hour."""
    ledger_faults: Sequence[str] | None = ()
    """What did not agree when the ledger was last read."""
    gone_nodes: Sequence[GoneSeen] = ()
    duty: Duty = field(default_factory=Duty)
    """What of it all this node judges."""
