"""One running campaign in the memory of a node: which slots are where, and its next step.

Owns the choice between freezing and expanding, and how far ahead of sending the expansion may be. All of it
is read back from rows at a start, so nothing here is needed after a crash. Works on this node's slots only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Final

from gateway.campaigns.making import MakerDeps, MessageMaker
from gateway.campaigns.pace import CHUNK, LEAST_AHEAD, MOST_AHEAD, Pace
from gateway.campaigns.standing import read_allowance, read_audience_terms
from gateway.campaigns.texts import CampaignTexts
from gateway.domain.campaign import Exclusion
from gateway.domain.identifiers import SLOT_COUNT
from gateway.domain.sender import check_sender
from gateway.intake.acceptance import Acceptance
from gateway.intake.bulk import BulkPlanner
from gateway.intake.marketing_rules import MarketingRules
from gateway.intake.refusals import Refusal
from gateway.store.campaigns import Campaign
from gateway.store.database import Database
from gateway.store.expansion import CampaignWriter, Expanded, SlotWish
from gateway.store.links import list_targets
from gateway.store.recipients import (
    AudienceTerms,
    Person,
    SlotProgress,
    count_campaign_queued,
    count_list_members,
    read_slots,
)
from gateway.store.shops import Shop

_FREEZE_PEOPLE: Final = 4_000
"""People frozen in one transaction: about 100 ms."""
_FROZEN_AHEAD: Final = 2 * CHUNK
"""People kept frozen ahead of expansion while there is sending to do; the rest is frozen in its pauses."""
_RECOUNT_SECONDS: Final = 5.0
"""Between counts of what really waits, when nothing may be made for what is believed to wait."""


class Step(Enum):
    """What a step came to."""

    WORKED = auto()
    WAITING = auto()
    """Nothing may be made just now."""
    EXPANDED = auto()
    """This node's slots are done."""
    STOPPED = auto()
    """The campaign does not run any more."""
    CAPPED = auto()
    """The shop's cap of spend has no room for the next message."""


@dataclass(frozen=True, slots=True)
class RunDeps:
    """What runs share. `slots` are this node's, `carrier_speed` the parts a second of the connectors that are
    up, on all nodes."""

    database: Database
    writer: CampaignWriter
    maker: MakerDeps
    rules: Callable[[], MarketingRules]
    slots: Callable[[], Sequence[int]]
    carrier_speed: Callable[[], float]
    connector_ids: Callable[[], Sequence[int]]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


