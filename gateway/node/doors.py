"""Where callers come in: the public API and the public pages on TCP, the admin API on a unix socket.

Workers of one server listen on the same TCP addresses, and the kernel gives each connection to one of them;
the first alone answers monitoring.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from gateway.domain.ledger import LedgerReport
from gateway.hosting.errors import AddressTaken
from gateway.node.ground import Ground
from gateway.node.place import Place
from gateway.node.rooms import Rooms, now_utc
from gateway.node.server_metrics import serve_metrics
from gateway.web.admin_api import AdminDeps, make_admin_app
from gateway.web.ledger_handlers import LedgerAdmin
from gateway.web.message_handlers import BodyLimits
from gateway.web.oncall_handlers import OncallAdmin, make_metrics_app
from gateway.web.public_api import PublicDeps, make_public_app
from gateway.web.serving import make_runner, open_admin_socket
from gateway.web.siblings import Siblings
from gateway.web.webhook_handlers import WebhookTools

ADMIN_GROUP = "estafette"
"""Who is in this group may connect; what each may do is in `admin.roles`."""

_BACKLOG = 1_024
_PAGES_KEEPALIVE_SECONDS = 15.0
"""Anyone may connect there, so nobody holds a connection for long by sending little."""


@asynccontextmanager
async def open_public_door(ground: Ground, rooms: Rooms, place: Place) -> AsyncIterator[int]:
    """Listen for shops; gives the port. Raises `AddressTaken`."""
    http = rooms.config.http

    app = make_public_app(
        PublicDeps(
            database=ground.database,
            intake=rooms.intake,
            changes=rooms.changes,
            keys=rooms.keys,
            webhooks=WebhookTools(
                directory=rooms.directory,
                allow_private=rooms.config.webhooks.allow_private,
                wake_deliverer=rooms.deliverer.wake,
                random_octets=secrets.token_bytes,
            ),
            ids=ground.node.ids,
            clock=now_utc,
            limits=BodyLimits(http.max_body_octets, rooms.config.limits.batch_items),
            check_readiness=rooms.check_readiness,
            shop_routes=rooms.shop_rooms.list_routes(),
        )
    )
    async with _run(app) as runner:
        await _listen(runner, http.host, http.port, shares=not place.is_alone)
        yield runner.addresses[0][1]


@asynccontextmanager
async def open_pages_door(rooms: Rooms, place: Place) -> AsyncIterator[int]:
    """Listen for recipients: redirects and public pages; gives the port. Raises `AddressTaken`."""
    public = rooms.config.public
    async with _run(rooms.shop_rooms.make_pages_app(), keepalive_seconds=_PAGES_KEEPALIVE_SECONDS) as runner:
        await _listen(runner, public.host, public.port, shares=not place.is_alone)
        yield runner.addresses[0][1]


@asynccontextmanager
async def open_metrics_door(rooms: Rooms, place: Place, siblings: Siblings) -> AsyncIterator[int | None]:
    """Listen for a monitoring system, if a port is configured; gives the port. Raises `AddressTaken`."""
    metrics = rooms.config.metrics
    if metrics.port is None or not place.is_first:
        yield None
        return
    async with _run(make_metrics_app(serve_metrics(rooms.oncall.figures.render, siblings))) as runner:
        await _listen(runner, metrics.host, metrics.port)
        yield runner.addresses[0][1]


@asynccontextmanager
async def open_admin_door(
    ground: Ground,
    rooms: Rooms,
    place: Place,
    siblings: Siblings,
    *,
    read_ledger: Callable[[], Awaitable[LedgerReport]],
) -> AsyncIterator[Path]:
    """Listen for operators, or as a later worker for the first one; the kernel tells who connects. Gives
    the path of the socket."""
    path = place.admin_socket(rooms.config, ground.state.path)

    async def read_ledger_json() -> Mapping[str, object]:
        return (await read_ledger()).as_json()

    app = make_admin_app(
        AdminDeps(
            database=ground.database,
            changes=rooms.changes,
            ids=ground.node.ids,
            clock=now_utc,
            random_octets=secrets.token_bytes,
            access=rooms.access,
            status=rooms.status,
            read_ledger=read_ledger_json,
            on_hold_changed=rooms.traffic.holds.refresh,
            trace=rooms.traffic.trace,
            siblings=siblings,
            ledger=LedgerAdmin(ground.database, now_utc, lambda: rooms.config.retention.receipt_map_days),
            unknown_desk=rooms.unknown_desk,
            shop_routes=rooms.shop_rooms.list_routes(),
            oncall=OncallAdmin(
                rooms.oncall.desk,
                list_connectors=rooms.status.list_connectors,
                list_alerts=rooms.status.list_alerts,
                try_alerts=rooms.oncall.watch.try_out,
                render_metrics=serve_metrics(rooms.oncall.figures.render, siblings),
                check_readiness=rooms.check_readiness,
                list_nodes=rooms.nodes.read,
            ),
        )
    )
    group = ADMIN_GROUP if place.is_first else None
    async with _run(app) as runner:
        await web.SockSite(runner, open_admin_socket(path, group=group)).start()
        yield path


async def _listen(runner: web.AppRunner, host: str, port: int, *, shares: bool = False) -> None:
    """Listen, alone or beside other workers. Raises `AddressTaken`.

    Each worker has a socket of its own, among which the kernel spreads connections evenly. From one socket
    that all share, whoever wakes first takes all that wait: of 64 connections made at once 23, 64, 25 and 64
    came to one of two workers, this way 28, 30, 24 and 29.
    """
    site = web.TCPSite(runner, host, port, backlog=_BACKLOG, reuse_port=True if shares else None)
    try:
        await site.start()
    except OSError as exc:
        raise AddressTaken(host, port, exc) from exc


@asynccontextmanager
async def _run(app: web.Application, *, keepalive_seconds: float = 75.0) -> AsyncIterator[web.AppRunner]:
    runner = make_runner(app, keepalive_seconds=keepalive_seconds)
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()
