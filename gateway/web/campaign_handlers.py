"""Campaigns over HTTP: write, estimate, try out, start, pause, resume, cancel, and who is in one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.campaigns.content import MOST_LINKS
from gateway.campaigns.desk import CampaignDesk
from gateway.campaigns.errors import CampaignRefused
from gateway.campaigns.trying import MOST_NUMBERS, TrialDeps, join_answers, send_trial
from gateway.domain.campaign import CampaignState, Exclusion
from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.lanes import Category
from gateway.domain.public_ids import encode_public_id
from gateway.domain.template import LONGEST_TEMPLATE_CHARACTERS
from gateway.intake.marketing_rules import MarketingRules
from gateway.store.campaigns import (
    AudienceSpec,
    Campaign,
    CampaignContent,
    CampaignLink,
    list_campaigns,
    read_figures,
)
from gateway.store.database import Database
from gateway.store.recipients import list_recipients
from gateway.store.shops import Shop
from gateway.web.admin_access import Permission
from gateway.web.bodies import Query, read_field_id, read_struct
from gateway.web.campaign_view import show_campaign, show_estimate, show_recipient
from gateway.web.message_handlers import PAGE_LIMIT, answer_json, read_public_id
from gateway.web.problems import ProblemRaised
from gateway.web.shop_routes import ShopCaller, ShopHandler, ShopRoute

_JSON = {"Content-Type": "application/json"}

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(max_length=LONGEST_TEMPLATE_CHARACTERS)]
Sender = Annotated[str, Meta(min_length=1, max_length=64)]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2}$")]
PublicId = Annotated[str, Meta(min_length=1, max_length=20)]
Moment = Annotated[datetime, Meta(tz=True)]
SpreadSeconds = Annotated[int, Meta(ge=60, le=604_800)]
Speed = Annotated[float, Meta(ge=0.1, le=20_000)]
Percent = Annotated[int, Meta(ge=1, le=100)]
WrittenNumber = Annotated[str, Meta(min_length=1, max_length=100)]
CampaignCategory = Literal["marketing", "transactional"]


class LinkRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One address; the text calls it by its name."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    url: Annotated[str, Meta(min_length=1, max_length=2000)]


class AudienceRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a campaign is for."""

    lists: Annotated[list[PublicId], Meta(max_length=50)] = []
    exclude_lists: Annotated[list[PublicId], Meta(max_length=50)] = []
    exclude_received_days: Annotated[int, Meta(ge=1, le=90)] | None = None


Links = Annotated[list[LinkRequest], Meta(max_length=MOST_LINKS)]


class CampaignRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A draft to be made."""

    name: Name
    category: CampaignCategory = "marketing"
    text: Text = ""
    sender: Sender | None = None
    language: Language | None = None
    links: Links = []
    audience: AudienceRequest = AudienceRequest()
    start_at: Moment | None = None
    spread_seconds: SpreadSeconds | None = None
    send_until: Moment | None = None
    parts_per_second: Speed | None = None
    pause_at_failed_percent: Percent | None = None


class CampaignChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays, null clears. `version` is the one that was read."""

    version: Annotated[int, Meta(ge=1)]
    name: Name | UnsetType = UNSET
    category: CampaignCategory | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    sender: Sender | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    links: Links | UnsetType = UNSET
    audience: AudienceRequest | UnsetType = UNSET
    start_at: Moment | UnsetType | None = UNSET
    spread_seconds: SpreadSeconds | UnsetType | None = UNSET
    send_until: Moment | UnsetType | None = UNSET
    parts_per_second: Speed | UnsetType | None = UNSET
    pause_at_failed_percent: Percent | UnsetType | None = UNSET


class StartRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of recipients that was read in the estimate, and the version that was estimated."""

    recipients: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    version: Annotated[int, Meta(ge=1)]


class CancelRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`confirm` repeats the campaign's number of recipients: what is cancelled cannot be taken up again."""

    confirm: Annotated[int, Meta(ge=0, le=1_000_000_000)]


class TestRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Own numbers to try the text on, and the person whom it is written for."""

    to: Annotated[list[WrittenNumber], Meta(min_length=1, max_length=MOST_NUMBERS)]
    contact: PublicId | None = None


Summarise = Callable[[int, Sequence[int]], Awaitable[Mapping[int, Mapping[str, Any]]]]
"""(shop_id, campaign ids) → what each came to, for lists."""


@dataclass(frozen=True, slots=True)
class CampaignTools:
    """What the endpoints need. `speed_of` is the speed of a campaign now, in parts a second."""

    database: Database
    desk: CampaignDesk
    trials: TrialDeps
    rules: Callable[[], MarketingRules]
    speed_of: Callable[[int], float]
    summarise: Summarise


def campaign_routes(tools: CampaignTools) -> list[ShopRoute]:
    """Every endpoint of campaigns but their report."""
    handlers = CampaignHandlers(tools)
    see = Permission.SEE_CAMPAIGNS
    change = Permission.CHANGE_CAMPAIGNS
    read_scope, write_scope = "campaigns:read", "campaigns:write"

    def route(method: str, path: str, handler: ShopHandler, *, is_change: bool = True) -> ShopRoute:
        scope, permission = (write_scope, change) if is_change else (read_scope, see)
        return ShopRoute(method, path, scope, permission, _with_problems(handler))

    return [
        route("GET", "/campaigns", handlers.list, is_change=False),
        route("POST", "/campaigns", handlers.create),
        route("GET", "/campaigns/{id}", handlers.get, is_change=False),
        route("PATCH", "/campaigns/{id}", handlers.change),
        route("DELETE", "/campaigns/{id}", handlers.delete),
        route("POST", "/campaigns/{id}/duplicate", handlers.duplicate),
        route("POST", "/campaigns/{id}/estimate", handlers.estimate, is_change=False),
        route("POST", "/campaigns/{id}/test", handlers.test),
        route("POST", "/campaigns/{id}/start", handlers.start),
        route("POST", "/campaigns/{id}/pause", handlers.pause),
        route("POST", "/campaigns/{id}/resume", handlers.resume),
        route("POST", "/campaigns/{id}/cancel", handlers.cancel),
        route("POST", "/campaigns/{id}/unplan", handlers.unplan),
        route("GET", "/campaigns/{id}/recipients", handlers.list_recipients, is_change=False),
    ]


def _with_problems(handler: ShopHandler) -> ShopHandler:
    """A refusal of the campaigns room as an answer."""

    async def handle(request: web.Request, caller: ShopCaller) -> web.StreamResponse:
        try:
            return await handler(request, caller)
        except CampaignRefused as exc:
            raise ProblemRaised(exc.code, exc.detail, exc.action, path=exc.path) from exc

    return handle


class CampaignHandlers:
    """The campaigns of one shop."""

    def __init__(self, tools: CampaignTools) -> None:
        self._tools = tools
        self._desk = tools.desk

    async def list(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("state", "limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        cursor = query.public_id("cursor", "cmp")
        campaigns = await list_campaigns(
            self._tools.database,
            caller.shop.id,
            below_id=HIGHEST_ID if cursor is None else cursor,
            state=_read_state(query),
            most=limit + 1,
        )
        shown, following = campaigns[:limit], campaigns[limit:]
        next_cursor = encode_public_id("cmp", shown[-1].id) if following else None
        ids = [campaign.id for campaign in shown]
        figures = await read_figures(self._tools.database, caller.shop.id, ids)
        results = await self._tools.summarise(caller.shop.id, ids)
        return answer_json(
            {
                "campaigns": [
                    show_campaign(
                        campaign,
                        figures[campaign.id],
                        parts_per_second=self._tools.speed_of(campaign.id),
                        results=results.get(campaign.id, {}),
                    )
                    for campaign in shown
                ],
                "next_cursor": next_cursor,
            }
        )

    async def create(self, request: web.Request, caller: ShopCaller) -> web.Response:
        wanted = await read_struct(request, CampaignRequest)
        content = CampaignContent(
            name=wanted.name,
            category=_CATEGORIES[wanted.category],
            text=wanted.text,
            sender=wanted.sender,
            language=wanted.language,
            links=_read_links(wanted.links),
            audience=_read_audience(wanted.audience),
            start_at=wanted.start_at,
            spread_seconds=wanted.spread_seconds,
            send_until=wanted.send_until,
            parts_per_second=wanted.parts_per_second,
            pause_at_failed_percent=wanted.pause_at_failed_percent,
        )
        campaign = await self._desk.create(caller.shop, content, actor=caller.actor.name)
        return await self._answer(caller.shop, campaign, status=201)

    async def get(self, request: web.Request, caller: ShopCaller) -> web.Response:
        return await self._answer(caller.shop, await self._desk.find(caller.shop, _read_id(request)))

    async def change(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign_id = _read_id(request)
        wanted = await read_struct(request, CampaignChange)
        campaign = await self._desk.change(
            caller.shop,
            campaign_id,
            wanted.version,
            lambda content: _apply(wanted, content),
            actor=caller.actor.name,
        )
        return await self._answer(caller.shop, campaign)

    async def delete(self, request: web.Request, caller: ShopCaller) -> web.Response:
        await self._desk.delete(caller.shop, _read_id(request), actor=caller.actor.name)
        return web.Response(status=204)

    async def duplicate(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign = await self._desk.duplicate(caller.shop, _read_id(request), actor=caller.actor.name)
        return await self._answer(caller.shop, campaign, status=201)

    async def estimate(self, request: web.Request, caller: ShopCaller) -> web.Response:
        return answer_json(show_estimate(await self._desk.estimate(caller.shop, _read_id(request))))

    async def test(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign_id = _read_id(request)
        wanted = await read_struct(request, TestRequest)
        contact_id = None if wanted.contact is None else read_field_id("ctc", wanted.contact, "$.contact")
        answers = await send_trial(
            self._tools.trials,
            caller.shop,
            campaign_id,
            numbers=wanted.to,
            contact_id=contact_id,
            rules=self._tools.rules(),
        )
        return web.Response(body=join_answers(answers), status=202, headers=_JSON)

    async def start(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign_id = _read_id(request)
        wanted = await read_struct(request, StartRequest)
        campaign = await self._desk.start(
            caller.shop,
            campaign_id,
            recipients=wanted.recipients,
            version=wanted.version,
            actor=caller.actor.name,
        )
        return await self._answer(caller.shop, campaign)

    async def pause(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign = await self._desk.pause(caller.shop, _read_id(request), actor=caller.actor.name)
        return await self._answer(caller.shop, campaign)

    async def resume(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign = await self._desk.resume(caller.shop, _read_id(request), actor=caller.actor.name)
        return await self._answer(caller.shop, campaign)

    async def unplan(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign = await self._desk.unplan(caller.shop, _read_id(request), actor=caller.actor.name)
        return await self._answer(caller.shop, campaign)

    async def cancel(self, request: web.Request, caller: ShopCaller) -> web.Response:
        campaign_id = _read_id(request)
        wanted = await read_struct(request, CancelRequest)
        campaign = await self._desk.cancel(
            caller.shop, campaign_id, confirmed=wanted.confirm, actor=caller.actor.name
        )
        return await self._answer(caller.shop, campaign)

    async def list_recipients(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("exclusion", "limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        campaign = await self._desk.find(caller.shop, _read_id(request))
        recipients = await list_recipients(
            self._tools.database,
            caller.shop.id,
            campaign.id,
            exclusion=_read_exclusion(query),
            after_contact_id=query.public_id("cursor", "ctc"),
            most=limit + 1,
        )
        shown, following = recipients[:limit], recipients[limit:]
        next_cursor = encode_public_id("ctc", shown[-1].contact_id) if following else None
        return answer_json(
            {"recipients": [show_recipient(each) for each in shown], "next_cursor": next_cursor}
        )

    async def _answer(self, shop: Shop, campaign: Campaign, *, status: int = 200) -> web.Response:
        figures = await read_figures(self._tools.database, shop.id, [campaign.id])
        shown = show_campaign(
            campaign, figures[campaign.id], parts_per_second=self._tools.speed_of(campaign.id)
        )
        return answer_json(shown, status=status)


_CATEGORIES = {"marketing": Category.MARKETING, "transactional": Category.TRANSACTIONAL}


def _apply(wanted: CampaignChange, content: CampaignContent) -> CampaignContent:
    """The content with what was given in place of what stood there."""
    given: dict[str, Any] = {
        name: value
        for name in wanted.__struct_fields__
        if name != "version" and (value := getattr(wanted, name)) is not UNSET
    }
    if "category" in given:
        given["category"] = _CATEGORIES[given["category"]]
    if "links" in given:
        given["links"] = _read_links(given["links"])
    if "audience" in given:
        given["audience"] = _read_audience(given["audience"])
    return replace(content, **given)


def _read_links(links: Sequence[LinkRequest]) -> tuple[CampaignLink, ...]:
    return tuple(CampaignLink(link.name, link.url) for link in links)


def _read_audience(audience: AudienceRequest) -> AudienceSpec:
    def read(name: str, lists: Sequence[str]) -> tuple[int, ...]:
        ids = [read_field_id("lst", text, f"$.audience.{name}[{place}]") for place, text in enumerate(lists)]
        return tuple(dict.fromkeys(ids))

    return AudienceSpec(
        lists=read("lists", audience.lists),
        exclude_lists=read("exclude_lists", audience.exclude_lists),
        exclude_received_days=audience.exclude_received_days,
    )


def _read_id(request: web.Request) -> int:
    return read_public_id(request, "cmp")


def _read_state(query: Query) -> CampaignState | None:
    text = query.text("state")
    found = {state.word: state for state in CampaignState}
    return None if text is None else _choose("state", text, found)


def _read_exclusion(query: Query) -> Exclusion | None:
    """`none` lists those who are not left out."""
    text = query.text("exclusion")
    found = {exclusion.word: exclusion for exclusion in Exclusion}
    return None if text is None else _choose("exclusion", text, found)


def _choose(name: str, text: str, found: Mapping[str, Any]) -> Any:
    if text not in found:
        raise ProblemRaised(
            "invalid_parameter", f"The parameter {name} is one of {', '.join(found)}.", "Correct it."
        )
    return found[text]
