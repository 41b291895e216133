"""Opt-outs of a shop over HTTP: who is kept from what and why, adding one, lifting one."""

from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from gateway.audience.requests import Source
from gateway.domain.people import SuppressionScope
from gateway.store.contacts import find_contacts_of_addresses
from gateway.store.suppressions import Suppression, list_suppressions
from gateway.web.admin_access import Permission
from gateway.web.audience_view import (
    PAGE_LIMIT,
    AudienceTools,
    by_of,
    read_cursor,
    read_number,
    show_opt_out,
    write_cursor,
)
from gateway.web.bodies import Query, read_struct
from gateway.web.message_handlers import answer_json
from gateway.web.problems import ProblemRaised
from gateway.web.shop_routes import ShopCaller, ShopRoute

_SCOPES = {scope.word: scope for scope in (SuppressionScope.MARKETING, SuppressionScope.ALL)}


class NewOptOut(Struct, frozen=True, forbid_unknown_fields=True):
    """A number to be kept from marketing or from everything; the reason is shown with it."""

    number: Annotated[str, Meta(min_length=1, max_length=100)]
    scope: Literal["marketing", "all"] = "marketing"
    reason: Source | None = None


class OptOutHandlers:
    """The opt-out endpoints of one shop."""

    def __init__(self, tools: AudienceTools) -> None:
        self._tools = tools

    async def find(self, request: web.Request, caller: ShopCaller) -> web.Response:
        """All of them, newest first; or those of one number, contact or not."""
        query = Query(request, ("number", "limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        after = read_cursor(query.text("cursor"))
        number = query.text("number")
        if number is not None:
            address = read_number(number, caller.shop, path="").address
            shown = await self._show(caller, address)
            return answer_json({"opt_outs": shown, "next_cursor": None})
        found = await list_suppressions(self._tools.database, caller.shop.id, after=after, limit=limit + 1)
        page = found[:limit]
        cursor = write_cursor(page[-1]) if len(found) > limit else None
        return answer_json({"opt_outs": [show_opt_out(each) for each in page], "next_cursor": cursor})

    async def add(self, request: web.Request, caller: ShopCaller) -> web.Response:
        wanted = await read_struct(request, NewOptOut)
        number = read_number(wanted.number, caller.shop, path="$.number")
        scope = _SCOPES[wanted.scope]
        is_new = await self._tools.optouts.add(
            caller.shop.id, number, scope, by=by_of(caller), reason=wanted.reason or ""
        )
        await self._note(caller, "opt_out.add", number.address, scope)
        shown = await self._show(caller, number.address, scope)
        if not shown:
            raise _nothing_stands()  # lifted by somebody else this moment
        return answer_json(shown[0], status=201 if is_new else 200)

    async def lift(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("scope", "reason"))
        scope = _SCOPES.get(query.text("scope") or SuppressionScope.MARKETING.word)
        if scope is None:
            detail = f"The parameter scope is one of: {', '.join(_SCOPES)}."
            raise ProblemRaised("invalid_parameter", detail, "Correct it.")
        number = read_number(request.match_info["number"], caller.shop, path="")
        is_lifted = await self._tools.optouts.lift(
            caller.shop.id, number.address, scope, by=by_of(caller), reason=query.text("reason") or ""
        )
        if not is_lifted:
            raise _nothing_stands()
        await self._note(caller, "opt_out.lift", number.address, scope)
        return web.Response(status=204)

    async def _show(
        self, caller: ShopCaller, address: str, scope: SuppressionScope | None = None
    ) -> list[dict[str, object]]:
        kept = await self._tools.optouts.find(caller.shop.id, address)
        contacts = await find_contacts_of_addresses(self._tools.database, caller.shop.id, [address])
        contact_id = contacts[address].id if address in contacts else None
        return [show_opt_out(_with_contact(each, contact_id)) for each in kept if scope in (None, each.scope)]

    async def _note(self, caller: ShopCaller, action: str, address: str, scope: SuppressionScope) -> None:
        """Noted for programs too: somebody may ask years later who let marketing through again."""
        subject = f"a number ending in {address[-2:]} of shop {caller.shop.name}"
        await self._tools.changes.note(caller.actor, action, subject, {"scope": scope.word})


def optout_routes(tools: AudienceTools) -> list[ShopRoute]:
    """Every endpoint about opt-outs."""
    handlers = OptOutHandlers(tools)
    see, change = Permission.SEE_AUDIENCE, Permission.CHANGE_AUDIENCE
    return [
        ShopRoute("GET", "/opt-outs", "audience:read", see, handlers.find),
        ShopRoute("POST", "/opt-outs", "audience:write", change, handlers.add),
        ShopRoute("DELETE", "/opt-outs/{number}", "audience:write", change, handlers.lift),
    ]


def _with_contact(kept: Suppression, contact_id: int | None) -> Suppression:
    return Suppression(kept.scope, kept.source, kept.created_at, kept.address_key, contact_id, kept.address)


def _nothing_stands() -> ProblemRaised:
    return ProblemRaised(
        "not_found", "This number is not kept from anything in this scope.", "See GET /v1/opt-outs?number=…"
    )
