"""The admin API on the unix socket: what the command line and the console call.

Owns the routes, the check of the caller before each, and the application. Every action leaves an audit row.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from gateway.domain.identifiers import IdSource
from gateway.intake.changes import MessageChanges
from gateway.store.database import Database
from gateway.web.admin_access import AdminAccess, Caller, Permission
from gateway.web.admin_handlers import MessageAdmin, StatusSource, SystemAdmin
from gateway.web.admin_shops import ShopAdmin
from gateway.web.problems import answer_problems
from gateway.web.shop_routes import ShopRoute, mount_for_people

_BODY_OCTETS = 8_388_608
"""A batch of 10,000 people, as large as the public API takes by default."""

AdminHandler = Callable[[web.Request, Caller], Awaitable[web.Response]]


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
    shop_routes: Sequence[ShopRoute] = ()


def make_admin_app(deps: AdminDeps) -> web.Application:
    """The application; whoever runs it owns its socket and its end."""
    app = web.Application(middlewares=[answer_problems], client_max_size=_BODY_OCTETS + 1)
    system = SystemAdmin(
        deps.database, deps.changes, deps.status, deps.read_ledger, deps.on_hold_changed, deps.clock
    )
    shops = ShopAdmin(deps.database, deps.changes, deps.clock, deps.random_octets)
    messages = MessageAdmin(deps.database, deps.changes)
    may = Permission
    for method, path, permission, handler in (
        ("GET", "/admin/whoami", may.SEE_STATUS, system.tell_caller),
        ("GET", "/admin/status", may.SEE_STATUS, system.show_status),
        ("GET", "/admin/snapshot", may.SEE_STATUS, system.show_snapshot),
        ("GET", "/admin/connectors", may.SEE_STATUS, system.list_connectors),
        ("GET", "/admin/holds", may.SEE_STATUS, system.list_holds),
        ("POST", "/admin/hold", may.HOLD, system.hold),
        ("POST", "/admin/release", may.HOLD, system.release),
        ("GET", "/admin/ledger", may.SEE_SYSTEM, system.show_ledger),
        ("GET", "/admin/audit", may.SEE_SYSTEM, system.list_audit),
        ("GET", "/admin/shops", may.SEE_STATUS, shops.list_shops),
        ("POST", "/admin/shops", may.MANAGE_SHOPS, shops.create_shop),
        ("PATCH", "/admin/shops/{name}", may.MANAGE_SHOPS, shops.change_shop),
        ("GET", "/admin/keys", may.MANAGE_KEYS, shops.list_keys),
        ("POST", "/admin/keys", may.MANAGE_KEYS, shops.create_key),
        ("DELETE", "/admin/keys/{id}", may.MANAGE_KEYS, shops.revoke_key),
        ("GET", "/admin/messages/{id}", may.SEE_MESSAGES, messages.get),
        ("POST", "/admin/messages/{id}/cancel", may.CHANGE_MESSAGES, messages.cancel),
        ("POST", "/admin/messages/{id}/resend", may.CHANGE_MESSAGES, messages.resend),
    ):
        app.router.add_route(method, path, _require(deps.access, permission, handler))
    mount_for_people(app, deps.shop_routes, deps.access, deps.database)
    return app


def _require(
    access: AdminAccess, permission: Permission, handler: AdminHandler
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def check_and_handle(request: web.Request) -> web.Response:
        caller = access.identify(request)
        caller.require(permission)
        return await handler(request, caller)

    return check_and_handle
