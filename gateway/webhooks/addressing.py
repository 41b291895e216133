"""Whom an event is for: the message's own URL and the shop's endpoints. Pure; knows no network."""

from dataclasses import dataclass, field

from gateway.store.outbox import EVERY_TARGET, OWN_URL, DueDelivery
from gateway.store.webhook_endpoints import ShopWebhooks
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
    """Where this row goes: for an event written for every target any number, else exactly one or none."""
    own_url = subject.webhook_url if subject else None
    own = [Target(OWN_URL, own_url, webhooks.stored_secret)] if own_url else []
    if row.endpoint_id == EVERY_TARGET:
        wanting = find_wanting(webhooks, row.kind)
        return own + [Target(endpoint.id, endpoint.url, endpoint.stored_secret) for endpoint in wanting]
    if row.endpoint_id == OWN_URL:
        return own or NoTarget("the message, or its webhook_url, is no longer stored")
    for endpoint in webhooks.endpoints:
        if endpoint.id != row.endpoint_id:
            continue
        if not endpoint.is_enabled:
            return NoTarget("the endpoint is disabled; enable it, then redeliver")
        return [Target(endpoint.id, endpoint.url, endpoint.stored_secret)]
    return NoTarget("the endpoint was deleted")
