"""Orders over HTTP: told of by shops, one or many at a time, and read back with what led to them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from aiohttp import web
from msgspec import Struct

from gateway.analytics.order_entries import ORDERS_AT_ONCE, OrderEntry, OrderFault, check_order
from gateway.analytics.orders import OrderBook, OrderConflict, OrderPost, Recorded
from gateway.domain.public_ids import InvalidPublicId, decode_public_id, encode_public_id
from gateway.intake.changes import MessageChanges
from gateway.intake.refusals import Refusal
from gateway.intake.requests import decode_body
from gateway.store.campaigns import find_campaign
from gateway.store.database import Database
from gateway.store.orders import NO_CAMPAIGN, OrderRecord, find_order_ids, get_orders, list_orders
from gateway.web.admin_access import Permission
from gateway.web.bodies import Query, read_json_octets, read_struct
from gateway.web.message_handlers import PAGE_LIMIT, answer_json, not_found, read_public_id
from gateway.web.money_view import show_money
from gateway.web.problems import Problem, ProblemRaised, describe
from gateway.web.shop_routes import ShopCaller, ShopRoute

_BATCH_OCTETS = 1_048_576
_ORDER_DECODER = msgspec.json.Decoder(OrderEntry)


class _Batch(Struct, frozen=True, forbid_unknown_fields=True):
    orders: list[msgspec.Raw]
    dry_run: bool = False


_BATCH_DECODER = msgspec.json.Decoder(_Batch)


@dataclass(frozen=True, slots=True)
class OrderTools:
    """What the endpoints of orders are made of."""

    database: Database
    book: OrderBook
    changes: MessageChanges
    clock: Callable[[], datetime]


class OrderHandlers:
    """The order endpoints of one shop."""

    def __init__(self, tools: OrderTools) -> None:
        self._tools = tools

    async def post(self, request: web.Request, caller: ShopCaller) -> web.Response:
        entry = await read_struct(request, OrderEntry)
        checked = check_order(entry, default_country=caller.shop.country, now=self._tools.clock())
        if isinstance(checked, OrderFault):
            raise ProblemRaised(checked.code, checked.detail, checked.action, path=checked.path)
        (outcome,) = await self._tools.book.record(caller.shop.id, [checked], source=caller.actor.name)
        if isinstance(outcome, OrderConflict):
            raise ProblemRaised("order_conflict", outcome.detail, _CONFLICT_ACTION, path="$.currency")
        await self._note(caller, "order.put", {"order": entry.id})
        return answer_json(show_order(outcome.order), status=_status_of(outcome))

    async def post_batch(self, request: web.Request, caller: ShopCaller) -> web.Response:
        body = await read_json_octets(request, limit_octets=_BATCH_OCTETS)
        batch = decode_body(_BATCH_DECODER, body)
        if isinstance(batch, Refusal):
            raise ProblemRaised(batch.code.value, batch.detail, batch.action, path=batch.path)
        if not 1 <= len(batch.orders) <= ORDERS_AT_ONCE:
            detail = f"A batch holds 1 to {ORDERS_AT_ONCE:,} orders."
            raise ProblemRaised("batch_too_large", detail, "Cut it into smaller ones.", path="$.orders")
        now = self._tools.clock()
        checked = [_check_raw(bytes(raw), caller.shop.country, now) for raw in batch.orders]
        posts = [each for each in checked if isinstance(each, OrderPost)]
        outcomes = iter(
            await self._tools.book.record(
                caller.shop.id, posts, source=caller.actor.name, keeps=not batch.dry_run
            )
            if posts
            else ()
        )
        items = [
            _show_item(each if isinstance(each, OrderFault) else next(outcomes), place)
            for place, each in enumerate(checked)
        ]
        refused = sum(item["problem"] is not None for item in items)
        created = sum(item["status"] == 201 for item in items)
        counts = {"created": created, "known": len(items) - created - refused, "refused": refused}
        if not batch.dry_run:
            await self._note(caller, "order.put_batch", dict(counts))
        return answer_json({**counts, "dry_run": batch.dry_run, "orders": items})

    async def _note(self, caller: ShopCaller, action: str, data: dict[str, object]) -> None:
        """What people do is in the audit log; what shops do themselves is in the rows."""
        if caller.actor.is_operator:
            await self._tools.changes.note(caller.actor, action, f"shop {caller.shop.name}", data)

    async def list(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("campaign_id", "limit", "cursor"))
        return await self._answer_page(query, caller, query.public_id("campaign_id", "cmp"))

    async def list_of_campaign(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("limit", "cursor"))
        campaign_id = read_public_id(request, "cmp")
        if await find_campaign(self._tools.database, caller.shop.id, campaign_id) is None:
            raise not_found()
        return await self._answer_page(query, caller, campaign_id)

    async def get(self, request: web.Request, caller: ShopCaller) -> web.Response:
        """By the shop's own id, or by ours."""
        text, shop_id = request.match_info["id"], caller.shop.id
        if "\0" in text:
            raise not_found()
        ids = await find_order_ids(self._tools.database, shop_id, [text])
        order_id = ids.get(text)
        if order_id is None:
            try:
                order_id = decode_public_id("ord", text)
            except InvalidPublicId as exc:
                raise not_found() from exc
        order = (await get_orders(self._tools.database, shop_id, [order_id])).get(order_id)
        if order is None:
            raise not_found()
        return answer_json(show_order(order))

    async def _answer_page(self, query: Query, caller: ShopCaller, campaign_id: int | None) -> web.Response:
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        below = query.public_id("cursor", "ord")
        found = await list_orders(
            self._tools.database, caller.shop.id, campaign_id=campaign_id, below=below, limit=limit + 1
        )
        page = found[:limit]
        cursor = encode_public_id("ord", page[-1].id) if len(found) > limit else None
        return answer_json({"orders": [show_order(order) for order in page], "next_cursor": cursor})


