"""The API as it runs, on a real Postgres: writers, leases and applications wired as the server wires them."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from gateway.config import Amount, Config, ConnectorConfig, DefaultsConfig, HostPort, PriceConfig, Secret
from gateway.intake.acceptance import Acceptance
from gateway.intake.changes import MessageChanges
from gateway.intake.directory import KeyDirectory
from gateway.intake.keys import RANDOM_OCTETS, SCOPES, make_key
from gateway.intake.service import Intake, IntakeDeps
from gateway.intake.terms import TEST_CONNECTOR_NAME, build_terms
from gateway.oncall.readiness import Readiness
from gateway.store.database import Database
from gateway.store.evidence import Ending
from gateway.store.flights import FlightBook
from gateway.store.intake import IntakeWriter
from gateway.store.leases import Node
from gateway.store.migrations import locate_sql
from gateway.store.outcomes import OutcomeWriter
from gateway.store.partitions import make_partitions_ahead
from gateway.store.queries import load_queries
from gateway.store.shops import NewShop, Shop, create_key, create_shop, find_key_holder
from gateway.web.answers import render_accepted, render_batch
from gateway.web.message_handlers import BodyLimits
from gateway.web.public_api import PublicDeps, make_public_app
from gateway.web.serving import make_runner
from gateway.web.shop_routes import ShopRoute
from gateway.web.webhook_handlers import WebhookTools
from gateway.webhooks.directory import EndpointDirectory
from gateway.webhooks.errors import TargetRefused
from gateway.webhooks.targets import parse_target

SECRET = b"0123456789abcdef"
SHOP_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def make_config(**changes: Any) -> Config:
    """One carrier that bills 0.045 EUR for France and does not know what anything else costs."""
    carrier = ConnectorConfig(
        name="smsc-a",
        hosts=(HostPort("127.0.0.1", 2775),),
        system_id="x",
        password=Secret("x"),
        prices=(PriceConfig(country="FR", price=Amount(45_000)),),
    )
    values: dict[str, Any] = {"connectors": (carrier,), "defaults": DefaultsConfig(sender="GATEWAY")}
    return Config(**{**values, **changes})


@dataclass(slots=True)
class Account:
    """A shop and its keys in clear."""

    shop: Shop
    live: str
    test: str
    key_ids: dict[str, int] = field(default_factory=dict)


class _Listener:
    """Nobody dispatches here, so nobody needs to hear of a batch."""

    def on_stored(self, acknowledgements: list[object]) -> None: ...
    def on_refused(self, acknowledgement: object) -> None: ...
    def on_requeued(self, lowest: dict[tuple[int, int, int], int]) -> None: ...
    def on_events(self) -> None: ...


@dataclass(slots=True)
class Gateway:
    """A running API and the doors a test needs to look behind it."""

    database: Database
    node: Node
    intake: Intake
    changes: MessageChanges
    directory: EndpointDirectory
    url: str
    session: aiohttp.ClientSession
    connector_ids: dict[str, int]
    put_ending: Callable[[Ending], None]
    routes: Sequence[web.AbstractRoute] = ()
    is_ready: bool = True

    async def add_shop(self, name: str = "boutique", **changes: Any) -> Account:
        values: dict[str, Any] = {"country": "FR", "currency": "EUR", "webhook_secret": SHOP_SECRET}
        shop = await create_shop(self.database, NewShop(name, **{**values, **changes}), datetime.now(UTC))
        assert shop is not None
        live, live_id = await self.add_key(shop, is_test=False)
        test, test_id = await self.add_key(shop, is_test=True)
        return Account(shop, live, test, {live: live_id, test: test_id})

    async def add_key(self, shop: Shop, *, is_test: bool, scopes: Sequence[str] = SCOPES) -> tuple[str, int]:
        key = make_key(os.urandom(RANDOM_OCTETS), is_test=is_test)
        stored = await create_key(
            self.database,
            shop.id,
            is_test=is_test,
            key_hash=key.hash,
            hint=key.hint,
            label="test",
            scopes=scopes,
            now=datetime.now(UTC),
        )
        return key.text, stored.id

    async def call(
        self, method: str, path: str | URL, key: str | None = None, **options: Any
    ) -> tuple[int, Any, Any]:
        """(status, body as JSON or octets, headers)."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        async with self.session.request(method, self.url_of(path), headers=headers, **options) as answer:
            octets = await answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return (
                answer.status,
                (await answer.json(content_type=None)) if is_json else octets,
                answer.headers,
            )

    def url_of(self, path: str | URL) -> URL:
        """A `URL` made with `encoded=True` is sent octet for octet."""
        return URL(self.url + str(path), encoded=isinstance(path, URL))

    async def send(self, key: str, **fields: Any) -> Any:
        status, body, _ = await self.call("POST", "/v1/messages", key, json=fields)
        assert status == 202, body
        return body

    async def count(self, table: str) -> int:
        async with self.database.connection() as connection:
            found = await connection.raw.fetchval(f"SELECT count(*) FROM {table}")
        return int(found or 0)


