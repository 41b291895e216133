"""What this node says of itself: one picture for `estafette status`, the admin API and the console.

Owns the words for what limits sending now. Counts in the database are read every two seconds and kept, so
that any number of lookers costs one statement.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import structlog

from gateway.config import ConnectorConfig
from gateway.dispatch.dispatcher import ConnectorReport, Dispatcher
from gateway.dispatch.holds import HoldBoard
from gateway.domain.lanes import Category, HoldScope, Lane
from gateway.links.clicks import ClickCounts
from gateway.node.alert_view import show_alert, show_briefly
from gateway.node.connector_view import (
    show_connector,
    show_elsewhere,
    show_taken_down,
    tell_limit,
    tell_taken_down,
)
from gateway.node.node_view import NodeList
from gateway.node.ownership import Ownership
from gateway.node.snapshot import HaltedCampaign, TrafficMeter, tell_halted
from gateway.oncall.book import AlertBook
from gateway.oncall.judging import DATABASE_AWAY, LEASE_LOST, tell_missing
from gateway.oncall.observations import DiskSeen
from gateway.oncall.overrides import OverrideBoard
from gateway.oncall.telling import write_moment
from gateway.store.database import Database
from gateway.store.due_work import HasWork
from gateway.store.holds import EVERY_SHOP
from gateway.store.intake import IntakeWriter
from gateway.store.leases import Node
from gateway.store.outage_line import OutageLine
from gateway.store.outbox import WaitingDeliveries, count_waiting_deliveries
from gateway.store.outcomes import OutcomeWriter
from gateway.store.overrides import OverrideKey
from gateway.store.queue import Waiting, count_waiting
from gateway.webhooks.deliverer import WebhookDeliverer

log = structlog.get_logger("main")

_LOOK_SECONDS = 2.0
_COUNT_CAP = 10_000
"""Waiting messages counted exactly for each stream; beyond it the picture says "at least"."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What does not change while the node runs."""

    version: str
    host: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class OncallReports:
    """What whoever is on call is told beside the reports of the connectors."""

    book: AlertBook
    board: OverrideBoard
    find_disk: Callable[[], DiskSeen | None]
    count_unmatched: Callable[[], int]
    count_unknown: Callable[[], int]
    connectors: Callable[[], Mapping[int, ConnectorConfig]]
    """Those of the configuration, by number."""


