"""Admin handlers for messages of unknown outcome: the list, and what a person decides about them.

Numbers are masked: who decides here looks at carriers and hours, not at people.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict

from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.lanes import Category
from gateway.domain.message import MessageState
from gateway.domain.public_ids import encode_public_id
from gateway.intake.planning import NO_CURRENCY
from gateway.intake.unknown_desk import SENTENCES, Decided, Decision, Request, UnknownDesk
from gateway.store.database import Database
from gateway.store.shops import list_shops
from gateway.store.unknowns import (
    COUNT_CAP,
    UnknownCount,
    UnknownFilter,
    UnknownMessage,
    count_unknown,
    list_unknown,
)
from gateway.web.admin_access import Caller
from gateway.web.admin_handlers import find_connector_id, find_shop_for
from gateway.web.bodies import Query, read_field_id, read_struct
from gateway.web.message_handlers import answer_json
from gateway.web.money_view import show_money
from gateway.web.problems import ProblemRaised
from gateway.web.receipt_handlers import mask_digits

_PAGE_LIMIT: Final = 200
_CATEGORIES: Final = {category.word: category for category in Category}
_FILTERS: Final = ("shop", "connector", "category", "before")

Name = Annotated[str, Meta(min_length=1, max_length=32)]


class FilterRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which messages; what is left out matches any. `cursor` goes on where an earlier answer stopped."""

    connector: Name | None = None
    shop: Name | None = None
    category: Literal["otp", "transactional", "marketing"] | None = None
    before: Annotated[datetime, Meta(tz=True)] | None = None
    cursor: Annotated[str, Meta(max_length=64)] | None = None


class DecisionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person decides about: messages by their ids, or all that a filter names."""

    ids: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=1_000)] | None = (
        None
    )
    filter: FilterRequest | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class UnknownAdmin:
    """Messages of unknown outcome, of the shops that the caller may see."""

    def __init__(self, database: Database, desk: UnknownDesk, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock

    async def list_unknown(self, request: web.Request, caller: Caller) -> web.Response:
        """The counts come with the first page only: they take far longer than a page."""
        query = Query(request, (*_FILTERS, "order", "limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=_PAGE_LIMIT)
        is_oldest_first = _read_word(query, "order", ("newest", "oldest")) == "oldest"
        cursor = query.public_id("cursor", "msg")
        wanted = await self._read_filter(
            FilterRequest(
                connector=query.text("connector"),
                shop=query.text("shop"),
                category=_read_word(query, "category", tuple(_CATEGORIES)),  # type: ignore[arg-type]  # of these
                before=query.moment("before"),
            ),
            caller,
        )
        found = await list_unknown(
            self._database,
            wanted,
            limit=limit + 1,
            low_id=cursor if cursor is not None and is_oldest_first else 0,
            high_id=cursor if cursor is not None and not is_oldest_first else HIGHEST_ID,
            is_oldest_first=is_oldest_first,
        )
        page = found[:limit]
        names = {shop.id: shop.name for shop in await list_shops(self._database)}
        now = self._clock()
        answer: dict[str, object] = {
            "messages": [_show_message(message, names[message.shop_id], now) for message in page],
            "next_cursor": encode_public_id("msg", page[-1].id) if len(found) > limit else None,
        }
        if cursor is None:
            counts = await count_unknown(self._database, wanted)
            answer["counts"] = [_show_count(count) for count in counts]
            answer["is_at_least"] = sum(count.messages for count in counts) >= COUNT_CAP
        return answer_json(answer)

    async def resend(self, request: web.Request, caller: Caller) -> web.Response:
        return await self._decide(Decision.RESEND, request, caller)

    async def close(self, request: web.Request, caller: Caller) -> web.Response:
        return await self._decide(Decision.CLOSE, request, caller)

    async def _decide(self, decision: Decision, request: web.Request, caller: Caller) -> web.Response:
        body = await read_struct(request, DecisionRequest)
        if (body.ids is None) == (body.filter is None):
            raise ProblemRaised(
                "missing_field",
                "Say which messages: either ids or filter.",
                "An empty filter names every message that you may see.",
                path="$.ids",
            )
        chosen = body.filter or FilterRequest()
        ids = [read_field_id("msg", text, f"$.ids[{place}]") for place, text in enumerate(body.ids or ())]
        decided = await self._desk.decide(
            Request(
                decision,
                caller.actor,
                await self._read_filter(chosen, caller),
                None if body.ids is None else ids,
                reason=body.reason,
                told={name: value for name, value in asdict(chosen).items() if value is not None},
                after_id=0
                if chosen.cursor is None
                else read_field_id("msg", chosen.cursor, "$.filter.cursor"),
            )
        )
        return answer_json(_show_decided(decided))

    async def _read_filter(self, chosen: FilterRequest, caller: Caller) -> UnknownFilter:
        """In the numbers of the store, and narrowed to the shops of the caller."""
        shop_ids = None
        if chosen.shop is not None:
            shop_ids = [(await find_shop_for(self._database, caller, chosen.shop)).id]
        elif caller.shops is not None:
            shops = await list_shops(self._database)
            shop_ids = [shop.id for shop in shops if caller.may_see_shop(shop.name)]
        return UnknownFilter(
            shop_ids=shop_ids,
            connector_id=await find_connector_id(self._database, chosen.connector),
            category=None if chosen.category is None else _CATEGORIES[chosen.category],
            before=chosen.before,
        )


def _read_word(query: Query, name: str, known: tuple[str, ...]) -> str | None:
    word = query.text(name)
    if word is not None and word not in known:
        raise ProblemRaised(
            "invalid_parameter",
            f"The parameter {name} is one of {', '.join(known)}.",
            "Correct the parameter.",
        )
    return word


def _show_message(message: UnknownMessage, shop_name: str, now: datetime) -> dict[str, object]:
    campaign_id = message.campaign_id
    return {
        "id": encode_public_id("msg", message.id),
        "shop": shop_name,
        "connector": message.connector_name,
        "category": Category(message.category).word,
        "country": message.country,
        "to": None if message.to_address is None else mask_digits(f"+{message.to_address}"),
        "since": message.since,
        "expires_at": message.expires_at,
        "valid_seconds": max(0, int((message.expires_at - now).total_seconds())),
        "attempts": message.attempt + 1,
        "parts": len(message.part_states),
        "parts_unknown": message.part_states.count(MessageState.UNKNOWN),
        "price": _show_price(message.cost_micros, message.currency),
        "campaign_id": None if campaign_id is None else encode_public_id("cmp", campaign_id),
    }


def _show_count(count: UnknownCount) -> dict[str, object]:
    return {
        "connector": count.connector_name,
        "category": Category(count.category).word,
        "messages": count.messages,
        "parts": count.parts,
        "price": _show_price(count.cost_micros, count.currency),
    }


def _show_decided(decided: Decided) -> dict[str, object]:
    stopped_at_id = decided.stopped_at_id
    return {
        "changed": decided.changed,
        "refused_count": decided.refused_count,
        "refused": [
            {
                "id": encode_public_id("msg", refused.id),
                "reason": refused.obstacle.value,
                "detail": SENTENCES[refused.obstacle],
            }
            for refused in decided.refused
        ],
        "next_cursor": None if stopped_at_id is None else encode_public_id("msg", stopped_at_id),
    }


def _show_price(micros: int, currency: str) -> dict[str, str] | None:
    """None where the carrier has no price for it, which is another thing than nothing."""
    return None if currency == NO_CURRENCY else show_money(micros, currency)
