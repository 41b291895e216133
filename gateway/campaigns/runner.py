"""The runner: starts campaigns at their time, freezes and expands those that run, and ends them.

Owns the loop of one node over all campaigns at work. A campaign's steps are `run`'s; moves are `moves`'. What
is decided once for the whole campaign (its start, its end) is decided by whichever node holds slot 0. Slots
come and go with the nodes: whoever gains one reads from its rows where it is.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from gateway.campaigns.moves import GATEWAY_ITSELF, CampaignMoves
from gateway.campaigns.night import MOST_PUT_OFF, NightDeps, put_off_for_the_night
from gateway.campaigns.pace import count_sharers
from gateway.campaigns.run import CampaignRun, RunDeps, Step
from gateway.campaigns.watch import FailureWatch, SpeedMeter
from gateway.domain.campaign import CampaignState, PauseReason
from gateway.domain.identifiers import SLOT_COUNT
from gateway.domain.message import MessageState, Reason
from gateway.intake.acceptance import Acceptance
from gateway.store.campaigns import (
    Campaign,
    list_campaigns_at_work,
    note_campaign_expanded,
    note_campaign_wound_up,
    read_figures,
)
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.errors import RecipientsMoved, StoreUnavailable
from gateway.store.evidence import Ending
from gateway.store.flights import Flight
from gateway.store.outage_line import OutageLine
from gateway.store.recipients import EVERY_SLOT, count_campaign_queued, find_campaign_waiting
from gateway.store.shops import Shop, find_shop

log = structlog.get_logger("campaigns")

_LOOK_SECONDS: Final = 0.5
"""Between looks at which campaigns there are; moves made on this node wake the runner at once."""
_PAUSE_SECONDS: Final = 0.1
"""Between steps when nothing may be made: a tenth of what a campaign with its own speed may be ahead."""
_SHOP_SECONDS: Final = 2.0
_WATCH_SECONDS: Final = 2.0
_END_SECONDS: Final = 1.0
_HOUR_SECONDS: Final = 15.0
_REST_FOR_WORK: Final = 20.0
"""Looks that take the database long, for they pass over what waits of other campaigns, are made so much more
seldom: they take a twentieth of one connection's time at most."""
_UNSETTLED: Final = 5_000
"""While the sums say that more than this has neither left nor ended, nobody need look whether any is left.
What carriers have not answered yet counts among them, hence not none."""
_ENDINGS: Final = 2_000
_WIND_UP_SECONDS: Final = 660.0
"""How long after a cancel its messages may still come back from a carrier that refused them for the moment:
the longest answer that a bind waits for, and a minute."""
_OUTAGE_SECONDS: Final = 1.0
_NEVER: Final = float("-inf")
_MOST_REOPENED: Final = 3
"""How often in a row a campaign's slots may be found further on than this node believed. The last chunk of
the node that had them before explains one."""


class EndingSink:
    """Takes endings of waiting messages, and tells when they are stored (`OutcomeWriter`)."""

    def __init__(
        self, put_many: Callable[[Sequence[Ending]], None], drained: Callable[[], Awaitable[None]]
    ) -> None:
        self.put_many = put_many
        self.drained = drained


