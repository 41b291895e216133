"""Where a delivery goes: the message's own URL or one of the shop's endpoints. Pure; knows no network."""

from dataclasses import dataclass, field

from gateway.store.outbox import OWN_URL, DueDelivery
from gateway.store.webhook_endpoints import ShopWebhooks
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


def find_target(row: DueDelivery, webhooks: ShopWebhooks, subject: Subject | None) -> Target | NoTarget:
    """Where this row goes. An endpoint gets what was written for it, whatever it asks for by now."""
    if row.endpoint_id == OWN_URL:
        if subject is None or not subject.webhook_url:
            return NoTarget("the message, or its webhook_url, is no longer stored")
        return Target(OWN_URL, subject.webhook_url, webhooks.stored_secret)
    for endpoint in webhooks.endpoints:
        if endpoint.id != row.endpoint_id:
            continue
        if not endpoint.is_enabled:
            return NoTarget("the endpoint is disabled; enable it, then redeliver")
        return Target(endpoint.id, endpoint.url, endpoint.stored_secret)
    return NoTarget("the endpoint was deleted")
