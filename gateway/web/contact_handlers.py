"""People of a shop over HTTP: add, change, find, prove, erase; and the shop's own fields."""

from dataclasses import replace
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from gateway.audience.merging import Change, Put
from gateway.audience.requests import (
    PEOPLE_AT_ONCE,
    Fault,
    FieldName,
    KnownRule,
    PersonChange,
    PersonEntry,
)
from gateway.audience.searching import read_search
from gateway.domain.attributes import KIND_OF_WORD, BadAttribute, check_field_name
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.domain.public_ids import encode_public_id
from gateway.intake.refusals import Refusal
from gateway.intake.requests import decode_body
from gateway.store.contact_fields import ContactField, add_contact_fields, list_contact_fields
from gateway.store.contacts import (
    Contact,
    ContactFilter,
    find_contacts_of_addresses,
    get_contact,
    list_contacts,
)
from gateway.store.shops import Shop
from gateway.web.admin_access import Permission
from gateway.web.audience_view import (
    PAGE_LIMIT,
    AudienceTools,
    by_of,
    describe_fault,
    raise_fault,
    read_number,
    show_consent,
    show_contact,
    show_opt_out,
    source_of,
)
from gateway.web.bodies import Query, read_json_octets, read_struct
from gateway.web.message_handlers import answer_json, not_found, read_public_id
from gateway.web.problems import Problem, ProblemRaised
from gateway.web.shop_routes import ShopCaller, ShopRoute

_PARAMETERS = ("q", "list", "consent", "suppressed", "tag", "limit", "cursor")
_STATUS = {Change.CREATED: 201, Change.UPDATED: 200, Change.UNCHANGED: 200, Change.KEPT: 200}


class NewPerson(PersonEntry, frozen=True, forbid_unknown_fields=True):
    """The body of one upsert. `new_fields`: attributes that the shop has no field for make one."""

    new_fields: bool = False


class _Batch(Struct, frozen=True, forbid_unknown_fields=True):
    contacts: list[msgspec.Raw]
    on_known: KnownRule = "update"
    new_fields: bool = False


class NewField(Struct, frozen=True, forbid_unknown_fields=True):
    name: FieldName
    kind: Literal["text", "number", "date", "boolean"]


class NewFields(Struct, frozen=True, forbid_unknown_fields=True):
    """Fields to be made."""

    fields: Annotated[list[NewField], Meta(min_length=1, max_length=50)]


class BatchItem(Struct, frozen=True):
    """What became of one entry of a batch."""

    status: int
    result: str
    id: str | None
    problem: Problem | None


Closed = TypeVar("Closed", MarketingConsent, SuppressionScope)

_entry_decoder = msgspec.json.Decoder(PersonEntry)
_batch_decoder = msgspec.json.Decoder(_Batch)