class NodeStatus:
    """The node's picture of itself; everything it returns is plain JSON."""

    def __init__(
        self,
        facts: NodeFacts,
        *,
        database: Database,
        node: Node,
        dispatcher: Dispatcher,
        holds: HoldBoard,
        intake: IntakeWriter,
        outcomes: OutcomeWriter,
        deliverer: WebhookDeliverer,
        connector_names: Callable[[], Mapping[int, str]],
        shop_names: Callable[[], Mapping[int, str]],
        count_clicks: Callable[[], ClickCounts],
        list_halted: Callable[[], Sequence[HaltedCampaign]],
        oncall: OncallReports,
        ownership: Ownership,
        nodes: NodeList,
        has_queued: HasWork,
    ) -> None:
        self._facts = facts
        self._database = database
        self._node = node
        self._dispatcher = dispatcher
        self._holds = holds
        self._intake = intake
        self._outcomes = outcomes
        self._deliverer = deliverer
        self._connector_names = connector_names
        self._shop_names = shop_names
        self._count_clicks = count_clicks
        self._list_halted = list_halted
        self._oncall = oncall
        self._ownership = ownership
        self._nodes = nodes
        self._has_queued = has_queued
        self._waiting: Sequence[Waiting] = ()
        self._deliveries: WaitingDeliveries | None = None
        self._submitted = (time.monotonic(), 0)
        self._parts_per_second = 0.0
        self._traffic = TrafficMeter()

    async def run(self) -> None:
        """Read what waits every two seconds until cancelled."""
        line = OutageLine(log, "status.not_read")
        while True:
            with line.absorbing():
                self._waiting = await self._count_waiting()
                self._deliveries = await count_waiting_deliveries(self._database, now=datetime.now(UTC))
                await self._traffic.look(self._database, now=datetime.now(UTC), monotonic=time.monotonic())
            self._measure_speed()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _count_waiting(self) -> Sequence[Waiting]:
        if not await self._has_queued():
            return ()  # asked stream by stream, empty queues of 200 connectors took 10 ms
        return await count_waiting(self._database, list(self._connector_names()), cap=_COUNT_CAP)

    def _measure_speed(self) -> None:
        at, before = self._submitted
        now = time.monotonic()
        parts = self._dispatcher.submitted_parts
        if now > at:
            self._parts_per_second = max(0, parts - before) / (now - at)
        self._submitted = (now, parts)

    def show_status(self) -> Mapping[str, object]:
        """Node, binds in words, what waits by lane, speed, holds, and what limits sending now."""
        reports = self._dispatcher.report()
        binds_up, binds = self._count_binds(reports)
        return {
            "node": {
                "node_no": self._node.node_no,
                "epoch": self._node.epoch,
                "host": self._facts.host,
                "version": self._facts.version,
                "started_at": write_moment(self._facts.started_at),
                "holds_lease": self._node.may_submit(),
                "decides": self._ownership.decides,
            },
            "nodes_alive": self._ownership.count_alive(),
            "database": "away" if self.is_database_away else "up",
            "database_away_since": self._write_away_since(),
            "binds_up": binds_up,
            "binds": binds,
            "parts_per_second": round(self._parts_per_second, 1),
            "waiting_to_be_stored": self._outcomes.backlog,
            "queue": self._show_queue(),
            "webhooks": self._show_webhooks(),
            "clicks": asdict(self._count_clicks()),
            "holds": self._show_holds(),
            "limits": self._list_limits(reports),
            "alerts": [show_alert(entry) for entry in self._oncall.book.standing],
            "receipts_unmatched": self._oncall.count_unmatched(),
            "unknown_messages": self._oncall.count_unknown(),
            "disk": self._show_disk(),
            "connectors": self.list_connectors(),
        }

    def show_snapshot(self, shop: str | None) -> Mapping[str, object]:
        """The console's frame, from memory alone; with a shop its own speeds and the holds that it feels."""
        reports = self._dispatcher.report()
        shop_id = next((each for each, name in self._shop_names().items() if name == shop), None)
        binds_up, binds = self._count_binds(reports)
        if shop is None and not self._ownership.has_company:
            out = self._parts_per_second
        else:  # messages, from the sums of all nodes
            out = self._traffic.sent_per_second(None if shop is None else shop_id or 0)
        return {
            "node": {"name": self._facts.host, "version": self._facts.version},
            "shop": shop,
            "binds_up": binds_up,
            "binds": binds,
            "in_per_second": round(
                self._traffic.taken_in_per_second(None if shop is None else shop_id or 0), 1
            ),
            "out_per_second": round(out, 1),
            "queue": sum(waiting.messages for waiting in self._waiting),
            "alerts": show_briefly(self._oncall.book.standing, shop),
            "database": "away" if self.is_database_away else "up",
            "database_away_since": self._write_away_since(),
            "holds": [hold for hold in self._show_holds() if shop is None or hold["shop"] in (None, shop)],
            "now": write_moment(datetime.now(UTC)),
        }

    def _count_binds(self, reports: Sequence[ConnectorReport]) -> tuple[int, int]:
        """Binds that are up, and all, on every node."""
        own = [bind.state.phase.value == "bound" for report in reports for bind in report.binds]
        others = [
            bool(bind["is_up"])
            for connector_id in self._connector_names()
            for bind in self._nodes.list_elsewhere(connector_id)
        ]
        return sum(own) + sum(others), len(own) + len(others)

    def list_connectors(self) -> list[Mapping[str, object]]:
        """Each connector with its binds and their state, last error and next retry; in the file's order."""
        board = self._oncall.board
        reports = self._dispatcher.report()
        configured = self._oncall.connectors()
        shown: dict[int, Mapping[str, object]] = {
            report.connector_id: show_connector(
                report,
                board.of(report.connector_id),
                configured.get(report.connector_id),
                self._nodes.list_elsewhere(report.connector_id),
            )
            for report in reports
        }
        for connector_id, config in configured.items():
            if connector_id in shown:
                continue
            if board.is_down(connector_id):
                shown[connector_id] = show_taken_down(config, board.of(connector_id))
            elif config.enabled:
                elsewhere = self._nodes.list_elsewhere(connector_id)
                shown[connector_id] = show_elsewhere(config, board.of(connector_id), elsewhere)
        written = [connector_id for connector_id in configured if connector_id in shown]
        return [shown[connector_id] for connector_id in dict.fromkeys([*written, *shown])]

    def list_alerts(self) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        """Those that stand, the worst first, and the newest that ended."""
        book = self._oncall.book
        return [show_alert(entry) for entry in book.standing], [show_alert(entry) for entry in book.ended]

    def list_missing(self) -> list[str]:
        """Connectors that messages wait for and that do not run, without any whom somebody took down."""
        return self._find_waiting_for_nobody()

    @property
    def waiting(self) -> Sequence[Waiting]:
        """What waits in each stream, as counted last."""
        return self._waiting

    @property
    def waiting_deliveries(self) -> WaitingDeliveries | None:
        """Webhooks that wait, as counted last."""
        return self._deliveries

    @property
    def is_database_away(self) -> bool:
        """Whether nothing can be stored: the server does not answer, or it cannot."""
        return self._database.availability.is_away or self._outcomes.is_away or self.storing_fault is not None

    @property
    def storing_fault(self) -> str | None:
        """What the server says when something is to be stored, where it answers and reads still work: most
        often that its disk is full."""
        if self._database.availability.is_away:
            return None
        return self._intake.fault or self._outcomes.fault

    def _write_away_since(self) -> str | None:
        """Since when the server does not answer; None while it does."""
        since = self._database.availability.away_since
        return None if since is None else write_moment(since)

    def _show_disk(self) -> dict[str, object] | None:
        disk = self._oncall.find_disk()
        if disk is None:
            return None
        return {
            "path": disk.path,
            "free_octets": disk.free_octets,
            "total_octets": disk.total_octets,
            "free_percent": round(disk.free_percent, 1),
        }

    def _show_queue(self) -> list[dict[str, object]]:
        names = self._connector_names()
        now = datetime.now(UTC)
        return [
            {
                "connector": names.get(waiting.connector_id, str(waiting.connector_id)),
                "lane": Lane(waiting.lane).name.lower(),
                "category": Category(waiting.category).word,
                "messages": waiting.messages,
                "is_at_least": waiting.messages >= _COUNT_CAP,
                "oldest_seconds": max(0, round((now - waiting.oldest_at).total_seconds())),
            }
            for waiting in self._waiting
        ]

    def _show_webhooks(self) -> dict[str, object]:
        status, waiting = self._deliverer.status(), self._deliveries
        return {
            "waiting": waiting.waiting if waiting else 0,
            "due": waiting.due if waiting else 0,
            "in_flight": status.in_flight,
            "resting_targets": status.resting_targets,
            "delivered": status.delivered,
            "retried": status.retried,
            "given_up": status.given_up,
        }

    def _show_holds(self) -> list[dict[str, object]]:
        shops = self._shop_names()
        return [
            {
                "shop": None if hold.shop_id == EVERY_SHOP else shops.get(hold.shop_id, str(hold.shop_id)),
                "scope": "marketing" if hold.scope is HoldScope.MARKETING else "all",
                "held_at": write_moment(hold.held_at),
                "held_by": hold.held_by,
                "reason": hold.reason,
            }
            for hold in self._holds.holds
        ]

    def _list_limits(self, reports: Sequence[ConnectorReport]) -> list[str]:
        """What keeps messages from leaving faster, as sentences; empty when nothing does."""
        limits: list[str] = []
        if self.storing_fault is not None:
            limits.append(f"The database answers but stores nothing: {self.storing_fault}.")
        elif self.is_database_away:
            since = self._database.availability.away_since
            limits.append(
                DATABASE_AWAY if since is None else f"{DATABASE_AWAY} It is away since {since:%H:%M:%S} UTC."
            )
        elif not self._node.may_submit():
            limits.append(LEASE_LOST)
        for hold in self._holds.holds:
            what = "Marketing" if hold.scope is HoldScope.MARKETING else "Everything"
            whose = "" if hold.shop_id == EVERY_SHOP else f" of shop {self._shop_names().get(hold.shop_id)}"
            limits.append(f"{what}{whose} is held by {hold.held_by}: {hold.reason or 'no reason given'}.")
        limits.extend(tell_halted(each) for each in self._list_halted())
        limits.extend(
            f"{self._connector_names().get(override.connector_id)}: {tell_taken_down(override)}."
            for override in self._oncall.board.overrides
            if override.key is OverrideKey.DOWN
        )
        limits.extend(tell_missing(name) for name in self._find_waiting_for_nobody())
        limits.extend(
            f"{report.name}: {tell_limit(report)}."
            for report in reports
            if report.limit.cause is not None
            and (
                not self._ownership.is_up(report.connector_id)
                or report.in_flight
                or any(waiting.connector_id == report.connector_id for waiting in self._waiting)
            )
        )
        return limits

    def _find_waiting_for_nobody(self) -> list[str]:
        names = self._connector_names()
        missing = {
            waiting.connector_id
            for waiting in self._waiting
            if not self._ownership.is_served(waiting.connector_id)
            and not self._oncall.board.is_down(waiting.connector_id)
        }
        return [names.get(connector_id, str(connector_id)) for connector_id in sorted(missing)]
