"""Which alerts hold, judged from what is seen. Pure.

Figures that hover at a limit would come and go: an alert that stands ends only a little beyond the limit that
raised it. How long a trouble must be gone, and when it is told, is the book's.
"""

from collections.abc import Collection, Iterator
from typing import Final

from gateway.config.tree import AlertsConfig
from gateway.domain.pricing import format_micros
from gateway.domain.printable import make_printable
from gateway.oncall.alerts import Alert, AlertKey, AlertKind
from gateway.oncall.duties import name_bind
from gateway.oncall.observations import (
    BindSeen,
    DeliverySeen,
    DiskSeen,
    GoneSeen,
    Observations,
    QueueSeen,
    SpendSeen,
    UnknownSeen,
)

LEAST_RECEIPTS: Final = 100
"""Receipts within 15 minutes below which a share of them says little."""
_DISK_SLACK_PERCENT: Final = 2
_DELIVERY_SLACK_PERCENT: Final = 10
_BURST_SLACK: Final = 0.8
_UNKNOWN_SLACK: Final = 0.8
_SHOWN_FAULTS: Final = 3
_AT_CAP_PERCENT: Final = 99
"""A cap refuses what would go beyond it, so the last hundredth mostly stays unspent."""

DATABASE_AWAY: Final = "The database does not answer: nothing is taken in or sent until it is back."
LEASE_LOST: Final = "This node's lease has run out: nothing is sent until it is renewed."

_KINDS_OF_ROWS: Final = {
    "queue": (AlertKind.QUEUE_AGE,),
    "unknown": (AlertKind.UNKNOWN_MESSAGES,),
    "spend": (AlertKind.SPEND_CAP, AlertKind.SPEND_NEAR_CAP),
    "ledger_faults": (AlertKind.LEDGER_DIFFERENCE,),
}


def tell_missing(connector: str) -> str:
    """That messages wait for a connector which does not run."""
    return f"Messages wait for {connector}, which is not configured or enabled."


def find_unseen(seen: Observations) -> frozenset[AlertKind]:
    """Kinds of which nothing can be said now, because what they are judged by was not to be had."""
    kinds = [kinds for name, kinds in _KINDS_OF_ROWS.items() if getattr(seen, name) is None]
    return frozenset(kind for each in kinds for kind in each)


def judge(seen: Observations, limits: AlertsConfig, standing: Collection[AlertKey] = ()) -> list[Alert]:
    """The alerts that hold, the worst first. `standing` are those told of and not ended yet."""
    alerts = [
        *_judge_node(seen),
        *(_tell_gone(each) for each in seen.gone_nodes),
        *(alert for bind in seen.binds if (alert := _judge_bind(bind, seen, limits, standing))),
        *(Alert(AlertKind.CONNECTOR_MISSING, name, tell_missing(name)) for name in seen.missing_connectors),
        *(alert for each in seen.queue or () if (alert := _judge_queue(each, limits))),
        *(alert for each in seen.deliveries if (alert := _judge_delivery(each, limits, standing))),
        *(alert for each in seen.unknown or () if (alert := _judge_unknown(each, limits, standing))),
        *_judge_ledger(seen),
        *(alert for each in seen.spend or () if (alert := _judge_spend(each, limits))),
        *_judge_bursts(seen, limits, standing),
        *(
            Alert(AlertKind.CAMPAIGN_HALTED, f"{each.shop}/{each.campaign}", each.sentence, each.shop)
            for each in seen.halted
        ),
    ]
    if seen.disk is not None and (alert := _judge_disk(seen.disk, seen.host, limits, standing)):
        alerts.append(alert)
    return sorted(alerts, key=lambda alert: alert.rank)


def _judge_node(seen: Observations) -> Iterator[Alert]:
    if seen.is_database_away:
        yield Alert(AlertKind.DATABASE_AWAY, seen.node, DATABASE_AWAY)
    elif not seen.holds_lease:
        yield Alert(AlertKind.LEASE_LOST, seen.node, LEASE_LOST)
    if seen.clicks_lost:
        yield Alert(
            AlertKind.CLICKS_LOST,
            seen.node,
            f"{seen.clicks_lost:,} clicks of the last hour could not be kept while the database was away.",
        )


def _tell_gone(gone: GoneSeen) -> Alert:
    return Alert(
        AlertKind.NODE_GONE,
        gone.node,
        f"{gone.node} has let its lease run out at {gone.since:%H:%M} UTC; other nodes do its work.",
    )


def _judge_bind(
    bind: BindSeen, seen: Observations, limits: AlertsConfig, standing: Collection[AlertKey]
) -> Alert | None:
    """Wrong credentials at once, for no wait mends them; anything else after `bind_down_seconds`, and at once
    where it was told already: another node may have had the bind then."""
    if bind.down_since is None:
        return None
    subject = find_subject(bind)
    which = f"{bind.connector}: {subject.removeprefix(f'{bind.connector} ')}"
    why = f": {make_printable(bind.last_error)}" if bind.last_error else ""
    if bind.is_refused:
        return Alert(AlertKind.CREDENTIALS_REFUSED, subject, f"{which} is not accepted by the carrier{why}.")
    is_told = (AlertKind.BIND_DOWN, subject) in standing
    if not is_told and (seen.now - bind.down_since).total_seconds() < limits.bind_down_seconds:
        return None
    return Alert(AlertKind.BIND_DOWN, subject, f"{which} is down since {bind.down_since:%H:%M} UTC{why}.")