class ContactHandlers:
    """The contact endpoints of one shop."""

    def __init__(self, tools: AudienceTools) -> None:
        self._tools = tools

    async def find(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, _PARAMETERS)
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        after = query.public_id("cursor", "ctc")
        found = await self._search(query, caller.shop, after, limit + 1)
        page = found[:limit]
        cursor = encode_public_id("ctc", page[-1].id) if len(found) > limit else None
        return answer_json({"contacts": [show_contact(each) for each in page], "next_cursor": cursor})

    async def put(self, request: web.Request, caller: ShopCaller) -> web.Response:
        wanted = await read_struct(request, NewPerson)
        (outcome,) = await self._tools.people.put(
            caller.shop.id,
            caller.shop.country,
            [wanted],
            by=by_of(caller),
            source=source_of(caller),
            new_fields=wanted.new_fields,
        )
        if isinstance(outcome, Fault):
            raise raise_fault(outcome)
        contact = await get_contact(self._tools.database, caller.shop.id, outcome.contact_id)
        if contact is None:  # erased this moment
            raise not_found()
        await self._note(caller, "contact.put", contact)
        return answer_json(show_contact(contact), status=_STATUS[outcome.change])

    async def put_batch(self, request: web.Request, caller: ShopCaller) -> web.Response:
        body = await read_json_octets(request, limit_octets=self._tools.batch_octets)
        batch = decode_body(_batch_decoder, body)
        if isinstance(batch, Refusal):
            raise ProblemRaised(batch.code.value, batch.detail, batch.action, path=batch.path)
        if not 1 <= len(batch.contacts) <= PEOPLE_AT_ONCE:
            detail = f"A batch holds 1 to {PEOPLE_AT_ONCE} contacts."
            raise ProblemRaised("batch_too_large", detail, "Cut it into smaller ones.", path="$.contacts")
        outcomes = await self._tools.people.put(
            caller.shop.id,
            caller.shop.country,
            [_decode_entry(bytes(raw)) for raw in batch.contacts],
            by=by_of(caller),
            source=source_of(caller),
            on_known=batch.on_known,
            new_fields=batch.new_fields,
        )
        items = [_show_outcome(outcome, place) for place, outcome in enumerate(outcomes)]
        counts = {word: sum(item.result == word for item in items) for word in _RESULTS}
        if caller.actor.is_operator:
            subject = f"shop {caller.shop.name}"
            await self._tools.changes.note(caller.actor, "contact.put_batch", subject, {**counts})
        return answer_json({**counts, "results": items})

    async def get(self, request: web.Request, caller: ShopCaller) -> web.Response:
        return answer_json(show_contact(await self._get(request, caller)))

    async def change(self, request: web.Request, caller: ShopCaller) -> web.Response:
        contact_id = read_public_id(request, "ctc")
        change = await read_struct(request, PersonChange)
        changed = await self._tools.people.change(caller.shop.id, contact_id, change, by=by_of(caller))
        if changed is None:
            raise not_found()
        if isinstance(changed, Fault):
            raise raise_fault(changed)
        await self._note(caller, "contact.change", changed)
        return answer_json(show_contact(changed))

    async def erase(self, request: web.Request, caller: ShopCaller) -> web.Response:
        """By id, or by number: also people who are no contacts have messages."""
        text = request.match_info["id"]
        if text.startswith("ctc_"):
            contact = await self._get(request, caller)
            address, subject = contact.address, text
        else:
            address = read_number(text, caller.shop, path="").address
            subject = f"a number ending in {address[-2:]}"
        erased = await self._tools.erasure.erase(caller.shop.id, address)
        if erased is None:
            raise not_found()
        counts: dict[str, object] = msgspec.to_builtins(erased)
        await self._tools.changes.note(
            caller.actor, "contact.erase", f"{subject} of shop {caller.shop.name}", counts
        )
        return answer_json({"erased": counts})

    async def list_consents(self, request: web.Request, caller: ShopCaller) -> web.Response:
        """What the person said and what is kept from them: the proof that somebody may ask for."""
        contact = await self._get(request, caller)
        consents = await self._tools.people.list_consents(caller.shop.id, contact.address)
        kept = await self._tools.optouts.find(caller.shop.id, contact.address)
        return answer_json(
            {
                "contact": show_contact(contact),
                "consents": [show_consent(consent) for consent in consents],
                "opt_outs": [show_opt_out(suppression) for suppression in kept],
            }
        )

    async def list_fields(self, request: web.Request, caller: ShopCaller) -> web.Response:
        Query(request, ())
        return answer_json(_show_fields(await list_contact_fields(self._tools.database, caller.shop.id)))

    async def add_fields(self, request: web.Request, caller: ShopCaller) -> web.Response:
        wanted = await read_struct(request, NewFields)
        kinds = {}
        for place, new in enumerate(wanted.fields):
            try:
                kinds[check_field_name(new.name)] = KIND_OF_WORD[new.kind]
            except BadAttribute as exc:
                action, path = "Choose another name.", f"$.fields[{place}].name"
                raise ProblemRaised("invalid_field", str(exc), action, path=path) from exc
        await add_contact_fields(self._tools.database, caller.shop.id, kinds, self._tools.clock())
        fields = await list_contact_fields(self._tools.database, caller.shop.id)
        for field in fields:
            if kinds.get(field.name, field.kind) is not field.kind:
                raise ProblemRaised(
                    "name_taken",
                    f"The field {field.name} holds a {field.kind.word} already.",
                    "Choose another name; a field keeps its kind.",
                    path="$.fields",
                )
        return answer_json(_show_fields(fields), status=201)

    async def _search(self, query: Query, shop: Shop, after: int | None, most: int) -> list[Contact]:
        search = read_search(query.text("q") or "", default_country=shop.country)
        wanted = ContactFilter(
            list_id=query.public_id("list", "lst"),
            consent=_read_word(query, "consent", MarketingConsent),
            suppressed=_read_word(query, "suppressed", SuppressionScope),
            tag=query.text("tag"),
            digits=search.digits,
            names=search.names,
        )
        if search.address is not None and wanted.list_id is not None:
            wanted = replace(wanted, digits=search.address)
        if search.address is None or wanted.list_id is not None:
            return await list_contacts(self._tools.database, shop.id, wanted, after=after, limit=most)
        by_address = await find_contacts_of_addresses(self._tools.database, shop.id, [search.address])
        return [contact for contact in by_address.values() if _fits(contact, wanted, after)]

    async def _get(self, request: web.Request, caller: ShopCaller) -> Contact:
        contact = await get_contact(self._tools.database, caller.shop.id, read_public_id(request, "ctc"))
        if contact is None:
            raise not_found()
        return contact

    async def _note(self, caller: ShopCaller, action: str, contact: Contact) -> None:
        """People's changes by hand are audited; what a shop's program does is its own affair."""
        if caller.actor.is_operator:
            subject = f"{encode_public_id('ctc', contact.id)} of shop {caller.shop.name}"
            await self._tools.changes.note(caller.actor, action, subject, {})


