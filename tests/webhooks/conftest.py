"""A shop's server on loopback, and a post office: a database, a node and the deliverer between the two."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic
from typing import Any

import pytest
from aiohttp import web

from gateway.config import WebhooksConfig
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database
from gateway.store.leases import Node
from gateway.store.migrations import locate_sql
from gateway.store.outbox import (
    OUTBOX_COLUMNS,
    Delivery,
    DeliveryState,
    DueDelivery,
    find_delivery,
    outbox_record,
)
from gateway.store.partitions import make_partitions_ahead
from gateway.store.queries import load_queries
from gateway.store.webhook_endpoints import WebhookEndpoint, create_webhook_endpoint
from gateway.webhooks.deliverer import WebhookDeliverer
from gateway.webhooks.directory import EndpointDirectory
from gateway.webhooks.events import Subject
from gateway.webhooks.signature import format_secret

SHOP_SECRET = format_secret(b"shop" * 8)
ENDPOINT_SECRET = format_secret(b"endpoint" * 4)
_SLOT = 42
_DEADLINE_SECONDS = 8.0

Responder = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _accept(request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


class Receiver:
    """A shop's server that keeps what it was sent and answers as it is told."""

    def __init__(self) -> None:
        self.respond: Responder = _accept
        self.seen: list[tuple[str, Mapping[str, str], bytes]] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.path, headers, await request.read()))
        return await self.respond(request)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.seen]


class PostOffice:
    """One shop's outbox and whichever deliverer works on it; its clock can be put forward."""

    def __init__(self, database: Database, node: Node, receiver: Receiver) -> None:
        self.database = database
        self.node = node
        self.receiver = receiver
        self.shop_id = 0
        self.own_urls: dict[int, str] = {}
        self.deliverer: WebhookDeliverer | None = None
        self._running: asyncio.Task[None] | None = None
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def put_forward(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
        if self.deliverer is not None:
            self.deliverer.wake()

    async def open_shop(self, name: str = "demo") -> int:
        async with self.database.connection() as connection:
            return int(
                await connection.raw.fetchval(
                    "INSERT INTO shop (name, country, currency, webhook_secret, allowed_countries,"
                    " otp_per_number_hour, otp_per_prefix_hour, created_at)"
                    " VALUES ($1, 'FR', 'EUR', $2, '{FR}', 10, 10, now()) RETURNING id",
                    name,
                    SHOP_SECRET,
                )
            )

    async def add_endpoint(self, path: str = "/hook", *, events: Sequence[str] = ("*",)) -> WebhookEndpoint:
        endpoint = await create_webhook_endpoint(
            self.database,
            shop_id=self.shop_id,
            endpoint_id=self.node.ids.next_id(0),
            url=path if "://" in path else self.receiver.url + path,
            secret=ENDPOINT_SECRET,
            events=events,
            is_enabled=True,
            now=self.now(),
        )
        assert endpoint is not None
        return endpoint

    async def add_events(
        self, endpoint_id: int, count: int, *, kind: str = "message.sent", subject_id: int | None = None
    ) -> list[int]:
        """Write events as the writer of outcomes does; returns their ids."""
        ids = [self.node.ids.next_id(_SLOT) for _ in range(count)]
        records = [
            outbox_record(
                shop_id=self.shop_id,
                event_id=event_id,
                subject_id=subject_id or self.node.ids.next_id(_SLOT),
                sequence=number,
                endpoint_id=endpoint_id,
                kind=kind,
                occurred_at=self.now(),
                data='{"state":"sent"}',
            )
            for number, event_id in enumerate(ids, 1)
        ]
        async with self.database.connection() as connection:
            await connection.copy("outbox", OUTBOX_COLUMNS, records)
        if self.deliverer is not None:
            self.deliverer.wake()
        return ids

    async def add_event(self, endpoint_id: int, **options: Any) -> int:
        return (await self.add_events(endpoint_id, 1, **options))[0]

    def start(self, **settings: Any) -> WebhookDeliverer:
        options = {"allow_private": True, "timeout_seconds": 1, **settings}
        self.deliverer = WebhookDeliverer(
            self.database,
            WebhooksConfig(**options),
            fence=self.node.fence,
            directory=EndpointDirectory(self.database, monotonic=monotonic, max_age_seconds=0.05),
            load_subjects=self._load_subjects,
            next_id=self.node.ids.next_id,
            owned_slots=lambda: range(256),
            now=self.now,
            random=Random(1),
            version="0",
        )
        self._running = asyncio.create_task(self.deliverer.run())
        return self.deliverer

    async def stop(self, drain_seconds: float = 2.0) -> None:
        if self.deliverer is not None and self._running is not None:
            await self.deliverer.aclose(drain_seconds)
            await self._running
        self.deliverer = self._running = None

    async def kill(self) -> None:
        """End the deliverer as a crash would: nothing more is noted."""
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self.deliverer = self._running = None

    async def delivery(self, event_id: int) -> Delivery:
        found = await find_delivery(self.database, self.shop_id, event_id)
        assert found is not None
        return found

    async def until_state(self, event_id: int, state: DeliveryState) -> Delivery:
        await self.until(lambda: self._is_in(event_id, state))
        return await self.delivery(event_id)

    async def until_attempt(self, event_id: int, attempt: int) -> Delivery:
        async def is_made() -> bool:
            return (await self.delivery(event_id)).attempt >= attempt

        await self.until(is_made)
        return await self.delivery(event_id)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something that is bound to happen; fails loudly when it does not."""
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while not await condition():
                assert self._running is None or not self._running.done(), self._running
                await asyncio.sleep(0.01)

    async def _is_in(self, event_id: int, state: DeliveryState) -> bool:
        return (await self.delivery(event_id)).state is state

    async def _load_subjects(self, rows: Sequence[DueDelivery]) -> Mapping[int, Subject]:
        return {
            row.id: Subject(
                {"id": encode_public_id("msg", row.subject_id), "state": "delivered", "text": "été 🎉"},
                self.own_urls.get(row.subject_id),
            )
            for row in rows
        }


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def office(database: str, receiver: Receiver) -> AsyncIterator[PostOffice]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"))
    await make_partitions_ahead(opened, datetime.now(UTC).date())
    node = await Node.take(opened, node_key="test", host="localhost", pid=1, version="0")
    office = PostOffice(opened, node, receiver)
    office.shop_id = await office.open_shop()
    yield office
    await office.stop(0.1)
    await opened.aclose()