def order_routes(tools: OrderTools) -> list[ShopRoute]:
    """The endpoints below `/orders`, and the orders of a campaign."""
    handlers = OrderHandlers(tools)
    see, change = Permission.SEE_CAMPAIGNS, Permission.CHANGE_CAMPAIGNS
    return [
        ShopRoute("POST", "/orders", "orders", change, handlers.post),
        ShopRoute("POST", "/orders/batch", "orders", change, handlers.post_batch),
        ShopRoute("GET", "/orders", "orders", see, handlers.list),
        ShopRoute("GET", "/orders/{id}", "orders", see, handlers.get),
        ShopRoute("GET", "/campaigns/{id}/orders", "campaigns:read", see, handlers.list_of_campaign),
    ]


def show_order(order: OrderRecord) -> dict[str, object]:
    """One order; the number only while its person is a contact."""
    has_campaign = order.campaign_id != NO_CAMPAIGN
    return {
        "id": order.external_id,
        "order_id": encode_public_id("ord", order.id),
        "state": order.money.state.word,
        "amount": show_money(order.money.amount_micros, order.currency),
        "refunded": show_money(order.money.refunded_micros, order.currency),
        "ordered_at": order.ordered_at,
        "received_at": order.received_at,
        "updated_at": order.updated_at,
        "number": None if order.address is None else f"+{order.address}",
        "contact_id": None if order.contact_id is None else encode_public_id("ctc", order.contact_id),
        "campaign_id": encode_public_id("cmp", order.campaign_id) if has_campaign else None,
        "campaign_name": order.campaign_name,
        "click_at": order.click_at,
        "attributed": "last_click" if has_campaign else "none",
    }


_CONFLICT_ACTION = "An order keeps its currency: correct it, or tell of a new order under an id of its own."


def _check_raw(raw: bytes, country: str, now: datetime) -> OrderPost | OrderFault:
    entry = decode_body(_ORDER_DECODER, raw)
    if isinstance(entry, Refusal):
        return OrderFault(entry.code.value, entry.path, entry.detail, entry.action)
    return check_order(entry, default_country=country, now=now)


def _show_item(outcome: Recorded | OrderConflict | OrderFault, place: int) -> dict[str, object]:
    if isinstance(outcome, Recorded):
        return {"status": _status_of(outcome), "order": show_order(outcome.order), "problem": None}
    if isinstance(outcome, OrderConflict):
        outcome = OrderFault("order_conflict", "$.currency", outcome.detail, _CONFLICT_ACTION)
    problem = _describe(outcome, place)
    return {"status": problem.status, "order": None, "problem": problem}


def _describe(fault: OrderFault, place: int) -> Problem:
    path = f"$.orders[{place}]{fault.path.removeprefix('$')}"
    return describe(fault.code, fault.detail, fault.action, path=path)


def _status_of(recorded: Recorded) -> int:
    return 201 if recorded.is_new else 200
