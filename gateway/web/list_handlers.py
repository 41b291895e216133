"""Lists of a shop over HTTP: make, rename, delete, and put people on them and take them off."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from gateway.audience.requests import PEOPLE_AT_ONCE
from gateway.domain.public_ids import InvalidPublicId, decode_public_id, encode_public_id
from gateway.store.contact_lists import (
    ContactList,
    ListGone,
    ListNameTaken,
    add_members,
    count_marketing_members,
    create_contact_list,
    delete_contact_list,
    find_campaigns_naming_list,
    get_contact_lists,
    list_contact_lists,
    remove_members,
    rename_contact_list,
)
from gateway.store.contacts import get_contacts
from gateway.web.admin_access import Permission
from gateway.web.audience_view import PAGE_LIMIT, AudienceTools, show_list
from gateway.web.bodies import Query, read_struct
from gateway.web.message_handlers import answer_json, not_found, read_public_id
from gateway.web.problems import ProblemRaised
from gateway.web.shop_routes import ShopCaller, ShopRoute

_MEMBERS_OCTETS = 524_288
"""10,000 ids of 15 characters with quotes, commas and blanks, and room to spare."""

ListName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NamedList(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a new list, and of a new name."""

    name: ListName


class Members(Struct, frozen=True, forbid_unknown_fields=True):
    """Contacts to put on a list or to take off."""

    contacts: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=32)]], Meta(min_length=1, max_length=PEOPLE_AT_ONCE)
    ]


