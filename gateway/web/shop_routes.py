"""Endpoints of one shop, served twice: to the shop itself by its key, and to people at the admin socket.

Owns how a route is named on either side and who may call it. A handler sees the shop and who acts; through
which door the request came it cannot tell. It is real people's data, so test keys have no way in.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.intake.changes import Actor
from gateway.store.database import Database
from gateway.store.shops import KeyHolder, Shop
from gateway.web.admin_access import AdminAccess, Permission
from gateway.web.admin_handlers import find_shop_for
from gateway.web.auth import Authentication
from gateway.web.message_handlers import actor_of_holder
from gateway.web.problems import ProblemRaised


@dataclass(frozen=True, slots=True)
class ShopCaller:
    """Whose data a request is about, and who asks. `sees_texts`: contents of messages may be shown."""

    shop: Shop
    actor: Actor
    sees_texts: bool


ShopHandler = Callable[[web.Request, ShopCaller], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class ShopRoute:
    """`path` follows `/v1` for shops, who need a live key with `scope`, and `/admin/shops/{shop}` for people,
    who need `permission`. Without a scope there is no way in for keys."""

    method: str
    path: str
    scope: str | None
    permission: Permission
    handler: ShopHandler


def mount_for_shops(
    app: web.Application, routes: Sequence[ShopRoute], authentication: Authentication
) -> None:
    """Add the routes to the public API."""
    for route in routes:
        if route.scope is not None:
            handler = authentication.require(route.scope, _for_holder(route.handler))
            app.router.add_route(route.method, f"/v1{route.path}", handler)


def mount_for_people(
    app: web.Application, routes: Sequence[ShopRoute], access: AdminAccess, database: Database
) -> None:
    """Add the routes to the admin API."""
    for route in routes:
        app.router.add_route(
            route.method, f"/admin/shops/{{shop}}{route.path}", _for_caller(route, access, database)
        )


def _for_holder(handler: ShopHandler) -> Callable[[web.Request, KeyHolder], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request, holder: KeyHolder) -> web.StreamResponse:
        if holder.is_test:
            raise ProblemRaised(
                "live_key_needed",
                "People, lists, campaigns and orders are real; a test key reaches none of them.",
                "Use a live key. Campaigns can be tried by a test message to your own number.",
            )
        return await handler(request, ShopCaller(holder.shop, actor_of_holder(holder), sees_texts=True))

    return handle


def _for_caller(
    route: ShopRoute, access: AdminAccess, database: Database
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        caller = access.identify(request)
        caller.require(route.permission)
        shop = await find_shop_for(database, caller, request.match_info["shop"])
        return await route.handler(request, ShopCaller(shop, caller.actor, sees_texts=caller.sees_texts))

    return handle
