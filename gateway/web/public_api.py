"""The public API, version 1: which path leads to which handler, behind which scope.

Owns the routes and the application; the handlers are in files of their own.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from aiohttp import web

from gateway.domain.identifiers import IdSource
from gateway.intake.changes import MessageChanges
from gateway.intake.directory import KeyDirectory
from gateway.intake.service import Intake
from gateway.oncall.readiness import Readiness
from gateway.store.database import Database
from gateway.web.auth import Authentication
from gateway.web.message_handlers import BodyLimits, MessageHandlers, answer_json
from gateway.web.oncall_handlers import answer_readiness
from gateway.web.problems import answer_problems
from gateway.web.shop_routes import ShopRoute, mount_for_shops
from gateway.web.webhook_handlers import WebhookHandlers, WebhookTools


@dataclass(frozen=True, slots=True)
class PublicDeps:
    """What the public API is made of. `check_readiness` must answer within a second or two."""

    database: Database
    intake: Intake
    changes: MessageChanges
    keys: KeyDirectory
    webhooks: WebhookTools
    ids: IdSource
    clock: Callable[[], datetime]
    limits: BodyLimits
    check_readiness: Callable[[], Awaitable[Readiness]]
    shop_routes: Sequence[ShopRoute] = ()


def make_public_app(deps: PublicDeps) -> web.Application:
    """The application; whoever runs it owns its socket and its end."""
    app = web.Application(middlewares=[answer_problems], client_max_size=deps.limits.batch_octets + 1)
    messages = MessageHandlers(deps.database, deps.intake, deps.changes, deps.limits)
    webhooks = WebhookHandlers(deps.database, deps.changes, deps.webhooks, ids=deps.ids, clock=deps.clock)
    health = _HealthHandlers(deps.check_readiness)
    authentication = Authentication(deps.keys)
    require = authentication.require
    mount_for_shops(app, deps.shop_routes, authentication)
    add = app.router.add_route
    for method, path, scope, handler in (
        ("POST", "/v1/messages", "messages:write", messages.send),
        ("POST", "/v1/messages/batch", "messages:write", messages.send_batch),
        ("POST", "/v1/estimate", "messages:read", messages.estimate),
        ("GET", "/v1/messages", "messages:read", messages.list),
        ("GET", "/v1/messages/{id}", "messages:read", messages.get),
        ("POST", "/v1/messages/{id}/cancel", "messages:write", messages.cancel),
        ("POST", "/v1/messages/{id}/resend", "messages:write", messages.resend),
        ("POST", "/v1/webhook-endpoints", "webhooks", webhooks.create),
        ("GET", "/v1/webhook-endpoints", "webhooks", webhooks.list),
        ("GET", "/v1/webhook-endpoints/{id}", "webhooks", webhooks.get),
        ("PATCH", "/v1/webhook-endpoints/{id}", "webhooks", webhooks.update),
        ("DELETE", "/v1/webhook-endpoints/{id}", "webhooks", webhooks.delete),
        ("POST", "/v1/webhook-endpoints/{id}/rotate-secret", "webhooks", webhooks.rotate_secret),
        ("POST", "/v1/webhook-endpoints/{id}/test", "webhooks", webhooks.send_test),
        ("GET", "/v1/webhook-deliveries", "webhooks", webhooks.list_deliveries),
        ("POST", "/v1/webhook-deliveries/{id}/redeliver", "webhooks", webhooks.redeliver),
    ):
        add(method, path, require(scope, handler))
    add("GET", "/v1/openapi.yaml", health.serve_openapi)
    add("GET", "/healthz", health.tell_alive)
    add("GET", "/readyz", health.tell_ready)
    return app


class _HealthHandlers:
    def __init__(self, check_readiness: Callable[[], Awaitable[Readiness]]) -> None:
        self._check_readiness = check_readiness
        self._openapi = files("gateway.web").joinpath("openapi.yaml").read_bytes()

    async def serve_openapi(self, request: web.Request) -> web.Response:
        return web.Response(body=self._openapi, headers={"Content-Type": "application/yaml"})

    async def tell_alive(self, request: web.Request) -> web.Response:
        """The process answers: restart it only when this fails."""
        return answer_json({"status": "alive"})

    async def tell_ready(self, request: web.Request) -> web.Response:
        """503 takes the process out of a load balancer while it cannot store messages."""
        return answer_readiness(await self._check_readiness())
