"""What a campaign came to, from sums alone: money, delivery, clicks, opt-outs, orders, by hour and country.

Owns what each figure means. Pure: sums come in, figures go out. Knows no rows and no JSON.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.domain.campaign import CampaignState
from gateway.domain.clicks import Verdict
from gateway.domain.delays import DelayKind, percentile, seconds_of
from gateway.domain.message import ENDS, MessageState
from gateway.domain.orders import Returns, judge_returns
from gateway.store.reports import (
    ClickSum,
    DelaySum,
    FailureSum,
    MessageSum,
    OrderSum,
    ReportSums,
    Target,
)
from gateway.store.rollups import ACCEPTED

NO_CURRENCY: Final = "XXX"
"""Stands in rows whose price nobody knows; ISO 4217 for "no currency"."""

HISTOGRAM_SECONDS: Final = (60, 300, 900, 3_600, 14_400, 86_400, 259_200, 1_209_600)
"""Upper ends of the bars of time to the first click: a minute to two weeks."""

Money = dict[str, int]
"""Millionths by currency; never added up over currencies."""


@dataclass(slots=True)
class Standing:
    """Messages by the states that they ever entered."""

    made: int = 0
    states: Counter[int] = field(default_factory=Counter)

    def count(self, state: MessageState) -> int:
        return self.states[state]

    @property
    def ended(self) -> int:
        return sum(self.states[state] for state in ENDS)

    @property
    def unknown(self) -> int:
        """Messages whose fate is not known now. Sums tell how many ever were unknown; no more of them can be
        so still than messages are without an end."""
        return min(self.states[MessageState.UNKNOWN], max(0, self.made - self.ended))

    @property
    def waiting(self) -> int:
        """Messages that have neither left nor ended. Those that failed unsent are counted with those that
        failed afterwards, so while receipts are out this may be a little high."""
        left = max(
            self.count(MessageState.SENT),
            self.count(MessageState.DELIVERED) + self.count(MessageState.FAILED),
        )
        never = sum(
            self.count(state)
            for state in (MessageState.CANCELLED, MessageState.BLOCKED, MessageState.EXPIRED)
        )
        return max(0, self.made - left - never)


@dataclass(slots=True)
class Share:
    """One hour's or one country's part of a campaign."""

    standing: Standing = field(default_factory=Standing)
    parts: int = 0
    cost: Money = field(default_factory=dict)
    clicks: int = 0
    people: int = 0
    orders: int = 0
    opt_outs: int = 0


@dataclass(frozen=True, slots=True)
class FailureGroup:
    failure_class: int
    messages: int
    codes: Sequence[FailureSum]


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """One link of the campaign; `people` are those whose first click was on it."""

    target: Target
    clicks: int
    people: int


@dataclass(frozen=True, slots=True)
class Waits:
    """Half, and 95 of 100, waited no longer than this."""

    p50_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class ClickFigures:
    human: int
    bot: int
    people: int
    by_verdict: Mapping[int, int]
    by_device: Mapping[int, int]
    """Of people's clicks only."""
    waits: Waits | None
    histogram: Sequence[tuple[int, int]]
    """(seconds, people): whose first click came within these seconds of being sent, and after the bar
    before."""


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Every figure of one campaign's page. Parts and cost are of what carriers took, as they bill it."""

    standing: Standing
    waiting: int
    parts: int
    cost: Money
    unpriced_messages: int
    failures: Sequence[FailureGroup]
    delivery: Waits | None
    clicks: ClickFigures
    links: Sequence[LinkFigures]
    optouts_by_way: Mapping[int, int]
    orders: int
    refunds: int
    revenue: Money
    returns: Returns
    by_hour: Sequence[tuple[datetime, Share]]
    by_country: Sequence[tuple[str, Share]]


def make_report(sums: ReportSums, state: CampaignState) -> CampaignReport:
    """The report of a campaign in `state`."""
    standing = _stand(sums.messages)
    sent = [row for row in sums.messages if row.state == MessageState.SENT]
    cost = add_money((row.currency, row.cost_micros) for row in sent if row.currency != NO_CURRENCY)
    unpriced = sum(row.messages for row in sent if row.currency == NO_CURRENCY)
    revenue = sum_revenue(sums.orders)
    orders = sum(row.orders for row in sums.orders)
    return CampaignReport(
        standing=standing,
        waiting=0 if state is CampaignState.FINISHED else standing.waiting,
        parts=sum(row.parts for row in sent),
        cost=cost,
        unpriced_messages=unpriced,
        failures=_group_failures(sums.failures),
        delivery=_find_waits(sums.delays, DelayKind.DELIVERY),
        clicks=_count_clicks(sums),
        links=[_count_link(target, sums.clicks) for target in sums.targets],
        optouts_by_way=_add((row.way, row.people) for row in sums.optouts),
        orders=orders,
        refunds=sum(row.refunds for row in sums.orders),
        revenue=revenue,
        returns=judge_returns(cost, revenue, orders=orders, unpriced_messages=unpriced),
        by_hour=_share_hours(sums),
        by_country=_share_countries(sums),
    )


