"""The rooms of a node, made and tied together by plain callbacks; and which configuration is in force.

Decides nothing: who hears what is all there is here.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import structlog

from gateway.config import Config
from gateway.domain.lanes import Category
from gateway.domain.ledger import LedgerReport
from gateway.domain.routing import RouteDecision
from gateway.inbound.replies import ReplyWorker
from gateway.intake.acceptance import Acceptance
from gateway.intake.changes import MessageChanges
from gateway.intake.directory import KeyDirectory
from gateway.intake.service import Intake, IntakeDeps
from gateway.intake.terms import build_terms
from gateway.intake.unknown_desk import UnknownDesk
from gateway.ledger.accounts import read_ledger_of_days
from gateway.ledger.retention import Retention
from gateway.node.analytics_rooms import AnalyticsRooms
from gateway.node.audience_rooms import AudienceRooms
from gateway.node.campaign_rooms import CampaignGround, CampaignRooms
from gateway.node.carriers import Carriers, list_connectors
from gateway.node.event_targets import DirectoryTargets
from gateway.node.ground import VERSION, Ground, keep_postgres
from gateway.node.import_rooms import ImportRooms
from gateway.node.known_shops import KnownShops
from gateway.node.link_rooms import LinkRooms
from gateway.node.node_view import NodeList
from gateway.node.oncall_rooms import OncallGround, OncallRooms
from gateway.node.shop_rooms import ShopRooms
from gateway.node.status import NodeFacts, NodeStatus
from gateway.node.traffic_rooms import TrafficGround, TrafficRooms
from gateway.oncall.bind_diary import BindDiary
from gateway.oncall.otp_bursts import OtpWatch
from gateway.oncall.readiness import Readiness, judge_readiness
from gateway.store.due_work import Work
from gateway.store.flights import Flight
from gateway.store.instance import SECRET_OCTETS, read_instance_secret, register_connectors
from gateway.store.links import LinkSeqs
from gateway.store.optout_events import OptoutTeller
from gateway.store.outage_line import OutageLine
from gateway.store.shops import find_key_holder
from gateway.web.admin_access import AdminAccess, map_callers
from gateway.web.answers import render_accepted, render_batch
from gateway.web.subjects import Subjects
from gateway.webhooks.deliverer import WebhookDeliverer
from gateway.webhooks.directory import EndpointDirectory
from gateway.webhooks.targets import find_url_fault

log = structlog.get_logger("main")

_HOLDS_SECONDS = 0.5
_SHOPS_SECONDS = 2.0
"""How soon a shop that was made, here or by another node, is known by its name."""


def now_utc() -> datetime:
    return datetime.now(UTC)


class Rooms:
    """Everything that works on a node. `test_port` is the port of the built-in carrier, if it runs."""

    def __init__(self, ground: Ground, config: Config, *, secret: bytes, test_port: int | None) -> None:
        database, node = ground.database, ground.node
        self.config = config
        self._ground = ground
        self._test_port = test_port
        self._random = Random(secrets.randbits(64))
        self._connector_ids: dict[str, int] = {}
        self._shops = KnownShops(database)
        self.is_stopping = False
        self.directory = EndpointDirectory(database, monotonic=time.monotonic)
        targets = DirectoryTargets(self.directory)
        diary, otps = BindDiary(database, next_id=lambda: node.ids.next_id(0)), OtpWatch()
        self.access = AdminAccess((), own_uid=os.geteuid())
        self.traffic = TrafficRooms(
            TrafficGround(
                dsn=ground.dsn,
                database=database,
                node=node,
                secret=secret,
                random=self._random,
                targets=targets,
                connector_ids=self._list_connector_ids,
                connector_names=self._name_connectors,
                choose_connector=self._choose_connector,
                shop_resends=self._shops.resends_unknown,
                on_bind_state=diary.note,
                on_intended=lambda flights: self.shop_rooms.campaigns.on_intended(flights),
                on_events=lambda: self.deliverer.wake(),
                clock=now_utc,
            ),
            config,
        )
        traffic, due = self.traffic, self.traffic.due
        self._carriers = Carriers(traffic.ownership, self._shops.ids)
        self.nodes = NodeList(
            database, traffic.ownership, own_number=node.node_no, connector_names=self._name_connectors
        )
        self.retention = Retention(database, config.retention, now_utc, decides=traffic.decides)
        self.deliverer = WebhookDeliverer(
            database,
            config.webhooks,
            fence=node.fence,
            directory=self.directory,
            load_subjects=Subjects(database),
            next_id=node.ids.next_id,
            owned_slots=traffic.list_slots,
            now=now_utc,
            random=self._random,
            version=VERSION,
            has_due=due.of(Work.DELIVERIES),
        )
        self.keys = KeyDirectory(
            lambda key_hash: find_key_holder(database, key_hash), monotonic=time.monotonic
        )
        self.intake = Intake(
            IntakeDeps(
                database=database,
                store=traffic.store,
                ids=node.ids,
                instance_secret=secret,
                clock=now_utc,
                random=self._random.random,
                wants_events=self.directory.wants_message_events,
                render_accepted=render_accepted,
                render_batch=render_batch,
                note_otp=otps.note,
                has_company=lambda: traffic.ownership.has_company,
            ),
            self._make_acceptance(Config()),
        )
        self.replies = ReplyWorker(
            database,
            send=lambda sending, request, key: self.intake.send(sending, request, key=key),
            next_id=node.ids.next_id,
            slots=traffic.list_slots,
            clock=now_utc,
            has_due=due.of(Work.REPLIES),
        )
        self.changes = MessageChanges(
            database, self.intake, put_ending=traffic.outcomes.put, ids=node.ids, clock=now_utc
        )
        self.unknown_desk = UnknownDesk(database, on_queued=traffic.on_queued, ids=node.ids, clock=now_utc)
        teller = OptoutTeller(targets.look_up, next_id=node.ids.next_id)
        links = LinkRooms(
            database,
            node,
            config,
            secret=secret,
            put_endings=traffic.outcomes.put_many,
            clock=now_utc,
            teller=teller,
        )
        self.shop_rooms = ShopRooms(
            CampaignRooms(
                CampaignGround(
                    database=database,
                    node=node,
                    dispatcher=traffic.dispatcher,
                    outcomes=traffic.outcomes,
                    holds=traffic.holds,
                    intake=self.intake,
                    links=LinkSeqs(database),
                    secret=secret,
                    slots=traffic.list_slots,
                    connector_ids=self._list_connector_ids,
                    connector_names=self._name_connectors,
                    list_speeds_elsewhere=traffic.ownership.list_speeds_elsewhere,
                    look_up_endpoints=targets.look_up,
                    wake_deliverer=self.deliverer.wake,
                    on_queued=traffic.on_queued,
                    find_link_fault=links.find_link_fault,
                    clock=now_utc,
                    random=self._random.random,
                    has_campaigns=due.of(Work.CAMPAIGNS),
                ),
                config,
            ),
            links,
            AudienceRooms(
                database,
                node,
                config,
                secret=secret,
                changes=self.changes,
                put_ending=traffic.outcomes.put,
                decides=traffic.decides,
                clock=now_utc,
                teller=teller,
            ),
            ImportRooms(
                database,
                node,
                config,
                state_folder=ground.state.path,
                find_absent_node=self.nodes.find_absent,
                secret=secret,
                clock=now_utc,
                has_imports=due.of(Work.IMPORTS),
            ),
            AnalyticsRooms(database, node, config, changes=self.changes, intake=self.intake, clock=now_utc),
        )
        host = socket.gethostname()
        self.oncall = OncallRooms(
            OncallGround(
                database=database,
                node=node,
                host=host,
                state_folder=ground.state.path,
                dispatcher=traffic.dispatcher,
                holds=traffic.holds,
                outcomes=traffic.outcomes,
                deliverer=self.deliverer,
                ownership=traffic.ownership,
                nodes=self.nodes,
                diary=diary,
                otps=otps,
                status=lambda: self.status,
                connector_names=self._name_connectors,
                connectors=lambda: self._carriers.connectors,
                shop_names=lambda: self._shops.names,
                count_clicks=links.clicks.counts,
                list_halted=self.shop_rooms.campaigns.list_halted,
                read_ledger=self._read_recent_ledger,
                retry_elsewhere=self._retry_elsewhere,
                reconfigure=self._run_connectors,
                has_overrides=due.of(Work.OVERRIDES),
                clock=now_utc,
            ),
            config,
        )
        self.status = NodeStatus(
            NodeFacts(VERSION, host, now_utc()),
            database=database,
            node=node,
            dispatcher=traffic.dispatcher,
            holds=traffic.holds,
            intake=traffic.store,
            outcomes=traffic.outcomes,
            deliverer=self.deliverer,
            connector_names=self._name_connectors,
            shop_names=lambda: self._shops.names,
            count_clicks=links.clicks.counts,
            list_halted=self.shop_rooms.campaigns.list_halted,
            oncall=self.oncall.reports,
            ownership=traffic.ownership,
            nodes=self.nodes,
            has_queued=due.of(Work.QUEUED),
        )
        node.figures = self._read_lag

    # What rooms ask of each other.

    def _read_lag(self) -> dict[str, float]:
        """How far behind this node is, for the others to show: seconds, and rows that wait to be stored; and
        what it counts for alerts."""
        return {
            **self.oncall.share_counts(),
            "loop_lag_seconds": self.oncall.lag.longest_seconds,
            "intake_rows_waiting": self.traffic.store.backlog,
            "outcomes_waiting": self.traffic.outcomes.backlog,
            "in_flight": self.traffic.dispatcher.in_flight,
        }

    async def check_readiness(self) -> Readiness:
        return judge_readiness(
            is_database_away=self.status.is_database_away,
            stores_nothing=self.status.storing_fault is not None,
            holds_lease=self._ground.node.may_submit(),
            is_stopping=self.is_stopping,
        )

    def _list_connector_ids(self) -> list[int]:
        return list(self._connector_ids.values())

    def _name_connectors(self) -> dict[int, str]:
        return {number: name for name, number in self._connector_ids.items()}

    def _retry_elsewhere(self, connector_id: int) -> bool:
        if not self.nodes.list_elsewhere(connector_id):
            return False
        self.traffic.hints.tell_retry(connector_id)
        return True

    def _choose_connector(self, flight: Flight) -> int | None:
        """Where the routes would send a waiting message now; None where nothing that fits is up."""
        terms = self.intake.acceptance.terms
        decision = terms.routing.choose(
            flight.to_address or "",
            flight.country,
            sender=flight.from_address,
            category=Category(flight.category),
            shop=self._shops.names.get(flight.shop_id, ""),
            is_up=self.traffic.ownership.is_up,
            draw=self._random.random(),
            price_of=terms.price_of,
        )
        return decision.connector_id if isinstance(decision, RouteDecision) and decision.is_up else None

    # Configuration.

    async def apply(self, config: Config) -> None:
        """Take over connectors, routes, prices and bounds; binds whose settings did not change stay up.

        Listen addresses, the database and the state folder keep their values until a restart.
        """
        database = self._ground.database
        # Links in texts must lead to where this process listens, until it is started again.
        listens = self.config.public
        public = msgspec.structs.replace(config.public, host=listens.host, port=listens.port)
        config = msgspec.structs.replace(config, public=public)
        configured = list_connectors(config, test_port=self._test_port)
        self._connector_ids = await register_connectors(database, [c.name for c in configured], now_utc())
        await self._shops.refresh()
        self.config = config
        self.traffic.apply(config)
        self.intake.acceptance = self._make_acceptance(config)
        self.access.callers = map_callers(
            config.admin.roles,
            own_uid=os.geteuid(),
            operators_read_texts=config.admin.operators_read_texts,
        )
        self._carriers.connectors = {self._connector_ids[each.name]: each for each in configured}
        self.oncall.apply(config)
        await self.oncall.board.read()
        await self._run_connectors()
        await self.shop_rooms.apply(config)

    async def _run_connectors(self) -> None:
        await self._carriers.apply(self.oncall.board)

    def _make_acceptance(self, config: Config) -> Acceptance:
        allow_private = config.webhooks.allow_private
        return Acceptance(
            build_terms(config, self._connector_ids),
            is_up=self.traffic.ownership.is_up,
            find_url_fault=lambda url: find_url_fault(url, allow_private=allow_private),
        )

    # Work that goes on by itself.

    async def run(self) -> None:
        """Everything that goes on by itself; the end of any part is the end of all."""
        async with asyncio.TaskGroup() as tasks:
            for name, work in self._list_work():
                tasks.create_task(work, name=name)

    def _list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        work = [
            ("lease", self._ground.node.keep()),
            ("database", self._ground.database.watch()),
            *self.traffic.list_work(),
            ("retention", self.retention.run()),
            ("webhooks", self.deliverer.run()),
            ("replies", self.replies.run()),
            ("holds", self._repeat("holds", _HOLDS_SECONDS, self.traffic.holds.look)),
            ("shops", self._repeat("shops", _SHOPS_SECONDS, self._shops.refresh)),
            ("status", self.status.run()),
            *self.oncall.list_work(),
            *self.shop_rooms.list_work(),
        ]
        if self._ground.postgres is not None:
            work.append(("postgres", keep_postgres(self._ground.postgres)))
        return work

    async def _read_recent_ledger(self) -> LedgerReport:
        """Of the messages of today and yesterday."""
        now = now_utc()
        first, last = now.date() - timedelta(days=1), now.date() + timedelta(days=1)
        lookup_days = self.config.retention.receipt_map_days
        return await read_ledger_of_days(self._ground.database, first, last, now=now, lookup_days=lookup_days)

    async def _repeat(self, what: str, seconds: float, read: Callable[[], Awaitable[None]]) -> None:
        """Read again and again what others may have changed."""
        line = OutageLine(log, "rows.not_read", what=what)
        while True:
            await asyncio.sleep(seconds)
            with line.absorbing():
                await read()


async def open_rooms(ground: Ground, config: Config, *, test_port: int | None) -> Rooms:
    """The rooms with the instance's secret; nothing runs yet."""
    secret = await read_instance_secret(ground.database, secrets.token_bytes(SECRET_OCTETS), now_utc())
    return Rooms(ground, config, secret=secret, test_port=test_port)
