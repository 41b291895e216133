"""The values of the metrics, taken from the reports of the rooms at the moment they are asked for.

Owns two slow looks of its own: messages by state and receipts without a message, read every 15 seconds.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog

from gateway.dispatch.dispatcher import ConnectorReport, Dispatcher
from gateway.dispatch.holds import HoldBoard
from gateway.domain.lanes import Category, HoldScope, Lane
from gateway.domain.message import MessageState
from gateway.links.clicks import ClickCounts
from gateway.node.node_view import NodeList
from gateway.node.observing import Observer
from gateway.node.ownership import Ownership
from gateway.oncall.loop_lag import LoopLag
from gateway.oncall.metrics import Sample, count_alerts, render
from gateway.oncall.overrides import OverrideBoard
from gateway.oncall.state_counts import StateCounts
from gateway.oncall.telling import Announcer
from gateway.oncall.watch import Watch
from gateway.session.bind import BindPhase
from gateway.store.database import Database
from gateway.store.oncall_reads import count_unmatched, sum_states
from gateway.store.outage_line import OutageLine
from gateway.store.outbox import WaitingDeliveries
from gateway.store.outcomes import OutcomeWriter
from gateway.store.queue import Waiting
from gateway.store.rollups import ACCEPTED
from gateway.store.unknowns import count_unknown_by_connector
from gateway.webhooks.deliverer import WebhookDeliverer

log = structlog.get_logger("oncall")

_LOOK_SECONDS: Final = 15.0
_UNMATCHED_CAP: Final = 10_000


class StatusLook(Protocol):
    """What the status has counted."""

    @property
    def waiting(self) -> Sequence[Waiting]: ...

    @property
    def waiting_deliveries(self) -> WaitingDeliveries | None: ...

    @property
    def is_database_away(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class FigureParts:
    """Whose reports are asked."""

    version: str
    database: Database
    dispatcher: Dispatcher
    holds: HoldBoard
    outcomes: OutcomeWriter
    deliverer: WebhookDeliverer
    board: OverrideBoard
    watch: Watch
    announcer: Announcer
    observer: Observer
    lag: LoopLag
    nodes: NodeList
    ownership: Ownership
    status: Callable[[], StatusLook]
    count_clicks: Callable[[], ClickCounts]
    connector_names: Callable[[], Mapping[int, str]]
    may_submit: Callable[[], bool]
    clock: Callable[[], datetime]


class Figures:
    """Gives the metrics as text."""

    def __init__(self, parts: FigureParts) -> None:
        self.unmatched = 0
        """Receipts that look for their message; at most 10,000 are counted."""
        self.unknown: Mapping[int, int] | None = None
        """Messages of unknown outcome about which nobody decided, by connector; None until counted."""
        self._parts = parts
        self._states = StateCounts()
        self._outage = OutageLine(log, "figures.not_read")

    async def run(self) -> None:
        """Count what stands in rows, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        database = self._parts.database
        hours = self._states.hours_to_ask(self._parts.clock())
        with self._outage.absorbing():
            self._states.look(hours, await sum_states(database, *hours))
            self.unmatched = await count_unmatched(database, cap=_UNMATCHED_CAP)
            self.unknown = await count_unknown_by_connector(database)

    def render(self) -> bytes:
        return render(self._list_samples())

    def _list_samples(self) -> Iterator[Sample]:
        parts = self._parts
        status = parts.status()
        is_away = status.is_database_away or parts.outcomes.is_away
        yield Sample("estafette_info", 1, (parts.version,))
        yield Sample("estafette_database_up", not is_away)
        yield Sample("estafette_lease_held", parts.may_submit())
        for state, nodes in parts.nodes.count_states().items():
            yield Sample("estafette_nodes", nodes, (state,))
        yield Sample("estafette_node_decides", parts.ownership.decides)
        yield Sample("estafette_node_slots", len(parts.ownership.slots))
        for name, binds in parts.nodes.count_binds().items():
            yield Sample("estafette_node_binds", binds, (name,))
        yield Sample("estafette_event_loop_lag_seconds", parts.lag.longest_seconds)
        if parts.observer.disk is not None:
            yield Sample("estafette_disk_free_octets", parts.observer.disk.free_octets)
            yield Sample("estafette_disk_total_octets", parts.observer.disk.total_octets)
        yield from self._sample_messages(parts.connector_names())
        yield from self._sample_queue(status.waiting, parts.connector_names())
        for report in parts.dispatcher.report():
            yield from _sample_connector(report, overrides=len(parts.board.of(report.connector_id)))
        yield from count_alerts(entry.alert.kind for entry in parts.watch.book.own)
        yield Sample("estafette_alerts_not_told_total", parts.announcer.failed)
        for scope in HoldScope:
            held = sum(hold.scope is scope for hold in parts.holds.holds)
            yield Sample("estafette_holds", held, (scope.name.lower(),))
        yield Sample("estafette_outcomes_waiting", parts.outcomes.backlog)
        yield from self._sample_webhooks(status.waiting_deliveries)
        clicks = parts.count_clicks()
        yield Sample("estafette_clicks_total", clicks.noted)
        yield Sample("estafette_clicks_waiting", clicks.waiting)
        yield Sample("estafette_clicks_late_total", clicks.late)
        yield Sample("estafette_clicks_lost_total", clicks.lost)

    def _sample_messages(self, names: Mapping[int, str]) -> Iterator[Sample]:
        for (connector_id, lane, state), count in sorted(self._states.counts.items()):
            word = "taken_in" if state == ACCEPTED else MessageState(state).word
            labels = (names.get(connector_id, str(connector_id)), Lane(lane).name.lower(), word)
            yield Sample("estafette_messages_total", count, labels)
        for (connector_id, state), count in sorted(self._parts.outcomes.receipt_ends.items()):
            name = names.get(connector_id, str(connector_id))
            yield Sample("estafette_receipts_total", count, (name, MessageState(state).word))
        yield Sample("estafette_receipts_unmatched", self.unmatched)
        for connector_id, name in names.items():
            yield Sample("estafette_unknown_messages", (self.unknown or {}).get(connector_id, 0), (name,))

    def _sample_queue(self, streams: Sequence[Waiting], names: Mapping[int, str]) -> Iterator[Sample]:
        now = self._parts.clock()
        for each in streams:
            labels = (
                names.get(each.connector_id, str(each.connector_id)),
                Lane(each.lane).name.lower(),
                Category(each.category).word,
            )
            yield Sample("estafette_queue_messages", each.messages, labels)
            age = max(0.0, (now - each.oldest_at).total_seconds())
            yield Sample("estafette_queue_oldest_seconds", age, labels)

    def _sample_webhooks(self, waiting: WaitingDeliveries | None) -> Iterator[Sample]:
        status = self._parts.deliverer.status()
        yield Sample("estafette_webhooks_waiting", waiting.waiting if waiting else 0)
        yield Sample("estafette_webhooks_due", waiting.due if waiting else 0)
        yield Sample("estafette_webhooks_in_flight", status.in_flight)
        yield Sample("estafette_webhooks_resting_targets", status.resting_targets)
        yield Sample("estafette_webhook_attempts_total", status.delivered, ("delivered",))
        yield Sample("estafette_webhook_attempts_total", status.retried, ("retried",))
        yield Sample("estafette_webhook_attempts_total", status.given_up, ("given_up",))


def _sample_connector(report: ConnectorReport, *, overrides: int) -> Iterator[Sample]:
    name = (report.name,)
    yield Sample("estafette_connector_up", report.is_up, name)
    yield Sample("estafette_connector_parts_per_second", report.speed, name)
    yield Sample("estafette_connector_parts_per_second_limit", report.speed_limit, name)
    if report.limit.cause is not None:
        yield Sample("estafette_connector_limited", 1, (report.name, report.limit.cause.value))
    yield Sample("estafette_connector_claimed", report.claimed, name)
    yield Sample("estafette_connector_intended", report.intended, name)
    yield Sample("estafette_connector_in_flight", report.in_flight, name)
    yield Sample("estafette_connector_submitted_parts_total", report.submitted_parts, name)
    yield Sample("estafette_connector_overrides", overrides, name)
    for bind in report.binds:
        labels = (report.name, str(bind.bind_no), bind.mode.value)
        yield Sample("estafette_bind_up", bind.state.phase is BindPhase.BOUND, labels)
        yield Sample("estafette_bind_failures", bind.state.failures, labels)
        yield Sample("estafette_bind_window", bind.window, labels)
        yield Sample("estafette_bind_in_flight", bind.in_flight, labels)
