"""Sums for the picture of the moment: a shop's last hours, and how fast messages move.

Owns the reads; all of them look at rollups but the count of texts from handsets, which are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.domain.identifiers import first_id_at
from gateway.store.database import Database


class TrafficSum(NamedTuple):
    """Messages made within an hour that entered a state; state 0: that were taken in."""

    hour: datetime
    state: int
    failure_class: int
    messages: int


@dataclass(frozen=True, slots=True)
class OverviewSums:
    """What a shop's overview is made of."""

    traffic: Sequence[TrafficSum]
    clicks: dict[datetime, int]
    revenue: dict[str, int]
    inbound_texts: int
    stops: int


async def read_overview(database: Database, shop_id: int, from_hour: datetime) -> OverviewSums:
    """The sums of one shop since a whole hour."""
    async with database.connection() as connection:
        traffic = await connection.fetch("sum_traffic", shop_id, from_hour)
        clicks = await connection.fetch("sum_clicks_by_hour", shop_id, from_hour)
        revenue = await connection.fetch("sum_revenue_since", shop_id, from_hour)
        inbound = await connection.fetch_row("count_inbound_since", shop_id, first_id_at(from_hour))
    assert inbound is not None  # count always gives a row
    return OverviewSums(
        traffic=[TrafficSum(**row) for row in traffic],
        clicks={row["hour"]: row["clicks"] for row in clicks},
        revenue={row["currency"]: row["micros"] for row in revenue},
        inbound_texts=inbound["texts"],
        stops=inbound["stops"],
    )


async def sum_traffic_of_shops(database: Database, from_hour: datetime) -> dict[tuple[int, int], int]:
    """Messages by (shop, state) of those made since a whole hour; states 0 (taken in) and 4 (sent)."""
    rows = await database.fetch("sum_traffic_of_shops", from_hour)
    return {(row["shop_id"], row["state"]): row["messages"] for row in rows}
