"""What a campaign would come to if it started now: people, parts, cost, and when it would be done.

Owns the sample: everyone is counted by the statement that freezing uses, up to 2,000 of the recipients are
rendered and planned as expansion would, and what they come to is scaled up. Writes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.campaigns.hours import LawfulHours
from gateway.campaigns.making import EXCLUSION_OF
from gateway.campaigns.texts import CampaignTexts
from gateway.domain.campaign import Exclusion
from gateway.domain.estimate import (
    ConnectorLoad,
    PartCounts,
    SendingTime,
    count_parts,
    estimate_sending_time,
)
from gateway.domain.lanes import Category
from gateway.domain.sender import Sender
from gateway.domain.stop_mention import STOP_LINK_FIELD
from gateway.domain.template import MissingValue, ValueTooLong
from gateway.domain.text_check import TextWarning, list_warnings
from gateway.intake.acceptance import Acceptance
from gateway.intake.bulk import BulkPlan, BulkPlanner
from gateway.intake.marketing_rules import MarketingRules
from gateway.intake.planning import NO_CURRENCY
from gateway.intake.refusals import RefusalCode
from gateway.smpp.text import Alphabet
from gateway.store.campaigns import CampaignContent
from gateway.store.database import Database
from gateway.store.recipients import (
    EVERY_SLOT,
    AudienceCount,
    AudienceTerms,
    Person,
    count_audience,
    sample_audience,
)
from gateway.store.shops import Shop

SAMPLED: Final = 2_000
_SLOTS_AT_ONCE: Final = 16
_BETWEEN_PAUSES: Final = 100
_MOST_FORCING: Final = 20


@dataclass(slots=True)
class RouteShare:
    """What goes through one connector to one country. `cost_micros` None: the price is not known."""

    connector: str
    country: str
    currency: str
    recipients: int = 0
    parts: int = 0
    cost_micros: int | None = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """The whole of it. Counts that come from the sample are scaled to everyone and rounded."""

    people: int
    recipients: int
    excluded: dict[Exclusion, int]
    alphabets: dict[Alphabet, int]
    parts: PartCounts
    forcing: tuple[tuple[str, int], ...]
    costs: dict[str, int]
    """Millionths by currency; what nobody knows the price of is left out."""
    unpriced_recipients: int
    routes: tuple[RouteShare, ...]
    starts_at: datetime
    sending: SendingTime
    deferred: int
    deferred_until: datetime | None
    too_late: int
    warnings: tuple[TextWarning, ...]
    is_sampled: bool

    @property
    def finishes_at(self) -> datetime | None:
        """When the last of it has been sent; None where a connector has no speed. What waits for lawful hours
        needs its share of the time after they begin."""
        wanted = self.sending.wanted
        if wanted is None:
            return None
        finishes_at = self.starts_at + wanted
        if self.deferred_until is None:
            return finishes_at
        share = self.deferred / max(1, self.recipients)
        return max(finishes_at, self.deferred_until + wanted * share)


@dataclass(slots=True)
class _Sample:
    """What the sampled recipients came to."""

    excluded: Counter[Exclusion] = field(default_factory=Counter)
    alphabets: Counter[Alphabet] = field(default_factory=Counter)
    parts: Counter[int] = field(default_factory=Counter)
    forcing: Counter[str] = field(default_factory=Counter)
    routes: dict[tuple[str, str], RouteShare] = field(default_factory=dict)
    unpriced: int = 0
    deferred: int = 0
    deferred_until: datetime | None = None
    too_late: int = 0
    example: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectorSpeed:
    """How fast a connector is now, and how many parts wait there."""

    name: str
    parts_per_second: float
    parts_ahead: int = 0


@dataclass(frozen=True, slots=True)
class EstimateTerms:
    """Everything an estimate is made from beside the content."""

    shop: Shop
    acceptance: Acceptance
    rules: MarketingRules
    sender: Sender
    audience: AudienceTerms
    speeds: Sequence[ConnectorSpeed]
    base_url: str
    now: datetime
    draw: float


async def make_estimate(database: Database, content: CampaignContent, terms: EstimateTerms) -> Estimate:
    """Count, sample, scale. Raises `StoreUnavailable`."""
    counted = await count_audience(database, terms.audience)
    people = await _take_sample(database, terms.audience, counted)
    starts_at = max(terms.now, content.start_at or terms.now)
    sample = await _plan_sample(people, content, terms, starts_at)
    scale = _Scale(counted.recipients, len(people))
    excluded: Counter[Exclusion] = Counter(counted.people)
    del excluded[Exclusion.NONE]
    for reason, count in sample.excluded.items():
        excluded[reason] += scale.up(count)
    recipients = counted.recipients - scale.up(sample.excluded.total())
    routes = [_scale_route(route, scale) for route in sample.routes.values()]
    parts = count_parts({size: scale.up(count) for size, count in sample.parts.items()})
    costs: Counter[str] = Counter()
    for route in routes:
        if route.cost_micros is not None:
            costs[route.currency] += route.cost_micros
    return Estimate(
        people=sum(counted.people.values()),
        recipients=recipients,
        excluded={reason: count for reason, count in sorted(excluded.items()) if count},
        alphabets={alphabet: scale.up(count) for alphabet, count in sample.alphabets.items()},
        parts=parts,
        forcing=tuple(
            (character, scale.up(count)) for character, count in sample.forcing.most_common(_MOST_FORCING)
        ),
        costs=dict(costs),
        unpriced_recipients=scale.up(sample.unpriced),
        routes=tuple(sorted(routes, key=lambda route: (-route.recipients, route.connector, route.country))),
        starts_at=starts_at,
        sending=_estimate_time(routes, content, terms),
        deferred=scale.up(sample.deferred),
        deferred_until=sample.deferred_until,
        too_late=scale.up(sample.too_late),
        warnings=_list_warnings(content, terms, sample.example),
        is_sampled=counted.recipients > len(people),
    )


class _Scale:
    """From the sample to everyone."""

    def __init__(self, everyone: int, sampled: int) -> None:
        self._everyone = everyone
        self._sampled = sampled

    def up(self, count: int) -> int:
        if self._sampled in (0, self._everyone):
            return count
        return round(count * self._everyone / self._sampled)


async def _take_sample(database: Database, terms: AudienceTerms, counted: AudienceCount) -> list[Person]:
    """Everyone of a small audience; of a large one the people of as many slots as hold the sample."""
    if counted.recipients == 0:
        return []
    if counted.recipients <= SAMPLED:
        return await sample_audience(database, terms, EVERY_SLOT, most=SAMPLED)
    people: list[Person] = []
    for start in range(0, len(EVERY_SLOT), _SLOTS_AT_ONCE):
        # Spread over the slots, so that no habit of a hash shows.
        slots = EVERY_SLOT[start // _SLOTS_AT_ONCE :: _SLOTS_AT_ONCE]
        share = max(1, SAMPLED // len(slots))
        for slot in slots:
            people += await sample_audience(database, terms, [slot], most=min(share, SAMPLED - len(people)))
            if len(people) >= SAMPLED:
                return people
    return people


async def _plan_sample(
    people: Sequence[Person], content: CampaignContent, terms: EstimateTerms, starts_at: datetime
) -> _Sample:
    sample = _Sample()
    texts = CampaignTexts(content, terms.sender.kind)
    planner = BulkPlanner(
        terms.acceptance, terms.shop, sender=terms.sender.address, category=content.category
    )
    hours = LawfulHours(starts_at, terms.rules.holidays.is_holiday)
    is_marketing = content.category is Category.MARKETING
    urls = {link.name: f"{terms.base_url}/0000000" for link in content.links}
    urls[STOP_LINK_FIELD] = f"{terms.base_url}/00000000000"
    for place, person in enumerate(people):
        if place % _BETWEEN_PAUSES == _BETWEEN_PAUSES - 1:
            await asyncio.sleep(0)
        rule = terms.rules.rule_for(person.country, person.address)
        try:
            written = texts.text_for(rule).render(person, urls)
        except MissingValue:
            sample.excluded[Exclusion.VALUE_MISSING] += 1
            continue
        except ValueTooLong:
            sample.excluded[Exclusion.TEXT_TOO_LONG] += 1
            continue
        plan = planner.plan(
            person.address,
            person.country,
            written,
            max_parts=rule.max_parts if is_marketing else None,
            draw=(terms.draw + place * 0.618034) % 1.0,
        )
        if isinstance(plan, RefusalCode):
            sample.excluded[EXCLUSION_OF[plan]] += 1
            continue
        sample.example = sample.example or written
        _add_plan(sample, person, plan)
        due_at = hours.next_moment(rule, person.address, person.time_zone) if is_marketing else None
        _add_moment(sample, due_at, content.send_until)
    return sample


def _add_plan(sample: _Sample, person: Person, plan: BulkPlan) -> None:
    parts = plan.parts
    sample.alphabets[plan.wire.alphabet] += 1
    sample.parts[parts] += 1
    sample.forcing.update(plan.wire.forcing)
    key = (plan.connector.name, person.country)
    route = sample.routes.get(key)
    if route is None:
        route = sample.routes[key] = RouteShare(plan.connector.name, person.country, plan.currency)
    route.recipients += 1
    route.parts += parts
    if plan.cost_micros is None:
        sample.unpriced += 1
    elif route.currency == NO_CURRENCY:
        route.currency, route.cost_micros = plan.currency, plan.cost_micros
    elif route.cost_micros is not None:
        route.cost_micros += plan.cost_micros


def _add_moment(sample: _Sample, due_at: datetime | None, send_until: datetime | None) -> None:
    if due_at is None:
        return
    if send_until is not None and due_at >= send_until:
        sample.too_late += 1
        return
    sample.deferred += 1
    sample.deferred_until = max(due_at, sample.deferred_until or due_at)


def _scale_route(route: RouteShare, scale: _Scale) -> RouteShare:
    is_priced = route.currency != NO_CURRENCY and route.cost_micros is not None
    return RouteShare(
        route.connector,
        route.country,
        route.currency,
        scale.up(route.recipients),
        scale.up(route.parts),
        scale.up(route.cost_micros or 0) if is_priced else None,
    )


def _estimate_time(
    routes: Sequence[RouteShare], content: CampaignContent, terms: EstimateTerms
) -> SendingTime:
    parts: Counter[str] = Counter()
    for route in routes:
        parts[route.connector] += route.parts
    speeds = {speed.name: speed for speed in terms.speeds}
    stopped = ConnectorSpeed("", 0.0)
    loads = [
        ConnectorLoad(
            name,
            count,
            speeds.get(name, stopped).parts_per_second,
            speeds.get(name, stopped).parts_ahead,
        )
        for name, count in sorted(parts.items())
    ]
    spread = None if content.spread_seconds is None else timedelta(seconds=content.spread_seconds)
    return estimate_sending_time(loads, campaign_parts_per_second=content.parts_per_second, spread=spread)


def _list_warnings(
    content: CampaignContent, terms: EstimateTerms, example: str | None
) -> tuple[TextWarning, ...]:
    return tuple(
        list_warnings(
            content.text if example is None else example,
            category=content.category,
            sender=terms.sender.address,
            sender_kind=terms.sender.kind,
            shop_name=terms.shop.name,
        )
    )