def sum_revenue(orders: Iterable[OrderSum]) -> Money:
    """Net of refunds, by currency."""
    return add_money((row.currency, row.placed_micros - row.refunded_micros) for row in orders)


def add_money(amounts: Iterable[tuple[str, int]]) -> Money:
    return dict(sorted(_add(amounts).items()))


def _add(counts: Iterable[tuple[object, int]]) -> Counter:  # type: ignore[type-arg]  # of any key
    total: Counter = Counter()  # type: ignore[type-arg]
    for key, count in counts:
        total[key] += count
    return total


def _stand(rows: Iterable[MessageSum]) -> Standing:
    standing = Standing()
    for row in rows:
        if row.state == ACCEPTED:
            standing.made += row.messages
        else:
            standing.states[row.state] += row.messages
    return standing


def _group_failures(rows: Sequence[FailureSum]) -> list[FailureGroup]:
    """Most frequent first, codes too."""
    groups: dict[int, list[FailureSum]] = {}
    for row in rows:
        groups.setdefault(row.failure_class, []).append(row)
    found = [
        FailureGroup(
            failure_class,
            sum(row.messages for row in codes),
            sorted(codes, key=lambda row: (-row.messages, row.command_status, row.stat, row.err)),
        )
        for failure_class, codes in groups.items()
    ]
    return sorted(found, key=lambda group: (-group.messages, group.failure_class))


def _find_waits(rows: Iterable[DelaySum], kind: DelayKind) -> Waits | None:
    counts = _add((row.bucket, row.messages) for row in rows if row.kind == kind)
    half, most = percentile(counts, 0.5), percentile(counts, 0.95)
    return None if half is None or most is None else Waits(half, most)


def _count_clicks(sums: ReportSums) -> ClickFigures:
    by_verdict = _add((row.verdict, row.clicks) for row in sums.clicks)
    human = by_verdict[Verdict.PERSON]
    waits = [row for row in sums.delays if row.kind == DelayKind.FIRST_CLICK]
    bars = dict.fromkeys(HISTOGRAM_SECONDS, 0)
    for row in waits:
        end = next((end for end in HISTOGRAM_SECONDS if seconds_of(row.bucket) <= end), HISTOGRAM_SECONDS[-1])
        bars[end] += row.messages
    return ClickFigures(
        human=human,
        bot=by_verdict.total() - human,
        people=sum(row.people for row in sums.clicks),
        by_verdict=by_verdict,
        by_device=_add((row.device, row.clicks) for row in sums.clicks if row.verdict == Verdict.PERSON),
        waits=_find_waits(waits, DelayKind.FIRST_CLICK),
        histogram=list(bars.items()),
    )


def _count_link(target: Target, clicks: Iterable[ClickSum]) -> LinkFigures:
    own = [row for row in clicks if row.target_id == target.id and row.verdict == Verdict.PERSON]
    return LinkFigures(target, sum(row.clicks for row in own), sum(row.people for row in own))


def _share_hours(sums: ReportSums) -> list[tuple[datetime, Share]]:
    """Messages by the hour they were made in, clicks, orders and opt-outs by their own."""
    shares: dict[datetime, Share] = {}
    for row in sums.messages:
        _add_messages(shares.setdefault(row.hour, Share()), row)
    for click in sums.clicks:
        _add_clicks(shares.setdefault(click.hour, Share()), click)
    for order in sums.orders:
        shares.setdefault(order.hour, Share()).orders += order.orders
    for optout in sums.optouts:
        shares.setdefault(optout.hour, Share()).opt_outs += optout.people
    return sorted(shares.items(), key=lambda item: item[0])


def _share_countries(sums: ReportSums) -> list[tuple[str, Share]]:
    """Largest first."""
    shares: dict[str, Share] = {}
    for row in sums.messages:
        _add_messages(shares.setdefault(row.country, Share()), row)
    for click in sums.clicks:
        _add_clicks(shares.setdefault(click.country, Share()), click)
    for order in sums.orders:
        shares.setdefault(order.country, Share()).orders += order.orders
    for optout in sums.optouts:
        shares.setdefault(optout.country, Share()).opt_outs += optout.people
    return sorted(shares.items(), key=lambda item: (-item[1].standing.made, item[0]))


def _add_messages(share: Share, row: MessageSum) -> None:
    if row.state == ACCEPTED:
        share.standing.made += row.messages
        return
    share.standing.states[row.state] += row.messages
    if row.state == MessageState.SENT:
        share.parts += row.parts
        if row.currency != NO_CURRENCY:
            share.cost[row.currency] = share.cost.get(row.currency, 0) + row.cost_micros


def _add_clicks(share: Share, row: ClickSum) -> None:
    if row.verdict == Verdict.PERSON:
        share.clicks += row.clicks
        share.people += row.people
