"""What is seen of this node for the alerts: gathered from reports in memory and from a few statements.

Owns how often each is looked at, and that what concerns all nodes is looked at by one. Judges nothing.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog

from gateway.config import AlertsConfig
from gateway.dispatch.dispatcher import ConnectorReport, Dispatcher
from gateway.dispatch.holds import HoldBoard
from gateway.domain.lanes import Lane
from gateway.domain.ledger import LedgerReport
from gateway.node.node_view import name_node
from gateway.node.ownership import Ownership
from gateway.node.snapshot import HaltedCampaign, tell_halted
from gateway.oncall.deliveries import DeliveryMeter, RecentLosses
from gateway.oncall.duties import Duty, name_bind
from gateway.oncall.judging import find_subject
from gateway.oncall.observations import (
    BindSeen,
    BurstSeen,
    DeliverySeen,
    DiskSeen,
    GoneSeen,
    HaltedSeen,
    Observations,
    QueueSeen,
    SpendSeen,
    UnknownSeen,
)
from gateway.oncall.otp_bursts import OtpWatch
from gateway.oncall.shared_counts import add_bursts, add_deliveries, write_counts
from gateway.session.backoff import FailureKind
from gateway.session.bind import BindPhase
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.leases import NodeRecord
from gateway.store.oncall_reads import find_longest_waiting, read_spend_of_capped_shops
from gateway.store.outcomes import OutcomeWriter
from gateway.store.queue import Waiting

log = structlog.get_logger("oncall")

_SPEND_SECONDS: Final = 60.0
_DISK_SECONDS: Final = 20.0
_FIRST_LEDGER_SECONDS: Final = 300.0
_LEDGER_SECONDS: Final = 3_600.0
_GONE: Final = timedelta(hours=1)
"""For how long a node that died is told of: after it, it is gone for good, or somebody knows."""
_LEDGER_SHARE: Final = 100
"""The ledger costs about a second for 100,000 messages: it rests a hundred times as long as it took."""


class QueueLook(Protocol):
    """What waits, as the status has counted it."""

    @property
    def waiting(self) -> Sequence[Waiting]: ...

    @property
    def is_database_away(self) -> bool: ...

    def list_missing(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class ObserverParts:
    """What an observer asks."""

    database: Database
    dispatcher: Dispatcher
    holds: HoldBoard
    outcomes: OutcomeWriter
    otps: OtpWatch
    ownership: Ownership
    node_no: int
    host: str
    state_folder: Path
    queue: Callable[[], QueueLook]
    may_submit: Callable[[], bool]
    connector_names: Callable[[], Mapping[int, str]]
    shop_names: Callable[[], Mapping[int, str]]
    count_lost_clicks: Callable[[], int]
    count_unknown: Callable[[], Mapping[int, int] | None]
    """Messages of unknown outcome by connector, as counted last; None before."""
    list_halted: Callable[[], Sequence[HaltedCampaign]]
    read_ledger: Callable[[], Awaitable[LedgerReport]]
    """Of today and yesterday."""
    clock: Callable[[], datetime]


class Observer:
    """Gives the observations of the moment. `limits` is swapped at a reload."""

    def __init__(self, parts: ObserverParts, limits: AlertsConfig) -> None:
        self.limits = limits
        self.disk: DiskSeen | None = None
        self._parts = parts
        self._meter = DeliveryMeter()
        self._deliveries: list[DeliverySeen] = []
        self._down_since: dict[tuple[str, int, str], datetime] = {}
        self._lost = RecentLosses()
        self._spend: list[SpendSeen] | None = None
        self._spend_read_at = -_SPEND_SECONDS
        self._disk_read_at = -_DISK_SECONDS
        self._ledger_faults: tuple[str, ...] | None = None

    async def observe(self) -> Observations:
        """Raises nothing of its own: what cannot be read is not seen."""
        parts = self._parts
        look = parts.queue()
        now = parts.clock()
        is_away = look.is_database_away or parts.outcomes.is_away
        await self._look_at_disk()
        binds = self._see_binds(parts.dispatcher.report())
        duty = self._find_duty(binds)
        # Kept also while another node judges: it may be this one next.
        self._deliveries = self._meter.look(parts.outcomes.receipt_ends, parts.connector_names(), now)
        seen = Observations(
            now=now,
            host=parts.host,
            node=name_node(parts.host, parts.node_no),
            is_database_away=is_away,
            holds_lease=parts.may_submit(),
            binds=binds,
            disk=self.disk,
            clicks_lost=self._lost.look(parts.count_lost_clicks(), now),
            duty=duty,
        )
        return await self._see_all(seen, look) if duty.decides else seen

    async def _see_all(self, seen: Observations, look: QueueLook) -> Observations:
        """With what concerns every node."""
        is_away, now = seen.is_database_away, seen.now
        others = [node.figures for node in self._list_others() if node.is_alive]
        return replace(
            seen,
            missing_connectors=() if is_away else look.list_missing(),
            queue=None if is_away else await self._see_queue(look.waiting, now),
            deliveries=add_deliveries(self._deliveries, others),
            unknown=self._see_unknown(),
            spend=None if is_away else await self._see_spend(now),
            bursts=add_bursts(self._find_bursts(now), others),
            halted=self._see_halted(),
            ledger_faults=self._ledger_faults,
            gone_nodes=self._see_gone(now),
        )

    def share_counts(self) -> dict[str, float]:
        """What this node counts in memory, for whoever judges all nodes."""
        return write_counts(self._deliveries, self._find_bursts(self._parts.clock()))

    def _find_bursts(self, now: datetime) -> list[BurstSeen]:
        """Blocks of numbers with so many that all nodes together may be beyond the limit."""
        nodes = self._parts.ownership.count_alive()
        return self._parts.otps.find_bursts(self.limits.otp_per_prefix // (2 * nodes), now)

    def _list_others(self) -> list[NodeRecord]:
        return [node for node in self._parts.ownership.look.nodes if node.node_no != self._parts.node_no]

    def _find_duty(self, binds: Sequence[BindSeen]) -> Duty:
        parts, names = self._parts, self._parts.connector_names()
        return Duty(
            node_no=parts.node_no,
            decides=parts.ownership.decides,
            own_binds=frozenset(map(find_subject, binds)),
            binds_elsewhere=frozenset(
                name_bind(names.get(bind.connector_id, str(bind.connector_id)), bind.bind_no)
                for bind in parts.ownership.look.binds
                if bind.node_no != parts.node_no
            ),
            other_nodes=frozenset(node.node_no for node in self._list_others() if node.is_held),
        )

    def _see_gone(self, now: datetime) -> list[GoneSeen]:
        """Nodes that neither said that they would stop nor came back."""
        return [
            GoneSeen(name_node(node.host, node.node_no), node.expires_at)
            for node in self._list_others()
            if not node.is_held and not node.is_stopping and now - node.expires_at < _GONE
        ]

    def _see_binds(self, reports: Sequence[ConnectorReport]) -> list[BindSeen]:
        """A bind is down since it was first seen so: its own `since` moves with each attempt."""
        seen = []
        down: dict[tuple[str, int, str], datetime] = {}
        for report in reports:
            for bind in report.binds:
                state, mode = bind.state, bind.mode.value
                key = (report.name, bind.bind_no, mode)
                since = None
                if state.phase is not BindPhase.BOUND:
                    since = down[key] = self._down_since.get(key, state.since)
                is_refused = since is not None and state.last_failure is FailureKind.CREDENTIALS
                seen.append(BindSeen(report.name, bind.bind_no, mode, since, is_refused, state.last_error))
        self._down_since = down
        return seen

    async def _see_queue(self, streams: Sequence[Waiting], now: datetime) -> list[QueueSeen] | None:
        """Only streams whose oldest message is too old by its id are looked at more closely."""
        parts, names = self._parts, self._parts.connector_names()
        seen = []
        try:
            for each in streams:
                lane = Lane(each.lane).name.lower()
                if (now - each.oldest_at).total_seconds() < getattr(self.limits.queue_age_seconds, lane):
                    continue
                if parts.holds.stops_category(each.category):
                    continue
                held = parts.holds.held_in(each.lane, each.category)
                since = await find_longest_waiting(
                    parts.database,
                    (each.connector_id, each.lane, each.category),
                    held_shops=held.shops,
                    held_campaigns=held.campaigns,
                )
                if since is not None:
                    name = names.get(each.connector_id, str(each.connector_id))
                    seen.append(QueueSeen(name, lane, (now - since).total_seconds(), each.messages))
        except StoreUnavailable:
            return None
        return seen

    def _see_unknown(self) -> list[UnknownSeen] | None:
        counted, names = self._parts.count_unknown(), self._parts.connector_names()
        if counted is None:
            return None
        return [UnknownSeen(names.get(each, str(each)), messages) for each, messages in counted.items()]

    async def _see_spend(self, now: datetime) -> list[SpendSeen] | None:
        if time.monotonic() - self._spend_read_at < _SPEND_SECONDS:
            return self._spend
        self._spend_read_at = time.monotonic()
        try:
            shops = await read_spend_of_capped_shops(self._parts.database, now.date())
        except StoreUnavailable:
            self._spend = None
            return None
        self._spend = [
            SpendSeen(shop.name, period, spent, cap, shop.currency)
            for shop in shops
            for period, spent, cap in (
                ("day", shop.day_spent, shop.day_cap),
                ("month", shop.month_spent, shop.month_cap),
            )
            if cap is not None
        ]
        return self._spend

    async def _look_at_disk(self) -> None:
        if time.monotonic() - self._disk_read_at < _DISK_SECONDS:
            return
        self._disk_read_at = time.monotonic()
        path = self._parts.state_folder
        try:
            volume = await asyncio.to_thread(os.statvfs, path)
        except OSError as exc:
            log.warning("disk.not_read", path=str(path), fault=str(exc))
            return
        self.disk = DiskSeen(str(path), volume.f_bavail * volume.f_frsize, volume.f_blocks * volume.f_frsize)

    def _see_halted(self) -> list[HaltedSeen]:
        shops = self._parts.shop_names()
        return [
            HaltedSeen(shops.get(each.shop_id, str(each.shop_id)), each.name, tell_halted(each))
            for each in self._parts.list_halted()
        ]

    async def check_ledger(self) -> None:
        """Read the ledger of today and yesterday now and then, until cancelled."""
        rest = _FIRST_LEDGER_SECONDS
        while True:
            await asyncio.sleep(rest)
            if not self._parts.ownership.decides:
                self._ledger_faults, rest = None, _FIRST_LEDGER_SECONDS
                continue
            began = time.monotonic()
            try:
                report = await self._parts.read_ledger()
                self._ledger_faults = tuple(pair.sentence for pair in report.pairs if not pair.agrees)
            except StoreUnavailable as exc:
                log.warning("ledger.not_read", fault=str(exc))
            rest = max(_LEDGER_SECONDS, _LEDGER_SHARE * (time.monotonic() - began))