@asynccontextmanager
async def run_gateway(
    dsn: str,
    config: Config | None = None,
    *,
    connector_ids: dict[str, int] | None = None,
    node_key: str = "test",
    make_routes: Callable[[Gateway], Sequence[ShopRoute]] = lambda _: (),
) -> AsyncIterator[Gateway]:
    """`connector_ids` are those of an earlier run on the same database; `make_routes` gives the endpoints
    of a shop that are under test."""
    config = config or make_config()
    queries = load_queries(locate_sql() / "queries")
    database = await Database.open(dsn, queries)
    await make_partitions_ahead(database, datetime.now(UTC).date())
    node = await Node.take(database, node_key=node_key, host="here", pid=os.getpid(), version="0")
    connector_ids = connector_ids or await _name_connectors(database, config)
    intake_writer = IntakeWriter(dsn, queries, node.fence, on_queued=lambda lowest: None)
    outcomes = OutcomeWriter(
        dsn,
        queries,
        node.fence,
        ids=node.ids,
        book=FlightBook(),
        listener=_Listener(),
        targets=_NoTargets(),
        connector_ids=lambda: list(connector_ids.values()),
        instance_secret=SECRET,
        lookup_days=11,
    )
    directory = EndpointDirectory(database, monotonic=time.monotonic)
    acceptance = Acceptance(
        build_terms(config, connector_ids), is_up=lambda _: True, find_url_fault=_find_url_fault
    )
    intake = Intake(
        IntakeDeps(
            database=database,
            store=intake_writer,
            ids=node.ids,
            instance_secret=SECRET,
            clock=_now,
            random=random.random,
            wants_events=directory.wants_message_events,
            render_accepted=render_accepted,
            render_batch=render_batch,
        ),
        acceptance,
    )
    changes = MessageChanges(database, intake, put_ending=outcomes.put, ids=node.ids, clock=_now)
    running = Gateway(
        database=database,
        node=node,
        intake=intake,
        changes=changes,
        directory=directory,
        url="",
        session=aiohttp.ClientSession(),
        connector_ids=connector_ids,
        put_ending=outcomes.put,
    )

    async def check_readiness() -> Readiness:
        return Readiness(() if running.is_ready else ("the database is away",))

    app = make_public_app(
        PublicDeps(
            database=database,
            intake=intake,
            changes=changes,
            keys=KeyDirectory(lambda digest: find_key_holder(database, digest), monotonic=time.monotonic),
            webhooks=WebhookTools(directory, False, lambda: None, os.urandom),
            ids=node.ids,
            clock=_now,
            limits=BodyLimits(config.http.max_body_octets, config.limits.batch_items),
            check_readiness=check_readiness,
            shop_routes=make_routes(running),
        )
    )
    running.routes = list(app.router.routes())
    runner = make_runner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    tasks = [asyncio.create_task(work) for work in (intake_writer.run(), outcomes.run(), node.keep())]
    try:
        yield running
        failed = [task for task in tasks if task.done()]
        for task in failed:
            task.result()
    finally:
        await running.session.close()
        await runner.cleanup()
        await intake.aclose()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.aclose()


def _now() -> datetime:
    return datetime.now(UTC)


def soon(**ahead: float) -> str:
    return (_now() + timedelta(**ahead)).isoformat()


def _find_url_fault(url: str) -> str | None:
    try:
        parse_target(url, allow_private=False)
    except TargetRefused as exc:
        return str(exc)
    return None


class _NoTargets:
    """No endpoint wants anything."""

    async def look_up(self, shop_ids: set[int]) -> Callable[[int, str], Sequence[int]]:
        return lambda shop_id, kind: ()


async def _name_connectors(database: Database, config: Config) -> dict[str, int]:
    names = [TEST_CONNECTOR_NAME, *(connector.name for connector in config.connectors)]
    async with database.connection() as connection:
        return {
            name: await connection.raw.fetchval(
                "INSERT INTO connector (name, created_at) VALUES ($1, now()) RETURNING id", name
            )
            for name in names
        }
