"""What whoever is on call uses, made and tied to the rooms that it watches."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gateway.config import AlertsConfig, Config, ConnectorConfig
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.holds import HoldBoard
from gateway.domain.ledger import LedgerReport
from gateway.domain.public_ids import encode_public_id
from gateway.links.clicks import ClickCounts
from gateway.node.figures import FigureParts, Figures
from gateway.node.ground import VERSION
from gateway.node.node_view import NodeList
from gateway.node.observing import Observer, ObserverParts
from gateway.node.ownership import Ownership
from gateway.node.snapshot import HaltedCampaign
from gateway.node.status import NodeStatus, OncallReports
from gateway.oncall.bind_diary import BindDiary
from gateway.oncall.connector_desk import ConnectorDesk
from gateway.oncall.loop_lag import LoopLag
from gateway.oncall.otp_bursts import OtpWatch
from gateway.oncall.overrides import OverrideBoard
from gateway.oncall.telling import Announcer, CommandTeller, Telling, WebhookTeller
from gateway.oncall.watch import Watch
from gateway.store.database import Database
from gateway.store.due_work import HasWork
from gateway.store.leases import Node
from gateway.store.outcomes import OutcomeWriter
from gateway.webhooks.deliverer import WebhookDeliverer
from gateway.webhooks.errors import BadSecret, TargetRefused
from gateway.webhooks.posting import Poster
from gateway.webhooks.signature import ID_HEADER, TIMESTAMP_HEADER, sign
from gateway.webhooks.targets import parse_target

_POST_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class OncallGround:
    """What these rooms stand on and look at."""

    database: Database
    node: Node
    host: str
    state_folder: Path
    dispatcher: Dispatcher
    holds: HoldBoard
    outcomes: OutcomeWriter
    deliverer: WebhookDeliverer
    ownership: Ownership
    nodes: NodeList
    diary: BindDiary
    otps: OtpWatch
    status: Callable[[], NodeStatus]
    connector_names: Callable[[], Mapping[int, str]]
    connectors: Callable[[], Mapping[int, ConnectorConfig]]
    shop_names: Callable[[], Mapping[int, str]]
    count_clicks: Callable[[], ClickCounts]
    list_halted: Callable[[], Sequence[HaltedCampaign]]
    read_ledger: Callable[[], Awaitable[LedgerReport]]
    retry_elsewhere: Callable[[int], bool]
    """Has other nodes try their binds of a connector at once; whether they hold any."""
    reconfigure: Callable[[], Awaitable[None]]
    """Applies the configuration again, under the changes that hold now."""
    has_overrides: HasWork
    clock: Callable[[], datetime]


class OncallRooms:
    """Changes of connectors, alerts and figures."""

    def __init__(self, ground: OncallGround, config: Config) -> None:
        node, database = ground.node, ground.database
        self._ground = ground
        self.board = OverrideBoard(
            database,
            on_changed=ground.reconfigure,
            clock=ground.clock,
            has_overrides=ground.has_overrides,
        )
        self.desk = ConnectorDesk(
            database,
            self.board,
            connector_ids=lambda: {name: number for number, name in ground.connector_names().items()},
            retry_now=ground.dispatcher.retry_now,
            retry_elsewhere=ground.retry_elsewhere,
            ids=node.ids,
            clock=ground.clock,
        )
        self._announcer = Announcer(
            node=ground.host,
            next_id=lambda: encode_public_id("evt", node.ids.next_id(0)),
            clock=ground.clock,
        )
        self._observer = Observer(
            ObserverParts(
                database=database,
                dispatcher=ground.dispatcher,
                holds=ground.holds,
                outcomes=ground.outcomes,
                otps=ground.otps,
                ownership=ground.ownership,
                node_no=node.node_no,
                host=ground.host,
                state_folder=ground.state_folder,
                queue=ground.status,
                may_submit=node.may_submit,
                connector_names=ground.connector_names,
                shop_names=ground.shop_names,
                count_lost_clicks=lambda: ground.count_clicks().lost,
                count_unknown=lambda: self.figures.unknown,
                list_halted=ground.list_halted,
                read_ledger=ground.read_ledger,
                clock=ground.clock,
            ),
            config.alerts,
        )
        self.watch = Watch(
            database,
            self._announcer,
            observe=self._observer.observe,
            limits=config.alerts,
            clock=ground.clock,
            node_no=node.node_no,
        )
        self.lag = LoopLag()
        self.figures = Figures(
            FigureParts(
                version=VERSION,
                database=database,
                dispatcher=ground.dispatcher,
                holds=ground.holds,
                outcomes=ground.outcomes,
                deliverer=ground.deliverer,
                board=self.board,
                watch=self.watch,
                announcer=self._announcer,
                observer=self._observer,
                lag=self.lag,
                nodes=ground.nodes,
                ownership=ground.ownership,
                status=ground.status,
                count_clicks=ground.count_clicks,
                connector_names=ground.connector_names,
                may_submit=node.may_submit,
                clock=ground.clock,
            )
        )
        self.apply(config)

    @property
    def reports(self) -> OncallReports:
        """What the status tells of this."""
        return OncallReports(
            book=self.watch.book,
            board=self.board,
            find_disk=lambda: self._observer.disk,
            count_unmatched=lambda: self.figures.unmatched,
            count_unknown=lambda: sum((self.figures.unknown or {}).values()),
            connectors=self._ground.connectors,
        )

    def apply(self, config: Config) -> None:
        """Take over a configuration that was read again."""
        alerts = config.alerts
        self.watch.limits = self._observer.limits = alerts
        self._announcer.use(
            CommandTeller(alerts.command) if alerts.command else None,
            WebhookTeller(_make_post(alerts, self._ground.clock)) if alerts.webhook_url else None,
        )

    def share_counts(self) -> dict[str, float]:
        """What this node counts for alerts that all nodes' counts are judged for."""
        return self._observer.share_counts()

    def list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What goes on by itself, by name."""
        return [
            ("overrides", self.board.run()),
            ("alerts", self.watch.run()),
            ("telling", self._announcer.run()),
            ("ledger check", self._observer.check_ledger()),
            ("figures", self.figures.run()),
            ("loop lag", self.lag.run()),
            ("bind events", self._ground.diary.run()),
        ]


def _make_post(
    alerts: AlertsConfig, clock: Callable[[], datetime]
) -> Callable[[Telling], Awaitable[str | None]]:
    """Posts a telling, signed where there is a secret. The operator wrote the address, not a shop: it may be
    a private one."""

    async def post(telling: Telling) -> str | None:
        timestamp = int(clock().timestamp())
        headers = {ID_HEADER: telling.id, TIMESTAMP_HEADER: str(timestamp)}
        try:
            url = parse_target(str(alerts.webhook_url), allow_private=True)
            if alerts.webhook_secret is not None:
                secrets = [alerts.webhook_secret.reveal()]
                headers = sign(secrets, event_id=telling.id, timestamp=timestamp, body=telling.body)
        except (TargetRefused, BadSecret) as exc:
            return str(exc)
        async with Poster(
            timeout_seconds=_POST_SECONDS, concurrency=1, allow_private=True, version=VERSION
        ) as poster:
            answer = await poster.post(url, body=telling.body, headers=headers)
        return answer.fault

    return post
