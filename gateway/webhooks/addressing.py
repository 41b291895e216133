"""Whom an event is for: the message's own URL and the shop's endpoints. Pure; knows no network."""

from dataclasses import dataclass, field

from gateway.store.outbox import EVERY_ENDPOINT, OWN_URL, DueDelivery
from gateway.store.webhook_endpoints import ShopWebhooks, WebhookEndpoint
from gateway.webhooks.directory import find_wanting
from gateway.webhooks.events import Subject


@dataclass(frozen=True, slots=True)
class Target:
    """One place that an event goes to."""

    endpoint_id: int
    url: str
    stored_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoTarget:
    """The place that a delivery was meant for is no more."""

    fault: str


def find_targets(
    row: DueDelivery, webhooks: ShopWebhooks, subject: Subject | None
) -> list[Target] | NoTarget:
    """Where this row goes: for one written for every endpoint any number, else exactly one or none."""
    if row.endpoint_id == EVERY_ENDPOINT:
        return [_target(endpoint) for endpoint in find_wanting(webhooks, row.kind)]
    if row.endpoint_id == OWN_URL:
        if subject is None or not subject.webhook_url:
            return NoTarget("the message, or its webhook_url, is no longer stored")
        return [Target(OWN_URL, subject.webhook_url, webhooks.stored_secret)]
    for endpoint in webhooks.endpoints:
        if endpoint.id != row.endpoint_id:
            continue
        if not endpoint.is_enabled:
            return NoTarget("the endpoint is disabled; enable it, then redeliver")
        return [_target(endpoint)]
    return NoTarget("the endpoint was deleted")


def _target(endpoint: WebhookEndpoint) -> Target:
    return Target(endpoint.id, endpoint.url, endpoint.stored_secret)
