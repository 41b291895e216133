"""The running gateway: every room built, wired by plain callbacks, started and stopped in order.

Decides nothing. `Gateway` is used by `serve`, the demo and tests alike; what differs between them is passed
in.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from gateway.config import Config, ConnectorConfig, EmbeddedPostgresConfig, HostPort
from gateway.config_values import Secret
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.failover import Failover
from gateway.dispatch.holds import HoldBoard
from gateway.dispatch.timetable import Timetable
from gateway.domain.lanes import Category
from gateway.domain.ledger import LedgerReport
from gateway.domain.routing import RouteDecision
from gateway.errors import EstafetteError
from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.notify import ServiceNotifier
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings
from gateway.hosting.state import StateDirectory, resolve_state_directory
from gateway.intake.acceptance import Acceptance
from gateway.intake.changes import MessageChanges
from gateway.intake.directory import KeyDirectory
from gateway.intake.service import Intake, IntakeDeps
from gateway.intake.terms import TEST_CONNECTOR_NAME, build_terms
from gateway.ledger.accounts import read_ledger
from gateway.ledger.retention import Retention
from gateway.node_status import NodeFacts, NodeStatus
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.flights import Flight, FlightBook
from gateway.store.instance import SECRET_OCTETS, read_instance_secret, register_connectors
from gateway.store.intake import IntakeWriter, Stream
from gateway.store.intents import IntentWriter
from gateway.store.leases import BindShare, Node
from gateway.store.migrations import locate_sql, migrate, read_migrations
from gateway.store.outcome_rows import EndpointsFor
from gateway.store.outcomes import OutcomeWriter
from gateway.store.partitions import make_partitions_ahead
from gateway.store.queries import load_queries
from gateway.store.shops import find_key_holder, list_shops
from gateway.web.admin_access import AdminAccess
from gateway.web.admin_api import AdminDeps, make_admin_app
from gateway.web.answers import render_accepted, render_batch
from gateway.web.message_handlers import BodyLimits
from gateway.web.public_api import PublicDeps, Readiness, make_public_app
from gateway.web.serving import make_runner
from gateway.web.subjects import Subjects
from gateway.web.webhook_handlers import WebhookTools
from gateway.webhooks.deliverer import WebhookDeliverer
from gateway.webhooks.directory import EndpointDirectory, find_wanting
from gateway.webhooks.targets import find_url_fault

log = structlog.get_logger("main")

_HOLDS_SECONDS = 0.5
_STORE_DRAIN_SECONDS = 20.0
_SIMULATOR_SPEED = 1_000.0
_SIMULATOR_WINDOW = 200
ADMIN_SOCKET = "admin.sock"
ADMIN_GROUP = "estafette"
"""Who is in this group may connect; what each may do is in `admin.roles`."""


class Gateway:
    """One running node; an async context manager. `failed` completes when something inside it ended badly.

    Raises, on entering, the errors of the room at fault: `HostingError`, `MigrationError`, `StoreError`, or
    `OSError` for an address that is taken.
    """

    def __init__(self, config: Config, *, notifier: ServiceNotifier | None = None) -> None:
        self.config = config
        self.started_at = datetime.now(UTC)
        self._notifier = notifier or ServiceNotifier(None, None)
        self._random = Random(secrets.randbits(64))
        self._stack = AsyncExitStack()
        self._engine: asyncio.Task[None] | None = None
        self._slots: tuple[int, ...] = ()
        self._simulator: Simulator | None = None
        self._connector_ids: dict[str, int] = {}
        self._shop_names: dict[int, str] = {}

    # Start.

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _start(self) -> None:
        config = self.config
        path = resolve_state_directory(config.node.state_directory, os.environ, os.geteuid())
        self.state = self._stack.enter_context(StateDirectory.acquire(path))
        self.dsn = await self._open_postgres()
        sql = locate_sql()
        for migration in await migrate(self.dsn, read_migrations(sql / "migrations")):
            log.info("migration.applied", name=migration.name)
        self.database = await Database.open(
            self.dsn, load_queries(sql / "queries"), pool_size=config.database.pool_size
        )
        self._stack.push_async_callback(self.database.aclose)
        await make_partitions_ahead(self.database, datetime.now(UTC).date())
        self.node = await Node.take(
            self.database,
            node_key=self.state.identity,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=version("estafette"),
        )
        self._stack.push_async_callback(self.node.release)
        await self._start_simulator()
        await self._build()
        await self.holds.refresh()
        self._engine = asyncio.create_task(self._run_engine(), name="engine")
        await self.apply(config)
        await self._open_doors()
        log.info("node.started", node=self.node.node_no, epoch=self.node.epoch, http_port=self.http_port)

    async def _open_postgres(self) -> str:
        database = self.config.database
        if database.dsn is not None:
            return database.dsn.reveal()
        settings = database.embedded or EmbeddedPostgresConfig()
        binaries = find_postgres()
        self._postgres = EmbeddedPostgres(
            self.state.path / "postgres",
            binaries,
            choose_settings(
                binaries,
                shared_buffers_mb=settings.shared_buffers_mb,
                max_wal_size_mb=settings.max_wal_size_mb,
            ),
            report=lambda words: self._notifier.starting(words, extend_seconds=30),
        )
        await self._postgres.start()
        self._stack.push_async_callback(self._postgres.stop)
        return self._postgres.dsn

    async def _start_simulator(self) -> None:
        """The built-in carrier behind test keys, on a free port of the loopback address."""
        if self.config.test_mode.simulator:
            self._simulator = Simulator(load_profile("default"))
            await self._simulator.start()
            self._stack.push_async_callback(self._simulator.aclose)

    async def _build(self) -> None:
        """Make every room's objects and tie them together."""
        node, database, queries, config = self.node, self.database, self.database.queries, self.config
        secret = await read_instance_secret(database, secrets.token_bytes(SECRET_OCTETS), _now())
        self.book = FlightBook()
        self.directory = EndpointDirectory(database, monotonic=time.monotonic)
        self.holds = HoldBoard(database, on_released=lambda: self.dispatcher.on_released())
        self.outcomes = OutcomeWriter(
            self.dsn,
            queries,
            node.fence,
            ids=node.ids,
            book=self.book,
            listener=_StoreNews(self),
            targets=_EventTargets(self.directory),
            connector_ids=lambda: list(self._connector_ids.values()),
        )
        self.intents = IntentWriter(
            self.dsn,
            queries,
            node.fence,
            on_intended=lambda ready, gone: self.dispatcher.on_intended(ready, gone),
        )
        self.dispatcher = Dispatcher(
            self.dsn,
            queries,
            holds=self.holds,
            sink=self.outcomes,
            book=self.book,
            put_intents=self.intents.put_many,
            intents_drained=self.intents.drained,
            may_submit=node.may_submit,
            random=self._random,
        )
        self.store = IntakeWriter(self.dsn, queries, node.fence, on_queued=self.dispatcher.on_queued)
        self.timetable = Timetable(
            database, self.outcomes, slots=lambda: self._slots, on_queued=self.dispatcher.on_queued
        )
        self.failover = Failover(
            database,
            self.dispatcher,
            connector_ids=lambda: list(self._connector_ids.values()),
            choose=self._choose_connector,
        )
        self.status = NodeStatus(
            NodeFacts(version("estafette"), socket.gethostname(), self.started_at),
            database=database,
            node=node,
            dispatcher=self.dispatcher,
            holds=self.holds,
            outcomes=self.outcomes,
            connector_names=lambda: {number: name for name, number in self._connector_ids.items()},
            shop_names=lambda: self._shop_names,
        )
        self.retention = Retention(database, config.retention, _now)
        self.deliverer = WebhookDeliverer(
            database,
            config.webhooks,
            fence=node.fence,
            directory=self.directory,
            load_subjects=Subjects(database),
            next_id=node.ids.next_id,
            owned_slots=lambda: self._slots,
            now=_now,
            random=self._random,
            version=version("estafette"),
        )
        self.keys = KeyDirectory(
            lambda key_hash: find_key_holder(database, key_hash), monotonic=time.monotonic
        )
        self._connector_ids = await self._register_connectors(config)
        self.intake = Intake(
            IntakeDeps(
                database=database,
                store=self.store,
                ids=node.ids,
                instance_secret=secret,
                clock=_now,
                random=self._random.random,
                wants_events=self.directory.wants_message_events,
                render_accepted=render_accepted,
                render_batch=render_batch,
            ),
            self._make_acceptance(config),
        )
        self._stack.push_async_callback(self.intake.aclose)
        self.changes = MessageChanges(
            database, self.intake, put_ending=self.outcomes.put, ids=node.ids, clock=_now
        )

    # Configuration.

    async def apply(self, config: Config) -> None:
        """Take over connectors, routes, prices and bounds of `config`; binds whose settings did not change
        stay up. Addresses, database and state folder keep their values until a restart."""
        self._connector_ids = await self._register_connectors(config)
        self.config = config
        self.intake.acceptance = self._make_acceptance(config)
        connectors = {
            self._connector_ids[connector.name]: connector for connector in self._connectors(config)
        }
        await self.node.take_binds(
            [
                BindShare(connector_id, bind_no, connector.parts_per_second / connector.binds)
                for connector_id, connector in connectors.items()
                for bind_no in range(1, connector.binds + 1)
            ]
        )
        shards = await self.node.take_shards(connectors)
        self._slots = await self.node.take_slots()
        self._shop_names = {shop.id: shop.name for shop in await list_shops(self.database)}
        await self.dispatcher.configure(
            {connector_id: connectors[connector_id] for connector_id in connectors if connector_id in shards},
            shards,
            {name: shop_id for shop_id, name in self._shop_names.items()},
            drain_seconds=config.stop.drain_seconds,
        )

    async def _register_connectors(self, config: Config) -> dict[str, int]:
        names = [connector.name for connector in self._connectors(config)]
        return await register_connectors(self.database, names, _now())

    def _connectors(self, config: Config) -> list[ConnectorConfig]:
        """The configured connectors, and the built-in one."""
        if self._simulator is None:
            return list(config.connectors)
        built_in = ConnectorConfig(
            name=TEST_CONNECTOR_NAME,
            test=True,
            hosts=(HostPort("127.0.0.1", self._simulator.port),),
            system_id="estafette",
            password=Secret("test"),
            window=_SIMULATOR_WINDOW,
            parts_per_second=_SIMULATOR_SPEED,
        )
        return [*config.connectors, built_in]

    def _make_acceptance(self, config: Config) -> Acceptance:
        allow_private = config.webhooks.allow_private
        return Acceptance(
            build_terms(config, self._connector_ids),
            is_up=self.dispatcher.is_up,
            find_url_fault=lambda url: find_url_fault(url, allow_private=allow_private),
        )

    def _choose_connector(self, flight: Flight) -> int | None:
        """Where the routes would send a waiting message now; None where nothing that fits is up."""
        terms = self.intake.acceptance.terms
        decision = terms.routing.choose(
            flight.to_address or "",
            flight.country,
            sender=flight.from_address,
            category=Category(flight.category),
            shop=self._shop_names.get(flight.shop_id, ""),
            is_up=self.dispatcher.is_up,
            draw=self._random.random(),
            price_of=terms.price_of,
        )
        return decision.connector_id if isinstance(decision, RouteDecision) and decision.is_up else None

    # Doors.

    async def _open_doors(self) -> None:
        """Listen: from here on work comes in."""
        http = self.config.http
        app = make_public_app(
            PublicDeps(
                database=self.database,
                intake=self.intake,
                changes=self.changes,
                keys=self.keys,
                webhooks=WebhookTools(
                    directory=self.directory,
                    allow_private=self.config.webhooks.allow_private,
                    wake_deliverer=self.deliverer.wake,
                    random_octets=secrets.token_bytes,
                ),
                ids=self.node.ids,
                clock=_now,
                limits=BodyLimits(
                    batch_octets=http.max_body_octets, batch_items=self.config.limits.batch_items
                ),
                check_readiness=self.check_readiness,
            )
        )
        self._public = make_runner(app)
        await self._public.setup()
        self._stack.push_async_callback(self._public.cleanup)
        site = web.TCPSite(self._public, http.host, http.port, backlog=1024)
        await site.start()
        self.http_port: int = self._public.addresses[0][1]
        await self._open_admin_door()

    async def _open_admin_door(self) -> None:
        """The admin API on a unix socket; the kernel tells who connects."""
        path = Path(self.config.admin.socket or self.state.path / ADMIN_SOCKET)
        app = make_admin_app(
            AdminDeps(
                database=self.database,
                changes=self.changes,
                ids=self.node.ids,
                clock=_now,
                random_octets=secrets.token_bytes,
                access=AdminAccess(self.config.admin.roles, own_uid=os.geteuid()),
                status=self.status,
                read_ledger=self._read_ledger_json,
                on_hold_changed=self.holds.refresh,
            )
        )
        self._admin = make_runner(app)
        await self._admin.setup()
        self._stack.push_async_callback(self._admin.cleanup)
        path.unlink(missing_ok=True)  # the state folder's lock says that no other server has it
        await web.UnixSite(self._admin, str(path)).start()
        path.chmod(0o660)
        with contextlib.suppress(LookupError, PermissionError):
            shutil.chown(path, group=ADMIN_GROUP)
        self.admin_socket = path

    async def _read_ledger_json(self) -> Mapping[str, object]:
        return (await self.ledger()).as_json()

    async def check_readiness(self) -> Readiness:
        """Whether messages can be stored now."""
        if not self.node.may_submit() or self.outcomes.is_away:
            return Readiness(is_ready=False, detail="the database does not answer")
        return Readiness(is_ready=True, detail="messages are taken in")

    async def ledger(self) -> LedgerReport:
        return await read_ledger(
            self.database, now=_now(), lookup_days=self.config.retention.receipt_map_days
        )

    # The engine.

    async def _run_engine(self) -> None:
        """Everything that goes on by itself; the end of any part is the end of all."""
        async with asyncio.TaskGroup() as tasks:
            for name, work in (
                ("lease", self.node.keep()),
                ("intake", self.store.run()),
                ("intents", self.intents.run()),
                ("outcomes", self.outcomes.run()),
                ("dispatch", self.dispatcher.run()),
                ("timetable", self.timetable.run()),
                ("failover", self.failover.run()),
                ("retention", self.retention.run()),
                ("webhooks", self.deliverer.run()),
                ("holds", self._watch_holds()),
                ("status", self.status.run()),
            ):
                tasks.create_task(work, name=name)

    async def _watch_holds(self) -> None:
        while True:
            await asyncio.sleep(_HOLDS_SECONDS)
            try:
                await self.holds.refresh()
            except StoreUnavailable as exc:
                log.warning("holds.not_read", fault=str(exc))

    async def wait_failed(self) -> None:
        """Waits for ever, or raises what ended the engine: then the process must stop."""
        assert self._engine is not None
        await asyncio.shield(self._engine)

    # Stop.

    async def aclose(self) -> None:
        """Refuse new work, store what was taken in, drain the windows, unbind, store what came of it, close."""
        self._notifier.stopping("draining")
        drain_seconds = self.config.stop.drain_seconds
        if self._engine is not None and not self._engine.done():
            await self._public.cleanup()
            await _within(_STORE_DRAIN_SECONDS, "intake", self.store.drained())
            await _within(
                drain_seconds + _STORE_DRAIN_SECONDS,
                "connectors",
                self.dispatcher.aclose(drain_seconds=drain_seconds),
            )
            await _within(_STORE_DRAIN_SECONDS, "outcomes", self.outcomes.drained())
            await _within(drain_seconds + 5, "webhooks", self.deliverer.aclose(drain_seconds))
        if self._engine is not None:
            self._engine.cancel()
            await asyncio.wait((self._engine,))
        await self._stack.aclose()
        log.info("node.stopped")


