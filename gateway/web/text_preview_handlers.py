"""The preview of a campaign's text: what a person would get, what it costs, and what is wrong with it."""

from collections.abc import Callable
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from gateway.campaigns.preview import PreviewTerms, TextPreview, preview_text
from gateway.domain.countries import COUNTRIES
from gateway.domain.lanes import Category
from gateway.domain.pricing import format_micros
from gateway.store.campaigns import CampaignContent, CampaignLink
from gateway.store.contact_fields import list_contact_fields
from gateway.store.contacts import Contact, ContactFilter, get_contact, list_contacts
from gateway.store.database import Database
from gateway.store.recipients import Person
from gateway.web.admin_access import Permission
from gateway.web.bodies import read_field_id, read_struct
from gateway.web.message_handlers import answer_json
from gateway.web.problems import ProblemRaised
from gateway.web.shop_routes import ShopCaller, ShopRoute

_LinkName = Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]{0,39}$")]
_Id = Annotated[str, Meta(min_length=1, max_length=40)]


class _LinkBody(Struct, frozen=True, forbid_unknown_fields=True):
    name: _LinkName
    url: Annotated[str, Meta(min_length=1, max_length=2048)]


class _PreviewBody(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=10_000)]
    category: Literal["marketing", "transactional"] = "marketing"
    sender: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    language: Annotated[str, Meta(min_length=2, max_length=20)] | None = None
    links: Annotated[list[_LinkBody], Meta(max_length=20)] = []
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    contact: _Id | None = None
    list: _Id | None = None


class TextPreviewHandlers:
    """`read_terms` gives the terms, rules and public address in force now."""

    def __init__(self, database: Database, read_terms: Callable[[], PreviewTerms]) -> None:
        self._database = database
        self._read_terms = read_terms

    async def preview(self, request: web.Request, caller: ShopCaller) -> web.Response:
        body = await read_struct(request, _PreviewBody)
        if body.country is not None and body.country not in COUNTRIES:
            raise ProblemRaised(
                "invalid_field",
                "There is no such country.",
                "Send two letters, such as FR.",
                path="$.country",
            )
        shop_id = caller.shop.id
        content = CampaignContent(
            name="",
            category=Category[body.category.upper()],
            text=body.text,
            sender=body.sender,
            language=body.language,
            links=tuple(CampaignLink(link.name, link.url) for link in body.links),
        )
        person = await self._find_person(shop_id, body)
        fields = [field.name for field in await list_contact_fields(self._database, shop_id)]
        shown = preview_text(
            content,
            caller.shop,
            self._read_terms(),
            own_fields=fields,
            country=body.country,
            person=person,
        )
        return answer_json(_show(shown))

    async def _find_person(self, shop_id: int, body: _PreviewBody) -> Person | None:
        """The contact asked for, or the newest member of the list."""
        if body.contact is not None:
            contact = await get_contact(
                self._database, shop_id, read_field_id("ctc", body.contact, "$.contact")
            )
            if contact is None:
                raise _no_such("contact")
            return _person_of(contact)
        if body.list is None:
            return None
        wanted = ContactFilter(list_id=read_field_id("lst", body.list, "$.list"))
        members = await list_contacts(self._database, shop_id, wanted, after=None, limit=1)
        return _person_of(members[0]) if members else None


def text_preview_routes(database: Database, read_terms: Callable[[], PreviewTerms]) -> list[ShopRoute]:
    """`POST /text-preview`."""
    handlers = TextPreviewHandlers(database, read_terms)
    return [ShopRoute("POST", "/text-preview", "campaigns:read", Permission.SEE_CAMPAIGNS, handlers.preview)]


def _show(preview: TextPreview) -> dict[str, object]:
    price, measure = preview.price, preview.measure
    return {
        "text": preview.text,
        "added": preview.added,
        "alphabet": measure.alphabet.name.lower(),
        "characters": measure.characters,
        "characters_left": measure.characters_left,
        "parts": measure.parts,
        "price": None
        if price is None
        else {"amount": format_micros(price.micros), "currency": price.currency},
        "forcing": [
            {"character": each.character, "positions": each.positions, "replacement": each.replacement}
            for each in preview.forcing
        ],
        "faults": [{"position": fault.position, "fault": fault.fault} for fault in preview.faults],
        "warnings": [{"code": warning.code, "detail": warning.detail} for warning in preview.warnings],
        "fields": preview.fields,
    }


def _person_of(contact: Contact) -> Person:
    return Person(
        contact.slot,
        contact.id,
        contact.address,
        contact.country,
        contact.first_name,
        contact.last_name,
        contact.language,
        contact.time_zone,
        contact.attributes,
        contact.marketing_consent,
        contact.suppressed,
    )


def _no_such(what: str) -> ProblemRaised:
    return ProblemRaised("invalid_field", f"There is no such {what}.", "Correct the id.", path=f"$.{what}")
