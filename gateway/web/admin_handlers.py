"""Admin handlers for the system and for single messages."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Literal, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.lanes import HoldScope
from gateway.intake.changes import MessageChanges
from gateway.intake.refusals import Refusal
from gateway.store.audit import list_audit
from gateway.store.database import Database
from gateway.store.holds import EVERY_SHOP, Hold, list_holds, place_hold, release_hold
from gateway.store.instance import list_connector_ids
from gateway.store.messages import find_shop_of_message, get_message
from gateway.store.shops import Shop, list_shops
from gateway.web.admin_access import PERMISSIONS, Caller
from gateway.web.bodies import Query, read_struct
from gateway.web.message_handlers import answer_json, answer_reply, load_in_full, not_found, read_public_id
from gateway.web.problems import ProblemRaised, answer_refusal

_SCOPE_OF_WORD = {"marketing": HoldScope.MARKETING, "all": HoldScope.ALL}
_WORD_OF_SCOPE = {scope: word for word, scope in _SCOPE_OF_WORD.items()}
_ONLY_OPERATORS = "Only operators may hold every shop; name a shop."

ShopName = Annotated[str, Meta(min_length=1, max_length=32)]


class HoldRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What to hold or release. Without a shop: every shop."""

    scope: Literal["marketing", "all"]
    shop: ShopName | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class StatusSource(Protocol):
    """The running server's own picture of itself; everything in it must be JSON."""

    def show_status(self) -> Mapping[str, object]:
        """Node, binds in words, queue by lane, speeds, holds, last errors, and what limits sending now."""

    def show_snapshot(self, shop: str | None) -> Mapping[str, object]:
        """The console's frame in a few figures, from memory; with a shop's name as far as it concerns it."""

    def list_connectors(self) -> list[Mapping[str, object]]:
        """Each connector with its binds and their state, last error and next retry."""


