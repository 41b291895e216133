"""Putting off what was queued by day and would leave by night: a carrier was away, or a campaign was paused.

Messages are made for lawful moments and leave within the minute, as a rule. This look catches the exception:
once hours have closed somewhere, what is still queued for there goes back to wait for the next lawful moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from gateway.campaigns.hours import LawfulHours
from gateway.domain.lanes import Category
from gateway.intake.marketing_rules import MarketingRules
from gateway.store.campaigns import Campaign
from gateway.store.database import Database
from gateway.store.expansion import MOST_DEFERRED, CampaignWriter
from gateway.store.recipients import group_campaign_queued

log = structlog.get_logger("campaigns")

MOST_PUT_OFF: Final = 50_000
"""Messages of one look: about three seconds."""


@dataclass(frozen=True, slots=True)
class NightDeps:
    """What the look needs."""

    database: Database
    writer: CampaignWriter
    rules: Callable[[], MarketingRules]
    slots: Callable[[], Sequence[int]]
    connector_ids: Callable[[], Sequence[int]]
    clock: Callable[[], datetime]


async def put_off_for_the_night(deps: NightDeps, campaign: Campaign) -> int:
    """Put off what may not leave now; gives how many messages. Raises `StoreUnavailable`.

    Reads what is queued: 20,000 messages as a rule, about 0.1 s of the database; after a night for which many
    were put off it may be all of them. From `MOST_PUT_OFF` on it ends, so that other campaigns get their
    turn: call it again then.
    """
    if campaign.content.category is not Category.MARKETING:
        return 0
    rules = deps.rules()
    hours = LawfulHours(deps.clock(), rules.holidays.is_holiday)
    slots, connector_ids = deps.slots(), deps.connector_ids()
    deferred = 0
    for group in await group_campaign_queued(
        deps.database, campaign, connector_ids=connector_ids, slots=slots
    ):
        rule = rules.rule_for(group.country, group.digits)
        due_at = hours.next_moment(rule, group.digits, group.time_zone)
        moved = MOST_DEFERRED
        while due_at is not None and moved == MOST_DEFERRED and deferred < MOST_PUT_OFF:
            moved = await deps.writer.defer(campaign, group, due_at, connector_ids=connector_ids, slots=slots)
            deferred += moved
    if deferred:
        log.info("campaign.put_off", campaign=campaign.id, messages=deferred)
    return deferred
