"""What must not leave now, as rows that every node reads: holds of operators, and stopped campaigns."""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.lanes import HoldScope
from gateway.store.database import Database

EVERY_SHOP = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Who stopped what, and why. `shop_id` 0 is every shop."""

    shop_id: int
    scope: HoldScope
    held_at: datetime
    held_by: str
    reason: str


async def list_holds(database: Database) -> list[Hold]:
    return [
        Hold(row["shop_id"], HoldScope(row["scope"]), row["held_at"], row["held_by"], row["reason"])
        for row in await database.fetch("list_holds")
    ]


async def list_stopped_campaigns(database: Database) -> list[int]:
    """Campaigns that are paused, or cancelled while some of their messages still wait."""
    return [row["id"] for row in await database.fetch("list_stopped_campaigns")]


async def place_hold(
    database: Database, shop_id: int, scope: HoldScope, *, now: datetime, held_by: str, reason: str
) -> bool:
    """Stop a shop's marketing or all its messages; False when it was held so already."""
    return await database.execute("place_hold", shop_id, scope, now, held_by, reason) == "INSERT 0 1"


async def release_hold(database: Database, shop_id: int, scope: HoldScope) -> bool:
    """False when there was no such hold."""
    return await database.execute("release_hold", shop_id, scope) == "DELETE 1"