class SystemAdmin:
    """The whole server: status, holds, ledger, audit."""

    def __init__(
        self,
        database: Database,
        changes: MessageChanges,
        status: StatusSource,
        read_ledger: Callable[[], Awaitable[Mapping[str, object]]],
        on_hold_changed: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._changes = changes
        self._status = status
        self._read_ledger = read_ledger
        self._on_hold_changed = on_hold_changed
        self._clock = clock

    async def tell_caller(self, request: web.Request, caller: Caller) -> web.Response:
        shops = None if caller.shops is None else sorted(caller.shops)
        rights = sorted(permission.name.lower() for permission in PERMISSIONS[caller.role])
        return answer_json(
            {"uid": caller.uid, "role": caller.role.value, "shops": shops, "permissions": rights}
        )

    async def show_status(self, request: web.Request, caller: Caller) -> web.Response:
        return answer_json(self._status.show_status())

    async def show_snapshot(self, request: web.Request, caller: Caller) -> web.Response:
        """Asks nothing of the database, so that it answers while that is away."""
        shop = Query(request, ("shop",)).text("shop")
        if shop is not None and not caller.may_see_shop(shop):
            raise ProblemRaised(
                "forbidden",
                f"The role of uid {caller.uid} does not hold for this shop.",
                "Name one of yours.",
            )
        return answer_json(self._status.show_snapshot(shop))

    async def list_connectors(self, request: web.Request, caller: Caller) -> web.Response:
        return answer_json({"connectors": self._status.list_connectors()})

    async def list_holds(self, request: web.Request, caller: Caller) -> web.Response:
        names = {shop.id: shop.name for shop in await list_shops(self._database)}
        holds = [
            _show_hold(hold, names.get(hold.shop_id))
            for hold in await list_holds(self._database)
            if hold.shop_id == EVERY_SHOP or caller.may_see_shop(names.get(hold.shop_id, ""))
        ]
        return answer_json({"holds": holds})

    async def hold(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = await read_struct(request, HoldRequest)
        shop_id = await self._find_shop_id(wanted.shop, caller)
        is_new = await place_hold(
            self._database,
            shop_id,
            _SCOPE_OF_WORD[wanted.scope],
            now=self._clock(),
            held_by=caller.actor.name,
            reason=wanted.reason,
        )
        await self._note_hold("hold", wanted, caller)
        return answer_json({"scope": wanted.scope, "shop": wanted.shop, "changed": is_new})

    async def release(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = await read_struct(request, HoldRequest)
        shop_id = await self._find_shop_id(wanted.shop, caller)
        was_held = await release_hold(self._database, shop_id, _SCOPE_OF_WORD[wanted.scope])
        await self._note_hold("release", wanted, caller)
        return answer_json({"scope": wanted.scope, "shop": wanted.shop, "changed": was_held})

    async def show_ledger(self, request: web.Request, caller: Caller) -> web.Response:
        return answer_json(await self._read_ledger())

    async def list_audit(self, request: web.Request, caller: Caller) -> web.Response:
        query = Query(request, ("limit", "before"))
        limit = query.integer("limit", default=50, low=1, high=500)
        before = query.text("before")
        if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise ProblemRaised("invalid_parameter", "The parameter before is a note's id.", "Correct it.")
        notes = await list_audit(
            self._database, before_id=HIGHEST_ID if before is None else int(before), most=limit
        )
        shown = [
            {
                "id": str(note.id),
                "at": note.at,
                "actor": note.actor,
                "action": note.action,
                "subject": note.subject,
                "data": msgspec.Raw(note.data.encode()),
            }
            for note in notes
        ]
        return answer_json({"audit": shown})

    async def _find_shop_id(self, name: str | None, caller: Caller) -> int:
        if name is None:
            if caller.shops is not None:
                raise ProblemRaised("forbidden", _ONLY_OPERATORS, "Ask an operator.")
            return EVERY_SHOP
        return (await find_shop_for(self._database, caller, name)).id

    async def _note_hold(self, action: str, wanted: HoldRequest, caller: Caller) -> None:
        await self._on_hold_changed()
        data: dict[str, object] = {"scope": wanted.scope, "reason": wanted.reason}
        subject = "every shop" if wanted.shop is None else f"shop {wanted.shop}"
        await self._changes.note(caller.actor, action, subject, data)


class MessageAdmin:
    """One message of any shop that the caller may see."""

    def __init__(self, database: Database, changes: MessageChanges) -> None:
        self._database = database
        self._changes = changes

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        message_id = read_public_id(request, "msg")
        shop = await find_message_shop(self._database, message_id, caller)
        record = await get_message(self._database, shop.id, message_id)
        if record is None:
            raise not_found()
        shown = await load_in_full(self._database, record, show_text=caller.sees_texts)
        return answer_json({"shop": shop.name, **shown})

    async def cancel(self, request: web.Request, caller: Caller) -> web.Response:
        message_id = read_public_id(request, "msg")
        shop = await find_message_shop(self._database, message_id, caller)
        outcome = await self._changes.cancel(shop.id, message_id, is_test=None, actor=caller.actor)
        if isinstance(outcome, Refusal):
            return answer_refusal(outcome)
        shown = await load_in_full(self._database, outcome, show_text=caller.sees_texts)
        return answer_json({"shop": shop.name, **shown})

    async def resend(self, request: web.Request, caller: Caller) -> web.Response:
        message_id = read_public_id(request, "msg")
        shop = await find_message_shop(self._database, message_id, caller)
        return answer_reply(await self._changes.resend(shop, message_id, is_test=None, actor=caller.actor))


async def find_message_shop(database: Database, message_id: int, caller: Caller) -> Shop:
    """The shop of a message; not found alike for an unknown id and for a shop the caller may not see."""
    shops = {shop.id: shop for shop in await list_shops(database) if caller.may_see_shop(shop.name)}
    shop_id = await find_shop_of_message(database, message_id, list(shops))
    if shop_id is None:
        raise not_found()
    return shops[shop_id]


async def find_shop_for(database: Database, caller: Caller, name: str) -> Shop:
    """The shop of this name; not found alike when there is none and when the caller may not see it."""
    if caller.may_see_shop(name):
        for shop in await list_shops(database):
            if shop.name == name:
                return shop
    raise ProblemRaised("not_found", f"There is no shop named {name}.", "See estafette shop list.")


async def find_connector_id(database: Database, name: str | None) -> int | None:
    """The number of the connector of this name, also of one that is no longer configured; None for None."""
    if name is None:
        return None
    known = await list_connector_ids(database)
    if name not in known:
        raise ProblemRaised(
            "not_found", f"There is no connector named {name}.", "See estafette connector list."
        )
    return known[name]


def _show_hold(hold: Hold, shop_name: str | None) -> dict[str, object]:
    return {
        "scope": _WORD_OF_SCOPE[hold.scope],
        "shop": shop_name,
        "held_at": hold.held_at,
        "held_by": hold.held_by,
        "reason": hold.reason,
    }
