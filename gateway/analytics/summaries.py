"""One line for each campaign of a list: sent, delivered, clicked, opted out, earned."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.analytics.report import NO_CURRENCY, Money, add_money, sum_revenue
from gateway.domain.message import MessageState
from gateway.domain.orders import Returns, judge_returns
from gateway.store.database import Database
from gateway.store.reports import SummarySums, read_summaries


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """What one campaign came to. `clicked` counts people."""

    sent: int
    delivered: int
    clicked: int
    opt_outs: int
    revenue: Money
    returns: Returns


async def summarise(
    database: Database, shop_id: int, campaign_ids: Sequence[int]
) -> dict[int, CampaignSummary]:
    """The lines of these campaigns, from sums only: one statement each for any number of them."""
    if not campaign_ids:
        return {}
    sums = await read_summaries(database, shop_id, campaign_ids)
    return {campaign_id: _summarise_one(sums, campaign_id) for campaign_id in campaign_ids}


def _summarise_one(sums: SummarySums, campaign_id: int) -> CampaignSummary:
    states: dict[int, int] = {}
    for row in sums.totals:
        if row.campaign_id == campaign_id:
            states[row.state] = states.get(row.state, 0) + row.messages
    sent = [row for row in sums.totals if row.campaign_id == campaign_id and row.state == MessageState.SENT]
    orders = [row for row in sums.orders if row.campaign_id == campaign_id]
    revenue = sum_revenue(orders)
    return CampaignSummary(
        sent=states.get(MessageState.SENT, 0),
        delivered=states.get(MessageState.DELIVERED, 0),
        clicked=sums.clickers.get(campaign_id, 0),
        opt_outs=sum(row.people for row in sums.optouts if row.campaign_id == campaign_id),
        revenue=revenue,
        returns=judge_returns(
            add_money((row.currency, row.cost_micros) for row in sent if row.currency != NO_CURRENCY),
            revenue,
            orders=sum(row.orders for row in orders),
            unpriced_messages=sum(row.messages for row in sent if row.currency == NO_CURRENCY),
        ),
    )
