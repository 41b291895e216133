"""Speeds from sums."""

from datetime import UTC, datetime, timedelta
from typing import cast

from gateway.node.snapshot import TrafficMeter
from gateway.store.database import Database

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Sums:
    """A database that gives these sums."""

    def __init__(self) -> None:
        self.rows: list[dict[str, int]] = []

    async def fetch(self, name: str, *arguments: object) -> list[dict[str, int]]:
        return self.rows

    def set(self, **taken_in: int) -> None:
        self.rows = [
            {"shop_id": int(shop[1:]), "state": state, "messages": count}
            for shop, count in taken_in.items()
            for state in (0, 4)
        ]


async def look(meter: TrafficMeter, sums: Sums, seconds: float, now: datetime = NOON) -> None:
    await meter.look(cast(Database, sums), now=now, monotonic=seconds)


async def test_speeds_are_between_two_looks_by_shop_and_together() -> None:
    meter, sums = TrafficMeter(), Sums()
    sums.set(s1=100, s2=10)
    await look(meter, sums, 1.0)
    assert meter.taken_in_per_second(None) == 0
    sums.set(s1=120, s2=16)
    await look(meter, sums, 3.0)
    assert meter.taken_in_per_second(1) == 10
    assert meter.taken_in_per_second(None) == meter.sent_per_second(None) == 13
    assert meter.taken_in_per_second(7) == 0


async def test_at_the_turn_of_the_hour_the_last_speed_stays() -> None:
    meter, sums = TrafficMeter(), Sums()
    for count, seconds, now in ((100, 1.0, NOON), (120, 3.0, NOON), (30, 5.0, NOON + timedelta(hours=1))):
        sums.set(s1=count)
        await look(meter, sums, seconds, now)
        assert meter.taken_in_per_second(1) >= 0
    assert meter.taken_in_per_second(1) == 10
    sums.set(s1=34)
    await look(meter, sums, 7.0, NOON + timedelta(hours=1))
    assert meter.taken_in_per_second(1) == 2