class _StoreNews:
    """What the outcome writer tells, passed to the rooms it concerns."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def on_stored(self, acknowledgements: list[object]) -> None:
        self._gateway.dispatcher.on_stored(acknowledgements)

    def on_refused(self, acknowledgement: object) -> None:
        self._gateway.dispatcher.on_refused(acknowledgement)

    def on_requeued(self, lowest: dict[Stream, int]) -> None:
        self._gateway.dispatcher.on_queued(lowest)

    def on_events(self) -> None:
        self._gateway.deliverer.wake()


class _EventTargets:
    """Which webhook endpoints want an event, for the outcome writer."""

    def __init__(self, directory: EndpointDirectory) -> None:
        self._directory = directory

    async def look_up(self, shop_ids: set[int]) -> EndpointsFor:
        webhooks = await self._directory.look_up(shop_ids)

        def endpoints_for(shop_id: int, kind: str) -> Sequence[int]:
            shop = webhooks.get(shop_id)
            return () if shop is None else [endpoint.id for endpoint in find_wanting(shop, kind)]

        return endpoints_for


async def _within(seconds: float, what: str, work: Awaitable[None]) -> None:
    """Wait for a step of the stop, but not for ever: what is left is said, and the next step goes on."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        log.warning("stop.unfinished", step=what, waited_seconds=seconds)