def find_subject(bind: BindSeen) -> str:
    """What alerts of a bind are about."""
    return name_bind(bind.connector, bind.bind_no) + ("" if bind.mode == "transceiver" else f" ({bind.mode})")


def _judge_queue(each: QueueSeen, limits: AlertsConfig) -> Alert | None:
    most = getattr(limits.queue_age_seconds, each.lane)
    if each.oldest_seconds < most:
        return None
    return Alert(
        AlertKind.QUEUE_AGE,
        f"{each.connector} {each.lane}",
        f"{each.connector}: the oldest message of the {each.lane} lane waits for "
        f"{tell_seconds(each.oldest_seconds)}; {tell_seconds(most)} are allowed.",
    )


def _judge_delivery(each: DeliverySeen, limits: AlertsConfig, standing: Collection[AlertKey]) -> Alert | None:
    key = (AlertKind.DELIVERY_DROP, each.connector)
    if each.ended < LEAST_RECEIPTS or not limits.delivery_percent:
        return None
    least = limits.delivery_percent + (_DELIVERY_SLACK_PERCENT if key in standing else 0)
    share = 100.0 * each.delivered / each.ended
    if share >= min(least, 100):
        return None
    return Alert(
        *key,
        f"{each.connector}: {share:.0f} % of the last {each.ended:,} receipts within 15 minutes say "
        f"delivered; {limits.delivery_percent} % are the least.",
    )


def _judge_unknown(each: UnknownSeen, limits: AlertsConfig, standing: Collection[AlertKey]) -> Alert | None:
    key = (AlertKind.UNKNOWN_MESSAGES, each.connector)
    most = limits.unknown_messages
    if not most or each.messages <= most * (_UNKNOWN_SLACK if key in standing else 1.0):
        return None
    return Alert(
        *key,
        f"{each.connector}: the outcome of {each.messages:,} messages is unknown, and nobody has decided "
        f"about them; {most:,} may wait.",
    )


def _judge_ledger(seen: Observations) -> Iterator[Alert]:
    if seen.ledger_faults:
        more = len(seen.ledger_faults) - _SHOWN_FAULTS
        told = "; ".join(seen.ledger_faults[:_SHOWN_FAULTS]) + (f"; and {more} more" if more > 0 else "")
        yield Alert(AlertKind.LEDGER_DIFFERENCE, "ledger", f"The ledger does not balance: {told}.")


def _judge_disk(
    disk: DiskSeen, host: str, limits: AlertsConfig, standing: Collection[AlertKey]
) -> Alert | None:
    where = f"{host}:{disk.path}"
    key = (AlertKind.DISK_LOW, where)
    least = limits.disk_free_percent + (_DISK_SLACK_PERCENT if key in standing else 0)
    if not limits.disk_free_percent or disk.free_percent >= least:
        return None
    return Alert(
        *key,
        f"{where}: {disk.free_percent:.1f} % of the disk are free ({disk.free_octets / 1e9:.1f} GB); "
        f"{limits.disk_free_percent} % are the least.",
    )


def _judge_spend(each: SpendSeen, limits: AlertsConfig) -> Alert | None:
    """Twice: when a share of the cap is spent, and at the cap, from where on nothing is taken in."""
    percent = 100.0 * each.spent_micros / each.cap_micros if each.cap_micros else 100.0
    if percent < min(limits.spend_percent, _AT_CAP_PERCENT):
        return None
    spent = f"{format_micros(each.spent_micros)} of {format_micros(each.cap_micros)} {each.currency}"
    subject = f"{each.shop}/{each.period}"
    if percent >= _AT_CAP_PERCENT:
        sentence = f"Shop {each.shop} has reached its cap of the {each.period}: {spent}. More is refused."
        return Alert(AlertKind.SPEND_CAP, subject, sentence, each.shop)
    sentence = f"Shop {each.shop} has spent {percent:.0f} % of its cap of the {each.period}: {spent}."
    return Alert(AlertKind.SPEND_NEAR_CAP, subject, sentence, each.shop)


def _judge_bursts(
    seen: Observations, limits: AlertsConfig, standing: Collection[AlertKey]
) -> Iterator[Alert]:
    for burst in seen.bursts:
        key = (AlertKind.OTP_BURST, burst.prefix)
        if burst.messages > limits.otp_per_prefix * (_BURST_SLACK if key in standing else 1.0):
            yield Alert(
                *key,
                f"{burst.messages:,} one-time passwords within the hour went to numbers that begin with "
                f"{burst.prefix}; {limits.otp_per_prefix:,} are allowed.",
            )


def tell_seconds(seconds: float) -> str:
    """A length of time in the largest unit that tells it well."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.0f} days"