class ListHandlers:
    """The list endpoints of one shop."""

    def __init__(self, tools: AudienceTools) -> None:
        self._tools = tools
        self._database = tools.database

    async def find(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        after = query.public_id("cursor", "lst")
        found = await list_contact_lists(self._database, caller.shop.id, after=after, limit=limit + 1)
        page = found[:limit]
        cursor = encode_public_id("lst", page[-1].id) if len(found) > limit else None
        return answer_json({"lists": [show_list(each) for each in page], "next_cursor": cursor})

    async def create(self, request: web.Request, caller: ShopCaller) -> web.Response:
        name = _read_name(await read_struct(request, NamedList))
        created = await create_contact_list(
            self._database, caller.shop.id, self._tools.ids.next_id(0), name, self._tools.clock()
        )
        if created is None:
            raise _name_taken(name)
        await self._note(caller, "list.create", created.id, name)
        return answer_json(show_list(created), status=201)

    async def get(self, request: web.Request, caller: ShopCaller) -> web.Response:
        """One list, with how many of its members may be sent marketing."""
        held = await self._get(request, caller)
        people = await count_marketing_members(self._database, caller.shop.id, held.id)
        return answer_json({**show_list(held), "marketing_count": people})

    async def rename(self, request: web.Request, caller: ShopCaller) -> web.Response:
        list_id = read_public_id(request, "lst")
        name = _read_name(await read_struct(request, NamedList))
        try:
            renamed = await rename_contact_list(
                self._database, caller.shop.id, list_id, name, self._tools.clock()
            )
        except ListNameTaken as exc:
            raise _name_taken(name) from exc
        if renamed is None:
            raise not_found()
        await self._note(caller, "list.rename", list_id, name)
        return answer_json(show_list(renamed))

    async def delete(self, request: web.Request, caller: ShopCaller) -> web.Response:
        held = await self._get(request, caller)
        campaigns = await find_campaigns_naming_list(self._database, caller.shop.id, held.id)
        if campaigns:
            raise ProblemRaised(
                "list_in_use",
                f"The campaign {campaigns[0]} is not over yet and names this list.",
                "Wait for its end or cancel it, then delete the list.",
            )
        if not await delete_contact_list(self._database, caller.shop.id, held.id):
            raise not_found()
        await self._note(caller, "list.delete", held.id, held.name)
        return web.Response(status=204)

    async def add_members(self, request: web.Request, caller: ShopCaller) -> web.Response:
        held = await self._get(request, caller)
        contact_ids = await _read_members(request)
        try:
            async with self._database.transaction() as connection:
                pairs = [(held.id, contact_id) for contact_id in contact_ids]
                added = await add_members(connection, caller.shop.id, pairs, now=self._tools.clock())
                known = await get_contacts(connection, caller.shop.id, contact_ids)
        except ListGone as exc:
            raise not_found() from exc
        unknown = len(contact_ids) - len(known)
        return await self._answer_members(caller, held, "list.add", {"added": added, "unknown": unknown})

    async def remove_members(self, request: web.Request, caller: ShopCaller) -> web.Response:
        held = await self._get(request, caller)
        contact_ids = await _read_members(request)
        try:
            async with self._database.transaction() as connection:
                removed = await remove_members(
                    connection, caller.shop.id, held.id, contact_ids, now=self._tools.clock()
                )
        except ListGone as exc:
            raise not_found() from exc
        return await self._answer_members(caller, held, "list.remove", {"removed": removed})

    async def _answer_members(
        self, caller: ShopCaller, held: ContactList, action: str, counts: dict[str, object]
    ) -> web.Response:
        lists = await get_contact_lists(self._database, caller.shop.id, [held.id])
        if held.id not in lists:
            raise not_found()
        await self._note(caller, action, held.id, held.name, counts)
        return answer_json({**counts, "member_count": lists[held.id].member_count})

    async def _get(self, request: web.Request, caller: ShopCaller) -> ContactList:
        list_id = read_public_id(request, "lst")
        held = (await get_contact_lists(self._database, caller.shop.id, [list_id])).get(list_id)
        if held is None:
            raise not_found()
        return held

    async def _note(
        self,
        caller: ShopCaller,
        action: str,
        list_id: int,
        name: str,
        counts: dict[str, object] | None = None,
    ) -> None:
        """Changes by hand are audited; what a shop's program does is its own affair."""
        if caller.actor.is_operator:
            subject = f"{encode_public_id('lst', list_id)} of shop {caller.shop.name}"
            await self._tools.changes.note(caller.actor, action, subject, {"name": name, **(counts or {})})


def list_routes(tools: AudienceTools) -> list[ShopRoute]:
    """Every endpoint about lists."""
    handlers = ListHandlers(tools)
    see, change = Permission.SEE_AUDIENCE, Permission.CHANGE_AUDIENCE
    read, write = "audience:read", "audience:write"
    return [
        ShopRoute("GET", "/lists", read, see, handlers.find),
        ShopRoute("POST", "/lists", write, change, handlers.create),
        ShopRoute("GET", "/lists/{id}", read, see, handlers.get),
        ShopRoute("PATCH", "/lists/{id}", write, change, handlers.rename),
        ShopRoute("DELETE", "/lists/{id}", write, change, handlers.delete),
        ShopRoute("POST", "/lists/{id}/members", write, change, handlers.add_members),
        ShopRoute("DELETE", "/lists/{id}/members", write, change, handlers.remove_members),
    ]


def _read_name(wanted: NamedList) -> str:
    name = wanted.name.strip()
    if not name:
        raise ProblemRaised("invalid_field", "The name is blank.", "Write a name.", path="$.name")
    return name


def _name_taken(name: str) -> ProblemRaised:
    detail = f"There is a list named {name} already."
    return ProblemRaised("name_taken", detail, "Choose another name.", path="$.name")


async def _read_members(request: web.Request) -> list[int]:
    wanted = await read_struct(request, Members, limit_octets=_MEMBERS_OCTETS)
    contact_ids: dict[int, None] = {}
    for place, text in enumerate(wanted.contacts):
        try:
            contact_ids[decode_public_id("ctc", text)] = None
        except InvalidPublicId as exc:
            path = f"$.contacts[{place}]"
            raise ProblemRaised("invalid_field", str(exc), "Send ids of contacts.", path=path) from exc
    return list(contact_ids)
