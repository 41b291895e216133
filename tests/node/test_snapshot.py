"""Speeds from sums, and the alerts of the console's frame."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from gateway.config import BindMode
from gateway.dispatch.connections import BindReport
from gateway.dispatch.dispatcher import ConnectorReport
from gateway.node.snapshot import TrafficMeter, list_alerts
from gateway.session.bind import BindPhase, BindState, Endpoint
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


def report(*phases: BindPhase) -> ConnectorReport:
    binds = tuple(
        BindReport(
            number, BindMode.TRANSCEIVER, BindState(phase, NOON, Endpoint("h", 1), "refused"), 10, 0, 0, 0
        )
        for number, phase in enumerate(phases)
    )
    return ConnectorReport(1, "smsc-a", True, 50, 50, 0, 0, 0, 0, "", binds)


def alerts(*reports: ConnectorReport, **changes: Any) -> list[tuple[str, str]]:
    values: dict[str, Any] = {
        "is_database_away": False,
        "holds_lease": True,
        "lost_clicks": 0,
        "waiting_for_nobody": (),
        **changes,
    }
    return [(alert.code, alert.sentence) for alert in list_alerts(reports, **values)]


def test_all_well_is_silent() -> None:
    assert alerts(report(BindPhase.BOUND, BindPhase.BOUND)) == []


def test_a_bind_that_is_down_is_told_with_since_when_and_why() -> None:
    down = next(phase for phase in BindPhase if phase is not BindPhase.BOUND)
    assert alerts(report(BindPhase.BOUND, down)) == [
        ("bind_down", "smsc-a: bind 1 is down since 12:00 UTC: refused.")
    ]


def test_each_trouble_has_its_code_the_worst_first() -> None:
    told = alerts(is_database_away=True, holds_lease=False, lost_clicks=3, waiting_for_nobody=["smsc-b"])
    assert [code for code, _ in told] == ["database_away", "connector_missing", "clicks_lost"]
    assert [code for code, _ in alerts(holds_lease=False)] == ["lease_lost"]
