"""A campaign lived through by the server's own writers: its report must agree with a recount of the rows."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from gateway.analytics.report import CampaignReport, Share, make_report
from gateway.analytics.summaries import summarise
from gateway.domain.campaign import CampaignState
from gateway.domain.clicks import Verdict
from gateway.domain.message import MessageState, Reason
from gateway.domain.orders import OrderState
from gateway.domain.people import OptoutWay
from gateway.store.reports import (
    EVERY_MACHINE,
    list_campaign_clicks,
    list_campaign_optouts,
    list_message_clicks,
    read_report,
)
from tests.analytics.shop import Shopkeeper, Visit, now
from tests.store.rig import SHOP

pytestmark = pytest.mark.integration
S = MessageState
_HIGHEST = (1 << 63) - 1
PEOPLE = 24


class Run:
    """A campaign of 24 people in two countries and currencies; what becomes of each goes round."""

    def __init__(self, keeper: Shopkeeper) -> None:
        self.keeper = keeper
        self.campaign_id = 0

    async def live(self) -> None:
        keeper, desk = self.keeper, self.keeper.desk
        campaign = await keeper.add_campaign()
        self.campaign_id = campaign.id
        target_id = await keeper.add_target(campaign)
        messages = []
        for place in range(PEOPLE):
            address = f"33639970{place:03}"
            contact = await keeper.rig.put_contact(address)
            country = {"country": "BE", "currency": "RON"} if place % 6 == 5 else {}
            messages.append(keeper.message(campaign, address, contact, parts=1 + place % 2, **country))
        flights = await desk.begin(*messages)
        evidence: list[Any] = []
        visits: list[Visit] = []
        for place, flight in enumerate(flights):
            evidence += self._decide(place, flight)
            if place % 8 > 2:
                visits += self._visit(place, target_id, messages[place])
        await desk.tell(evidence)
        await keeper.store_visits(visits)
        other = await keeper.add_campaign("Other")
        await keeper.opt_out("33639970003", campaign.id)
        await keeper.opt_out("33639970004", campaign.id, OptoutWay.PAGE)
        await keeper.opt_out("33639970004", campaign.id)
        await keeper.opt_out("33639970005", other.id)
        await self._order()

    def _decide(self, place: int, flight: Any) -> list[Any]:
        """What the carrier says: nothing, no, or that it took the message."""
        desk, parts = self.keeper.desk, range(flight.parts)
        if place % 8 == 0:
            return [desk.answered(flight, part, S.UNKNOWN) for part in parts]
        if place % 8 == 1:
            return [desk.answered(flight, part, S.FAILED, failure_class=1 + place // 8) for part in parts]
        return [desk.answered(flight, part, S.SENT, carrier_id=f"c{place}-{part}") for part in parts]

    def _visit(self, place: int, target_id: int, message: Any) -> list[Visit]:
        """One visit of the link, and for some the unsubscribe page with a machine behind it."""
        keeper = self.keeper
        link = keeper.link(self.campaign_id, target_id, message)
        visits = [keeper.visit(link, at=now() + timedelta(minutes=place))]
        if place % 8 > 4:
            page = keeper.link(self.campaign_id, 0, message)
            visits.append(keeper.visit(page, at=now() + timedelta(hours=1)))
            visits.append(keeper.visit(page, at=now() + timedelta(hours=1), verdict=Verdict.HEAD))
        return visits

    async def _order(self) -> None:
        keeper = self.keeper
        ordered = now() + timedelta(hours=2)
        posts = [
            keeper.post(
                f"33639970{place:03}", ordered_at=ordered, currency="RON" if place % 6 == 5 else "EUR"
            )
            for place in range(PEOPLE)
        ]
        await keeper.tell_many(posts)
        await keeper.tell_many([keeper.post("33639970003", ordered_at=ordered, state=OrderState.REFUNDED)])

    async def report(self, state: CampaignState = CampaignState.RUNNING) -> CampaignReport:
        return make_report(await read_report(self.keeper.rig.database, SHOP, self.campaign_id), state)


@pytest.fixture
async def run(keeper: Shopkeeper) -> Run:
    lived = Run(keeper)
    await lived.live()
    return lived


async def test_the_report_agrees_with_a_recount_of_the_rows_and_its_shares_add_up(run: Run) -> None:
    report = await run.report()
    rig, campaign_id = run.keeper.rig, run.campaign_id
    standing = report.standing
    assert standing.made == await rig.value(
        "SELECT count(*) FROM message WHERE campaign_id = $1", campaign_id
    )
    rows = await rig.fetch(
        "SELECT m.country, m.currency, m.parts, m.cost_micros, s.state, s.entered, s.failure_class"
        " FROM message m JOIN message_state s USING (shop_id, id, slot) WHERE m.campaign_id = $1",
        campaign_id,
    )
    entered: Counter[int] = Counter()
    by_country: dict[str, Counter[str]] = {}
    cost: Counter[str] = Counter()
    parts = 0
    for country, currency, part_count, cost_micros, state, bits, _ in rows:
        counts = by_country.setdefault(country, Counter())
        counts["messages"] += 1
        for each in S:
            entered[each] += bits >> each & 1
        if bits >> S.SENT & 1:
            counts["sent"] += 1
            parts += part_count
            cost[currency] += cost_micros
        counts["failed"] += state == S.FAILED
    for state in (S.SENT, S.DELIVERED, S.FAILED, S.EXPIRED, S.CANCELLED, S.BLOCKED):
        assert standing.count(state) == entered[state], state
    assert standing.unknown == sum(row[4] == S.UNKNOWN for row in rows) > 0
    assert (report.parts, report.cost) == (parts, dict(cost))
    assert {group.failure_class: group.messages for group in report.failures} == Counter(
        row[6] for row in rows if row[4] == S.FAILED
    )
    assert sum(code.messages for group in report.failures for code in group.codes) == entered[S.FAILED]
    shares = dict(report.by_country)
    assert {
        country: (share.standing.made, share.standing.count(S.SENT), share.standing.count(S.FAILED))
        for country, share in shares.items()
        if share.standing.made
    } == {country: (c["messages"], c["sent"], c["failed"]) for country, c in by_country.items()}
    for shares in (report.by_hour, report.by_country):
        parts: list[Share] = [share for _, share in shares]
        assert sum(share.standing.made for share in parts) == report.standing.made
        assert sum(share.clicks for share in parts) == report.clicks.human
        assert sum(share.people for share in parts) == report.clicks.people
        assert sum(share.orders for share in parts) == report.orders
        assert sum(share.opt_outs for share in parts) == 2
        assert sum(share.parts for share in parts) == report.parts


async def test_clicks_optouts_and_orders_agree_with_their_rows_of_this_shop_only(run: Run) -> None:
    report = await run.report()
    database, campaign_id = run.keeper.rig.database, run.campaign_id
    people = await list_campaign_clicks(
        database, SHOP, campaign_id, verdict=Verdict.PERSON, below=_HIGHEST, limit=500
    )
    machines = await list_campaign_clicks(
        database, SHOP, campaign_id, verdict=EVERY_MACHINE, below=_HIGHEST, limit=500
    )
    assert (report.clicks.human, report.clicks.bot) == (len(people), len(machines))
    assert report.clicks.people == len({click.contact_id for click in people}) > 0
    assert sum(people for _, people in report.clicks.histogram) == report.clicks.people
    (link,) = report.links
    assert link.clicks == sum(click.link_name == "link" for click in people)
    optouts = await list_campaign_optouts(database, SHOP, campaign_id, below=_HIGHEST, limit=500)
    assert Counter(optout.source.partition(":")[0] for optout in optouts) == {"text": 1, "page": 1}
    assert report.optouts_by_way == {OptoutWay.TEXT: 1, OptoutWay.PAGE: 1}
    orders = await run.keeper.rig.fetch(
        "SELECT currency, count(*), sum(amount_micros - refunded_micros)::int8 FROM shop_order"
        " WHERE campaign_id = $1 GROUP BY 1",
        campaign_id,
    )
    assert report.orders == sum(count for _, count, _ in orders) > 0
    assert report.revenue == {currency: micros for currency, _, micros in orders}
    assert report.refunds == 1
    assert report.returns.ratio is None  # two currencies
    lines = await summarise(run.keeper.rig.database, SHOP, [run.campaign_id, 12345])
    line = lines[run.campaign_id]
    assert (line.sent, line.delivered) == (
        report.standing.count(S.SENT),
        report.standing.count(S.DELIVERED),
    )
    assert (line.clicked, line.opt_outs) == (report.clicks.people, 2)
    assert (line.revenue, line.returns) == (report.revenue, report.returns)
    assert lines[12345].sent == 0
    sums = await read_report(database, 2, run.campaign_id)
    assert make_report(sums, CampaignState.RUNNING).standing.made == 0
    assert not any((sums.failures, sums.delays, sums.clicks, sums.optouts, sums.orders, sums.targets))
    assert (
        await list_campaign_clicks(database, 2, run.campaign_id, verdict=None, below=_HIGHEST, limit=5) == []
    )
    assert await list_campaign_optouts(database, 2, run.campaign_id, below=_HIGHEST, limit=5) == []
    rig = run.keeper.rig
    ((message_id, slot, contact_id),) = await rig.fetch(
        "SELECT m.id, m.slot, m.contact_id FROM message m WHERE to_address = '33639970005'"
    )
    clicks = await list_message_clicks(rig.database, SHOP, message_id, slot=slot, contact_id=contact_id)
    assert [click.link_name for click in clicks] == ["link", None, None]
    assert await list_message_clicks(rig.database, 2, message_id, slot=slot, contact_id=contact_id) == []


async def test_what_was_written_off_is_unknown_and_nothing_waits_at_the_end(run: Run) -> None:
    keeper = run.keeper
    sent = await keeper.rig.fetch("SELECT id FROM message_state WHERE state = $1", int(S.SENT))
    await keeper.desk.tell([keeper.desk.written_off(row[0], Reason.NO_RECEIPT) for row in sent])
    report = await run.report(CampaignState.FINISHED)
    assert report.waiting == 0
    assert report.standing.unknown == await keeper.rig.value(
        "SELECT count(*) FROM message_state WHERE state = $1", int(S.UNKNOWN)
    )
