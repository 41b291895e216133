"""What may stand in a campaign: judged when it is saved, and again, wholly, when it starts.

Owns the checks of content against itself, its shop and the clock. A draft may be unfinished, so most of what
is missing is refused at the start only. Audiences are counted and texts rendered by `estimate`.
"""

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from gateway.campaigns.errors import CampaignRefused
from gateway.campaigns.texts import PERSON_FIELDS, known_fields
from gateway.domain.lanes import Category
from gateway.domain.sender import Sender, check_sender
from gateway.domain.stop_mention import STOP_LINK_FIELD
from gateway.domain.template import InvalidTemplate, compile_template
from gateway.intake.acceptance import Acceptance
from gateway.intake.refusals import Refusal
from gateway.store.campaigns import CampaignContent
from gateway.store.shops import Shop

MOST_LINKS: Final = 10
_LINK_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
_FURTHEST: Final = timedelta(days=30)

FindUrlFault = Callable[[str], str | None]
"""What is wrong with the address of a link, as a sentence's end ("it …"); None for a good one."""


def check_saved(content: CampaignContent, find_link_fault: FindUrlFault) -> None:
    """What no campaign may hold, not even a draft. Raises `CampaignRefused`."""
    if content.category is Category.OTP:
        raise CampaignRefused(
            "invalid_field",
            "A campaign sends no one-time passwords.",
            "Make it marketing or transactional.",
            path="$.category",
        )
    for place, text in (("name", content.name), ("text", content.text), ("sender", content.sender or "")):
        if "\0" in text:
            raise CampaignRefused(
                "invalid_field",
                "It contains the character NUL (\\u0000).",
                "Leave the character out.",
                path=f"$.{place}",
            )
    _check_links(content, find_link_fault)
    if content.start_at and content.send_until and content.send_until <= content.start_at:
        raise CampaignRefused(
            "invalid_field",
            "The campaign would end before it starts.",
            "Make send_until later than start_at.",
            path="$.send_until",
        )


def _check_links(content: CampaignContent, find_link_fault: FindUrlFault) -> None:
    taken = {*PERSON_FIELDS, STOP_LINK_FIELD}
    for place, link in enumerate(content.links):
        path = f"$.links[{place}]"
        if not _LINK_NAME(link.name) or link.name in taken:
            raise CampaignRefused(
                "invalid_field",
                f"{link.name[:40]!r} cannot be the name of a link here.",
                "Choose small letters, digits and _, begin with a letter, and use each name once.",
                path=f"{path}.name",
            )
        taken.add(link.name)
        fault = find_link_fault(link.url)
        if fault is not None:
            raise CampaignRefused(
                "invalid_link", f"The link cannot lead there: {fault}.", "Give the whole address, such as https://shop.example.com/sale.",
                path=f"{path}.url",
            )  # fmt: skip


def check_ready(
    content: CampaignContent,
    *,
    shop: Shop,
    acceptance: Acceptance,
    own_fields: Collection[str],
    now: datetime,
) -> Sender:
    """What stands against sending this now; gives the sender. Raises `CampaignRefused`."""
    if not content.text.strip():
        raise CampaignRefused("missing_field", "The campaign has no text.", "Write one.", path="$.text")
    try:
        compile_template(content.text, known_fields=known_fields(content, sorted(own_fields)))
    except InvalidTemplate as exc:
        raise CampaignRefused("invalid_text", str(exc), "Correct the text.", path="$.text") from exc
    if not content.audience.lists:
        raise CampaignRefused(
            "missing_field", "The campaign names no list.", "Choose whom it is for.", path="$.audience.lists"
        )
    if content.send_until is not None and content.send_until <= now:
        raise CampaignRefused(
            "invalid_field",
            "The moment after which nothing is sent has passed.",
            "Give a later one, or none.",
            path="$.send_until",
        )
    if content.start_at is not None and content.start_at > now + _FURTHEST:
        raise CampaignRefused(
            "invalid_field",
            f"The start is more than {_FURTHEST.days} days ahead.",
            "Plan it nearer to its time.",
            path="$.start_at",
        )
    sender = acceptance.judge_sender(content.sender or shop.default_sender or acceptance.terms.default_sender)
    if isinstance(sender, Refusal):
        raise CampaignRefused(sender.code.value, sender.detail, sender.action, path="$.sender")
    return check_sender(sender)
