"""What people and shops' programs do with campaigns: write, estimate, start, pause, resume, cancel.

Owns the order of the checks and what each refusal says. The moves themselves are `moves`', and what follows
from them is the runner's.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.campaigns.content import FindUrlFault, check_ready, check_saved
from gateway.campaigns.errors import CampaignRefused
from gateway.campaigns.estimate import ConnectorSpeed, Estimate, EstimateTerms, make_estimate
from gateway.campaigns.moves import CampaignMoves, refuse_move
from gateway.campaigns.standing import read_audience_terms
from gateway.domain.campaign import CampaignState, PauseReason
from gateway.domain.identifiers import SLOT_COUNT, IdSource
from gateway.domain.sender import Sender
from gateway.intake.acceptance import Acceptance
from gateway.intake.marketing_rules import MarketingRules
from gateway.store.campaigns import (
    Campaign,
    CampaignContent,
    add_campaign,
    change_campaign,
    delete_campaign_draft,
    find_campaign,
    read_figures,
)
from gateway.store.contact_fields import list_contact_fields
from gateway.store.database import Connection, Database
from gateway.store.links import put_targets
from gateway.store.recipients import count_list_members
from gateway.store.shops import Shop

RECIPIENTS_APART: Final = 0.05
"""People join and leave lists while somebody reads an estimate; beyond this share it is to be read again."""
_COPY_CHARACTERS: Final = 100

_COUNT_HOLDS: Final = timedelta(minutes=2)
"""How long the count of an estimate is good enough to start by; freezing counts exactly in any case. A
million people take 1.8 s to count, which a start would otherwise spend before its first message."""
_COUNTS_KEPT: Final = 256

ChangeContent = Callable[[CampaignContent], CampaignContent]


@dataclass(frozen=True, slots=True)
class DeskDeps:
    """What the desk needs. `acceptance`, `rules` and `speeds` give what is in force now."""

    database: Database
    moves: CampaignMoves
    ids: IdSource
    acceptance: Callable[[], Acceptance]
    rules: Callable[[], MarketingRules]
    speeds: Callable[[], Awaitable[Sequence[ConnectorSpeed]]]
    find_link_fault: FindUrlFault
    base_url: Callable[[], str]
    clock: Callable[[], datetime]
    random: Callable[[], float]


class CampaignDesk:
    """Every method raises `CampaignRefused` with what stands against it, and `StoreUnavailable`."""

    def __init__(self, deps: DeskDeps) -> None:
        self._deps = deps
        self._counts: OrderedDict[tuple[int, int], tuple[int, datetime]] = OrderedDict()
        """Recipients by campaign and version, and when they were counted."""

    async def find(self, shop: Shop, campaign_id: int) -> Campaign:
        campaign = await find_campaign(self._deps.database, shop.id, campaign_id)
        if campaign is None:
            raise CampaignRefused(
                "not_found",
                "There is no campaign with this id.",
                "Check the id; another shop's is not found.",
            )
        return campaign

    async def create(self, shop: Shop, content: CampaignContent, *, actor: str) -> Campaign:
        """A new draft."""
        await self._check(shop, content)
        deps = self._deps
        campaign = await add_campaign(
            deps.database, shop.id, deps.ids.next_id(0), content, now=deps.clock(), actor=actor
        )
        await deps.moves.note(actor, "campaign.create", campaign.id, {"name": content.name})
        return campaign

    async def duplicate(self, shop: Shop, campaign_id: int, *, actor: str) -> Campaign:
        """A draft with the same content; its moments are left out, for they belong to the other."""
        content = (await self.find(shop, campaign_id)).content
        name = f"{content.name[: _COPY_CHARACTERS - 2]} 2"
        return await self.create(
            shop, replace(content, name=name, start_at=None, send_until=None), actor=actor
        )

    async def change(
        self, shop: Shop, campaign_id: int, version: int, change: ChangeContent, *, actor: str
    ) -> Campaign:
        """Change a draft wholly; of a campaign at work its name, speed, end and failure share only."""
        campaign = await self.find(shop, campaign_id)
        if campaign.version != version:
            raise _changed_meanwhile(campaign)
        content = change(campaign.content)
        if content == campaign.content:
            return campaign
        if campaign.state is not CampaignState.DRAFT:
            _check_at_work(campaign, content)
        await self._check(shop, content)
        changed = await change_campaign(self._deps.database, campaign, content, now=self._deps.clock())
        if changed is None:
            raise _changed_meanwhile(campaign)
        await self._deps.moves.note(actor, "campaign.change", campaign.id, {"version": changed.version})
        return changed

    async def delete(self, shop: Shop, campaign_id: int, *, actor: str) -> None:
        """Forget a draft."""
        campaign = await self.find(shop, campaign_id)
        async with self._deps.database.transaction() as connection:
            is_gone = await delete_campaign_draft(connection, shop.id, campaign_id)
        if not is_gone:
            raise CampaignRefused(
                "campaign_not_draft",
                f"The campaign is {campaign.state.word}; only a draft can be deleted.",
                "Leave it: its results belong to it. Cancel it if it still sends.",
            )
        await self._deps.moves.note(actor, "campaign.delete", campaign_id, {"name": campaign.content.name})

    async def estimate(self, shop: Shop, campaign_id: int) -> Estimate:
        """What the campaign would come to if it started now."""
        campaign = await self.find(shop, campaign_id)
        estimate = await self._estimate(shop, campaign, await self._check_ready(shop, campaign.content))
        self._counts[campaign.id, campaign.version] = (estimate.recipients, self._deps.clock())
        self._counts.move_to_end((campaign.id, campaign.version))
        if len(self._counts) > _COUNTS_KEPT:
            self._counts.popitem(last=False)
        return estimate

    async def start(
        self, shop: Shop, campaign_id: int, *, recipients: int, version: int, actor: str
    ) -> Campaign:
        """Start a draft, at once or at its time. `recipients` is the number that was read and agreed to."""
        campaign = await self.find(shop, campaign_id)
        if campaign.state is not CampaignState.DRAFT:
            raise refuse_move(campaign, CampaignState.PLANNED)
        if campaign.version != version:
            raise _changed_meanwhile(campaign)
        counted = await self._count(shop, campaign, await self._check_ready(shop, campaign.content))
        _refuse_nobody(counted)
        _check_recipients(counted, recipients)
        deps = self._deps

        async def keep_targets(connection: Connection, planned: Campaign) -> None:
            await put_targets(
                connection,
                shop_id=shop.id,
                campaign_id=planned.id,
                links=[(link.name, link.url) for link in planned.content.links],
                ids=deps.ids,
                now=deps.clock(),
            )

        moved = await deps.moves.move(
            campaign,
            CampaignState.PLANNED,
            actor=actor,
            version=version,
            data={"recipients": recipients},
            within=keep_targets,
        )
        if moved is None:
            raise _changed_meanwhile(campaign)
        return moved

    async def pause(self, shop: Shop, campaign_id: int, *, actor: str) -> Campaign:
        """Stop a running campaign within a second. One that is paused already is answered alike."""
        return await self._bring(
            shop, campaign_id, CampaignState.PAUSED, actor=actor, reason=PauseReason.PERSON
        )

    async def resume(self, shop: Shop, campaign_id: int, *, actor: str) -> Campaign:
        """Let a paused campaign go on."""
        campaign = await self.find(shop, campaign_id)
        if campaign.state in (CampaignState.DRAFT, CampaignState.PLANNED):
            raise refuse_move(campaign, CampaignState.RUNNING)
        return await self._bring(shop, campaign_id, CampaignState.RUNNING, actor=actor)

    async def unplan(self, shop: Shop, campaign_id: int, *, actor: str) -> Campaign:
        """Make a planned campaign a draft again, while nobody was frozen."""
        return await self._bring(shop, campaign_id, CampaignState.DRAFT, actor=actor)

    async def cancel(self, shop: Shop, campaign_id: int, *, confirmed: int, actor: str) -> Campaign:
        """End a campaign: what waits is cancelled, what has left cannot be called back. `confirmed` repeats
        how many recipients it has, once everyone is counted."""
        campaign = await self.find(shop, campaign_id)
        figures = (await read_figures(self._deps.database, shop.id, [campaign.id]))[campaign.id]
        if figures.frozen_slots == SLOT_COUNT and campaign.state is not CampaignState.CANCELLED:
            _check_recipients(figures.recipients, confirmed, path="$.confirm")
        return await self._bring(shop, campaign_id, CampaignState.CANCELLED, actor=actor)

    async def check_sender(self, shop: Shop, campaign_id: int) -> tuple[Campaign, Sender]:
        """A campaign that could be sent now, and its sender."""
        campaign = await self.find(shop, campaign_id)
        return campaign, await self._check_ready(shop, campaign.content)

    async def _bring(
        self,
        shop: Shop,
        campaign_id: int,
        state: CampaignState,
        *,
        actor: str,
        reason: PauseReason = PauseReason.NONE,
    ) -> Campaign:
        campaign = await self.find(shop, campaign_id)
        if campaign.state is state:
            return campaign
        moved = await self._deps.moves.move(campaign, state, actor=actor, reason=reason)
        if moved is not None:
            return moved
        campaign = await self.find(shop, campaign_id)
        if campaign.state is state:
            return campaign
        raise refuse_move(campaign, state)

    async def _check(self, shop: Shop, content: CampaignContent) -> None:
        check_saved(content, self._deps.find_link_fault)
        if content.sender is not None:
            sender = self._deps.acceptance().judge_sender(content.sender)
            if not isinstance(sender, str):
                raise CampaignRefused(sender.code.value, sender.detail, sender.action, path="$.sender")
        audience = content.audience
        named = [*audience.lists, *audience.exclude_lists]
        if not named:
            return
        found = await count_list_members(self._deps.database, shop.id, named)
        for path, lists in (("lists", audience.lists), ("exclude_lists", audience.exclude_lists)):
            for place, list_id in enumerate(lists):
                if list_id not in found:
                    raise CampaignRefused(
                        "not_found",
                        "There is no list with this id.",
                        "Check the id; the list may have been deleted.",
                        path=f"$.audience.{path}[{place}]",
                    )

    async def _check_ready(self, shop: Shop, content: CampaignContent) -> Sender:
        await self._check(shop, content)
        fields = await list_contact_fields(self._deps.database, shop.id)
        return check_ready(
            content,
            shop=shop,
            acceptance=self._deps.acceptance(),
            own_fields=[field.name for field in fields],
            now=self._deps.clock(),
        )

    async def _count(self, shop: Shop, campaign: Campaign, sender: Sender) -> int:
        """How many would get the campaign: as lately estimated, else counted now."""
        held = self._counts.get((campaign.id, campaign.version))
        if held is not None and self._deps.clock() - held[1] < _COUNT_HOLDS:
            return held[0]
        return (await self._estimate(shop, campaign, sender)).recipients

    async def _estimate(self, shop: Shop, campaign: Campaign, sender: Sender) -> Estimate:
        deps = self._deps
        now = deps.clock()
        content = campaign.content
        audience = await read_audience_terms(deps.database, shop, content, now=now, campaign_id=campaign.id)
        return await make_estimate(
            deps.database,
            content,
            EstimateTerms(
                shop=shop,
                acceptance=deps.acceptance(),
                rules=deps.rules(),
                sender=sender,
                audience=audience,
                speeds=await deps.speeds(),
                base_url=deps.base_url(),
                now=now,
                draw=deps.random(),
            ),
        )


def _check_recipients(counted: int, agreed: int, *, path: str = "$.recipients") -> None:
    if abs(counted - agreed) > counted * RECIPIENTS_APART:
        raise CampaignRefused(
            "recipients_changed",
            f"The campaign has {counted} recipients now, and {agreed} were agreed to.",
            "Read the campaign's numbers again and confirm what they say.",
            path=path,
        )


def _refuse_nobody(counted: int) -> None:
    if counted == 0:
        raise CampaignRefused(
            "no_recipients",
            "Nobody would get this campaign.",
            "Look at the estimate: it says why people are left out.",
            path="$.recipients",
        )


def _check_at_work(campaign: Campaign, content: CampaignContent) -> None:
    """Refuse a change of what people may have got already."""
    kept = replace(
        content,
        name=campaign.content.name,
        parts_per_second=campaign.content.parts_per_second,
        send_until=campaign.content.send_until,
        pause_at_failed_percent=campaign.content.pause_at_failed_percent,
    )
    if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED) or kept != campaign.content:
        raise CampaignRefused(
            "campaign_not_draft",
            f"The campaign is {campaign.state.word}; only name, parts_per_second, send_until and "
            "pause_at_failed_percent of one at work can be changed.",
            "Duplicate it to change more.",
        )


def _changed_meanwhile(campaign: Campaign) -> CampaignRefused:
    return CampaignRefused(
        "version_conflict",
        f"Somebody changed the campaign meanwhile; it is at version {campaign.version} or later.",
        "Read it again, and repeat your change on what it is now.",
        path="$.version",
    )
