"""The report of a campaign as the outside sees it. Owns names, spellings and sentences; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.analytics.report import CampaignReport, FailureGroup, LinkFigures, Share, Waits
from gateway.analytics.summaries import CampaignSummary
from gateway.domain.campaign import Exclusion
from gateway.domain.clicks import Device, Verdict
from gateway.domain.failures import FailureClass, describe_failure
from gateway.domain.message import MessageState
from gateway.domain.orders import Returns
from gateway.domain.people import OptoutWay
from gateway.domain.public_ids import encode_public_id
from gateway.store.campaigns import Campaign, CampaignFigures
from gateway.store.reports import ClickRecord, FailureSum, OptoutRecord
from gateway.store.rollups import NO_STATUS
from gateway.web.money_view import show_moneys


def show_report(
    campaign: Campaign, figures: CampaignFigures, report: CampaignReport, *, attribution_days: int
) -> dict[str, object]:
    """Every figure of a campaign's page."""
    standing = report.standing
    return {
        "campaign": show_campaign_line(campaign),
        "people": figures.people,
        "excluded": {Exclusion(reason).word: people for reason, people in figures.excluded.items()},
        "recipients": figures.recipients,
        "messages": standing.made,
        "parts": report.parts,
        "cost": show_moneys(report.cost),
        "unpriced_messages": report.unpriced_messages,
        **{state.word: standing.count(state) for state in _SHOWN_STATES},
        "unknown": standing.unknown,
        "waiting": report.waiting,
        "failures": [_show_failure(group) for group in report.failures],
        "delivery_seconds": _show_waits(report.delivery),
        "clicks": _show_clicks(report),
        "links": [_show_link(link) for link in report.links],
        "opt_outs": {
            "people": sum(report.optouts_by_way.values()),
            "by_way": {way.word: report.optouts_by_way.get(way, 0) for way in OptoutWay},
        },
        "orders": {
            "count": report.orders,
            "refunds": report.refunds,
            "revenue": show_moneys(report.revenue),
            "attribution_days": attribution_days,
        },
        "roi": show_roi(report.returns),
        "roi_note": report.returns.note,
        "by_hour": [_show_hour(hour, share) for hour, share in report.by_hour],
        "by_country": [_show_country(country, share) for country, share in report.by_country],
    }


_SHOWN_STATES = (
    MessageState.SENT,
    MessageState.DELIVERED,
    MessageState.FAILED,
    MessageState.EXPIRED,
    MessageState.CANCELLED,
    MessageState.BLOCKED,
)


def show_campaign_line(campaign: Campaign) -> dict[str, object]:
    """What says which campaign it is."""
    return {
        "id": encode_public_id("cmp", campaign.id),
        "name": campaign.content.name,
        "state": campaign.state.word,
        "category": campaign.content.category.word,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
    }


def show_summary(summary: CampaignSummary) -> Mapping[str, object]:
    """A campaign's results in a list."""
    return {
        "sent": summary.sent,
        "delivered": summary.delivered,
        "clicked": summary.clicked,
        "opt_outs": summary.opt_outs,
        "revenue": show_moneys(summary.revenue),
        "roi": show_roi(summary.returns),
    }


def show_roi(returns: Returns) -> str | None:
    return None if returns.ratio is None else f"{returns.ratio:f}"


def show_failure_group(failure_class: int, messages: int) -> dict[str, object]:
    """Why messages failed, in our class and a sentence."""
    kind = FailureClass(failure_class)
    return {"failure_class": kind.word or "unknown", "sentence": describe_failure(kind), "messages": messages}


def show_click(click: ClickRecord) -> dict[str, object]:
    """One visit to a link."""
    return {
        "id": encode_public_id("clk", click.id),
        "at": click.at,
        "verdict": Verdict(click.verdict).word,
        "device": Device(click.device).word,
        "is_first": click.is_first,
        "link": click.link_name,
        "contact_id": encode_public_id("ctc", click.contact_id) if click.contact_id else None,
        "number": None if click.number is None else f"+{click.number}",
        "message_id": encode_public_id("msg", click.message_id),
        "country": click.country,
        "address": click.address,
        "agent": click.agent,
    }


def show_optout(optout: OptoutRecord) -> dict[str, object]:
    """One person who opted out in answer to a campaign."""
    way, _, detail = optout.source.partition(":")
    return {
        "contact_id": None if optout.contact_id is None else encode_public_id("ctc", optout.contact_id),
        "number": None if optout.number is None else f"+{optout.number}",
        "country": optout.country,
        "way": way,
        "detail": detail,
        "said_at": optout.said_at,
    }


def _show_failure(group: FailureGroup) -> dict[str, object]:
    return {
        **show_failure_group(group.failure_class, group.messages),
        "codes": [_show_code(code) for code in group.codes],
    }


def _show_code(code: FailureSum) -> dict[str, object]:
    has_status = code.command_status != NO_STATUS
    return {
        "command_status": f"0x{code.command_status:08x}" if has_status else None,
        "stat": code.stat or None,
        "err": code.err or None,
        "messages": code.messages,
    }


def _show_waits(waits: Waits | None) -> dict[str, float] | None:
    if waits is None:
        return None
    return {"p50": _round(waits.p50_seconds), "p95": _round(waits.p95_seconds)}


def _round(seconds: float) -> float:
    """No finer than the buckets are."""
    return round(seconds, 2 if seconds < 1 else 1)


def _show_clicks(report: CampaignReport) -> dict[str, object]:
    clicks = report.clicks
    return {
        "human": clicks.human,
        "bot": clicks.bot,
        "people": clicks.people,
        "by_verdict": {verdict.word: clicks.by_verdict.get(verdict, 0) for verdict in Verdict},
        "by_device": {device.word: clicks.by_device.get(device, 0) for device in Device},
        "time_to_click_seconds": _show_waits(clicks.waits),
        "histogram": [{"seconds": seconds, "people": people} for seconds, people in clicks.histogram],
    }


def _show_link(link: LinkFigures) -> dict[str, object]:
    return {
        "id": encode_public_id("lnk", link.target.id),
        "name": link.target.name,
        "url": link.target.url,
        "clicks": link.clicks,
        "people": link.people,
    }


def _show_hour(hour: datetime, share: Share) -> dict[str, object]:
    return {
        "hour": hour,
        "messages": share.standing.made,
        **_show_share(share, (MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED)),
        "clicks": share.clicks,
        "people": share.people,
        "orders": share.orders,
        "opt_outs": share.opt_outs,
    }


def _show_country(country: str, share: Share) -> dict[str, object]:
    return {
        "country": country,
        "messages": share.standing.made,
        **_show_share(share, (MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED)),
        "parts": share.parts,
        "cost": show_moneys(share.cost),
        "clicks": share.clicks,
        "people": share.people,
        "orders": share.orders,
        "opt_outs": share.opt_outs,
    }


def _show_share(share: Share, states: Sequence[MessageState]) -> dict[str, int]:
    return {state.word: share.standing.count(state) for state in states}
