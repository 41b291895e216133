"""Trying a campaign out: its text to a few own numbers, through the front door of intake.

Such messages go out as transactional ones whatever the hour, are paid for, and belong to no campaign. Their
links lead where they should and count nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.campaigns.desk import CampaignDesk
from gateway.campaigns.errors import CampaignRefused
from gateway.campaigns.making import LinkTools
from gateway.campaigns.texts import CampaignTexts, PersonalText
from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.lanes import Category
from gateway.domain.phone import InvalidNumber, Number, normalise_number
from gateway.domain.public_ids import encode_public_id
from gateway.domain.stop_mention import STOP_LINK_FIELD
from gateway.domain.template import MissingValue, ValueTooLong
from gateway.intake.idempotency import Reply
from gateway.intake.marketing_rules import MarketingRules
from gateway.intake.refusals import Refusal
from gateway.intake.requests import SendRequest
from gateway.intake.rows import Sending
from gateway.intake.service import Intake
from gateway.store.campaigns import Campaign
from gateway.store.database import Database
from gateway.store.links import LINK_COLUMNS, OPTOUT_TARGET, TEST_CAMPAIGN, Link, put_targets
from gateway.store.recipients import Person, find_person
from gateway.store.shops import Shop

MOST_NUMBERS: Final = 5
CAMPAIGN_TEST: Final = "campaign_test"
"""The metadata key of a test message that names the campaign."""
_EXAMPLE: Final = Person(0, 0, "", "", "Marie", "Dupont", None, None, "{}", None, None)
"""Whom a test is written for where nobody was chosen."""


@dataclass(frozen=True, slots=True)
class TrialDeps:
    """What trials need."""

    database: Database
    desk: CampaignDesk
    intake: Intake
    links: LinkTools
    ids: IdSource


async def send_trial(
    deps: TrialDeps,
    shop: Shop,
    campaign_id: int,
    *,
    numbers: Sequence[str],
    contact_id: int | None,
    rules: MarketingRules,
) -> list[bytes]:
    """Send the campaign's text to own numbers, written for a person of the shop or for an example.

    Gives the answers of intake, a JSON object each. Raises `CampaignRefused`; those accepted before a refusal
    have gone out.
    """
    campaign, sender = await deps.desk.check_sender(shop, campaign_id)
    person = await _find_person(deps, shop, contact_id)
    texts = CampaignTexts(campaign.content, sender.kind)
    answers = []
    for place, written_number in enumerate(numbers):
        number = _read_number(written_number, shop, place)
        text = texts.text_for(rules.rule_for(number.country, number.address))
        urls = await _make_links(deps, shop, campaign, text, number)
        request = SendRequest(
            to=f"+{number.address}",
            sender=sender.address if not sender.address.isdigit() else campaign.content.sender,
            text=_render(text, person, number, urls),
            category=Category.TRANSACTIONAL.word,  # type: ignore[arg-type]  # the words are the literals
            metadata={CAMPAIGN_TEST: encode_public_id("cmp", campaign.id)},
        )
        answer = await deps.intake.send(Sending(shop, is_test=False, looks_up_people=True), request)
        if isinstance(answer, Refusal):
            raise CampaignRefused(answer.code.value, answer.detail, answer.action, path=f"$.to[{place}]")
        assert isinstance(answer, Reply)
        answers.append(answer.body)
    return answers


def _read_number(written: str, shop: Shop, place: int) -> Number:
    try:
        return normalise_number(written, default_country=shop.country)
    except InvalidNumber as exc:
        raise CampaignRefused(
            "invalid_number", str(exc), "Correct the number.", path=f"$.to[{place}]"
        ) from exc


async def _find_person(deps: TrialDeps, shop: Shop, contact_id: int | None) -> Person:
    if contact_id is None:
        return _EXAMPLE
    person = await find_person(deps.database, shop.id, contact_id)
    if person is None:
        raise CampaignRefused(
            "not_found", "There is no contact with this id.", "Choose another person.", path="$.contact"
        )
    return person


def _render(text: PersonalText, person: Person, number: Number, urls: dict[str, str]) -> str:
    shown = person if person.address else person._replace(address=number.address, country=number.country)
    try:
        return text.render(shown, urls)
    except (MissingValue, ValueTooLong) as exc:
        raise CampaignRefused(
            "value_missing", str(exc), "Choose a person who has all values.", path="$.contact"
        ) from exc


async def _make_links(
    deps: TrialDeps, shop: Shop, campaign: Campaign, text: PersonalText, number: Number
) -> dict[str, str]:
    """Links that lead where the campaign's do, but belong to no message and no campaign."""
    wanted = len(text.links) + text.has_stop_link
    if not wanted:
        return {}
    tools = deps.links
    seqs = iter(await tools.seqs.take(wanted))
    slot = slot_of_address(number.address)
    urls: dict[str, str] = {}
    rows: list[Link] = []
    async with deps.database.transaction() as connection:
        targets = await put_targets(
            connection,
            shop_id=shop.id,
            campaign_id=TEST_CAMPAIGN,
            links=[(link.name, link.url) for link in campaign.content.links],
            ids=deps.ids,
            now=campaign.updated_at,
        )
        for name in (*text.links, *([STOP_LINK_FIELD] if text.has_stop_link else [])):
            seq = next(seqs)
            is_stop = name == STOP_LINK_FIELD
            spell = tools.encode_token if is_stop else tools.encode_code
            urls[name] = f"{tools.base_url()}/{spell(seq)}"
            target_id = OPTOUT_TARGET if is_stop else targets[name]
            rows.append(Link(seq, shop.id, slot, 0, target_id, TEST_CAMPAIGN, 0, number.country))
        await connection.copy("link", LINK_COLUMNS, rows)
    return urls


def join_answers(answers: Sequence[bytes]) -> bytes:
    """The answer to a trial: the accepted messages in the order of their numbers."""
    return msgspec.json.encode({"messages": [msgspec.Raw(answer) for answer in answers]})