def contact_routes(tools: AudienceTools) -> list[ShopRoute]:
    """Every endpoint about single people and their fields."""
    handlers = ContactHandlers(tools)
    see, change = Permission.SEE_AUDIENCE, Permission.CHANGE_AUDIENCE
    read, write = "audience:read", "audience:write"
    return [
        ShopRoute("GET", "/contacts", read, see, handlers.find),
        ShopRoute("POST", "/contacts", write, change, handlers.put),
        ShopRoute("POST", "/contacts/batch", write, change, handlers.put_batch),
        ShopRoute("GET", "/contacts/{id}", read, see, handlers.get),
        ShopRoute("PATCH", "/contacts/{id}", write, change, handlers.change),
        ShopRoute("DELETE", "/contacts/{id}", write, change, handlers.erase),
        ShopRoute("GET", "/contacts/{id}/consents", read, see, handlers.list_consents),
        ShopRoute("GET", "/contact-fields", read, see, handlers.list_fields),
        ShopRoute("POST", "/contact-fields", write, change, handlers.add_fields),
    ]


_REFUSED = "refused"
_RESULTS = (*(change.value for change in Change), _REFUSED)


def _decode_entry(body: bytes) -> PersonEntry | Fault:
    decoded = decode_body(_entry_decoder, body)
    if isinstance(decoded, Refusal):
        return Fault(decoded.code.value, decoded.path, decoded.detail, decoded.action)
    return decoded


def _show_outcome(outcome: Put | Fault, place: int) -> BatchItem:
    if isinstance(outcome, Fault):
        problem = describe_fault(outcome.within(f"$.contacts[{place}]"))
        return BatchItem(problem.status, _REFUSED, None, problem)
    contact_id = encode_public_id("ctc", outcome.contact_id)
    return BatchItem(_STATUS[outcome.change], outcome.change.value, contact_id, None)


def _show_fields(fields: list[ContactField]) -> dict[str, object]:
    return {
        "fields": [
            {"name": each.name, "kind": each.kind.word, "created_at": each.created_at} for each in fields
        ]
    }


def _read_word(query: Query, name: str, kind: type[Closed]) -> Closed | None:
    text = query.text(name)
    if text is None:
        return None
    for member in kind:
        if member.word == text:
            return member
    words = ", ".join(member.word for member in kind)
    raise ProblemRaised("invalid_parameter", f"The parameter {name} is one of: {words}.", "Correct it.")


def _fits(contact: Contact, wanted: ContactFilter, after: int | None) -> bool:
    """Whether the one person of a number belongs on the page."""
    return (
        after is None
        and wanted.consent in (None, contact.marketing_consent)
        and wanted.suppressed in (None, contact.suppressed)
        and (wanted.tag is None or wanted.tag in contact.tags)
    )
