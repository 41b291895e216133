"""Making messages of recipients: who still gets one, what it says, where it goes, and when.

Owns the order of the looks and which exclusion each one gives. Runs for every recipient, inside the
transaction of their chunk; the loop is given back every few milliseconds, so that a one-time password never
waits for a campaign. Writes nothing itself.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from gateway.campaigns.hours import MARGIN, LawfulHours
from gateway.campaigns.texts import CampaignTexts, PersonalText
from gateway.domain.campaign import Exclusion
from gateway.domain.country_rules import CountryRule
from gateway.domain.identifiers import IdSource
from gateway.domain.lanes import Category, Lane
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.domain.stop_mention import STOP_LINK_FIELD
from gateway.domain.template import MissingValue, ValueTooLong
from gateway.intake.bulk import BulkPlan, BulkPlanner
from gateway.intake.marketing_rules import MarketingRules
from gateway.intake.refusals import RefusalCode
from gateway.store.campaigns import Campaign
from gateway.store.expansion import Expanded, Made
from gateway.store.intake import NewMessage
from gateway.store.links import OPTOUT_TARGET, Link
from gateway.store.recipients import Person

_BETWEEN_PAUSES: Final = 50
"""Recipients, about 1.5 ms of work."""
_TOO_LATE_FOR: Final = timedelta(hours=1)
"""How far ahead a message that came too late is due: its end is found long before."""

EXCLUSION_OF: Final = {
    RefusalCode.DESTINATION_NOT_ALLOWED: Exclusion.COUNTRY_NOT_ALLOWED,
    RefusalCode.NO_ROUTE: Exclusion.NO_ROUTE,
    RefusalCode.TEXT_TOO_LONG: Exclusion.TEXT_TOO_LONG,
    RefusalCode.TOO_MANY_PARTS: Exclusion.TEXT_TOO_LONG,
}


class LinkNumbers(Protocol):
    """Gives numbers for links, each once (`store.links.LinkSeqs`)."""

    async def take(self, count: int) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class LinkTools:
    """How links are numbered and spelled. `encode_code` and `encode_token` give what follows the address."""

    seqs: LinkNumbers
    encode_code: Callable[[int], str]
    encode_token: Callable[[int], str]
    base_url: Callable[[], str]


@dataclass(slots=True)
class Allowance:
    """What a shop may still spend, in millionths of its currency; None where nothing caps it."""

    micros: int | None
    currency: str

    def take(self, plan: BulkPlan) -> bool:
        """Count a message, or say that the cap has no room for it. A price that cannot be compared with the
        cap has none."""
        if self.micros is None:
            return True
        if plan.cost_micros is None or plan.currency != self.currency or plan.cost_micros > self.micros:
            return False
        self.micros -= plan.cost_micros
        return True


@dataclass(frozen=True, slots=True)
class MakerDeps:
    """What every maker needs."""

    ids: IdSource
    links: LinkTools
    clock: Callable[[], datetime]
    random: Callable[[], float]


class MessageMaker:
    """Makes the messages of one campaign as it, the terms and the rules stood when the maker was made.

    `targets` are the ids of the campaign's links by name.
    """

    def __init__(
        self,
        deps: MakerDeps,
        campaign: Campaign,
        *,
        sender: str,
        texts: CampaignTexts,
        planner: BulkPlanner,
        rules: MarketingRules,
        targets: Mapping[str, int],
        longest_validity: timedelta,
    ) -> None:
        self._deps = deps
        self._campaign = campaign
        self._content = campaign.content
        self._sender = sender
        self._texts = texts
        self._planner = planner
        self._rules = rules
        self._targets = targets
        self._longest_validity = longest_validity
        self._is_marketing = campaign.content.category is Category.MARKETING
        self._by_rule: dict[int, tuple[CountryRule, PersonalText]] = {}
        self._deferred_parts: dict[datetime, int] = {}

    async def make(
        self, people: Sequence[Person], allowance: Allowance, parts_per_second: float | None
    ) -> Expanded:
        """Messages, links and exclusions of these people, in their order.

        Stops before the first whom the allowance has no room for. What waits for the same lawful moment is
        due one after another at `parts_per_second`, within lawful hours; None: all at once.
        """
        deps, campaign = self._deps, self._campaign
        now = deps.clock()
        hours = LawfulHours(now, self._rules.holidays.is_holiday)
        expanded = Expanded([], [], [])
        texts = [self._find_text(person) for person in people]
        seqs = iter(await deps.links.seqs.take(sum(len(t.links) + t.has_stop_link for _, t in texts)))
        for place, (person, (rule, text)) in enumerate(zip(people, texts, strict=True)):
            if place % _BETWEEN_PAUSES == _BETWEEN_PAUSES - 1:
                await asyncio.sleep(0)
            exclusion = self._judge_standing(person)
            if exclusion is not Exclusion.NONE:
                expanded.made.append(Made(person.slot, person.contact_id, None, exclusion))
                continue
            urls, links = self._make_links(text, seqs)
            plan = self._plan(person, text, urls, rule.max_parts if self._is_marketing else None)
            if isinstance(plan, Exclusion):
                expanded.made.append(Made(person.slot, person.contact_id, None, plan))
                continue
            bulk, written = plan
            if not allowance.take(bulk):
                expanded.is_cut = True
                break
            due_at = None
            if self._is_marketing:
                due_at = hours.next_moment(rule, person.address, person.time_zone)
                if due_at is not None and parts_per_second is not None:
                    due_at = self._stagger(hours, rule, person, due_at, bulk.parts, parts_per_second)
            message = self._build(person, bulk, written, now, due_at)
            expanded.messages.append(message)
            expanded.made.append(Made(person.slot, person.contact_id, message.id, Exclusion.NONE))
            for seq, target_id in links:
                expanded.links.append(
                    Link(
                        seq,
                        campaign.shop_id,
                        person.slot,
                        message.id,
                        target_id,
                        campaign.id,
                        person.contact_id,
                        person.country,
                    )
                )
        return expanded

    def _find_text(self, person: Person) -> tuple[CountryRule, PersonalText]:
        """The rule and the text for a person. Numbers of links are taken for all, so those of people who get
        no message are lost."""
        rule = self._rules.rule_for(person.country, person.address)
        found = self._by_rule.get(id(rule))
        if found is None:
            found = self._by_rule[id(rule)] = (rule, self._texts.text_for(rule))
        return found

    def _judge_standing(self, person: Person) -> Exclusion:
        """What stands against a person now that did not, or was not known, when they were frozen."""
        if not person.address:
            return Exclusion.ERASED
        if self._is_marketing:
            if (
                person.suppressed == SuppressionScope.MARKETING
                or person.marketing_consent == MarketingConsent.OPTED_OUT
            ):
                return Exclusion.OPTED_OUT
            if person.suppressed == SuppressionScope.ALL:
                return Exclusion.SUPPRESSED
            if person.marketing_consent != MarketingConsent.OPTED_IN:
                return Exclusion.CONSENT_MISSING
            return Exclusion.NONE
        return Exclusion.SUPPRESSED if person.suppressed == SuppressionScope.ALL else Exclusion.NONE

    def _make_links(
        self, text: PersonalText, seqs: Iterator[int]
    ) -> tuple[dict[str, str], list[tuple[int, int]]]:
        """The addresses that a text shows by their names, and (seq, target id) of each."""
        tools = self._deps.links
        base_url = tools.base_url()
        urls: dict[str, str] = {}
        links: list[tuple[int, int]] = []
        for name in text.links:
            seq = next(seqs)
            urls[name] = f"{base_url}/{tools.encode_code(seq)}"
            links.append((seq, self._targets[name]))
        if text.has_stop_link:
            seq = next(seqs)
            urls[STOP_LINK_FIELD] = f"{base_url}/{tools.encode_token(seq)}"
            links.append((seq, OPTOUT_TARGET))
        return urls, links

    def _plan(
        self, person: Person, text: PersonalText, urls: Mapping[str, str], max_parts: int | None
    ) -> tuple[BulkPlan, str] | Exclusion:
        try:
            written = text.render(person, urls)
        except MissingValue:
            return Exclusion.VALUE_MISSING
        except ValueTooLong:
            return Exclusion.TEXT_TOO_LONG
        plan = self._planner.plan(
            person.address, person.country, written, max_parts=max_parts, draw=self._deps.random()
        )
        if isinstance(plan, RefusalCode):
            return EXCLUSION_OF[plan]
        return plan, written

    def _stagger(
        self,
        hours: LawfulHours,
        rule: CountryRule,
        person: Person,
        due_at: datetime,
        parts: int,
        parts_per_second: float,
    ) -> datetime:
        """Later by what was put off to the same moment already: a campaign's own speed holds then too. What
        the hours that open then have no room for goes to the next ones."""
        while True:
            before = self._deferred_parts.get(due_at, 0)
            leaves_at = due_at + timedelta(seconds=before / parts_per_second)
            closes_at, reopens_at = hours.find_closing(rule, person.address, person.time_zone, due_at)
            if not before or leaves_at + MARGIN <= closes_at:
                self._deferred_parts[due_at] = before + parts
                return leaves_at
            due_at = reopens_at

    def _build(
        self, person: Person, plan: BulkPlan, text: str, now: datetime, due_at: datetime | None
    ) -> NewMessage:
        campaign, content = self._campaign, self._content
        expires_at = (due_at or now) + self._longest_validity
        send_until = content.send_until
        if send_until is not None and send_until < expires_at:
            expires_at = send_until
            if send_until <= now:
                due_at = now + _TOO_LATE_FOR
        return NewMessage(
            campaign.shop_id,
            self._deps.ids.next_id(person.slot),
            person.slot,
            plan.connector.id,
            content.category,
            Lane.BULK,
            plan.wire.alphabet,
            len(plan.wire.parts),
            False,
            False,
            False,
            campaign.id,
            person.contact_id,
            plan.cost_micros or 0,
            due_at,
            expires_at,
            person.country,
            plan.currency,
            person.address,
            self._sender,
            text,
            None,
            None,
            None,
            None,
            due_at,
        )