class CampaignRunner:
    """The campaigns of this node's slots. `default_failed_percent` pauses campaigns that name no share."""

    def __init__(
        self,
        deps: RunDeps,
        moves: CampaignMoves,
        *,
        endings: EndingSink,
        acceptance: Callable[[], Acceptance],
        default_failed_percent: Callable[[], int],
        has_campaigns: HasWork = has_perhaps,
    ) -> None:
        self._deps = deps
        self._moves = moves
        self._endings = endings
        self._acceptance = acceptance
        self._default_failed_percent = default_failed_percent
        self._has_campaigns = has_campaigns
        self._night = NightDeps(
            database=deps.database,
            writer=deps.writer,
            rules=deps.rules,
            slots=deps.slots,
            connector_ids=deps.connector_ids,
            clock=deps.clock,
        )
        self._woken = asyncio.Event()
        self._campaigns: list[Campaign] = []
        self._sharers = 0
        self._looked_at = _NEVER
        self._runs: dict[int, CampaignRun] = {}
        self._reopened: Counter[int] = Counter()
        self._broken: dict[int, int] = {}
        self._departed: Counter[int] = Counter()
        self._meters: dict[int, SpeedMeter] = {}
        self._watches: dict[int, FailureWatch] = {}
        self._due: dict[tuple[str, int], float] = {}
        self._shops: dict[int, tuple[float, Shop]] = {}

    def wake(self) -> None:
        """Something was changed: look at once."""
        self._looked_at = _NEVER
        self._woken.set()

    def on_intended(self, flights: Sequence[Flight]) -> None:
        """Messages left the queue by this node; of other nodes' slots too."""
        parts: Counter[int] = Counter()
        own = frozenset(self._deps.slots())
        for flight in flights:
            if flight.campaign_id is not None:
                self._departed[flight.campaign_id] += flight.slot in own
                parts[flight.campaign_id] += flight.parts
        for campaign_id, count in parts.items():
            self._meters.setdefault(campaign_id, SpeedMeter()).add(time.monotonic(), count)

    def speed_of(self, campaign_id: int) -> float:
        """Parts a second that leave of a campaign, by this node's binds, over the last seconds."""
        meter = self._meters.get(campaign_id)
        return 0.0 if meter is None else meter.read(time.monotonic())

    def list_at_work(self) -> list[Campaign]:
        """Planned, running and paused campaigns as last read, for the status."""
        return self._campaigns

    async def run(self) -> None:
        """Work until cancelled. Raises `LeaseLost` (in a group) when another node took this one's place."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deps.writer.run(), name="campaigns-writer")
            tasks.create_task(self._work(), name="campaigns-runner")

    async def _work(self) -> None:
        line = OutageLine(log, "campaigns.waiting_for_database")
        while True:
            self._woken.clear()
            try:
                has_worked = await self._turn()
            except StoreUnavailable as exc:
                line.failed(exc)
                await asyncio.sleep(_OUTAGE_SECONDS)
                continue
            line.worked()
            if has_worked:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(_PAUSE_SECONDS if self._runs else _LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _turn(self) -> bool:
        """One step for each campaign at work; whether there was anything to do for any."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            is_woken, self._looked_at = self._looked_at == _NEVER, now
            if is_woken or self._campaigns or await self._has_campaigns():
                self._campaigns = await list_campaigns_at_work(self._deps.database)
                self._sharers = count_sharers(self._campaigns)
                self._forget_ended()
        departed, self._departed = self._departed, Counter()
        for campaign_id, messages in departed.items():
            run = self._runs.get(campaign_id)
            if run is not None:
                run.note_departed(messages)
        has_worked = False
        unavailable: StoreUnavailable | None = None
        for campaign in self._campaigns:
            try:
                has_worked |= await self._serve(campaign)
            except StoreUnavailable as exc:
                unavailable = exc  # it may be one campaign's statement that takes too long: the others go on
        if unavailable is not None:
            raise unavailable
        return has_worked

    def _forget_ended(self) -> None:
        running = {c.id for c in self._campaigns if c.state is CampaignState.RUNNING}
        at_work = {c.id for c in self._campaigns}
        for campaign_id in self._runs.keys() - running:
            del self._runs[campaign_id]
            self._watches.pop(campaign_id, None)
            self._reopened.pop(campaign_id, None)
        for campaign_id in self._meters.keys() - at_work:
            del self._meters[campaign_id]
        self._due = {key: at for key, at in self._due.items() if key[1] in at_work}
        self._broken = {key: version for key, version in self._broken.items() if key in at_work}

    async def _serve(self, campaign: Campaign) -> bool:
        if self._broken.get(campaign.id) == campaign.version:
            return False
        try:
            return await self._go_on(campaign)
        except StoreUnavailable:
            raise
        except Exception as exc:
            # Its own data are at fault: others go on, and a person must look.
            log.exception("campaign.broken", campaign=campaign.id)
            self._broken[campaign.id] = campaign.version
            if campaign.state is CampaignState.RUNNING:
                await self._pause(campaign, PauseReason.PERSON, {"fault": str(exc)})
            return False

    async def _go_on(self, campaign: Campaign) -> bool:
        match campaign.state:
            case CampaignState.PLANNED:
                return await self._start_if_due(campaign)
            case CampaignState.RUNNING:
                return await self._drive(campaign)
            case CampaignState.PAUSED:
                await self._look_now_and_then(campaign)
                if campaign.expanded_at is not None:
                    await self._finish_if_empty(campaign)
                return False
            case CampaignState.CANCELLED:
                return await self._wind_up(campaign)
            case _:
                return False

    async def _start_if_due(self, campaign: Campaign) -> bool:
        start_at = campaign.content.start_at
        if not self._decides or (start_at is not None and start_at > self._deps.clock()):
            return False
        if (await self._find_shop(campaign.shop_id)).closed_at is not None:
            return False
        moved = await self._moves.move(campaign, CampaignState.RUNNING, actor=GATEWAY_ITSELF)
        self.wake()
        return moved is not None

    async def _drive(self, campaign: Campaign) -> bool:
        if not self._deps.slots():
            return False  # none is this node's yet
        shop = await self._find_shop(campaign.shop_id)
        if shop.closed_at is not None:
            if self._decides:
                await self._pause(campaign, PauseReason.PERSON, {"fault": "the shop is closed"})
            return False
        run = await self._find_run(campaign, shop)
        try:
            step = await run.step(sharers=self._sharers)
        except RecipientsMoved as exc:
            return self._read_anew(campaign, exc)
        self._reopened.pop(campaign.id, None)
        if step is Step.STOPPED:
            self.wake()
            return False
        if step is Step.CAPPED:
            await self._pause_at_cap(campaign)
            return False
        await self._watch_failures(campaign)
        await self._look_now_and_then(campaign)
        if step is Step.EXPANDED:
            await self._finish_if_empty(campaign)
        return step is Step.WORKED

    def _read_anew(self, campaign: Campaign, moved: RecipientsMoved) -> bool:
        """Forget where this node believed the slots to be."""
        self._reopened[campaign.id] += 1
        if self._reopened[campaign.id] > _MOST_REOPENED:
            raise moved
        log.warning("campaign.read_anew", campaign=campaign.id, fault=str(moved))
        del self._runs[campaign.id]
        return True

    async def _pause_at_cap(self, campaign: Campaign) -> None:
        """Once nothing waits on any node: a pause would hold it. Whichever node finds the cap does this."""
        if not self._is_due("cap", campaign, _END_SECONDS):
            return
        deps = self._deps
        waiting = await count_campaign_queued(
            deps.database, campaign, connector_ids=deps.connector_ids(), slots=EVERY_SLOT, cap=1
        )
        if not waiting:
            await self._pause(campaign, PauseReason.SPEND_CAP, {})

    async def _find_run(self, campaign: Campaign, shop: Shop) -> CampaignRun:
        acceptance = self._acceptance()
        run = self._runs.get(campaign.id)
        if run is None or not run.is_of(campaign, shop, acceptance):
            run = self._runs[campaign.id] = await CampaignRun.open(self._deps, campaign, shop, acceptance)
        return run

    async def _find_shop(self, shop_id: int) -> Shop:
        now = time.monotonic()
        held = self._shops.get(shop_id)
        if held is not None and now - held[0] < _SHOP_SECONDS:
            return held[1]
        shop = await find_shop(self._deps.database, shop_id)
        assert shop is not None  # shops are closed, never deleted
        self._shops[shop_id] = (now, shop)
        return shop

    async def look_at_the_hour(self, campaign: Campaign) -> int:
        """Put off what is queued for people who may not be reached now; how many messages that were."""
        return await put_off_for_the_night(self._night, campaign)

    async def _look_now_and_then(self, campaign: Campaign) -> None:
        if self._is_due("hour", campaign, _HOUR_SECONDS):
            began = time.monotonic()
            if await self.look_at_the_hour(campaign) < MOST_PUT_OFF:
                self._rest("hour", campaign, began)
            else:
                self._due.pop(("hour", campaign.id), None)

    async def _watch_failures(self, campaign: Campaign) -> None:
        """Pause a campaign of which too much fails."""
        if not self._decides:
            self._watches.pop(campaign.id, None)
            return
        if not self._is_due("watch", campaign, _WATCH_SECONDS):
            return
        figures = (await read_figures(self._deps.database, campaign.shop_id, [campaign.id]))[campaign.id]
        watch = self._watches.setdefault(campaign.id, FailureWatch())
        percent = watch.failed_percent(time.monotonic(), figures.states)
        most = campaign.content.pause_at_failed_percent
        if most is None:
            most = self._default_failed_percent()
        if percent is not None and percent > most:
            log.warning("campaign.failing", campaign=campaign.id, failed_percent=round(percent, 1), most=most)
            await self._pause(campaign, PauseReason.ERROR_RATE, {"failed_percent": round(percent, 1)})

    async def _pause(self, campaign: Campaign, reason: PauseReason, data: dict[str, object]) -> None:
        await self._moves.move(campaign, CampaignState.PAUSED, actor=GATEWAY_ITSELF, reason=reason, data=data)
        self.wake()

    async def _finish_if_empty(self, campaign: Campaign) -> None:
        """End a campaign whose recipients all have their message or reason, and of which nothing waits."""
        if not self._decides or not self._is_due("end", campaign, _END_SECONDS):
            return
        figures = (await read_figures(self._deps.database, campaign.shop_id, [campaign.id]))[campaign.id]
        if campaign.expanded_at is None:
            if figures.expanded_slots < SLOT_COUNT:
                return
            await note_campaign_expanded(self._deps.database, campaign, self._deps.clock())
        if figures.unsettled > _UNSETTLED:
            return
        if not await self._find_waiting(campaign, EVERY_SLOT, most=1):
            await self._moves.move(campaign, CampaignState.FINISHED, actor=GATEWAY_ITSELF)
            self.wake()

    async def _wind_up(self, campaign: Campaign) -> bool:
        """End what still waits of a cancelled campaign."""
        if not self._is_due("end", campaign, _END_SECONDS):
            return False
        waiting = await self._find_waiting(campaign, self._deps.slots(), most=_ENDINGS)
        if waiting:
            self._endings.put_many(
                [
                    Ending(
                        campaign.shop_id,
                        message_id,
                        slot,
                        MessageState.CANCELLED,
                        Reason.CAMPAIGN_CANCELLED,
                    )
                    for message_id, slot in waiting
                ]
            )
            await self._endings.drained()
            # Ends that took nothing away are given again after a while, not at once.
            has_ended = waiting[0] not in await self._find_waiting(campaign, self._deps.slots(), most=1)
            if has_ended:
                self._due.pop(("end", campaign.id), None)
            return has_ended
        age = (self._deps.clock() - campaign.state_changed_at).total_seconds()
        is_over = self._decides and age > _WIND_UP_SECONDS
        if is_over and not await self._find_waiting(campaign, EVERY_SLOT, most=1):
            await note_campaign_wound_up(self._deps.database, campaign, self._deps.clock())
            self.wake()
        return False

    async def _find_waiting(
        self, campaign: Campaign, slots: Sequence[int], *, most: int
    ) -> list[tuple[int, int]]:
        began = time.monotonic()
        waiting = await find_campaign_waiting(
            self._deps.database,
            campaign,
            connector_ids=self._deps.connector_ids(),
            slots=slots,
            most=most,
        )
        self._rest("end", campaign, began)
        return waiting

    def _rest(self, what: str, campaign: Campaign, began: float) -> None:
        """Put the next look off by much more than this one took."""
        now = time.monotonic()
        key = (what, campaign.id)
        self._due[key] = max(self._due.get(key, 0.0), now + _REST_FOR_WORK * (now - began))

    @property
    def _decides(self) -> bool:
        """Whether this node decides for whole campaigns."""
        return 0 in self._deps.slots()

    def _is_due(self, what: str, campaign: Campaign, seconds: float) -> bool:
        now = time.monotonic()
        key = (what, campaign.id)
        if now < self._due.get(key, 0.0):
            return False
        self._due[key] = now + seconds
        return True
