"""The kinds of alerts, and an alert as a value: what needs somebody, about what, in one sentence.

Codes are stable: scripts and the console rely on them, and each has its section in docs/3am.md.
"""

from dataclasses import dataclass
from enum import Enum


class AlertKind(Enum):
    """Everything that is told, the worst first."""

    DATABASE_AWAY = "database_away"
    LEASE_LOST = "lease_lost"
    NODE_GONE = "node_gone"
    CREDENTIALS_REFUSED = "credentials_refused"
    BIND_DOWN = "bind_down"
    CONNECTOR_MISSING = "connector_missing"
    QUEUE_AGE = "queue_age"
    DELIVERY_DROP = "delivery_drop"
    UNKNOWN_MESSAGES = "unknown_messages"
    LEDGER_DIFFERENCE = "ledger_difference"
    DISK_LOW = "disk_low"
    SPEND_CAP = "spend_cap"
    SPEND_NEAR_CAP = "spend_near_cap"
    OTP_BURST = "otp_burst"
    CAMPAIGN_HALTED = "campaign_halted"
    CLICKS_LOST = "clicks_lost"
    TEST = "test"
    """Sent by `estafette alerts test` only."""


_RANK = {kind: rank for rank, kind in enumerate(AlertKind)}

AlertKey = tuple[AlertKind, str]
"""Kind and subject: what makes an alert the same as an earlier one."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs a look, now. `shop` is set when only people of that shop and operators may know.

    `subject` stays the same as long as the trouble does; figures that move stand in the sentence.
    """

    kind: AlertKind
    subject: str
    sentence: str
    shop: str | None = None

    @property
    def key(self) -> AlertKey:
        return (self.kind, self.subject)

    @property
    def rank(self) -> tuple[int, str]:
        """For sorting, the worst first."""
        return (_RANK[self.kind], self.subject)


SHOP_KINDS = frozenset((AlertKind.SPEND_CAP, AlertKind.SPEND_NEAR_CAP, AlertKind.CAMPAIGN_HALTED))
"""Kinds whose subject begins with the shop's name and a slash."""


def shop_of(kind: AlertKind, subject: str) -> str | None:
    """The shop that an alert is about, from its subject; for alerts read back from rows."""
    return subject.partition("/")[0] if kind in SHOP_KINDS else None
