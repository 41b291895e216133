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

from gateway.dispatch.connections import BindReport
from gateway.dispatch.dispatcher import ConnectorReport, Dispatcher
from gateway.dispatch.holds import HoldBoard
from gateway.domain.lanes import Category, HoldScope, Lane
from gateway.links.clicks import ClickCounts
from gateway.node.snapshot import HaltedCampaign, TrafficMeter, list_alerts, show_alerts, tell_halted
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.holds import EVERY_SHOP
from gateway.store.leases import Node
from gateway.store.outbox import WaitingDeliveries, count_waiting_deliveries
from gateway.store.outcomes import OutcomeWriter
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
        outcomes: OutcomeWriter,
        deliverer: WebhookDeliverer,
        connector_names: Callable[[], Mapping[int, str]],
        shop_names: Callable[[], Mapping[int, str]],
        count_clicks: Callable[[], ClickCounts],
        list_halted: Callable[[], Sequence[HaltedCampaign]],
    ) -> None:
        self._facts = facts
        self._database = database
        self._node = node
        self._dispatcher = dispatcher
        self._holds = holds
        self._outcomes = outcomes
        self._deliverer = deliverer
        self._connector_names = connector_names
        self._shop_names = shop_names
        self._count_clicks = count_clicks
        self._list_halted = list_halted
        self._waiting: Sequence[Waiting] = ()
        self._deliveries: WaitingDeliveries | None = None
        self._is_database_away = False
        self._submitted = (time.monotonic(), 0)
        self._parts_per_second = 0.0
        self._traffic = TrafficMeter()

    async def run(self) -> None:
        """Read what waits every two seconds until cancelled."""
        while True:
            try:
                self._waiting = await count_waiting(
                    self._database, list(self._connector_names()), cap=_COUNT_CAP
                )
                self._deliveries = await count_waiting_deliveries(self._database, now=datetime.now(UTC))
                await self._traffic.look(self._database, now=datetime.now(UTC), monotonic=time.monotonic())
                self._is_database_away = False
            except StoreUnavailable as exc:
                self._is_database_away = True
                log.warning("status.not_read", fault=str(exc))
            self._measure_speed()
            await asyncio.sleep(_LOOK_SECONDS)

    def _measure_speed(self) -> None:
        at, before = self._submitted
        now = time.monotonic()
        parts = sum(report.submitted_parts for report in self._dispatcher.report())
        if now > at:
            self._parts_per_second = max(0, parts - before) / (now - at)
        self._submitted = (now, parts)

    def show_status(self) -> Mapping[str, object]:
        """Node, binds in words, what waits by lane, speed, holds, and what limits sending now."""
        reports = self._dispatcher.report()
        return {
            "node": {
                "node_no": self._node.node_no,
                "epoch": self._node.epoch,
                "host": self._facts.host,
                "version": self._facts.version,
                "started_at": _moment(self._facts.started_at),
                "holds_lease": self._node.may_submit(),
            },
            "database": "away" if self._is_database_away or self._outcomes.is_away else "up",
            "binds_up": sum(bind.state.phase.value == "bound" for report in reports for bind in report.binds),
            "binds": sum(len(report.binds) for report in reports),
            "parts_per_second": round(self._parts_per_second, 1),
            "waiting_to_be_stored": self._outcomes.backlog,
            "queue": self._show_queue(),
            "webhooks": self._show_webhooks(),
            "clicks": asdict(self._count_clicks()),
            "holds": self._show_holds(),
            "limits": self._list_limits(reports),
            "connectors": [_show_connector(report) for report in reports],
        }

    def show_snapshot(self, shop: str | None) -> Mapping[str, object]:
        """The console's frame, from memory alone; with a shop its own speeds and the holds that it feels."""
        reports = self._dispatcher.report()
        shop_id = next((each for each, name in self._shop_names().items() if name == shop), None)
        is_away = self._is_database_away or self._outcomes.is_away
        out = self._parts_per_second if shop is None else self._traffic.sent_per_second(shop_id or 0)
        alerts = list_alerts(
            reports,
            is_database_away=is_away,
            holds_lease=self._node.may_submit(),
            lost_clicks=self._count_clicks().lost,
            waiting_for_nobody=self._find_waiting_for_nobody(reports),
            halted=[each for each in self._list_halted() if shop is None or each.shop_id == shop_id],
        )
        return {
            "node": {"name": self._facts.host, "version": self._facts.version},
            "shop": shop,
            "binds_up": sum(bind.state.phase.value == "bound" for report in reports for bind in report.binds),
            "binds": sum(len(report.binds) for report in reports),
            "in_per_second": round(
                self._traffic.taken_in_per_second(None if shop is None else shop_id or 0), 1
            ),
            "out_per_second": round(out, 1),
            "queue": sum(waiting.messages for waiting in self._waiting),
            "alerts": show_alerts(alerts),
            "database": "away" if is_away else "up",
            "holds": [hold for hold in self._show_holds() if shop is None or hold["shop"] in (None, shop)],
            "now": _moment(datetime.now(UTC)),
        }

    def list_connectors(self) -> list[Mapping[str, object]]:
        """Each connector with its binds and their state, last error and next retry."""
        return [_show_connector(report) for report in self._dispatcher.report()]

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
                "held_at": _moment(hold.held_at),
                "held_by": hold.held_by,
                "reason": hold.reason,
            }
            for hold in self._holds.holds
        ]

    def _list_limits(self, reports: Sequence[ConnectorReport]) -> list[str]:
        """What keeps messages from leaving faster, as sentences; empty when nothing does."""
        limits: list[str] = []
        if self._is_database_away or self._outcomes.is_away:
            limits.append("The database does not answer: nothing is taken in or sent until it is back.")
        elif not self._node.may_submit():
            limits.append("This node's lease has run out: nothing is sent until it is renewed.")
        for hold in self._holds.holds:
            what = "Marketing" if hold.scope is HoldScope.MARKETING else "Everything"
            whose = "" if hold.shop_id == EVERY_SHOP else f" of shop {self._shop_names().get(hold.shop_id)}"
            limits.append(f"{what}{whose} is held by {hold.held_by}: {hold.reason or 'no reason given'}.")
        limits.extend(tell_halted(each) for each in self._list_halted())
        limits.extend(
            f"Messages wait for {name}, which is not configured or enabled."
            for name in self._find_waiting_for_nobody(reports)
        )
        limits.extend(
            f"{report.name}: {report.limited_by}."
            for report in reports
            if report.limited_by
            and (
                not report.is_up
                or report.in_flight
                or any(waiting.connector_id == report.connector_id for waiting in self._waiting)
            )
        )
        return limits

    def _find_waiting_for_nobody(self, reports: Sequence[ConnectorReport]) -> list[str]:
        """Connectors that messages wait for and that do not run."""
        names = self._connector_names()
        running = {report.connector_id for report in reports}
        missing = {waiting.connector_id for waiting in self._waiting} - running
        return [names.get(connector_id, str(connector_id)) for connector_id in sorted(missing)]


def _show_connector(report: ConnectorReport) -> dict[str, object]:
    return {
        "name": report.name,
        "is_up": report.is_up,
        "parts_per_second": round(report.speed, 1),
        "parts_per_second_limit": round(report.speed_limit, 1),
        "claimed": report.claimed,
        "intended": report.intended,
        "in_flight": report.in_flight,
        "submitted_parts": report.submitted_parts,
        "limited_by": report.limited_by,
        "binds": [_show_bind(bind) for bind in report.binds],
    }


def _show_bind(bind: BindReport) -> dict[str, object]:
    state = bind.state
    return {
        "bind": bind.bind_no,
        "mode": bind.mode.value,
        "state": state.phase.value,
        "since": _moment(state.since),
        "endpoint": str(state.endpoint),
        "last_error": state.last_error,
        "failures": state.failures,
        "next_retry_at": None if state.next_retry_at is None else _moment(state.next_retry_at),
        "window": bind.window,
        "in_flight": bind.in_flight,
        "submitted": bind.submitted,
        "bad_pdus": bind.bad_pdus,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
