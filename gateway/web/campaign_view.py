"""A campaign, its estimate and its recipients as the outside sees them. Owns names and spellings; pure."""

from collections.abc import Mapping
from typing import Any

from gateway.campaigns.estimate import Estimate, RouteShare
from gateway.domain.campaign import CampaignState, Exclusion, PauseReason
from gateway.domain.message import MessageState
from gateway.domain.public_ids import encode_public_id
from gateway.smpp.text import Alphabet
from gateway.store.campaigns import MADE, Campaign, CampaignFigures
from gateway.store.recipients import Recipient
from gateway.web.message_view import show_price


def show_campaign(
    campaign: Campaign,
    figures: CampaignFigures,
    *,
    parts_per_second: float = 0.0,
    results: Mapping[str, Any] | None = None,
) -> dict[str, object]:
    """One campaign. `parts_per_second` is its speed at the moment; `results` stand in lists only."""
    content = campaign.content
    shown: dict[str, object] = {
        "id": encode_public_id("cmp", campaign.id),
        "name": content.name,
        "category": content.category.word,
        "state": campaign.state.word,
        "pause_reason": campaign.pause_reason.word if campaign.pause_reason is not PauseReason.NONE else None,
        "version": campaign.version,
        "text": content.text,
        "sender": content.sender,
        "language": content.language,
        "links": [{"name": link.name, "url": link.url} for link in content.links],
        "audience": {
            "lists": [encode_public_id("lst", list_id) for list_id in content.audience.lists],
            "exclude_lists": [encode_public_id("lst", list_id) for list_id in content.audience.exclude_lists],
            "exclude_received_days": content.audience.exclude_received_days,
        },
        "start_at": content.start_at,
        "spread_seconds": content.spread_seconds,
        "send_until": content.send_until,
        "parts_per_second": content.parts_per_second,
        "pause_at_failed_percent": content.pause_at_failed_percent,
        "progress": _show_progress(campaign, figures, parts_per_second),
        "created_at": campaign.created_at,
        "created_by": campaign.created_by,
        "updated_at": campaign.updated_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
    }
    if results is not None:
        shown["results"] = results
    return shown


def _show_progress(
    campaign: Campaign, figures: CampaignFigures, parts_per_second: float
) -> dict[str, object]:
    waiting = _count_waiting(campaign, figures)
    still_to_send = waiting + max(0, figures.recipients - figures.expanded)
    is_moving = parts_per_second > 0 and campaign.state is CampaignState.RUNNING
    made = figures.states.get(MADE, 0)
    parts_each = figures.parts / made if made else 1.0
    return {
        "people": figures.people,
        "excluded": sum(figures.excluded.values()),
        "recipients": figures.recipients,
        "frozen_slots": figures.frozen_slots,
        "expanded": figures.expanded,
        "sent": figures.count(MessageState.SENT),
        "delivered": figures.count(MessageState.DELIVERED),
        "failed": figures.count(MessageState.FAILED),
        "waiting": waiting,
        "parts_per_second": round(parts_per_second, 1),
        "eta_seconds": round(still_to_send * parts_each / parts_per_second) if is_moving else None,
    }


def _count_waiting(campaign: Campaign, figures: CampaignFigures) -> int:
    """Messages made that have neither left nor ended. Those that failed without being sent and those that
    failed afterwards are counted alike, so while receipts are out this may be a little high."""
    if campaign.state is CampaignState.FINISHED:
        return 0
    ended = figures.count(MessageState.DELIVERED) + figures.count(MessageState.FAILED)
    left = max(figures.count(MessageState.SENT), ended)
    never = sum(
        figures.count(state) for state in (MessageState.CANCELLED, MessageState.BLOCKED, MessageState.EXPIRED)
    )
    return max(0, figures.states.get(MADE, 0) - left - never)


def show_estimate(estimate: Estimate) -> dict[str, object]:
    """What a campaign would come to."""
    sending = estimate.sending
    return {
        "people": estimate.people,
        "recipients": estimate.recipients,
        "excluded": {Exclusion(reason).word: count for reason, count in estimate.excluded.items()},
        "alphabet": {
            "gsm7": estimate.alphabets.get(Alphabet.GSM7, 0),
            "ucs2": estimate.alphabets.get(Alphabet.UCS2, 0),
        },
        "parts": {
            "total": estimate.parts.total,
            "best": estimate.parts.best,
            "median": estimate.parts.median,
            "worst": estimate.parts.worst,
        },
        "forcing": [{"character": character, "messages": count} for character, count in estimate.forcing],
        "cost": [show_price(micros, currency) for currency, micros in sorted(estimate.costs.items())],
        "unpriced_recipients": estimate.unpriced_recipients,
        "by_route": [_show_route(route) for route in estimate.routes],
        "finish": {
            "starts_at": estimate.starts_at,
            "finishes_at": estimate.finishes_at,
            "seconds": None if sending.wanted is None else round(sending.wanted.total_seconds(), 1),
            "limited_by": sending.limited_by,
        },
        "deferred": {"recipients": estimate.deferred, "until": estimate.deferred_until},
        "too_late": estimate.too_late,
        "warnings": [{"code": w.code.value, "detail": w.detail} for w in estimate.warnings],
        "sampled": estimate.is_sampled,
    }


def _show_route(route: RouteShare) -> dict[str, object]:
    cost = None if route.cost_micros is None else show_price(route.cost_micros, route.currency)
    return {
        "connector": route.connector,
        "country": route.country,
        "recipients": route.recipients,
        "parts": route.parts,
        "cost": cost,
    }


def show_recipient(recipient: Recipient) -> dict[str, object]:
    """One frozen person; the number is null once erased."""
    is_excluded = recipient.exclusion is not Exclusion.NONE
    message_id = recipient.message_id
    return {
        "contact_id": encode_public_id("ctc", recipient.contact_id),
        "number": None if recipient.address is None else f"+{recipient.address}",
        "country": recipient.country,
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "exclusion": recipient.exclusion.word if is_excluded else None,
        "message_id": None if message_id is None else encode_public_id("msg", message_id),
    }
