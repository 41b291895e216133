"""Webhook endpoints of shops: where events go, which, and the secrets that sign them.

Owns the rows and the form in which a secret under replacement is stored. Checks neither URLs nor event
names: `webhooks` does, before a row is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.store.database import Database

ENDPOINTS_PER_SHOP = 20
"""Every event is looked at for each of them."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """One endpoint of a shop. `stored_secret` is for `valid_secrets`; `events` are kinds or patterns."""

    shop_id: int
    id: int
    url: str
    stored_secret: str = field(repr=False)
    events: tuple[str, ...]
    is_enabled: bool
    created_at: datetime
    updated_at: datetime

    @property
    def secret(self) -> str:
        """The newest secret: the one to show."""
        return self.stored_secret.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class ShopWebhooks:
    """A shop's own secret, which signs posts to messages' webhook_url, and all its endpoints."""

    shop_id: int
    stored_secret: str = field(repr=False)
    endpoints: tuple[WebhookEndpoint, ...]


def valid_secrets(stored: str, now: datetime) -> list[str]:
    """The secrets to sign with at `now`, newest first.

    Stored is the newest and, after a rotation, a blank and `<the one before>@<Unix second it lapses at>`.
    """
    newest, *older = stored.split(" ")
    secrets = [newest]
    for entry in older:
        secret, _, until = entry.rpartition("@")
        if now.timestamp() < int(until):
            secrets.append(secret)
    return secrets


async def create_webhook_endpoint(
    database: Database,
    *,
    shop_id: int,
    endpoint_id: int,
    url: str,
    secret: str,
    events: Sequence[str],
    is_enabled: bool,
    now: datetime,
) -> WebhookEndpoint | None:
    """Add an endpoint; None when the shop already has `ENDPOINTS_PER_SHOP`."""
    row = await database.fetch_row(
        "create_webhook_endpoint",
        shop_id,
        endpoint_id,
        url,
        secret,
        events,
        is_enabled,
        now,
        ENDPOINTS_PER_SHOP,
    )
    return _endpoint(row) if row else None


async def list_webhook_endpoints(database: Database, shop_id: int) -> list[WebhookEndpoint]:
    return [_endpoint(row) for row in await database.fetch("list_webhook_endpoints", shop_id)]


async def find_webhook_endpoint(database: Database, shop_id: int, endpoint_id: int) -> WebhookEndpoint | None:
    row = await database.fetch_row("find_webhook_endpoint", shop_id, endpoint_id)
    return _endpoint(row) if row else None


async def update_webhook_endpoint(
    database: Database,
    shop_id: int,
    endpoint_id: int,
    *,
    now: datetime,
    url: str | None = None,
    events: Sequence[str] | None = None,
    is_enabled: bool | None = None,
) -> WebhookEndpoint | None:
    """Change what is given; None when the shop has no such endpoint."""
    row = await database.fetch_row(
        "update_webhook_endpoint", shop_id, endpoint_id, url, events, is_enabled, now
    )
    return _endpoint(row) if row else None


async def delete_webhook_endpoint(database: Database, shop_id: int, endpoint_id: int) -> bool:
    """Whether there was such an endpoint. What still waits for it is given up by the deliverer."""
    return await database.execute("delete_webhook_endpoint", shop_id, endpoint_id) == "DELETE 1"


async def rotate_webhook_secret(
    database: Database,
    shop_id: int,
    endpoint_id: int,
    *,
    secret: str,
    previous_until: datetime,
    now: datetime,
) -> WebhookEndpoint | None:
    """Sign with `secret` from now on, and with the one before as well until `previous_until`."""
    row = await database.fetch_row(
        "rotate_webhook_secret", shop_id, endpoint_id, secret, int(previous_until.timestamp()), now
    )
    return _endpoint(row) if row else None


async def disable_gone_endpoint(
    database: Database,
    shop_id: int,
    endpoint_id: int,
    *,
    now: datetime,
    event_id: int,
    subject: str,
    data: str,
) -> bool:
    """Switch an endpoint off and write the event row that tells of it; False when it was off already."""
    tag = await database.execute("disable_gone_endpoint", shop_id, endpoint_id, now, event_id, subject, data)
    return tag == "INSERT 0 1"


async def list_shop_webhooks(database: Database, shop_ids: Sequence[int]) -> dict[int, ShopWebhooks]:
    """What delivery needs of these shops; shops that do not exist are absent."""
    endpoints: dict[int, list[WebhookEndpoint]] = {}
    secrets: dict[int, str] = {}
    for row in await database.fetch("list_shop_webhooks", shop_ids):
        secrets[row["shop_id"]] = row["webhook_secret"]
        found = endpoints.setdefault(row["shop_id"], [])
        if row["id"] is not None:
            found.append(_endpoint(row))
    return {
        shop_id: ShopWebhooks(shop_id, secret, tuple(endpoints[shop_id]))
        for shop_id, secret in secrets.items()
    }


def _endpoint(row: Any) -> WebhookEndpoint:
    return WebhookEndpoint(
        shop_id=row["shop_id"],
        id=row["id"],
        url=row["url"],
        stored_secret=row["secret"],
        events=tuple(row["events"]),
        is_enabled=row["is_enabled"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
