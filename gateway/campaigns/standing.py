"""What a campaign's making depends on beside the campaign: its shop, its audience's terms, its shop's money.

Owns how these are read and put together, once for a run and once for an estimate, so that both judge alike.
"""

from datetime import datetime, timedelta

from gateway.campaigns.making import Allowance
from gateway.domain.lanes import Category
from gateway.intake.planning import ANYWHERE
from gateway.store.campaigns import CampaignContent
from gateway.store.caps import Spend, read_spend
from gateway.store.database import Database
from gateway.store.recipients import AudienceTerms, find_recent_campaigns
from gateway.store.shops import Shop


async def read_audience_terms(
    database: Database, shop: Shop, content: CampaignContent, *, now: datetime, campaign_id: int
) -> AudienceTerms:
    """The terms on which an audience is judged now."""
    days = content.audience.exclude_received_days
    since = None if days is None else now - timedelta(days=days)
    recent, recent_from_id = await find_recent_campaigns(database, shop.id, since, but=campaign_id)
    anywhere = ANYWHERE in shop.allowed_countries
    return AudienceTerms(
        shop_id=shop.id,
        audience=content.audience,
        is_marketing=content.category is Category.MARKETING,
        countries=None if anywhere else tuple(sorted(shop.allowed_countries)),
        recent_campaigns=recent,
        recent_from_id=recent_from_id,
    )


async def read_allowance(database: Database, shop: Shop, now: datetime) -> Allowance:
    """What the shop may still spend today, by its caps."""
    if shop.spend_day_micros is None and shop.spend_month_micros is None:
        return Allowance(None, shop.currency)
    spent = (await read_spend(database, shop.id, now.date())).get(shop.currency, Spend(0, 0))
    left = [
        cap - used
        for cap, used in (
            (shop.spend_day_micros, spent.day_micros),
            (shop.spend_month_micros, spent.month_micros),
        )
        if cap is not None
    ]
    return Allowance(max(0, min(left)), shop.currency)
