"""The campaigns room of one node, made and tied to dispatch, intake, links and webhooks by plain callbacks.

Decides nothing: who hears what is all there is here.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from gateway.campaigns.content import FindUrlFault
from gateway.campaigns.desk import CampaignDesk, DeskDeps
from gateway.campaigns.estimate import ConnectorSpeed
from gateway.campaigns.making import LinkTools, MakerDeps
from gateway.campaigns.moves import CampaignMoves, MoveDeps
from gateway.campaigns.run import RunDeps
from gateway.campaigns.runner import CampaignRunner, EndingSink
from gateway.campaigns.trying import TrialDeps
from gateway.config import Config
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.holds import HoldBoard
from gateway.domain.campaign import PauseReason
from gateway.domain.link_codes import LinkCodes, OptoutTokens
from gateway.intake.marketing_rules import MarketingRules, build_marketing_rules
from gateway.intake.service import Intake
from gateway.intake.terms import TEST_CONNECTOR_NAME
from gateway.node.snapshot import HaltedCampaign
from gateway.store.database import Database
from gateway.store.due_work import HasWork
from gateway.store.errors import StoreUnavailable
from gateway.store.expansion import CampaignWriter
from gateway.store.flights import Flight
from gateway.store.intake import Stream
from gateway.store.leases import Node
from gateway.store.links import LinkSeqs
from gateway.store.optout_events import EndpointsFor
from gateway.store.outcomes import OutcomeWriter
from gateway.store.queue import count_waiting
from gateway.web.campaign_handlers import CampaignTools, Summarise

log = structlog.get_logger("main")

_SPEED_SECONDS: Final = 0.5
_MOST_AHEAD: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class CampaignGround:
    """What campaigns stand on: the rooms of message traffic, and what the node knows."""

    database: Database
    node: Node
    dispatcher: Dispatcher
    outcomes: OutcomeWriter
    holds: HoldBoard
    intake: Intake
    links: LinkSeqs
    secret: bytes
    slots: Callable[[], Sequence[int]]
    connector_ids: Callable[[], Sequence[int]]
    connector_names: Callable[[], Mapping[int, str]]
    list_speeds_elsewhere: Callable[[], Mapping[int, float]]
    """Parts a second of the binds that are up on other nodes, by connector."""
    look_up_endpoints: Callable[[set[int]], Awaitable[EndpointsFor]]
    wake_deliverer: Callable[[], None]
    on_queued: Callable[[dict[Stream, int]], None]
    find_link_fault: FindUrlFault
    clock: Callable[[], datetime]
    random: Callable[[], float]
    has_campaigns: HasWork


class CampaignRooms:
    """The runner, the desk, and what the endpoints of campaigns need."""

    def __init__(self, ground: CampaignGround, config: Config) -> None:
        self._ground = ground
        self._config = config
        self._speed = (float("-inf"), 0.0)
        self.database = ground.database
        self.rules: MarketingRules = build_marketing_rules(config)
        links = LinkTools(
            seqs=ground.links,
            encode_code=LinkCodes(ground.secret).encode,
            encode_token=OptoutTokens(ground.secret).encode,
            base_url=self._base_url,
        )
        moves = CampaignMoves(
            MoveDeps(
                database=ground.database,
                ids=ground.node.ids,
                clock=ground.clock,
                find_endpoints=self._find_endpoints,
                on_moved=self._on_moved,
            )
        )
        self.runner = CampaignRunner(
            RunDeps(
                database=ground.database,
                writer=CampaignWriter(
                    ground.database.dsn,
                    ground.database.queries,
                    ground.node.fence,
                    on_queued=ground.on_queued,
                    clock=ground.clock,
                ),
                maker=MakerDeps(ids=ground.node.ids, links=links, clock=ground.clock, random=ground.random),
                rules=lambda: self.rules,
                slots=ground.slots,
                carrier_speed=self._carrier_speed,
                connector_ids=ground.connector_ids,
                clock=ground.clock,
                monotonic=time.monotonic,
            ),
            moves,
            endings=EndingSink(ground.outcomes.put_many, ground.outcomes.drained),
            acceptance=lambda: ground.intake.acceptance,
            default_failed_percent=lambda: self._config.campaigns.pause_at_failed_percent,
            has_campaigns=ground.has_campaigns,
        )
        self.desk = CampaignDesk(
            DeskDeps(
                database=ground.database,
                moves=moves,
                ids=ground.node.ids,
                acceptance=lambda: ground.intake.acceptance,
                rules=lambda: self.rules,
                speeds=self._read_speeds,
                find_link_fault=ground.find_link_fault,
                base_url=self._base_url,
                clock=ground.clock,
                random=ground.random,
            )
        )
        self._trials = TrialDeps(
            database=ground.database, desk=self.desk, intake=ground.intake, links=links, ids=ground.node.ids
        )

    def make_tools(self, summarise: Summarise) -> CampaignTools:
        """What the endpoints need; `summarise` tells what campaigns came to."""
        return CampaignTools(
            database=self._ground.database,
            desk=self.desk,
            trials=self._trials,
            rules=lambda: self.rules,
            speed_of=self.runner.speed_of,
            summarise=summarise,
        )

    def apply(self, config: Config) -> None:
        """Take over a configuration that was read again."""
        self._config = config
        self.rules = build_marketing_rules(config)

    def list_halted(self) -> list[HaltedCampaign]:
        """Campaigns that paused themselves."""
        return [
            HaltedCampaign(campaign.shop_id, campaign.content.name, campaign.pause_reason)
            for campaign in self.runner.list_at_work()
            if campaign.pause_reason in (PauseReason.ERROR_RATE, PauseReason.SPEND_CAP)
        ]

    def on_intended(self, flights: Sequence[Flight]) -> None:
        """Messages left the queue."""
        self.runner.on_intended(flights)

    def _base_url(self) -> str:
        return self._config.public.address

    def _carrier_speed(self) -> float:
        """Parts a second of all connectors that are up, on all nodes, looked at twice a second."""
        now = time.monotonic()
        seen_at, speed = self._speed
        if now - seen_at >= _SPEED_SECONDS:
            speed = sum(self._list_speeds().values())
            self._speed = (now, speed)
        return speed

    def _list_speeds(self) -> dict[int, float]:
        """Parts a second by connector, of its binds that are up on any node."""
        speeds = dict(self._ground.list_speeds_elsewhere())
        for connector_id, speed in self._ground.dispatcher.list_speeds().items():
            speeds[connector_id] = speeds.get(connector_id, 0.0) + speed
        return speeds

    async def _read_speeds(self) -> list[ConnectorSpeed]:
        """The connectors' speeds, and what waits at each before anything new."""
        waiting: dict[int, int] = {}
        for each in await count_waiting(self._ground.database, self._ground.connector_ids(), cap=_MOST_AHEAD):
            waiting[each.connector_id] = waiting.get(each.connector_id, 0) + each.messages
        speeds = self._list_speeds()
        return [
            ConnectorSpeed(name, speeds.get(connector_id, 0.0), waiting.get(connector_id, 0))
            for connector_id, name in self._ground.connector_names().items()
            if name != TEST_CONNECTOR_NAME
        ]

    async def _find_endpoints(self, shop_id: int, kind: str) -> Sequence[int]:
        return (await self._ground.look_up_endpoints({shop_id}))(shop_id, kind)

    async def _on_moved(self) -> None:
        """Dispatch must know within the second what is stopped; the look twice a second is the net."""
        self.runner.wake()
        self._ground.wake_deliverer()
        try:
            await self._ground.holds.refresh()
        except StoreUnavailable as exc:
            log.warning("holds.not_read", fault=str(exc))
