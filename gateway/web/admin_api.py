"""The admin API on the unix socket: what the command line and the console call.

Owns the routes, the check of the caller before each, and the application. Every action leaves an audit row.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from gateway.dispatch.trace_desk import TraceDesk
from gateway.domain.identifiers import IdSource
from gateway.intake.changes import MessageChanges
from gateway.intake.unknown_desk import UnknownDesk
from gateway.store.database import Database
from gateway.web.admin_access import AdminAccess, Caller, Permission
from gateway.web.admin_handlers import MessageAdmin, StatusSource, SystemAdmin
from gateway.web.admin_shops import ShopAdmin
from gateway.web.ledger_handlers import LedgerAdmin
from gateway.web.oncall_handlers import OncallAdmin
from gateway.web.problems import answer_problems
from gateway.web.receipt_handlers import ReceiptAdmin
from gateway.web.shop_routes import ShopRoute, mount_for_people
from gateway.web.siblings import Siblings
from gateway.web.trace_handlers import TraceAdmin
from gateway.web.unknown_handlers import UnknownAdmin

_BODY_OCTETS = 8_388_608
"""A batch of 10,000 people, as large as the public API takes by default."""

AdminHandler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class AdminDeps:
    """What the admin API is made of. `read_ledger` gives the ledger as `estafette ledger --json` prints it;
    `on_hold_changed` makes this node see a hold at once."""

    database: Database
    changes: MessageChanges
    ids: IdSource
    clock: Callable[[], datetime]
    random_octets: Callable[[int], bytes]
    access: AdminAccess
    status: StatusSource
    read_ledger: Callable[[], Awaitable[Mapping[str, object]]]
    on_hold_changed: Callable[[], Awaitable[None]]
    trace: TraceDesk
    siblings: Siblings
    """Workers whose traces are shown beside this one's."""
    unknown_desk: UnknownDesk
    shop_routes: Sequence[ShopRoute] = ()
    oncall: OncallAdmin | None = None
    """None where only shops and messages are served."""
    ledger: LedgerAdmin | None = None
    """The full verification; None where it is not served."""


def make_admin_app(deps: AdminDeps) -> web.Application:
    """The application; whoever runs it owns its socket and its end."""
    app = web.Application(middlewares=[answer_problems], client_max_size=_BODY_OCTETS + 1)
    system = SystemAdmin(
        deps.database, deps.changes, deps.status, deps.read_ledger, deps.on_hold_changed, deps.clock
    )
    shops = ShopAdmin(deps.database, deps.changes, deps.clock, deps.random_octets)
    messages = MessageAdmin(deps.database, deps.changes)
    receipts = ReceiptAdmin(deps.database)
    traces = TraceAdmin(deps.database, deps.trace, deps.siblings)
    unknown = UnknownAdmin(deps.database, deps.unknown_desk, deps.clock)
    may = Permission
    for method, path, permission, handler in (
        ("GET", "/admin/whoami", may.SEE_STATUS, system.tell_caller),
        ("GET", "/admin/status", may.SEE_STATUS, system.show_status),
        ("GET", "/admin/snapshot", may.SEE_STATUS, system.show_snapshot),
        ("GET", "/admin/connectors", may.SEE_STATUS, system.list_connectors),
        ("GET", "/admin/connectors/{name}/trace", may.TRACE, traces.stream),
        ("GET", "/admin/holds", may.SEE_STATUS, system.list_holds),
        ("POST", "/admin/hold", may.HOLD, system.hold),
        ("POST", "/admin/release", may.HOLD, system.release),
        ("GET", "/admin/ledger", may.SEE_SYSTEM, system.show_ledger),
        ("GET", "/admin/audit", may.SEE_SYSTEM, system.list_audit),
        ("GET", "/admin/receipts/unmatched", may.SEE_SYSTEM, receipts.list_unmatched),
        ("GET", "/admin/shops", may.SEE_STATUS, shops.list_shops),
        ("POST", "/admin/shops", may.MANAGE_SHOPS, shops.create_shop),
        ("PATCH", "/admin/shops/{name}", may.MANAGE_SHOPS, shops.change_shop),
        ("GET", "/admin/keys", may.MANAGE_KEYS, shops.list_keys),
        ("POST", "/admin/keys", may.MANAGE_KEYS, shops.create_key),
        ("DELETE", "/admin/keys/{id}", may.MANAGE_KEYS, shops.revoke_key),
        ("GET", "/admin/messages/{id}", may.SEE_MESSAGES, messages.get),
        ("GET", "/admin/messages/{id}/trace", may.SEE_MESSAGES, traces.show_message),
        ("POST", "/admin/messages/{id}/cancel", may.CHANGE_MESSAGES, messages.cancel),
        ("POST", "/admin/messages/{id}/resend", may.CHANGE_MESSAGES, messages.resend),
        ("GET", "/admin/unknown", may.SEE_MESSAGES, unknown.list_unknown),
        ("POST", "/admin/unknown/resend", may.CHANGE_MESSAGES, unknown.resend),
        ("POST", "/admin/unknown/close", may.CHANGE_MESSAGES, unknown.close),
    ):
        app.router.add_route(method, path, _require(deps.access, permission, handler))
    app.on_shutdown.append(_end_traces(deps.trace))
    if deps.ledger is not None:
        for method, path, handler in (
            ("GET", "/admin/ledger/verification", deps.ledger.verify),
            ("POST", "/admin/ledger/carrier-log", deps.ledger.compare_carrier_log),
        ):
            app.router.add_route(method, path, _require(deps.access, may.OPERATE, handler))
    if deps.oncall is not None:
        _add_oncall_routes(app, deps.access, deps.oncall)
    mount_for_people(app, deps.shop_routes, deps.access, deps.database)
    return app


def _end_traces(desk: TraceDesk) -> Callable[[web.Application], Awaitable[None]]:
    """A trace has no end of its own, and the application waits for its handlers when it stops."""

    async def end(_: web.Application) -> None:
        desk.book.end_watches()

    return end


def _add_oncall_routes(app: web.Application, access: AdminAccess, oncall: OncallAdmin) -> None:
    may = Permission
    for method, path, permission, handler in (
        ("POST", "/admin/connectors/{name}/down", may.OPERATE, oncall.take_down),
        ("POST", "/admin/connectors/{name}/up", may.OPERATE, oncall.bring_up),
        ("POST", "/admin/connectors/{name}/retry", may.OPERATE, oncall.retry),
        ("PATCH", "/admin/connectors/{name}", may.OPERATE, oncall.change),
        ("GET", "/admin/nodes", may.SEE_STATUS, oncall.list_nodes),
        ("GET", "/admin/alerts", may.SEE_STATUS, oncall.list_alerts),
        ("POST", "/admin/alerts/test", may.OPERATE, oncall.try_alerts),
        ("GET", "/admin/metrics", may.SEE_SYSTEM, oncall.show_metrics),
        ("GET", "/admin/readyz", may.SEE_STATUS, oncall.tell_ready),
    ):
        app.router.add_route(method, path, _require(access, permission, handler))


def _require(
    access: AdminAccess, permission: Permission, handler: AdminHandler
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def check_and_handle(request: web.Request) -> web.StreamResponse:
        caller = access.identify(request)
        caller.require(permission)
        return await handler(request, caller)

    return check_and_handle