class CampaignRun:
    """A running campaign on the slots that were this node's when it was opened, at their share of the speed.
    `waiting` is what is believed to be queued of it in them."""

    def __init__(
        self,
        deps: RunDeps,
        campaign: Campaign,
        shop: Shop,
        acceptance: Acceptance,
        *,
        maker: MessageMaker,
        audience: AudienceTerms,
        owned: Sequence[int],
        slots: dict[int, SlotProgress],
        members: int,
        waiting: int,
    ) -> None:
        self._deps = deps
        self.campaign = campaign
        self._shop = shop
        self._acceptance = acceptance
        self._maker = maker
        self._audience = audience
        self._owned = tuple(owned)
        self._share = len(self._owned) / SLOT_COUNT
        self._slots = slots
        self._members = members
        self.waiting = waiting
        self._pace = Pace(deps.monotonic())
        self._counted_at = deps.monotonic()
        self._is_capped = False

    @classmethod
    async def open(
        cls, deps: RunDeps, campaign: Campaign, shop: Shop, acceptance: Acceptance
    ) -> "CampaignRun":
        """Read where the campaign stands and compile its text. Raises `StoreUnavailable`."""
        content = campaign.content
        owned = deps.slots()  # before their progress is read: what comes later is not known of
        # Its start was refused unless text and sender are good, and both are fixed since.
        sender = acceptance.judge_sender(
            content.sender or shop.default_sender or acceptance.terms.default_sender
        )
        if isinstance(sender, Refusal):
            raise ValueError(f"campaign {campaign.id} was started without a sender: {sender.detail}")
        database = deps.database
        targets = await list_targets(database, campaign.shop_id, campaign.id)
        # A campaign that was planned before with other addresses keeps those too.
        wanted_targets = {(link.name, link.url) for link in content.links}
        maker = MessageMaker(
            deps.maker,
            campaign,
            sender=sender,
            texts=CampaignTexts(content, check_sender(sender).kind),
            planner=BulkPlanner(acceptance, shop, sender=sender, category=content.category),
            rules=deps.rules(),
            longest_validity=acceptance.terms.longest_ttl,
            targets={
                target.name: target.id for target in targets if (target.name, target.url) in wanted_targets
            },
        )
        now = deps.clock()
        audience = await read_audience_terms(database, shop, content, now=now, campaign_id=campaign.id)
        members = await count_list_members(database, shop.id, content.audience.lists)
        return cls(
            deps,
            campaign,
            shop,
            acceptance,
            maker=maker,
            audience=audience,
            owned=owned,
            slots=await read_slots(database, campaign),
            members=sum(members.values()),
            waiting=await cls._count_waiting(deps, campaign),
        )

    def is_of(self, campaign: Campaign, shop: Shop, acceptance: Acceptance) -> bool:
        """Whether this run was opened on the same terms, and on the slots that are this node's now: of others
        it does not know where they are."""
        return (
            self._owned == tuple(self._deps.slots())
            and self.campaign.version == campaign.version
            and self._shop == shop
            and self._acceptance is acceptance
        )

    def note_departed(self, messages: int) -> None:
        """So many of its messages in this node's slots left the queue, by this node."""
        self.waiting = max(0, self.waiting - messages)

    async def step(self, *, sharers: int) -> Step:
        """Freeze or expand once, if there is anything to do now. `sharers` campaigns of those that are made
        have no speed of their own.

        Raises `StoreUnavailable`; `RecipientsMoved` where another node was further on: open it anew.
        """
        owned = set(self._deps.slots())
        unfrozen = [slot for slot in sorted(owned) if slot not in self._slots]
        behind = [
            progress
            for slot, progress in sorted(self._slots.items())
            if slot in owned and not progress.is_done
        ]
        if not unfrozen and not behind:
            return Step.EXPANDED
        room = self._find_room(behind, unfrozen, sharers)
        frozen_ahead = sum(progress.frozen - progress.expanded for progress in behind)
        if unfrozen and (room == 0 or frozen_ahead < min(_FROZEN_AHEAD, max(1, room))):
            return await self._freeze(unfrozen)
        if room == 0:
            await self._recount()
            return Step.WAITING
        return await self._expand(behind, room) if behind else Step.WAITING

    def _find_room(self, behind: Sequence[SlotProgress], unfrozen: Sequence[int], sharers: int) -> int:
        """How many messages may be made now."""
        deps, content = self._deps, self.campaign.content
        if content.send_until is not None and deps.clock() >= content.send_until:
            return CHUNK  # these are made to expire: nothing of them is sent
        carriers = deps.carrier_speed() * self._share
        return self._pace.allow(
            deps.monotonic(),
            self._find_speed(behind, unfrozen),
            self.waiting,
            carriers or LEAST_AHEAD,
            sharers=sharers,
        )

    def _find_speed(self, behind: Sequence[SlotProgress], unfrozen: Sequence[int]) -> float | None:
        """This node's share of the campaign's own speed in parts a second: of the one it was given, or what
        brings its people out evenly over the time that is left, whichever is less. None: it has none."""
        content = self.campaign.content
        speeds = [] if content.parts_per_second is None else [content.parts_per_second * self._share]
        if content.spread_seconds is not None and self.campaign.started_at is not None:
            left = content.spread_seconds - (self._deps.clock() - self.campaign.started_at).total_seconds()
            if left > 0:
                people = sum(progress.frozen - progress.expanded for progress in behind)
                people += self._members * len(unfrozen) // SLOT_COUNT
                speeds.append(self._pace.spread_speed(people, left))
        return min(speeds, default=None)

    async def _freeze(self, unfrozen: Sequence[int]) -> Step:
        count = max(1, min(SLOT_COUNT, SLOT_COUNT * _FREEZE_PEOPLE // max(1, self._members)))
        frozen = await self._deps.writer.freeze(self.campaign, self._audience, unfrozen[:count])
        if frozen.slots is None:
            return Step.STOPPED
        for slot, people in frozen.slots.items():
            is_done = not people.get(Exclusion.NONE)
            self._slots[slot] = SlotProgress(slot, sum(people.values()), 0, 0, is_done)
        return Step.WORKED

    async def _expand(self, behind: Sequence[SlotProgress], room: int) -> Step:
        deps = self._deps
        allowance = await read_allowance(deps.database, self._shop, deps.clock())
        speed = self._find_speed(behind, ())

        async def make(people: Sequence[Person]) -> Expanded:
            # A batch that is repeated begins with the same allowance.
            return await self._maker.make(people, replace(allowance), speed)

        if self._is_capped:
            room = 1
        chunk = await deps.writer.expand(self.campaign, _choose_slots(behind, room), make)
        if not chunk.is_running:
            return Step.STOPPED
        for moved in chunk.slots:
            held = self._slots[moved.slot]
            self._slots[moved.slot] = replace(
                held,
                expanded=held.expanded + moved.expanded,
                expanded_to=moved.expanded_to,
                is_done=moved.is_done,
            )
        self.waiting += chunk.queued
        self._pace.take(chunk.messages, chunk.parts)
        self._is_capped = chunk.is_cut
        if not chunk.is_cut:
            return Step.WORKED
        # What was made before is sent first: a pause would hold it.
        await self._recount()
        return Step.WAITING if self.waiting else Step.CAPPED

    async def _recount(self) -> None:
        """Count what really waits: messages leave in other ways than by being sent, and by other nodes."""
        now = self._deps.monotonic()
        if now - self._counted_at < _RECOUNT_SECONDS:
            return
        self._counted_at = now
        self.waiting = await self._count_waiting(self._deps, self.campaign)

    @staticmethod
    async def _count_waiting(deps: RunDeps, campaign: Campaign) -> int:
        return await count_campaign_queued(
            deps.database,
            campaign,
            connector_ids=deps.connector_ids(),
            slots=deps.slots(),
            cap=MOST_AHEAD,
        )


def _choose_slots(behind: Sequence[SlotProgress], room: int) -> list[SlotWish]:
    """The next slots in order, until they hold as many recipients as there is room for."""
    wishes: list[SlotWish] = []
    for progress in behind:
        if room <= 0:
            break
        # People who were left out are counted among the frozen, so this is at least what there is.
        left = max(1, progress.frozen - progress.expanded)
        most = min(left, room)
        wishes.append(SlotWish(progress.slot, progress.expanded_to, most, most == left))
        room -= most
    return wishes
