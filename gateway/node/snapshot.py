"""The console's frame in a few figures: how fast messages move, and what somebody should look at.

Owns the words of alerts, each with a stable code, and the measure of speed from sums in the database, which
count what every node takes in. Knows no request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.dispatch.dispatcher import ConnectorReport
from gateway.domain.campaign import PauseReason
from gateway.domain.message import MessageState
from gateway.store.database import Database
from gateway.store.overview import sum_traffic_of_shops
from gateway.store.rollups import ACCEPTED

_SPAN: Final = timedelta(hours=24)
"""Messages made longer ago that leave only now, being scheduled, are missed by the speed of one shop."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs a look, now."""

    code: str
    sentence: str


class TrafficMeter:
    """Messages a second by shop, between two looks at the sums."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._seen: tuple[float, dict[tuple[int, int], int]] = (0.0, {})
        self._rates: dict[tuple[int, int], float] = {}

    async def look(self, database: Database, *, now: datetime, monotonic: float) -> None:
        """Read the sums. Raises `StoreUnavailable`."""
        since = now.replace(minute=0, second=0, microsecond=0) - _SPAN
        sums = await sum_traffic_of_shops(database, since)
        at, before = self._seen
        if self._since == since and monotonic > at:
            self._rates = {
                key: max(0, count - before.get(key, 0)) / (monotonic - at) for key, count in sums.items()
            }
        self._since = since  # at the turn of the hour the sums lose an hour: the last rates stay
        self._seen = (monotonic, sums)

    def taken_in_per_second(self, shop_id: int | None) -> float:
        return self._rate(ACCEPTED, shop_id)

    def sent_per_second(self, shop_id: int | None) -> float:
        return self._rate(MessageState.SENT, shop_id)

    def _rate(self, state: int, shop_id: int | None) -> float:
        return sum(
            rate
            for (each, counted), rate in self._rates.items()
            if counted == state and (shop_id is None or each == shop_id)
        )


@dataclass(frozen=True, slots=True)
class HaltedCampaign:
    """A campaign that paused itself and waits for a person."""

    shop_id: int
    name: str
    reason: PauseReason


def tell_halted(campaign: HaltedCampaign) -> str:
    """Why it stands still, and what to do."""
    if campaign.reason is PauseReason.SPEND_CAP:
        return (
            f"Campaign {campaign.name} has paused: the shop's cap of spend is reached. Raise it, then resume."
        )
    return f"Campaign {campaign.name} has paused: too many of its messages fail. Look at its failures first."


def list_alerts(
    reports: Sequence[ConnectorReport],
    *,
    is_database_away: bool,
    holds_lease: bool,
    lost_clicks: int,
    waiting_for_nobody: Iterable[str],
    halted: Iterable[HaltedCampaign] = (),
) -> list[Alert]:
    """What somebody should look at, the worst first. `waiting_for_nobody` names connectors that messages wait
    for and that do not run, `halted` campaigns that paused themselves."""
    alerts: list[Alert] = []
    if is_database_away:
        alerts.append(
            Alert(
                "database_away", "The database does not answer: nothing is taken in or sent until it is back."
            )
        )
    elif not holds_lease:
        alerts.append(
            Alert("lease_lost", "This node's lease has run out: nothing is sent until it is renewed.")
        )
    alerts += [
        Alert("connector_missing", f"Messages wait for {name}, which is not configured or enabled.")
        for name in waiting_for_nobody
    ]
    for report in reports:
        alerts += [_tell_bind(report.name, bind.bind_no, bind.state.since, bind.state.last_error)
                   for bind in report.binds if bind.state.phase.value != "bound"]  # fmt: skip
    alerts += [Alert("campaign_halted", tell_halted(each)) for each in halted]
    if lost_clicks:
        alerts.append(
            Alert("clicks_lost", f"{lost_clicks:,} clicks could not be kept while the database was away.")
        )
    return alerts


def _tell_bind(connector: str, bind_no: int, since: datetime, last_error: str | None) -> Alert:
    why = f": {last_error}" if last_error else ""
    return Alert("bind_down", f"{connector}: bind {bind_no} is down since {since:%H:%M} UTC{why}.")


def show_alerts(alerts: Iterable[Alert]) -> list[Mapping[str, str]]:
    return [{"code": alert.code, "sentence": alert.sentence} for alert in alerts]