def _now() -> datetime:
    return datetime.now(UTC)


async def serve(load: Callable[[], Config]) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    A configuration that cannot be read leaves the one in force. Raises what ended the gateway by itself.
    """
    loop = asyncio.get_running_loop()
    stop, reload = asyncio.Event(), asyncio.Event()
    notifier = ServiceNotifier.from_environment(os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    async with Gateway(load(), notifier=notifier) as gateway:
        notifier.ready(f"taking messages on port {gateway.http_port}")
        watch = [
            asyncio.create_task(gateway.wait_failed()),
            asyncio.create_task(stop.wait()),
            asyncio.create_task(_beat(notifier)),
            asyncio.create_task(_reload_when_asked(gateway, load, reload, notifier)),
        ]
        try:
            done, _ = await asyncio.wait(watch, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in watch:
                task.cancel()
            await asyncio.wait(watch)


async def _beat(notifier: ServiceNotifier) -> None:
    while True:
        notifier.watchdog()
        await asyncio.sleep((notifier.watchdog_seconds or 3600.0) / 2)


async def _reload_when_asked(
    gateway: Gateway, load: Callable[[], Config], asked: asyncio.Event, notifier: ServiceNotifier
) -> None:
    while True:
        await asked.wait()
        asked.clear()
        notifier.reloading(time.monotonic_ns() // 1000)
        try:
            await gateway.apply(load())
            log.info("config.reloaded")
        except EstafetteError as exc:
            log.error("config.not_reloaded", fault=str(exc))
        notifier.ready(f"taking messages on port {gateway.http_port}")
