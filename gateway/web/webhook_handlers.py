"""Webhook endpoints and deliveries over HTTP: make, change, rotate, test, list, redeliver."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from gateway.domain.identifiers import IdSource
from gateway.domain.public_ids import encode_public_id
from gateway.intake.changes import MessageChanges
from gateway.store.database import Database
from gateway.store.outbox import (
    CONTACT_OPTED_IN,
    CONTACT_OPTED_OUT,
    EVENT_KINDS,
    INBOUND_RECEIVED,
    OWN_URL,
    WEBHOOK_TEST,
    Delivery,
    DeliveryFilter,
    DeliveryState,
    add_test_event,
    list_deliveries,
    redeliver,
)
from gateway.store.shops import KeyHolder
from gateway.store.webhook_endpoints import (
    ENDPOINTS_PER_SHOP,
    WebhookEndpoint,
    create_webhook_endpoint,
    delete_webhook_endpoint,
    find_webhook_endpoint,
    list_webhook_endpoints,
    rotate_webhook_secret,
    update_webhook_endpoint,
)
from gateway.web.bodies import Query, read_struct
from gateway.web.message_handlers import actor_of_holder, answer_json, not_found, read_public_id
from gateway.web.problems import ProblemRaised
from gateway.webhooks.directory import EndpointDirectory
from gateway.webhooks.errors import BadEventFilter, TargetRefused
from gateway.webhooks.events import EVERY_EVENT, check_event_patterns
from gateway.webhooks.signature import SECRET_OCTETS, format_secret
from gateway.webhooks.targets import parse_target

_ROTATION_OVERLAP = timedelta(hours=24)
"""How long the secret before a rotation signs along, unless the request says otherwise."""
_PAGE_LIMIT = 200
_DELIVERY_PARAMETERS = (
    "endpoint_id",
    "state",
    "type",
    "message_id",
    "from_time",
    "to_time",
    "limit",
    "cursor",
)

Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Events = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=20)]


class NewEndpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a new endpoint."""

    url: Url
    events: Events = msgspec.field(default_factory=lambda: [EVERY_EVENT])
    is_enabled: bool = True


class EndpointChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of an endpoint; what is left out stays."""

    url: Url | None = None
    events: Events | None = None
    is_enabled: bool | None = None


class Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the old secret signs along."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=604_800)] = int(_ROTATION_OVERLAP.total_seconds())


@dataclass(frozen=True, slots=True)
class WebhookTools:
    """What the handlers need of the webhooks room and of the outside."""

    directory: EndpointDirectory
    allow_private: bool
    wake_deliverer: Callable[[], None]
    random_octets: Callable[[int], bytes]


class WebhookHandlers:
    """The webhook endpoints of one shop's key."""

    def __init__(
        self,
        database: Database,
        changes: MessageChanges,
        tools: WebhookTools,
        *,
        ids: IdSource,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._changes = changes
        self._tools = tools
        self._ids = ids
        self._clock = clock

    async def create(self, request: web.Request, holder: KeyHolder) -> web.Response:
        wanted = await read_struct(request, NewEndpoint)
        endpoint = await create_webhook_endpoint(
            self._database,
            shop_id=holder.shop.id,
            endpoint_id=self._ids.next_id(0),
            url=self._check_url(wanted.url),
            secret=self._new_secret(),
            events=_check_events(wanted.events),
            is_enabled=wanted.is_enabled,
            now=self._clock(),
        )
        if endpoint is None:
            raise ProblemRaised(
                "endpoint_limit",
                f"A shop has at most {ENDPOINTS_PER_SHOP} endpoints.",
                "Delete one that is not used any more.",
            )
        self._tools.directory.forget(holder.shop.id)
        return answer_json(_show_endpoint(endpoint, with_secret=True), status=201)

    async def list(self, request: web.Request, holder: KeyHolder) -> web.Response:
        Query(request, ())
        endpoints = await list_webhook_endpoints(self._database, holder.shop.id)
        return answer_json({"webhook_endpoints": [_show_endpoint(endpoint) for endpoint in endpoints]})

    async def get(self, request: web.Request, holder: KeyHolder) -> web.Response:
        endpoint = await find_webhook_endpoint(self._database, holder.shop.id, read_public_id(request, "whk"))
        if endpoint is None:
            raise not_found()
        return answer_json(_show_endpoint(endpoint))

    async def update(self, request: web.Request, holder: KeyHolder) -> web.Response:
        endpoint_id = read_public_id(request, "whk")
        wanted = await read_struct(request, EndpointChange)
        endpoint = await update_webhook_endpoint(
            self._database,
            holder.shop.id,
            endpoint_id,
            now=self._clock(),
            url=None if wanted.url is None else self._check_url(wanted.url),
            events=None if wanted.events is None else _check_events(wanted.events),
            is_enabled=wanted.is_enabled,
        )
        if endpoint is None:
            raise not_found()
        self._tools.directory.forget(holder.shop.id)
        return answer_json(_show_endpoint(endpoint))

    async def delete(self, request: web.Request, holder: KeyHolder) -> web.Response:
        if not await delete_webhook_endpoint(self._database, holder.shop.id, read_public_id(request, "whk")):
            raise not_found()
        self._tools.directory.forget(holder.shop.id)
        return web.Response(status=204)

    async def rotate_secret(self, request: web.Request, holder: KeyHolder) -> web.Response:
        endpoint_id = read_public_id(request, "whk")
        wanted = Rotation()
        if request.can_read_body:
            wanted = await read_struct(request, Rotation)
        now = self._clock()
        endpoint = await rotate_webhook_secret(
            self._database,
            holder.shop.id,
            endpoint_id,
            secret=self._new_secret(),
            previous_until=now + timedelta(seconds=wanted.overlap_seconds),
            now=now,
        )
        if endpoint is None:
            raise not_found()
        self._tools.directory.forget(holder.shop.id)
        return answer_json(_show_endpoint(endpoint, with_secret=True))

    async def send_test(self, request: web.Request, holder: KeyHolder) -> web.Response:
        endpoint_id = read_public_id(request, "whk")
        endpoint = await find_webhook_endpoint(self._database, holder.shop.id, endpoint_id)
        if endpoint is None:
            raise not_found()
        event_id = self._ids.next_id(0)
        await add_test_event(
            self._database,
            shop_id=holder.shop.id,
            event_id=event_id,
            endpoint_id=endpoint_id,
            now=self._clock(),
        )
        self._tools.wake_deliverer()
        return answer_json({"event_id": encode_public_id("evt", event_id)}, status=202)

    async def list_deliveries(self, request: web.Request, holder: KeyHolder) -> web.Response:
        query = Query(request, _DELIVERY_PARAMETERS)
        limit = query.integer("limit", default=50, low=1, high=_PAGE_LIMIT)
        deliveries = await list_deliveries(
            self._database,
            holder.shop.id,
            wanted=_read_filter(query),
            below_id=query.public_id("cursor", "evt"),
            limit=limit + 1,
        )
        page = deliveries[:limit]
        cursor = encode_public_id("evt", page[-1].id) if len(deliveries) > limit else None
        return answer_json(
            {"webhook_deliveries": [_show_delivery(delivery) for delivery in page], "next_cursor": cursor}
        )

    async def redeliver(self, request: web.Request, holder: KeyHolder) -> web.Response:
        delivery = await redeliver(
            self._database, holder.shop.id, read_public_id(request, "evt"), now=self._clock()
        )
        if delivery is None:
            raise not_found()
        self._tools.wake_deliverer()
        subject = encode_public_id("evt", delivery.id)
        await self._changes.note(actor_of_holder(holder), "webhook_delivery.redeliver", subject, {})
        return answer_json(_show_delivery(delivery), status=202)

    def _check_url(self, text: str) -> str:
        try:
            return str(parse_target(text, allow_private=self._tools.allow_private))
        except TargetRefused as exc:
            raise ProblemRaised(
                "invalid_webhook_url", f"{exc}.", "Give a public https URL.", path="$.url"
            ) from exc

    def _new_secret(self) -> str:
        return format_secret(self._tools.random_octets(SECRET_OCTETS))


def _check_events(patterns: "list[str]") -> tuple[str, ...]:
    try:
        return check_event_patterns(patterns)
    except BadEventFilter as exc:
        raise ProblemRaised(
            "invalid_field", f"{exc}.", "Ask for events that exist.", path="$.events"
        ) from exc


def _read_filter(query: Query) -> DeliveryFilter:
    state, kind = query.text("state"), query.text("type")
    words = {known.word: known for known in DeliveryState}
    if state is not None and state not in words:
        raise ProblemRaised(
            "invalid_parameter", f"There is no state {state[:40]}.", f"States: {', '.join(words)}."
        )
    if kind is not None and kind not in EVENT_KINDS:
        raise ProblemRaised(
            "invalid_parameter", f"There is no event {kind[:40]}.", f"Events: {', '.join(EVENT_KINDS)}."
        )
    return DeliveryFilter(
        endpoint_id=query.public_id("endpoint_id", "whk"),
        state=None if state is None else words[state],
        kind=kind,
        subject_id=query.public_id("message_id", "msg"),
        from_at=query.moment("from_time"),
        until_at=query.moment("to_time"),
    )


def _show_endpoint(endpoint: WebhookEndpoint, *, with_secret: bool = False) -> dict[str, object]:
    """The secret is shown when it is made and when it is replaced, and never again."""
    shown: dict[str, object] = {
        "id": encode_public_id("whk", endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "is_enabled": endpoint.is_enabled,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }
    return {**shown, "secret": endpoint.secret} if with_secret else shown


def _show_delivery(delivery: Delivery) -> dict[str, object]:
    has_endpoint = delivery.endpoint_id > OWN_URL
    return {
        "id": encode_public_id("evt", delivery.id),
        "type": delivery.kind,
        "subject_id": encode_public_id(_subject_prefix(delivery.kind), delivery.subject_id),  # type: ignore[arg-type]  # one of three
        "endpoint_id": encode_public_id("whk", delivery.endpoint_id) if has_endpoint else None,
        "sequence": delivery.sequence,
        "state": delivery.state.word,
        "attempts": delivery.attempt,
        "http_status": delivery.http_status,
        "last_error": delivery.last_error,
        "occurred_at": delivery.occurred_at,
        "next_at": delivery.next_at if delivery.state is DeliveryState.WAITING else None,
        "finished_at": delivery.finished_at,
    }


def _subject_prefix(kind: str) -> str:
    if kind in (CONTACT_OPTED_OUT, CONTACT_OPTED_IN):
        return "ctc"
    return {WEBHOOK_TEST: "whk", INBOUND_RECEIVED: "mo"}.get(kind, "msg")
